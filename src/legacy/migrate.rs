//! The whole way from the old application to a store, as one call: find the databases, copy them,
//! take them in, compare, report. [`rollback`](super::rollback()) undoes it.
//!
//! Each step is written down in the backup folder when it is done. A run that was ended at any
//! point is taken up where it was by calling again with the same folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::against::verify_against;
use super::import::{ImportOptions, collect, concerns_the_file, import, reason_of};
use super::migrate_backup::{back_up, check_copies, is_as_copied};
use super::migrate_report::{MigratedFile, MigrationReport};
use super::migrate_state::{Member, MigrationStep, State, write_whole};
use super::report::{Fate, FileReport};
use super::source::Damage;
use crate::base::error::{Error, Result};
use crate::store::Store;

/// The file with the report for people, in the backup folder.
const REPORT_FILE: &str = "report.md";

/// How databases are migrated.
#[derive(Clone, Debug, Default)]
pub struct MigrateOptions {
    zone: Option<String>,
    damage: Damage,
    dry_run: bool,
}

impl MigrateOptions {
    /// Times without a zone are UTC, damaged files are refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The time zone that local times in the files are of, by its IANA name.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// What to do with damaged files.
    #[must_use]
    pub fn damage(mut self, damage: Damage) -> Self {
        self.damage = damage;
        self
    }

    /// Only reports what would happen: nothing is written.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

/// How far a migration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationProgress {
    /// What is being done.
    pub step: MigrationStep,
    /// The database concerned.
    pub file: PathBuf,
    /// The table, where one is read.
    pub table: String,
    /// Rows of it so far.
    pub rows: u64,
}

/// Migrates the databases at `paths`, files or folders, into a new store. `backup` is the folder
/// for the copies, which is made; that of a migration that was ended early takes it up.
///
/// The result says what became of each database; a refused one is no error of the call. The
/// databases are read and never written to.
///
/// ```
/// use engraph::legacy::{MigrateOptions, migrate, rollback, sample};
///
/// # let dir = tempfile::tempdir()?;
/// let old = dir.path().join("old");
/// # std::fs::create_dir(&old)?;
/// sample::write(&old, 3)?;
/// let (store, backup) = (dir.path().join("store"), dir.path().join("backup"));
/// let report = migrate(&[old], &store, &backup, &MigrateOptions::new(), &mut |_| {})?;
/// assert!(report.is_complete());
/// rollback(&backup)?;
/// assert!(!store.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::AlreadyExists`] when there is a store that this migration did not make, or something
/// else in the backup folder; [`Error::Import`] when a database is being written to while it is
/// copied; [`Error::NotFound`] when there is no database; [`Error::Conflict`] when the migration of
/// that folder is through or was undone; [`Error::Corrupt`] when a copy is not what it was;
/// [`Error::Io`] when something cannot be written.
pub fn migrate(
    paths: &[PathBuf],
    store: &Path,
    backup: &Path,
    options: &MigrateOptions,
    progress: &mut dyn FnMut(&MigrationProgress),
) -> Result<MigrationReport> {
    let start = Instant::now();
    let span = tracing::info_span!("migrate", store = %store.display());
    let _entered = span.enter();
    let mut report = if options.dry_run {
        rehearse(paths, store, backup, options, progress)?
    } else {
        let (mut state, resumed) = begin(paths, store, backup, options)?;
        copy_all(backup, &mut state, progress)?;
        let opened = open(backup, &mut state)?;
        let done = fill(&opened, backup, &mut state, progress);
        let closed = opened.close();
        let report = done?;
        closed?;
        MigrationReport { resumed, ..report }
    };
    report.elapsed = start.elapsed().as_secs_f64();
    if !options.dry_run {
        write_whole(&backup.join(REPORT_FILE), report.to_markdown().as_bytes())?;
    }
    tracing::info!(complete = report.is_complete(), files = report.files.len(), "migrated");
    Ok(report)
}

/// The backup folder, among the folders beside `store`, of a migration into it that was ended
/// before it was through. Folders that cannot be read are passed over.
///
/// # Errors
/// [`Error::Io`] when the folder of the store cannot be read.
pub fn unfinished_migration(store: &Path) -> Result<Option<PathBuf>> {
    let store = absolute(store)?;
    let Some(parent) = store.parent() else { return Ok(None) };
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", parent, error)),
    };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort_unstable();
    Ok(folders.into_iter().find(|folder| {
        let state = State::load(folder).ok().flatten();
        state.is_some_and(|state| state.store == store && state.step < MigrationStep::Done)
    }))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("resolve", path, error))
}

fn members(paths: &[PathBuf]) -> Result<Vec<Member>> {
    let members = collect(paths)?.into_iter().map(|path| {
        let name = path.to_string_lossy().into_owned();
        let path = absolute(&path)?;
        Ok(Member { name, path, parts: Vec::new(), unreadable: None, import: None })
    });
    members.collect()
}

/// Whether there is nothing at a path but, at most, an empty folder.
fn is_free(path: &Path) -> Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// The state to go on from, and whether it is that of an earlier run.
fn begin(
    paths: &[PathBuf],
    store: &Path,
    backup: &Path,
    options: &MigrateOptions,
) -> Result<(State, bool)> {
    let given = store.display();
    let store = absolute(store)?;
    if let Some(state) = State::load(backup)? {
        if state.store != store {
            let reason = format!("{} is of {}", backup.display(), state.store.display());
            return Err(Error::conflict("migration", reason));
        }
        return match state.step {
            MigrationStep::Done => Err(Error::conflict("migration", "it is through")),
            MigrationStep::RollingBack | MigrationStep::RolledBack => {
                Err(Error::conflict("migration", "it was undone; begin anew in another folder"))
            }
            MigrationStep::BackingUp if !is_free(&store)? => {
                Err(Error::already_exists("store", given))
            }
            _ => Ok((state, true)),
        };
    }
    if !is_free(&store)? {
        return Err(Error::already_exists("store", given));
    }
    if !is_free(backup)? {
        return Err(Error::already_exists("directory", backup.display()));
    }
    let zone = options.zone.clone().unwrap_or_else(|| "UTC".into());
    jiff::tz::TimeZone::get(&zone)
        .map_err(|error| Error::invalid("time zone", format!("{zone:?}: {error}")))?;
    let salvage = options.damage == Damage::Salvage;
    let state = State::new(store, zone, salvage, members(paths)?);
    fs::create_dir_all(backup).map_err(|error| Error::io("create", backup, error))?;
    state.save(backup)?;
    Ok((state, false))
}

/// Copies what was not copied yet, and proves what was.
fn copy_all(
    backup: &Path,
    state: &mut State,
    progress: &mut dyn FnMut(&MigrationProgress),
) -> Result<()> {
    for number in 0..state.members.len() {
        let member = &state.members[number];
        progress(&said(MigrationStep::BackingUp, &member.path));
        if !member.parts.is_empty() {
            check_copies(backup, member)?;
            continue;
        }
        if member.unreadable.is_some() {
            continue;
        }
        match back_up(backup, number, member) {
            Ok(parts) => state.members[number].parts = parts,
            // Somebody writes to it: that ends with the writer, and nothing was done so far.
            Err(error) if member.path.is_file() && is_busy(&error) => return Err(error),
            Err(error @ Error::Import { .. }) => {
                state.members[number].unreadable = Some(reason_of(&error));
            }
            Err(error) => return Err(error),
        }
        state.save(backup)?;
    }
    Ok(())
}

/// Whether a database could be copied at another time.
fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Import { source: None, .. })
}

fn said(step: MigrationStep, file: &Path) -> MigrationProgress {
    MigrationProgress { step, file: file.to_path_buf(), table: String::new(), rows: 0 }
}

/// The store of the migration, made where it is not there yet.
fn open(backup: &Path, state: &mut State) -> Result<Store> {
    if state.step == MigrationStep::BackingUp {
        // From here on a store at this path is the migration's.
        state.step = MigrationStep::Importing;
        state.save(backup)?;
    }
    match Store::open(&state.store) {
        Err(Error::NotFound { what, .. }) if what == "store" => {
            let store = Store::create(&state.store)?;
            state.seq = store.seq().0;
            Ok(store)
        }
        opened => opened,
    }
}

/// Takes the databases in, compares them, and gives the report.
fn fill(
    store: &Store,
    backup: &Path,
    state: &mut State,
    progress: &mut dyn FnMut(&MigrationProgress),
) -> Result<MigrationReport> {
    let damage = if state.salvage { Damage::Salvage } else { Damage::Refuse };
    let options = ImportOptions::new().zone(&state.zone).damage(damage);
    for number in 0..state.members.len() {
        let member = &state.members[number];
        if member.import.is_some() || member.unreadable.is_some() {
            continue;
        }
        let mut said = said(MigrationStep::Importing, &member.path);
        progress(&said);
        let options = options.clone().name(&member.name);
        let paths = [member.path.clone()];
        let mut taken = import(store, &paths, &options, &mut |step| {
            said.table.clone_from(&step.table);
            said.rows = step.rows;
            progress(&said);
        })?;
        state.members[number].import = taken.files.pop();
        state.seq = store.seq().0;
        state.save(backup)?;
    }
    state.step = MigrationStep::Comparing;
    state.save(backup)?;
    let mut report = MigrationReport {
        store: state.store.clone(),
        backup: absolute(backup)?,
        ..MigrationReport::default()
    };
    for member in &state.members {
        report.files.push(compare(store, member, progress)?);
    }
    let verified = store.verify()?;
    let problems = verified.problems.iter();
    report.store_problems =
        problems.map(|problem| format!("{}: {}", problem.place, problem.detail)).collect();
    report.records = store.stats()?.records;
    state.seq = store.seq().0;
    state.step = MigrationStep::Done;
    state.save(backup)?;
    Ok(report)
}

/// Compares a database with what the store gives back for it.
fn compare(
    store: &Store,
    member: &Member,
    progress: &mut dyn FnMut(&MigrationProgress),
) -> Result<MigratedFile> {
    let mut file = MigratedFile {
        path: PathBuf::from(&member.name),
        backup: member.parts.clone(),
        import: member.import.clone(),
        ..MigratedFile::default()
    };
    if let Some(reason) = &member.unreadable {
        file.problem = Some(format!("not copied: {reason}"));
        return Ok(file);
    }
    if let Some(FileReport { fate: Fate::Refused, reason, .. }) = &member.import {
        file.problem = Some(format!("refused: {}", reason.as_deref().unwrap_or("no reason")));
        return Ok(file);
    }
    let mut said = said(MigrationStep::Comparing, &member.path);
    let compared = verify_against(store, &member.path, Some(&member.name), &mut |step| {
        said.table.clone_from(&step.table);
        said.rows = step.rows;
        progress(&said);
    });
    match compared {
        Ok(found) => {
            if !found.is_equal() {
                file.problem = Some(format!("{} differences", found.count()));
            }
            file.comparison = Some(found);
        }
        Err(error) if concerns_the_file(&error) => {
            file.problem = Some(format!("not compared: {}", reason_of(&error)));
        }
        Err(error) => return Err(error),
    }
    if !is_as_copied(member)? {
        let reason = "was written to after it was copied; `engraph sync` brings that in";
        file.problem = Some(reason.to_owned());
    }
    Ok(file)
}

/// What a migration would do, with a store in a temporary folder.
fn rehearse(
    paths: &[PathBuf],
    store: &Path,
    backup: &Path,
    options: &MigrateOptions,
    progress: &mut dyn FnMut(&MigrationProgress),
) -> Result<MigrationReport> {
    if !is_free(store)? {
        return Err(Error::already_exists("store", store.display()));
    }
    let scratch = tempfile::Builder::new()
        .prefix("engraph-migrate-")
        .tempdir()
        .map_err(|error| Error::io("create a folder in", std::env::temp_dir(), error))?;
    let trial = Store::create(scratch.path().join("store"))?;
    let zone = options.zone.clone().unwrap_or_else(|| "UTC".into());
    let asked = ImportOptions::new().zone(zone).damage(options.damage).dry_run();
    let members = members(paths)?;
    let mut report = MigrationReport {
        store: absolute(store)?,
        backup: absolute(backup)?,
        dry_run: true,
        ..MigrationReport::default()
    };
    for member in members {
        progress(&said(MigrationStep::Importing, &member.path));
        let asked = asked.clone().name(&member.name);
        let mut taken = import(&trial, &[member.path], &asked, &mut |_| {})?;
        let import = taken.files.pop();
        let refused = import.as_ref().filter(|import| import.fate == Fate::Refused);
        let problem = refused.map(|import| {
            format!("would be refused: {}", import.reason.as_deref().unwrap_or("no reason"))
        });
        let path = PathBuf::from(member.name);
        report.files.push(MigratedFile { path, import, problem, ..MigratedFile::default() });
    }
    trial.close()?;
    Ok(report)
}
