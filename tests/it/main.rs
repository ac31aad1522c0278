//! Behaviour through the public interface: one binary, one module an area.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod audit;
mod change_feed;
#[path = "../support/check.rs"]
mod check;
mod concurrency;
mod entities;
mod errors;
mod families;
mod files;
mod format;
mod graph_memory;
mod graph_search;
mod history;
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
mod quality;
#[path = "../support/random.rs"]
mod random;
mod scan;
mod schedules;
mod store;
mod tags;
mod tasks;
mod transfer;
mod workflow;
#[path = "../support/workload.rs"]
mod workload;
mod write;
