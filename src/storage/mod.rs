//! redb, and redb only here: rows of bytes in ordered tables.
//!
//! Knows keys, values, layers of pending writes and transactions; not record types, graph or
//! search. Nothing above this folder names the engine.

pub(crate) mod adjacency;
pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod block;
pub(crate) mod bulk;
pub(crate) mod cells;
pub(crate) mod changes;
pub(crate) mod check;
mod columns;
pub(crate) mod compact;
pub(crate) mod disk;
pub(crate) mod edge_load;
pub(crate) mod edge_log;
pub(crate) mod edge_past;
pub(crate) mod edges;
pub(crate) mod engine;
pub(crate) mod filter;
pub(crate) mod format1;
pub(crate) mod guard;
pub(crate) mod index;
pub(crate) mod layer;
pub(crate) mod names;
pub(crate) mod overlay;
pub(crate) mod place;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod snapshot;
pub(crate) mod tables;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod trim;
pub(crate) mod vectors;
pub(crate) mod verbatim;

pub(crate) use rows::{Bytes, KeyRange, RowIter, Rows, RowsMut};
pub(crate) use tables::TableId;
