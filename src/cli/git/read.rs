//! `engraph git read`.

use engraph::family::GitReading;

use super::Repository;
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::Output;
use crate::cli::records::changing;
use crate::cli::text;

pub(super) fn run(asked: &Repository, output: &mut Output) -> Result<Answer, Failure> {
    changing(&asked.store, |store| {
        let reading = asked.branch.iter().fold(GitReading::new(), GitReading::branch);
        let reading = asked.root.iter().fold(reading, GitReading::root);
        let read = store.read_git(&asked.place, &reading)?;
        if output.is_json() {
            output.json(&read)?;
        } else {
            output.line(format_args!(
                "{} operations of {} new commits, {} of them on files of the inventory",
                text::count(read.operations),
                text::count(read.commits),
                text::count(read.linked)
            ))?;
        }
        Ok(Answer::Yes)
    })
}
