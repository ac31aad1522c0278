//! Log lines: what they are called, how a request is followed through them, and where they go.
//!
//! The library tells what it does through `tracing`, in the [`category`]s below; without a
//! subscriber nothing is printed and next to nothing is spent. A request is followed by the
//! correlation id of the span that [`call`] makes: every line that the request causes lies in that
//! span, on whichever thread of the library it is written.
//!
//! With feature `log` there are also lines themselves (`Line`), in words for people and as JSON,
//! without secrets; a `tracing_subscriber` layer that hands them to a sink (`Lines`); and sinks: a
//! bounded list in memory, and a store.

#[cfg(feature = "log")]
mod layer;
#[cfg(feature = "log")]
mod line;
#[cfg(feature = "log")]
mod recent;
mod redact;
#[cfg(feature = "log")]
mod store;

pub use crate::base::trace::category;
#[cfg(feature = "log")]
pub use layer::{LineSink, Lines};
#[cfg(feature = "log")]
pub use line::{Level, Line};
#[cfg(feature = "log")]
pub use recent::Recent;
pub use redact::{REDACTED, is_secret_name, redacted};
#[cfg(feature = "log")]
pub use store::{StoreSink, StoreSinkStats};

/// Name of the field that carries the correlation id.
pub const CORRELATION_ID: &str = "correlation_id";

/// The span of one request, to be entered around it. Enabled wherever errors are.
///
/// The id is the caller's: 32 hexadecimal digits by custom, the same for everything that one
/// request causes in all systems that it passes.
///
/// ```
/// use engraph::{Store, log};
///
/// # let dir = tempfile::tempdir()?;
/// let request = log::call("import", "5f0c4e0a7d3b4a86a8d3f1f7a2b9c0de");
/// let store = request.in_scope(|| Store::create(dir.path().join("s")))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn call(name: &str, correlation_id: &str) -> tracing::Span {
    tracing::error_span!(target: category::CALL, "call", call = name, correlation_id)
}
