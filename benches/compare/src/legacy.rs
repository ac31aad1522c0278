//! Suite `legacy`: the old application's databases in and out.

use std::path::Path;

use crate::Outcome;

/// The systems of this suite.
pub const SYSTEMS: &[&str] = &["engraph", "sqlite"];

/// Runs the suite for a system.
pub fn run(system: &str, _folder: &Path, _size: u64, _engraph: Option<&Path>) -> Outcome {
    Err(format!("no system {system} in this suite").into())
}
