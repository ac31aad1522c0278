//! What log lines have in common: their categories, and the way of a request across threads.

use tracing::Span;
use tracing::dispatcher::{self, Dispatch};

/// Categories of log lines: the targets of the library's events and spans.
///
/// A filter names them, and `engraph` alone names them all.
pub mod category {
    /// Opening, closing, upkeep, formats, verification.
    pub const STORE: &str = "engraph::store";
    /// Writes, and the commits that make them durable.
    pub const COMMIT: &str = "engraph::commit";
    /// The search index, standing searches, vectors.
    pub const SEARCH: &str = "engraph::search";
    /// The graph in memory.
    pub const GRAPH: &str = "engraph::graph";
    /// Databases of the old application, in and out.
    pub const LEGACY: &str = "engraph::legacy";
    /// Graphs of other programs, in and out.
    pub const TRANSFER: &str = "engraph::transfer";
    /// What the built-in types do.
    pub const FAMILY: &str = "engraph::family";
    /// The way of one request; see `log::call`.
    pub const CALL: &str = "engraph::call";
    /// The command.
    pub const CLI: &str = "engraph::cli";

    /// Every one of them.
    pub const ALL: [&str; 9] = [STORE, COMMIT, SEARCH, GRAPH, LEGACY, TRANSFER, FAMILY, CALL, CLI];
}

/// Lets work that is done on another thread belong to the request of this one: its span, and
/// whoever listens here.
pub(crate) fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let span = Span::current();
    let listener = dispatcher::get_default(Dispatch::clone);
    move || dispatcher::with_default(&listener, || span.in_scope(work))
}
