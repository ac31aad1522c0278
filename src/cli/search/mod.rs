//! `engraph search`: finds records by their texts, and looks after the index and saved searches.

mod flags;
mod manage;
mod saved;
mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engraph::search::SearchOptions;
use engraph::{Error, Freshness, ReadTx, Search, SearchResults, Store};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::{place, shown, text};
use flags::{AsOf, Flags};
use show::Extras;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,

    /// The store's directory
    #[arg(required = true)]
    store: Option<PathBuf>,

    /// Words, "phrases in quotes" and, within one argument or after --, -excluded words
    #[arg(required = true)]
    query: Vec<String>,

    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    page: Page,
}

/// Which hits of a search, and what about them.
#[derive(Args, Clone, Debug)]
struct Page {
    /// Go on where a page ended: the `next` of its JSON
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,

    /// Search the store as it was after a write, or at a time
    #[arg(long, value_name = "SEQ|TIME", conflicts_with = "explain")]
    as_of: Option<AsOf>,

    /// Say why each hit has its score
    #[arg(long)]
    explain: bool,

    /// Answer from the index as it is, without bringing it up to date
    #[arg(long)]
    stale: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Find records like one
    Like {
        /// The store's directory
        store: PathBuf,
        /// The record, for example `document:17`
        record: String,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Say what a text that somebody is typing may become
    Complete {
        /// The store's directory
        store: PathBuf,
        /// What was typed so far
        text: String,
        /// Words, titles and keywords to show at most, of each
        #[arg(long, value_name = "N", default_value_t = 5)]
        limit: usize,
    },
    /// Keep a search under a name
    Save(Box<saved::SaveArguments>),
    /// Run a search that was saved
    Run {
        /// The store's directory
        store: PathBuf,
        /// Its name
        name: String,
        #[command(flatten)]
        page: Page,
    },
    /// List the saved searches
    Saved {
        /// The store's directory
        store: PathBuf,
    },
    /// Forget a saved search, and what it matched
    Forget {
        /// The store's directory
        store: PathBuf,
        /// Its name
        name: String,
    },
    /// List the records that began to match a standing search
    Matches(saved::MatchesArguments),
    /// Build the search index anew
    Rebuild {
        /// The store's directory
        store: PathBuf,
    },
    /// Build the approximate index of a model's vectors, or bring it up to date; needs a build with
    /// the feature `ann`
    IndexVectors {
        /// The store's directory
        store: PathBuf,
        /// The model
        model: String,
    },
    /// Say what the search index is like
    Stats {
        /// The store's directory
        store: PathBuf,
        /// Also compare it with every record
        #[arg(long)]
        check: bool,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        None => find(arguments, output),
        Some(Action::Like { store, record, flags }) => with_index(store, false, |store| {
            let tx = store.read()?;
            let search = store.more_like(shown::id_named(&tx, record)?);
            let found = search.options(flags.options(&tx)?).run()?;
            show(&tx, &found, output)?;
            Ok(Answer::yes_if(!found.hits.is_empty()))
        }),
        Some(Action::Complete { store, text, limit }) => {
            with_index(store, false, |store| manage::complete(store, text, *limit, output))
        }
        Some(Action::Save(arguments)) => saved::save(arguments, output),
        Some(Action::Run { store, name, page }) => with_index(store, page.stale, |store| {
            let saved = store.saved_search(name)?.unwrap_or_default();
            let search = store.search_saved(name)?;
            let after = flags::cursor(page.after.as_deref())?;
            let options = SearchOptions { after, ..saved.options };
            answer(&store.read()?, (&saved.text, search), options, page, output)
        }),
        Some(Action::Saved { store }) => saved::list(store, output),
        Some(Action::Forget { store, name }) => saved::forget(store, name, output),
        Some(Action::Matches(arguments)) => saved::matches(arguments, output),
        Some(Action::Rebuild { store }) => manage::rebuild(store, output),
        Some(Action::IndexVectors { store, model }) => manage::index_vectors(store, model, output),
        Some(Action::Stats { store, check }) => manage::stats(store, *check, output),
    }
}

fn find(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let Some(store) = &arguments.store else {
        return Err(Failure::usage("no store is named"));
    };
    with_index(store, arguments.page.stale, |store| {
        let tx = store.read()?;
        let query = arguments.query.join(" ");
        let mut options = arguments.flags.options(&tx)?;
        options.after = flags::cursor(arguments.page.after.as_deref())?;
        answer(&tx, (&query, store.search(&query)), options, &arguments.page, output)
    })
}

/// Runs a search, given with its text, and shows what it found.
fn answer(
    tx: &ReadTx,
    (query, search): (&str, Search<'_>),
    options: SearchOptions,
    page: &Page,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let facets = options.facets.iter().map(flags::facet_name).collect();
    let mut search = search.options(options);
    if page.stale {
        search = search.freshness(Freshness::Committed);
    }
    match page.as_of {
        Some(AsOf::Seq(seq)) => search = search.as_of(seq),
        Some(AsOf::Time(time)) => search = search.as_of_time(time),
        None => {}
    }
    let found = search.clone().run().map_err(|error| hinted(error, query))?;
    let mut extras = Extras { facets, ..Extras::default() };
    if found.hits.is_empty() && page.as_of.is_none() {
        extras.did_you_mean = search.did_you_mean()?;
    }
    if page.explain {
        let explanations = found.hits.iter().map(|hit| search.explain(hit.id));
        extras.explanations = explanations.collect::<Result<_, _>>()?;
    }
    show::results(tx, &found, &extras, output)?;
    let is_found = !found.hits.is_empty() || found.total.is_some_and(|total| total > 0);
    Ok(Answer::yes_if(is_found))
}

/// Shows the hits of a search without more.
pub(super) fn show(tx: &ReadTx, found: &SearchResults, output: &mut Output) -> Result<(), Failure> {
    show::results(tx, found, &Extras::default(), output)
}

/// Opens the store for a search and closes it again. Writes nothing where the index has seen every
/// write; else it has to catch up, unless it is to be taken as it is.
fn with_index<T>(
    store: &Path,
    stale: bool,
    work: impl FnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    place::closing(&open(store, stale)?, work)
}

fn open(path: &Path, stale: bool) -> Result<Store, Error> {
    if let Ok(store) = Store::open_read_only(path) {
        if stale || store.search_watermark() == Some(store.seq()) {
            return Ok(store);
        }
        store.close()?;
    }
    open_to_write(path)
}

/// Opens the store for writing; on a disk that cannot be written it answers with what it has seen.
fn open_to_write(path: &Path) -> Result<Store, Error> {
    match Store::open(path) {
        Err(Error::Io { .. }) => Store::open_read_only(path),
        opened => opened,
    }
}

/// Shows where in the query the fault is.
fn hinted(error: Error, query: &str) -> Failure {
    let rest = match &error {
        Error::Query { offset, .. } => query.get(*offset..).filter(|rest| !rest.is_empty()),
        _ => None,
    };
    let hint = rest.map(|rest| {
        format!(
            "it is about `{}`; without --strict the rest is searched",
            text::shortened(rest, 40)
        )
    });
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
