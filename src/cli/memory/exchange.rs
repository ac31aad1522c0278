//! `engraph memory import` and `export`.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::look::Asked;
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::{self, Output};
use crate::cli::records::{changing, looking};
use crate::cli::text;

/// Largest file that is taken in, in bytes: it is held in memory as a whole.
const FILE_BYTES_MAX: u64 = 512 << 20;

#[derive(Args, Debug)]
pub(super) struct Import {
    /// The store's directory
    store: PathBuf,
    /// A JSON file: an array of memories
    file: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    /// The store's directory
    store: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// Memories to give out at most
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    limit: usize,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn import(import: &Import, output: &mut Output) -> Result<Answer, Failure> {
    let failed = |error| Failure::io("read", &import.file, &error);
    if fs::metadata(&import.file).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(Failure::usage("the file is larger than 512 MiB"));
    }
    let json = fs::read_to_string(&import.file).map_err(failed)?;
    changing(&import.store, |store| {
        let ids = store.write(|tx| tx.memories().import_json(&json))?;
        tell("imported", ids.len(), output)
    })
}

pub(super) fn export(export: &Export, output: &mut Output) -> Result<Answer, Failure> {
    let query = export.asked.query().limit(export.limit);
    looking(&export.store, |tx| {
        let mut json = Vec::new();
        let count = tx.memories().export_json(&query, &mut json)?;
        if let Some(file) = &export.out {
            fs::write(file, json).map_err(|error| Failure::io("write", file, &error))?;
            return tell("exported", count, output);
        }
        // On a terminal it must not hold anything that the terminal would obey.
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
        output::write_json(output.writer(), &value).map_err(Failure::output)?;
        output.line("")?;
        Ok(Answer::Yes)
    })
}

fn tell(what: &str, count: usize, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(&serde_json::json!({ "done": what, "memories": count }))?;
    } else {
        output.line(format_args!("{what} {}", text::counted(count as u64, "memory")))?;
    }
    Ok(Answer::Yes)
}
