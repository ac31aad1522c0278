//! `engraph backup`: a copy of a store as of its newest write.

use std::path::PathBuf;

use clap::Args;
use engraph::Store;
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::progress::Progress;
use super::{place, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// Directory of the copy: absent or empty. It becomes a store of its own
    to: PathBuf,
}

#[derive(Serialize)]
struct BackedUp {
    store: String,
    to: String,
    seq: u64,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store: &Store| {
        let progress = Progress::new(output.form(), "copying");
        store.backup(&arguments.to)?;
        progress.finish();
        let done = BackedUp {
            store: arguments.store.display().to_string(),
            to: arguments.to.display().to_string(),
            seq: store.seq().0,
        };
        if output.is_json() {
            output.json(&done)?;
        } else {
            output.note(format_args!("copied to {}", text::escaped(&done.to)))?;
        }
        Ok(Answer::Yes)
    })
}
