//! The command, through the real binary: what it prints, where, and how it ends.
//!
//! Golden transcripts lie in `tests/data/golden/`; `UPDATE_GOLDEN=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod analyze;
mod config;
mod demo;
mod errors;
mod families;
mod files;
mod forgetting;
mod golden;
mod graph;
mod graph_algorithms;
mod health;
mod lines;
mod logs;
mod memory;
mod migrate;
mod recall;
#[cfg(feature = "http")]
#[path = "../support/reply.rs"]
mod reply;
mod search;
mod session;
mod similar;
mod streams;
mod sync;
mod task;
