//! `engraph compact`: writes the live part of the data file anew, and drops the rest.

use std::path::PathBuf;

use clap::Args;
use engraph::Store;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::progress::Progress;
use super::{place, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = Store::open(&arguments.store)?;
    place::closing(&store, |store: &Store| {
        let progress = Progress::new(output.form(), "compacting");
        let report = store.compact()?;
        progress.finish();
        if output.is_json() {
            output.json(&report)?;
        } else {
            let (before, after) = (report.before_bytes, report.after_bytes);
            output.line(format_args!("{} -> {}", text::bytes(before), text::bytes(after)))?;
        }
        Ok(Answer::Yes)
    })
}
