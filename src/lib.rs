//! Engraph: an embedded graph-and-memory store.
#![forbid(unsafe_code)]

pub(crate) mod base;
pub mod graph;
#[cfg(feature = "legacy")]
pub mod legacy;
pub mod record;
pub mod search;
pub(crate) mod storage;
pub(crate) mod store;

pub use base::error::{Error, Result};
pub use base::id::{EdgeId, Kind, NodeId, Seq};
pub use base::json::Json;
pub use base::key::Key;
pub use base::time::{Clock, ManualClock, SystemClock, Timestamp};
pub use storage::changes::{Change, Operation};
pub use store::{CompactReport, Problem, SourceStats, StoreStats, TableStats, VerifyReport};
pub use store::{Freshness, Search, SearchHit, SearchResults, SearchStats};
pub use store::{
    IndexScan, JsonScan, NewEdge, Options, Origin, ReadTx, RecordScan, Store, WriteTx,
};
