//! `engraph init`: makes a new, empty store.

use std::path::PathBuf;

use clap::Args;
use engraph::Store;
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::text;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Directory of the new store: absent or empty
    store: PathBuf,
}

#[derive(Serialize)]
struct Created {
    store: String,
    seq: u64,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = Store::create(&arguments.store)?;
    let created = Created { store: arguments.store.display().to_string(), seq: store.seq().0 };
    store.close()?;
    if output.is_json() {
        output.json(&created)?;
    } else {
        output.note(format_args!("made store {}", text::escaped(&created.store)))?;
    }
    Ok(Answer::Yes)
}
