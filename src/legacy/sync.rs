//! Side by side: bringing in what changed in a database that its own application goes on using.
//!
//! One call is one round. A file whose mark is that of the last round is not read at all. Any other
//! is read as of one moment and compared, row by row, with the rows that were kept; what changed
//! comes in as one write. What was changed on both sides is a conflict: it is listed at every round
//! until it is decided, and neither side is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::against::give_back;
use super::detect::detect;
use super::export::{ExportOptions, Mode};
use super::import::{Intake, fingerprint};
use super::output::Existing;
use super::report::{ExportedFile, FileReport, Progress, RowChanges};
use super::source::Damage;
use super::sync_conflicts::{OpenConflict, Side, open_conflicts, resolve};
use super::sync_mark::mark_of;
use super::sync_snapshot::open_live;
use super::{intake, update};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::storage::place;
use crate::store::{Store, sources};

/// How a database is kept in step with.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    name: Option<String>,
    zone: Option<String>,
    is_thorough: bool,
    resolve: Option<Side>,
    records: Vec<NodeId>,
    out: Option<(PathBuf, Existing)>,
}

impl SyncOptions {
    /// The name of the source is the path as given; conflicts are listed and stay open; nothing is
    /// written out.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the source.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The time zone that local times in the file are of, by its IANA name. Without it, the one
    /// that the source was taken in with, or UTC for a new one.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Reads the file although its mark says that nothing changed: for file systems whose times
    /// and identities of files cannot be relied on.
    #[must_use]
    pub fn thorough(mut self) -> Self {
        self.is_thorough = true;
        self
    }

    /// Decides every conflict of the source that is open after what changed was brought in.
    #[must_use]
    pub fn resolve(mut self, side: Side) -> Self {
        self.resolve = Some(side);
        self
    }

    /// Limits [`SyncOptions::resolve`] to these records.
    #[must_use]
    pub fn records(mut self, records: impl IntoIterator<Item = NodeId>) -> Self {
        self.records.extend(records);
        self
    }

    /// Writes the database as it is here, in the form that the newest old application can open,
    /// into a file beside: never into the one that is read.
    #[must_use]
    pub fn out(mut self, file: impl Into<PathBuf>, existing: Existing) -> Self {
        self.out = Some((file.into(), existing));
        self
    }

    pub(super) fn has_out(&self) -> bool {
        self.out.is_some()
    }

    /// A decision on named records is for one round.
    pub(super) fn forget_records(&mut self) {
        if !self.records.is_empty() {
            self.records.clear();
            self.resolve = None;
        }
    }

    pub(super) fn without_out(&self) -> Self {
        Self { out: None, ..self.clone() }
    }
}

/// By what it was found that nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recognised {
    /// Lengths, times and counters: nothing was read.
    Mark,
    /// The digest of the file.
    Digest,
    /// Every row.
    Rows,
}

/// What one round did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SyncReport {
    /// The file.
    pub file: PathBuf,
    /// The name of the source.
    pub name: String,
    /// The number of the source.
    pub source: u32,
    /// The kind of database.
    pub kind: String,
    /// Whether the source was new.
    pub is_new: bool,
    /// By what it was found that nothing changed; nothing when something did.
    pub unchanged: Option<Recognised>,
    /// Rows that came in, changed and went.
    pub changes: RowChanges,
    /// All that an import has to say, where the rows were read.
    pub import: Option<FileReport>,
    /// Conflicts that were decided by this round.
    pub resolved: u64,
    /// Conflicts that are open, old and new.
    pub conflicts: Vec<OpenConflict>,
    /// The database that was written out.
    pub out: Option<ExportedFile>,
    /// Seconds that it took.
    pub elapsed: f64,
}

/// Brings what changed in the database at `file` into the store, which may be the first time. The
/// file may be in use: it is read as of one moment, and its folder stays as it is, except for the
/// note of a reader in the `-shm` file of one that is in use.
///
/// A file that did not change since the last call is recognised without being read. Else the cost
/// is that of reading the file once and of writing what changed. One write of the store: all that
/// changed is in, or nothing.
///
/// SQLite's locks belong to a process. A program that itself has this database open must not call
/// this meanwhile: it would lose its locks.
///
/// ```
/// use engraph::legacy::{SyncOptions, sample, sync};
///
/// # let dir = tempfile::tempdir()?;
/// let file = sample::write(dir.path(), 3)?.swap_remove(0);
/// let store = engraph::Store::create(dir.path().join("store"))?;
/// let first = sync(&store, &file, &SyncOptions::new(), &mut |_| {})?;
/// assert!(first.is_new && first.conflicts.is_empty());
/// let again = sync(&store, &file, &SyncOptions::new(), &mut |_| {})?;
/// assert!(again.unchanged.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Import`] when the file cannot be read now: it is locked, half-written, damaged or not
/// there, so that a later call may succeed; [`Error::Invalid`] for an unknown time zone, or when
/// `out` is the file itself; [`Error::NotFound`] for a record without an open conflict; else what
/// [`import`](super::import()), [`resolve`] and [`export`](super::export()) can fail with.
pub fn sync(
    store: &Store,
    file: &Path,
    options: &SyncOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<SyncReport> {
    let start = Instant::now();
    let span = tracing::info_span!("sync", file = %file.display());
    let _entered = span.enter();
    if let Some((out, _)) = &options.out {
        check_apart(file, out)?;
    }
    let name = options.name.clone().unwrap_or_else(|| file.to_string_lossy().into_owned());
    let mut report = bring_in(store, file, name, options, progress)?;
    if let Some(side) = options.resolve {
        report.resolved = resolve(store, Some(&report.name), &options.records, side)?;
    }
    let source = source_of(store, report.source)?;
    report.conflicts = open_conflicts(&store.read()?, &source)?;
    if let Some((out, existing)) = &options.out {
        let options = ExportOptions::new().mode(Mode::Loadable).existing(*existing);
        report.out = Some(give_back(store, &source, out, &options, progress)?);
    }
    report.elapsed = start.elapsed().as_secs_f64();
    tracing::info!(
        unchanged = ?report.unchanged,
        changes = ?report.changes,
        conflicts = report.conflicts.len(),
        "in step"
    );
    Ok(report)
}

/// Refuses to write into the file that is read, by whatever name.
fn check_apart(file: &Path, out: &Path) -> Result<()> {
    let same_path = fs::canonicalize(file)
        .ok()
        .is_some_and(|real| fs::canonicalize(out).is_ok_and(|other| other == real));
    let identity = place::identity(file);
    if same_path || (identity.is_some() && identity == place::identity(out)) {
        let reason = format!("{} is the database that is read, and may be in use", out.display());
        return Err(Error::invalid("out", reason));
    }
    Ok(())
}

fn source_of(store: &Store, number: u32) -> Result<Arc<sources::Source>> {
    let all = store.shared().core.sources.all();
    let found = all.into_iter().find(|source| source.number == number);
    found.ok_or_else(|| Error::not_found("source", number))
}

fn report_of(file: &Path, name: String, source: &sources::Source) -> SyncReport {
    SyncReport {
        file: file.to_path_buf(),
        name,
        source: source.number,
        kind: source.database.clone(),
        is_new: false,
        unchanged: None,
        changes: RowChanges::default(),
        import: None,
        resolved: 0,
        conflicts: Vec::new(),
        out: None,
        elapsed: 0.0,
    }
}

/// Takes in what changed.
fn bring_in(
    store: &Store,
    file: &Path,
    name: String,
    options: &SyncOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<SyncReport> {
    let all = &store.shared().core.sources;
    let known: Vec<_> = all.all().into_iter().filter(|source| source.name == name).collect();
    // Taken before anything is read: what is written from here on makes another mark.
    let mark = mark_of(file).unwrap_or_default();
    let same = known.iter().find(|source| !mark.is_empty() && source.mark == mark);
    if let Some(source) = same.filter(|_| !options.is_thorough) {
        let unchanged = Some(Recognised::Mark);
        return Ok(SyncReport { unchanged, ..report_of(file, name, source) });
    }
    let source = open_live(file, Damage::Refuse, None)?;
    let database = detect(source.schema(), file)?;
    let earlier = all.find(database.kind, &name);
    // A file in use has no digest: parts of it may be of different moments.
    let digest = if source.is_in_place() { fingerprint(file) } else { None };
    if let (Some(digest), Some(earlier)) = (digest, &earlier)
        && digest.to_string() == earlier.digest
    {
        source.check_unchanged()?;
        let marked = sources::Source { mark, ..sources::Source::clone(earlier) };
        store.bulk(|tx| tx.put_source(marked))?;
        let unchanged = Some(Recognised::Digest);
        return Ok(SyncReport { unchanged, ..report_of(file, name, earlier) });
    }
    let zone = zone_of(options, earlier.as_deref())?;
    let digest = digest.unwrap_or_else(|| Digest::of(&[]));
    let intake = Intake { store, zone: &zone, dry_run: false, name: &name, digest, mark };
    let mut taken = match &earlier {
        Some(earlier) => update::update(&intake, &source, database, earlier, progress)?,
        None => intake::take_in(&intake, &source, database, progress)?,
    };
    taken.path = file.to_path_buf();
    taken.name.clone_from(&name);
    taken.kind = Some(database.kind.to_owned());
    taken.notices = source.notices().to_vec();
    taken.notices.extend(source.findings().oddities.iter().cloned());
    let mut report = report_of(file, name, &*source_of(store, taken.source)?);
    report.is_new = earlier.is_none();
    report.changes = taken.changes;
    let is_same = !report.is_new && taken.changes == RowChanges::default();
    report.unchanged = is_same.then_some(Recognised::Rows);
    report.import = Some(taken);
    Ok(report)
}

fn zone_of(options: &SyncOptions, earlier: Option<&sources::Source>) -> Result<TimeZone> {
    let known = earlier.map(|source| source.zone.as_str()).filter(|zone| !zone.is_empty());
    let zone = options.zone.as_deref().or(known).unwrap_or("UTC");
    TimeZone::get(zone).map_err(|error| Error::invalid("time zone", format!("{zone:?}: {error}")))
}
