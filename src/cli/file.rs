//! `engraph file`: the file inventory, and scanning a tree of files into it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use engraph::family::{FileOrder, FileQuery, ScanOptions, ScanReport, TagQuery};
use engraph::log::category::CLI;
use engraph::record::{DuplicateType, FileStatus};
use engraph::{NodeId, ReadTx};
use serde_json::json;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, counts, done, looking, show};
use super::{shown, text};

/// How long ago a file may have been looked at before it is stale.
const STALE_AFTER: Duration = Duration::from_secs(24 * 3_600);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring the inventory up to the files of a directory
    Scan {
        /// The store's directory
        store: PathBuf,
        /// The directory to scan; without one, those that are watched
        root: Option<PathBuf>,
        /// Take in hidden files
        #[arg(long)]
        hidden: bool,
        /// Take in what `.gitignore` files leave out
        #[arg(long)]
        no_ignore: bool,
        /// Follow symbolic links
        #[arg(long)]
        follow: bool,
        /// Cut texts into chunks, so that they are found by their words
        #[arg(long)]
        texts: bool,
        /// Leave out what this glob matches
        #[arg(long, value_name = "GLOB")]
        exclude: Vec<String>,
        /// Only files with this extension
        #[arg(long = "ext", value_name = "EXT")]
        extensions: Vec<String>,
    },
    /// List files
    List {
        /// The store's directory
        store: PathBuf,
        /// Only files in this state
        #[arg(long, value_name = "STATE")]
        status: Option<State>,
        /// Only files with this extension
        #[arg(long, value_name = "EXT")]
        ext: Option<String>,
        /// Only files whose path contains this
        #[arg(long, value_name = "TEXT")]
        containing: Option<String>,
        /// By what to order them
        #[arg(long, value_name = "ORDER", default_value = "name")]
        order: Order,
        /// Files to list at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Find files that are the same, and list the pairs
    Duplicates {
        /// The store's directory
        store: PathBuf,
        /// Look for nearly the same texts instead, alike by at least so much, 0.5 to 1
        #[arg(long, value_name = "SHARE")]
        near: Option<f64>,
        /// Only list what was found before
        #[arg(long)]
        known: bool,
    },
    /// Show what is known about a file
    Show {
        /// The store's directory
        store: PathBuf,
        /// The file, by its id or path
        file: String,
    },
    /// Remove a file from the inventory with all that is about it
    Remove {
        /// The store's directory
        store: PathBuf,
        /// The file, by its id or path
        file: String,
    },
    /// Count files by their state
    Health {
        /// The store's directory
        store: PathBuf,
    },
}

/// State of a file, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Ready,
    Damaged,
    Missing,
    Unreadable,
    Indexed,
}

impl From<State> for FileStatus {
    fn from(state: State) -> Self {
        match state {
            State::Ready => Self::Ready,
            State::Damaged => Self::Damaged,
            State::Missing => Self::Missing,
            State::Unreadable => Self::Unreadable,
            State::Indexed => Self::Indexed,
        }
    }
}

/// Order of files, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    Name,
    Checked,
    Modified,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Scan { store, root, .. } => {
            let options = options(&arguments.action);
            scan(store, root.as_deref(), &options, output)
        }
        Action::List { store, .. } => {
            let query = query(&arguments.action);
            looking(store, |tx| {
                const FIELDS: &[&str] = &["normalized_path", "file_size", "status", "modified_at"];
                show(tx, &tx.files().list(&query)?, FIELDS, output)
            })
        }
        Action::Duplicates { store, near, known } => duplicates(store, *near, *known, output),
        Action::Show { store, file } => looking(store, |tx| show_file(tx, file, output)),
        Action::Remove { store, file } => changing(store, |store| {
            let id = named(&store.read()?, file)?;
            if !store.write(|tx| tx.files().delete(id))? {
                return Err(Failure::no(format!("there is no file {file}")));
            }
            done(output, "removed", id)
        }),
        Action::Health { store } => looking(store, |tx| {
            let now = newest_look(tx)?;
            let health = tx.files().health(now, STALE_AFTER)?;
            fields(&json!(health), output)
        }),
    }
}

/// The file that the user names: by its id, or by its path.
pub(super) fn named(tx: &ReadTx, file: &str) -> Result<NodeId, Failure> {
    if let Some((id, _)) = tx.files().find(file)? {
        return Ok(id);
    }
    if let Some(path) = std::fs::canonicalize(file).ok().as_ref().and_then(|path| path.to_str())
        && let Some((id, _)) = tx.files().find(path)?
    {
        return Ok(id);
    }
    shown::id_named(tx, file).map_err(|_| Failure::no(format!("there is no file {file}")))
}

fn options(action: &Action) -> ScanOptions {
    let mut options = ScanOptions::new();
    let Action::Scan { hidden, no_ignore, follow, texts, exclude, extensions, .. } = action else {
        return options;
    };
    if *hidden {
        options = options.hidden_too();
    }
    if *no_ignore {
        options = options.ignored_too();
    }
    if *follow {
        options = options.follow_links();
    }
    if *texts {
        options = options.with_texts();
    }
    for glob in exclude {
        options = options.exclude(glob);
    }
    options.extensions(extensions.iter().cloned())
}

fn query(action: &Action) -> FileQuery {
    let mut query = FileQuery::new();
    let Action::List { status, ext, containing, order, limit, .. } = action else { return query };
    query = match order {
        Order::Name => query.order(FileOrder::Name).ascending(),
        Order::Checked => query.order(FileOrder::Checked),
        Order::Modified => query.order(FileOrder::Modified),
    };
    if let Some(status) = status {
        query = query.status((*status).into());
    }
    if let Some(ext) = ext {
        query = query.extension(ext);
    }
    if let Some(containing) = containing {
        query = query.containing(containing);
    }
    query.limit(*limit)
}

fn scan(
    store: &Path,
    root: Option<&Path>,
    options: &ScanOptions,
    output: &mut Output,
) -> Result<Answer, Failure> {
    changing(store, |store| {
        let Some(root) = root else {
            for (_, report) in store.scan_watches(options)? {
                show_report(&report, output)?;
            }
            return Ok(Answer::Yes);
        };
        let progress = |progress: &engraph::family::ScanProgress| {
            tracing::info!(
                target: CLI, files = progress.files, bytes = progress.bytes_read, "scanning"
            );
            ControlFlow::Continue(())
        };
        show_report(&store.scan_tree_with(root, options, progress)?, output)
    })
}

fn show_report(report: &ScanReport, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(report)?;
        return Ok(Answer::Yes);
    }
    let found = [
        ("looked at", report.files),
        ("new", report.added),
        ("changed", report.changed),
        ("with a new time", report.touched),
        ("unchanged", report.unchanged),
        ("moved", report.moved),
        ("missing", report.missing),
        ("unreadable", report.unreadable),
        ("left out", report.left_out),
        ("links", report.links),
        ("special", report.special),
    ];
    counts("files", &found, output)?;
    for problem in &report.problems {
        let line = format!("{}: {}", problem.path.display(), problem.reason);
        output.note(text::escaped(&line))?;
    }
    if report.more_problems > 0 {
        output.note(format_args!("and {} more", report.more_problems))?;
    }
    Ok(Answer::Yes)
}

fn duplicates(
    store: &Path,
    near: Option<f64>,
    known: bool,
    output: &mut Output,
) -> Result<Answer, Failure> {
    const FIELDS: &[&str] = &["canonical", "duplicate", "confidence", "match_basis"];
    let duplicate_type = if near.is_some() { DuplicateType::Near } else { DuplicateType::Exact };
    let mut list =
        |tx: &ReadTx| show(tx, &tx.files().duplicate_pairs(&duplicate_type)?, FIELDS, output);
    if known {
        return looking(store, |tx| list(tx));
    }
    changing(store, |store| {
        store.write(|tx| match near {
            Some(threshold) => tx.files().find_near_duplicates(threshold),
            None => tx.files().find_duplicates(),
        })?;
        list(&store.read()?)
    })
}

fn show_file(tx: &ReadTx, file: &str, output: &mut Output) -> Result<Answer, Failure> {
    let id = named(tx, file)?;
    let now = newest_look(tx)?;
    let summary = tx.files().summary(id, now, STALE_AFTER)?;
    let duplicates = tx.files().duplicates(id)?;
    let tags = tx.tags().list(&TagQuery::new().file(id))?;
    let tags: Vec<String> = tags.into_iter().map(|(_, tag)| tag.tag_name).collect();
    let Some(record) = shown::Shown::load(tx, id)? else {
        return Err(Failure::no(format!("there is no file {file}")));
    };
    let near = duplicates.near.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let mut whole = json!(record);
    whole["summary"] = json!(summary);
    whole["tags"] = json!(tags);
    whole["duplicates"] = json!({
        "duplicate_of": duplicates.duplicate_of,
        "exact": duplicates.exact,
        "near": near,
        "twins": duplicates.twins,
    });
    if output.is_json() {
        output.json(&whole)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new([record.kind.as_str(), &id.to_string()]);
    let parts = [&record.record, &whole["summary"], &whole["duplicates"]];
    for (field, value) in parts.into_iter().filter_map(|part| part.as_object()).flatten() {
        rows.push([field, &shown::plain(value)]);
    }
    rows.push(["tags", &tags.join(", ")]);
    output.table(&rows)?;
    Ok(Answer::Yes)
}

/// When any file was last looked at: what is old is old beside that, whatever the clock says.
fn newest_look(tx: &ReadTx) -> Result<engraph::Timestamp, Failure> {
    let newest = tx.files().list(&FileQuery::new().limit(1))?;
    Ok(newest.first().and_then(|(_, file)| file.last_checked_at).unwrap_or_default())
}

/// The fields of an object as a table, or the object as JSON.
pub(super) fn fields(value: &serde_json::Value, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(value)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new(["what", "#value"]);
    for (field, value) in value.as_object().into_iter().flatten() {
        rows.push([field.as_str(), &shown::plain(value)]);
    }
    output.table(&rows)?;
    Ok(Answer::Yes)
}
