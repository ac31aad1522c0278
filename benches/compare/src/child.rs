//! One system of one suite in a process of its own: prints a line a measure.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Outcome, legacy, records};

/// What one process measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The measure's name.
    pub measure: String,
    /// Its value, in the unit of its name.
    pub value: f64,
    /// How many operations stand behind it.
    pub n: u64,
    /// Checksum of the answers, where there are any.
    pub check: Option<String>,
}

/// Prints a measure.
pub fn say(measure: &str, value: f64, n: u64, check: Option<u64>) -> Outcome {
    let check = check.map(|sum| format!("{sum:016x}"));
    let line = serde_json::to_string(&Measured { measure: measure.to_owned(), value, n, check })?;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Runs a suite for a system in `folder`.
pub fn run(
    suite: &str,
    system: &str,
    folder: &Path,
    size: Option<u64>,
) -> Outcome {
    match suite {
        "records" => records::run(system, folder, size.unwrap_or(100_000)),
        "legacy" => legacy::run(system, folder, size.unwrap_or(1_000_000)),
        other => Err(format!("no suite {other}").into()),
    }
}
