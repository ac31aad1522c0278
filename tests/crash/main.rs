//! Crashes: what a store holds after its process was killed.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod analyze_kill;
mod create_kill;
#[cfg(feature = "testing")]
mod disk;
#[cfg(feature = "legacy")]
mod import_kill;
mod kill;
mod queue_kill;
mod search_kill;
#[cfg(feature = "testing")]
mod torn;
