//! Undoing a migration: the databases are what they were, and the store that it made is gone.
//!
//! Refuses as long as something would be lost by it: a write of the store that is not the
//! migration's own, a copy that is not what it was. What is taken out of the place of a copy is
//! kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::migrate_backup::{check_copies, is_as_copied, put_back};
use super::migrate_state::{MigrationStep, State};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::storage::changes::Operation;
use crate::storage::place;
use crate::store::Store;

/// Changes that are looked at to say what was written.
const CHANGES_READ: usize = 10_000;
/// What a store consists of. A folder with anything else in it is not taken away.
const OF_A_STORE: [&str; 5] =
    [place::DATA_FILE, place::SEARCH_DIRECTORY, "owner", "data.redb.new", "data.redb.compact"];

/// A database that was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PutBack {
    /// The database.
    pub path: PathBuf,
    /// Where what was in its place is kept.
    pub replaced: Vec<PathBuf>,
}

/// What undoing a migration did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RollbackReport {
    /// The store's directory.
    pub store: PathBuf,
    /// Whether it was there and was removed.
    pub is_store_removed: bool,
    /// Databases that were changed since they were copied, and are again what they were.
    pub put_back: Vec<PutBack>,
    /// Databases that are what they were.
    pub untouched: u64,
}

/// Undoes the migration whose backup folder this is. Databases that changed since are put back from
/// their copies, which are proved first; what was there is kept in the folder. The store is removed
/// if nothing but the migration has written to it. The folder itself stays. A rollback that was
/// ended before it was through is taken up by calling again; of one that is through nothing is left
/// to do.
///
/// Programs that use the databases must be ended before.
///
/// # Errors
/// [`Error::NotFound`] when it is no backup folder; [`Error::Conflict`], with what it is, when
/// something was written to the store since, or lies in its directory; [`Error::Locked`] when the
/// store is open elsewhere; [`Error::Corrupt`] when a copy is not what it was. Nothing was done
/// then. [`Error::Io`] when something cannot be written.
pub fn rollback(backup: &Path) -> Result<RollbackReport> {
    let span = tracing::info_span!("rollback", backup = %backup.display());
    let _entered = span.enter();
    let state = State::load(backup)?;
    let mut state = state.ok_or_else(|| Error::not_found("migration", backup.display()))?;
    let mut report = RollbackReport { store: state.store.clone(), ..RollbackReport::default() };
    if state.step == MigrationStep::RolledBack {
        return Ok(report);
    }
    for member in &state.members {
        check_copies(backup, member)?;
    }
    let is_there = state.step > MigrationStep::BackingUp && place_of_store_exists(&state)?;
    if is_there {
        check_store(&state)?;
    }
    if state.step != MigrationStep::RollingBack {
        state.step = MigrationStep::RollingBack;
        state.save(backup)?;
    }
    for (number, member) in state.members.iter().enumerate() {
        if member.parts.is_empty() || is_as_copied(member)? {
            report.untouched += 1;
            continue;
        }
        let replaced = put_back(backup, number, member)?;
        report.put_back.push(PutBack { path: member.path.clone(), replaced });
    }
    if is_there {
        remove_store(&state.store)?;
        report.is_store_removed = true;
    }
    state.step = MigrationStep::RolledBack;
    state.save(backup)?;
    tracing::info!(put_back = report.put_back.len(), "rolled back");
    Ok(report)
}

fn place_of_store_exists(state: &State) -> Result<bool> {
    match fs::symlink_metadata(&state.store) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("read", &state.store, error)),
    }
}

/// Refuses a store that holds more than the migration put there.
fn check_store(state: &State) -> Result<()> {
    let failed = |error| Error::io("read", &state.store, error);
    for entry in fs::read_dir(&state.store).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !OF_A_STORE.iter().any(|known| name == **known) {
            let reason = format!(
                "{} in {} is no part of a store",
                name.to_string_lossy(),
                state.store.display()
            );
            return Err(Error::conflict("rollback", reason));
        }
    }
    let store = match Store::open(&state.store) {
        // Killed before the store was born.
        Err(Error::NotFound { what, .. }) if what == "store" => return Ok(()),
        opened => opened?,
    };
    let written = written_since(&store, state);
    let closed = store.close();
    if let Some(what) = written? {
        let reason = format!(
            "{what} since the migration, which would be lost: `engraph export` or `engraph \
             backup` keeps it, then remove {} by hand",
            state.store.display()
        );
        return Err(Error::conflict("rollback", reason));
    }
    closed
}

/// What was written to the store that is not the migration's own, in words.
fn written_since(store: &Store, state: &State) -> Result<Option<String>> {
    let newest = store.seq().0;
    if newest <= state.seq {
        return Ok(None);
    }
    let changes = match store.changes(Seq(state.seq), CHANGES_READ) {
        Ok(changes) => changes,
        Err(Error::Trimmed { .. }) => {
            return Ok(Some(format!("{} writes were made", newest - state.seq)));
        }
        Err(error) => return Err(error),
    };
    // An import that was killed between its commit and the note of it is the migration's own too.
    let read = store.read()?;
    let unnoted: BTreeSet<u32> = store
        .shared()
        .core
        .sources
        .all()
        .iter()
        .filter(|source| {
            let of_it = |name: &str| name == source.name;
            let members = state.members.iter().filter(|member| member.import.is_none());
            members.map(|member| member.name.as_str()).any(of_it)
        })
        .map(|source| source.number)
        .collect();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut first = None;
    for change in changes {
        let mut nodes = change.nodes();
        let ends = [nodes.next(), nodes.last()];
        let imported = ends
            .iter()
            .flatten()
            .all(|id| read.origin(*id).is_some_and(|origin| unnoted.contains(&origin.source)));
        if change.operation == Operation::Put && imported {
            continue;
        }
        let word = match change.operation {
            Operation::Put => "records written",
            Operation::Delete => "records deleted",
            Operation::Link | Operation::Unlink if !unnoted.is_empty() => continue,
            Operation::Link => "edges made",
            Operation::Unlink => "edges removed",
            Operation::Embed => "vectors written",
        };
        *counts.entry(word).or_default() += change.count;
        first = first.or(ends[0]);
    }
    if counts.is_empty() {
        let writes = newest - state.seq;
        let unknown = unnoted.is_empty().then(|| format!("{writes} writes of settings were made"));
        return Ok(unknown);
    }
    let counts: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
    let first = first.map(|id| format!(", the first {id}")).unwrap_or_default();
    Ok(Some(format!("{}{first}", counts.join(", "))))
}

/// Takes the directory away in two steps, so that there is never half a store.
fn remove_store(store: &Path) -> Result<()> {
    let mut doomed = store.as_os_str().to_owned();
    doomed.push(".removed");
    let doomed = PathBuf::from(doomed);
    if doomed.exists() {
        fs::remove_dir_all(&doomed).map_err(|error| Error::io("remove", &doomed, error))?;
    }
    fs::rename(store, &doomed).map_err(|error| Error::io("rename", store, error))?;
    place::sync_parent(store)?;
    fs::remove_dir_all(&doomed).map_err(|error| Error::io("remove", &doomed, error))
}
