//! Behaviour through the public interface: one binary, one module an area.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod analyzer;
#[cfg(feature = "http")]
mod analyzer_http;
#[cfg(feature = "async")]
mod async_store;
mod audit;
mod audit_model;
mod change_feed;
#[path = "../support/check.rs"]
mod check;
mod concurrency;
mod config;
mod course;
mod documents;
mod drafts;
mod entities;
mod entities_resolved;
mod erase;
#[cfg(feature = "legacy")]
mod erase_legacy;
mod errors;
mod families;
#[cfg(feature = "legacy")]
mod families_legacy;
mod families_model;
mod files;
mod forget;
mod format;
mod graph_memory;
mod graph_search;
mod graph_shapes;
mod graph_threads;
mod health;
mod history;
mod hybrid;
mod index;
mod jobs;
mod jobs_model;
mod jsonl;
mod knowledge;
mod knowledge_model;
mod learning;
#[cfg(feature = "legacy")]
mod legacy;
#[cfg(feature = "legacy")]
mod legacy_against;
#[cfg(feature = "legacy")]
mod legacy_broken;
#[cfg(feature = "legacy")]
mod legacy_migrate;
#[cfg(feature = "legacy")]
mod legacy_sync;
mod logs;
mod memories;
mod memories_clusters;
mod memories_model;
mod memories_review;
mod model;
mod ontologies;
mod organization;
mod own_records;
mod personas;
mod provenance;
mod quality;
#[path = "../support/random.rs"]
mod random;
mod recall;
mod recall_model;
#[cfg(feature = "http")]
#[path = "../support/reply.rs"]
mod reply;
mod scan;
mod schedules;
mod search;
mod search_past;
mod search_standing;
mod store;
mod tags;
mod tasks;
mod tasks_model;
mod transfer;
#[path = "../support/tree.rs"]
mod tree;
mod trim;
mod undo;
mod vector_documents;
mod vectors;
#[cfg(feature = "ann")]
mod vectors_approximate;
#[cfg(feature = "legacy")]
mod vectors_legacy;
mod vectors_model;
mod workflow;
mod workflow_model;
#[path = "../support/workload.rs"]
mod workload;
mod write;
