//! Marks of what should come, and trying them again.

use std::path::PathBuf;

use clap::Args;
use engraph::Timestamp;

use crate::cli::bench::weights;
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::{Output, Rows};
use crate::cli::records::{changing, done};
use crate::cli::{place, text};

/// Widest question in a table, in characters.
const CELL_MAX: usize = 60;

#[derive(Args, Debug)]
pub(in crate::cli) struct Mark {
    /// The store's directory
    store: PathBuf,
    /// The question
    question: String,
    /// The memory that should come, by its id or its name
    memory: String,
    /// When the question is asked
    #[arg(long, value_name = "TIME")]
    asked_at: Option<Timestamp>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Check {
    /// The store's directory
    store: PathBuf,
    /// Hits within which a memory should come
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Weights to begin with: default, legacy or words
    #[arg(long, value_name = "NAME", default_value = "default")]
    preset: String,
    /// Another weight for a signal, for example `vector=0.5`
    #[arg(long, value_name = "SIGNAL=WEIGHT")]
    weight: Vec<String>,
}

pub(super) fn mark(mark: &Mark, output: &mut Output) -> Result<Answer, Failure> {
    changing(&mark.store, |store| {
        let memory = super::memory_named(&store.read()?, &mark.memory)?;
        let id = store.write(|tx| tx.recall_marks().add(&mark.question, memory, mark.asked_at))?;
        done(output, "marked", id)
    })
}

pub(super) fn check(check: &Check, output: &mut Output) -> Result<Answer, Failure> {
    let weights = weights(&check.preset, &check.weight)?;
    let store = place::open_to_read(&check.store)?;
    let found = place::closing(&store, |store| store.check_recall(check.limit, weights))?;
    let all = found.marks.len();
    if output.is_json() {
        output.json(&found)?;
    } else {
        let mut rows = Rows::new(["mark", "memory", "#rank", "question"]);
        for outcome in &found.marks {
            let memory = outcome.memory.map(|id| id.to_string()).unwrap_or_default();
            let rank = outcome.rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string());
            let question = text::shortened(&outcome.question, CELL_MAX);
            rows.push([outcome.mark.to_string(), memory, rank, question]);
        }
        if all > 0 {
            output.table(&rows)?;
        }
        output.note(format_args!("{} of {all} come", found.come))?;
    }
    Ok(Answer::yes_if(found.come == all))
}
