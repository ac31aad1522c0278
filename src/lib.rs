//! Engraph: an embedded **graph-and-memory store**. One directory, one crate, no server.
//!
//! Documents, tasks, personas, memories, tags, files and knowledge lie in typed tables; every
//! record is a node of one graph; its text is searchable; an application's own record types are
//! treated like the built-in ones. The SQLite databases of the application that people come from
//! go in and out without losing a byte (module `legacy`, feature of the same name).
//!
//! * [`Store`] opens a directory; [`Store::write`] and [`Store::bulk`] change it, [`Store::read`]
//!   gives a consistent view.
//! * [`record`] has the built-in record types and the trait for own ones.
//! * [`family`] has what the built-in types do: `tx.tasks()`, `tx.jobs()`, `tx.schedules()`.
//! * [`graph`] walks what records link to: [`Store::graph`].
//! * [`transfer`] gives the graph to other programs, and takes graphs of theirs in.
//! * [`config`] reads settings from layers: defaults, files, environment, the store.
//! * [`log`] follows a request through what the library tells about itself.
//! * [`search`] finds records by their text: [`Store::search`].
//!
//! Acknowledged writes are durable; concurrent writers share one sync; a closure that fails leaves
//! no trace. The graph and the search index are derived: deleting them loses nothing.
//!
//! ```
//! use engraph::record::{Document, Memory};
//! use engraph::{NewEdge, Store};
//!
//! # let dir = tempfile::tempdir()?;
//! let store = Store::create(dir.path().join("case.engraph"))?;
//! let (memo, fact) = store.write(|tx| {
//!     let memo = tx.insert(&Document { file_name: "memo.txt".into(), ..Document::default() })?;
//!     let fact = tx.insert(&Memory {
//!         record_id: "m-1".into(),
//!         namespace: "case-7".into(),
//!         key: "deadline".into(),
//!         content: "The reply is due on 14 March".into(),
//!         ..Memory::default()
//!     })?;
//!     tx.add_edge(&NewEdge::new(fact, "derived_from", memo))?;
//!     Ok((memo, fact))
//! })?;
//!
//! let found = store.search("reply").of::<Memory>().run()?;
//! assert_eq!(found.hits[0].id, fact);
//!
//! let path = store.graph()?.shortest_path(fact, memo)?;
//! assert_eq!(path.map(|path| path.nodes), Some(vec![fact, memo]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "legacy"),
    expect(dead_code, reason = "what only the legacy layer uses is compiled without it too")
)]

#[cfg(feature = "async")]
mod async_store;
pub(crate) mod base;
pub mod config;
pub mod family;
pub mod graph;
#[cfg(feature = "legacy")]
pub mod legacy;
pub mod log;
pub mod record;
pub mod search;
pub(crate) mod storage;
pub(crate) mod store;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
pub mod transfer;

#[cfg(feature = "async")]
pub use async_store::{AsyncStore, Changes};
pub use base::error::{Error, Result};
pub use base::id::{EdgeId, Kind, NodeId, Seq};
pub use base::json::Json;
pub use base::key::Key;
#[cfg(feature = "http")]
pub use base::secret::Secret;
pub use base::time::{Clock, ManualClock, SystemClock, Timestamp};
pub use family::entity;
pub use storage::changes::{Change, Operation};
pub use store::Audit;
pub use store::Changed;
pub use store::ErasedCounts;
pub use store::Version;
pub use store::{
    BackupNote, CacheHealth, Check, ErrorCounts, Health, HealthOptions, JobHealth, ReaderHealth,
    Reason, SizeHealth, Sizes, Status, ViewHealth, ViewLag, WriteHealth,
};
pub use store::{
    CompactReport, Compression, Problem, SourceStats, StoreStats, TableStats, VerifyReport,
};
pub use store::{Completion, Completions, KeywordCompletion, SearchReport};
pub use store::{Freshness, Search, SearchHit, SearchResults, SearchStats};
pub use store::{GraphMemory, GraphStats, GraphView, Latency, StoreLatencies};
pub use store::{Hybrid, HybridHit, HybridResults};
pub use store::{
    IndexScan, JsonScan, NewEdge, Options, Origin, ReadTx, RecordScan, Store, WriteTx,
};
pub use store::{LaterWrites, NotUndone, Undo, UndoConflict, Undone};
pub use store::{Match, Matches, SavedSearch, Watching};
pub use store::{Retention, Trim, Trimmed};
pub use store::{Similar, SimilarHit, SimilarResults, VectorModel, VectorStats};

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "legacy"))]
#[doc = include_str!("../README.md")]
struct Readme;
