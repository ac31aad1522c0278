//! Saved searches on the command line: kept, listed, forgotten, and what standing ones matched.

use std::path::{Path, PathBuf};

use clap::Args;
use engraph::search::Matching;
use engraph::{NodeId, SavedSearch, Seq, Store, Watching};
use serde::Serialize;

use super::super::failure::{Answer, Failure};
use super::super::output::{Output, Rows};
use super::super::{place, shown, text};
use super::flags::Flags;
use super::open_to_write;

/// Longest text of a search in a list, in characters.
const TEXT_MAX: usize = 60;

#[derive(Args, Debug)]
pub(super) struct SaveArguments {
    /// The store's directory
    store: PathBuf,

    /// The name to keep it under; one of that name is replaced
    name: String,

    /// Words, "phrases in quotes" and, within one argument or after --, -excluded words
    #[arg(required = true)]
    query: Vec<String>,

    /// Hold it against every record that is written from now on
    #[arg(long)]
    standing: bool,

    #[command(flatten)]
    flags: Flags,
}

#[derive(Args, Debug)]
pub(super) struct MatchesArguments {
    /// The store's directory
    store: PathBuf,

    /// The name of the standing search
    name: String,

    /// Only matches of later writes: the `seq` of the JSON before
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,

    /// Matches to list at most; those of one write stay together
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

pub(super) fn save(arguments: &SaveArguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = Store::open(&arguments.store)?;
    place::closing(&store, |store| {
        let query = arguments.query.join(" ");
        let options = arguments.flags.options(&store.read()?)?;
        let mut search = SavedSearch::new(&query).options(options);
        if arguments.standing {
            search = search.standing();
        }
        let saved = store.save_search(&arguments.name, &search);
        saved.map_err(|error| super::hinted(error, &query))?;
        if output.is_json() {
            output.json(&ShownSearch::new(&arguments.name, &search))?;
        } else {
            output.line(format_args!("saved as {}", text::escaped(&arguments.name)))?;
        }
        Ok(Answer::Yes)
    })
}

#[derive(Serialize)]
struct ShownSearch<'a> {
    name: &'a str,
    text: &'a str,
    standing: bool,
    matching: &'static str,
    filters: usize,
    limit: usize,
}

impl<'a> ShownSearch<'a> {
    fn new(name: &'a str, search: &'a SavedSearch) -> Self {
        Self {
            name,
            text: &search.text,
            standing: search.watch == Watching::On,
            matching: match search.options.matching {
                Matching::Any => "any",
                Matching::All => "all",
                Matching::AllElseAny => "all_or_any",
            },
            filters: search.options.filters.len(),
            limit: search.options.limit,
        }
    }
}

pub(super) fn list(store: &Path, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(store)?;
    place::closing(&store, |store| {
        let saved = store.saved_searches()?;
        let mut rows = Rows::new(["name", "search", "words", "#filters", "standing"]);
        for (name, search) in &saved {
            let search = ShownSearch::new(name, search);
            if output.is_json() {
                output.json(&search)?;
                continue;
            }
            let text = text::shortened(search.text, TEXT_MAX);
            let (filters, standing) = (search.filters.to_string(), search.standing);
            let standing = if standing { "yes" } else { "no" };
            rows.push([name, &text, search.matching, &filters, standing]);
        }
        if !output.is_json() {
            if saved.is_empty() {
                output.note("no search is saved")?;
            } else {
                output.table(&rows)?;
            }
        }
        Ok(Answer::yes_if(!saved.is_empty()))
    })
}

pub(super) fn forget(store: &Path, name: &str, output: &mut Output) -> Result<Answer, Failure> {
    let store = Store::open(store)?;
    place::closing(&store, |store| {
        if !store.forget_search(name)? {
            return Err(Failure::no(format!("no search is saved as {name:?}")));
        }
        if !output.is_json() {
            output.line(format_args!("forgot {}", text::escaped(name)))?;
        }
        Ok(Answer::Yes)
    })
}

#[derive(Serialize)]
struct ShownMatches {
    matches: Vec<ShownMatch>,
    seq: u64,
}

#[derive(Serialize)]
struct ShownMatch {
    id: NodeId,
    kind: String,
    seq: u64,
    label: String,
}

pub(super) fn matches(
    arguments: &MatchesArguments,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let store = open_to_write(&arguments.store)?;
    place::closing(&store, |store| {
        let found = store.matches(&arguments.name, Seq(arguments.after), arguments.limit)?;
        let tx = store.read()?;
        let mut matches = Vec::with_capacity(found.matches.len());
        for matched in &found.matches {
            let label = tx.get_json(matched.id)?.as_ref().map(shown::label).unwrap_or_default();
            let kind = shown::kind_of(&tx, matched.id);
            matches.push(ShownMatch { id: matched.id, kind, seq: matched.seq.0, label });
        }
        let answer = Answer::yes_if(!matches.is_empty());
        if output.is_json() {
            output.json(&ShownMatches { matches, seq: found.seq.0 })?;
            return Ok(answer);
        }
        if matches.is_empty() {
            output.note("nothing matched")?;
            return Ok(answer);
        }
        let mut rows = Rows::new(["#write", "kind", "id", "label"]);
        for matched in &matches {
            let label = text::shortened(&matched.label, TEXT_MAX);
            let (seq, id) = (matched.seq.to_string(), matched.id.to_string());
            rows.push([&seq, &matched.kind, &id, &label]);
        }
        output.table(&rows)?;
        Ok(answer)
    })
}
