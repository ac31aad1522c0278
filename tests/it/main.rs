//! Behaviour through the public interface: one binary, one module an area.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod change_feed;
#[path = "../support/check.rs"]
mod check;
mod concurrency;
mod entities;
mod errors;
mod families;
mod format;
mod graph_memory;
mod graph_search;
mod history;
mod hybrid;
mod index;
mod jobs;
mod jobs_model;
#[cfg(feature = "legacy")]
mod legacy;
#[cfg(feature = "legacy")]
mod legacy_against;
#[cfg(feature = "legacy")]
mod legacy_broken;
mod model;
mod own_records;
#[path = "../support/random.rs"]
mod random;
mod schedules;
mod search;
mod search_past;
mod search_standing;
mod store;
mod tasks;
mod transfer;
mod vectors;
#[cfg(feature = "legacy")]
mod vectors_legacy;
mod vectors_model;
mod workflow;
#[path = "../support/workload.rs"]
mod workload;
mod write;
