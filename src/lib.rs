//! Engraph: an embedded graph-and-memory store.
#![forbid(unsafe_code)]

pub(crate) mod base;
pub mod record;

pub use base::error::{Error, Result};
pub use base::id::{EdgeId, Kind, NodeId, Seq};
pub use base::json::Json;
pub use base::time::{Clock, ManualClock, SystemClock, Timestamp};
