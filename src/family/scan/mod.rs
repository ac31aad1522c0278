//! Looking at a tree of files, and bringing the inventory up to what is there.
//!
//! Only the names and times of the tree are read where nothing has changed; what is new or changed
//! is read once, by several threads. Each batch of files is one write, so a scan that is stopped or
//! fails leaves what it found, and the next one goes on from there. Only regular files are ever
//! opened.

mod options;
mod read;
mod walk;

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{NewFile, path};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{SCAN_BATCH_BYTES, SCAN_BATCH_FILES, SCAN_PROBLEMS_MAX};
use crate::base::time::Timestamp;
use crate::base::trace::category::FAMILY;
use crate::record::{FileStatus, IndexedFile, RunStatus, ScanRun};
use crate::store::{Store, WriteTx};
pub use options::{ScanOptions, ScanProblem, ScanProgress, ScanReport};
use read::{Outcome, Wanted};
use walk::{Found, Seen};

/// A file that was changed so shortly before it was last looked at may have been changed once more
/// since, without another time to show for it.
const RACY: Duration = Duration::from_secs(2);

impl Store {
    /// Brings the inventory up to the files below `root`: what is new or changed is read and put
    /// in, what lies elsewhere now is moved, what is gone is marked as missing. Unchanged files
    /// (by size and time) are not read. Every change is noted in the hash history, and tag rules
    /// are asked. A [`ScanRun`] says when it ran and how it ended.
    ///
    /// What cannot be read, loops of links and names that are no text are problems of the report,
    /// not errors.
    ///
    /// # Errors
    /// [`Error::Io`] when `root` itself cannot be read; [`Error::Invalid`] for a glob that is none;
    /// else as [`Store::write`].
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::family::ScanOptions;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::create(dir.path().join("s"))?;
    /// # let tree = dir.path().join("cases");
    /// # std::fs::create_dir(&tree)?;
    /// std::fs::write(tree.join("memo.txt"), "The reply is due")?;
    /// let report = store.scan_tree(&tree, &ScanOptions::new())?;
    /// assert_eq!((report.files, report.added, report.missing), (1, 1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scan_tree(&self, root: impl AsRef<Path>, options: &ScanOptions) -> Result<ScanReport> {
        self.scan_tree_with(root, options, |_| ControlFlow::Continue(()))
    }

    /// As [`Store::scan_tree`], telling `progress` after each batch how far it is; it can stop the
    /// scan.
    ///
    /// # Errors
    /// As there.
    pub fn scan_tree_with(
        &self,
        root: impl AsRef<Path>,
        options: &ScanOptions,
        progress: impl FnMut(&ScanProgress) -> ControlFlow<()>,
    ) -> Result<ScanReport> {
        let given = root.as_ref();
        let root = fs::canonicalize(given).map_err(|error| Error::io("scan", given, error))?;
        let found = walk::walk(&root, self.directory(), options)?;
        let run = self.write(|tx| {
            tx.insert(&ScanRun {
                scan_type: "incremental".into(),
                started_at: Some(tx.now()),
                ..ScanRun::default()
            })
        })?;
        let report = ScanReport { run: Some(run), ..ScanReport::default() };
        let mut scan = Scan { store: self, options, report, seen: HashSet::new(), progress };
        let around = tracing::info_span!(target: FAMILY, "scan");
        let done = around.in_scope(|| scan.run(&root, found));
        let Scan { report, .. } = scan;
        let status = match &done {
            Err(_) => RunStatus::Failed,
            Ok(()) if report.is_stopped => RunStatus::Cancelled,
            Ok(()) => RunStatus::Completed,
        };
        let error = done.as_ref().err().map(ToString::to_string);
        tracing::info!(target: FAMILY, root = %root.display(), status = status.as_str(), "scanned");
        let ended = self.write(|tx| end_run(tx, run, &report, status, error));
        done.and(ended).map(|()| report)
    }

    /// Scans every watched directory that is active, each as [`Store::scan_tree`] does, with the
    /// extensions and words that it is watched for. A directory that is not there is a problem of
    /// its report.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn scan_watches(&self, options: &ScanOptions) -> Result<Vec<(NodeId, ScanReport)>> {
        let watches = self.read()?.files().watches(super::file::Watches::Active)?;
        let mut reports = Vec::new();
        for (id, watch) in watches {
            let words = |json: Option<crate::base::json::Json>| -> Vec<String> {
                json.and_then(|json| json.parse().ok()).unwrap_or_default()
            };
            let mut options = options.clone().extensions(words(watch.allowed_exts));
            options = options.containing(words(watch.keywords));
            if !watch.recursive {
                options = options.depth_max(1);
            }
            let report = match self.scan_tree(&watch.normalized_path, &options) {
                Ok(report) => report,
                Err(Error::Io { path, source, .. }) => {
                    let mut report = ScanReport::default();
                    report.add_problem(&path, source.to_string());
                    report
                }
                Err(error) => return Err(error),
            };
            reports.push((id, report));
        }
        Ok(reports)
    }
}

/// A scan that is under way.
struct Scan<'a, P> {
    store: &'a Store,
    options: &'a ScanOptions,
    report: ScanReport,
    /// The files that are there.
    seen: HashSet<NodeId>,
    progress: P,
}

impl<P: FnMut(&ScanProgress) -> ControlFlow<()>> Scan<'_, P> {
    fn run(&mut self, root: &Path, found: impl Iterator<Item = Found>) -> Result<()> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for found in found {
            let Some(seen) = self.noted(found) else { continue };
            if self.report.files >= self.options.files_max as u64 {
                self.report.is_cut = true;
                break;
            }
            self.report.files += 1;
            if let Some(wanted) = self.wanted(seen)? {
                bytes += wanted.size;
                batch.push(wanted);
            }
            if batch.len() >= SCAN_BATCH_FILES || bytes >= SCAN_BATCH_BYTES {
                self.take(&batch)?;
                batch.clear();
                bytes = 0;
                if self.tell().is_break() {
                    self.report.is_stopped = true;
                    return Ok(());
                }
            }
        }
        self.take(&batch)?;
        if self.tell().is_break() {
            self.report.is_stopped = true;
        } else if !self.report.is_cut {
            self.find_missing(root)?;
        }
        Ok(())
    }

    fn tell(&mut self) -> ControlFlow<()> {
        let ScanReport { files, bytes_read, .. } = self.report;
        (self.progress)(&ScanProgress { files, bytes_read })
    }

    /// What was found, if it is a file to look at.
    fn noted(&mut self, found: Found) -> Option<Seen> {
        match found {
            Found::File(seen) => return Some(seen),
            Found::Link => self.report.links += 1,
            Found::Special => self.report.special += 1,
            Found::Problem(path, reason) => self.report.add_problem(&path, reason),
        }
        None
    }

    /// The file, unless the inventory knows it as it is.
    fn wanted(&mut self, seen: Seen) -> Result<Option<Wanted>> {
        let known = self.store.read()?.files().find(&seen.name)?;
        if let Some((id, file)) = &known {
            self.seen.insert(*id);
            if is_unchanged(file, &seen) {
                self.report.unchanged += 1;
                return Ok(None);
            }
        }
        let size = seen.size;
        Ok(Some(Wanted { seen, size, known }))
    }

    /// Reads a batch of files and writes what they are.
    fn take(&mut self, batch: &[Wanted]) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let outcomes = read::read_all(batch, self.options);
        for (wanted, outcome) in batch.iter().zip(&outcomes) {
            match outcome {
                Outcome::Read { size, .. } => self.report.bytes_read += size,
                Outcome::Gone => {}
                Outcome::Unreadable(reason) => {
                    self.report.add_problem(&wanted.seen.path, reason.clone());
                }
            }
        }
        let Self { store, report, seen, .. } = self;
        store.write(|tx| {
            for (wanted, outcome) in batch.iter().zip(&outcomes) {
                put(tx, wanted, outcome, report, seen)?;
            }
            Ok(())
        })
    }

    /// Marks what the inventory has below `root` and is no longer there.
    fn find_missing(&mut self, root: &Path) -> Result<()> {
        let Some(root) = root.to_str() else { return Ok(()) };
        let below = format!("{}/", path::normalized(root).trim_end_matches('/'));
        let mut gone = Vec::new();
        for row in self.store.read()?.iter::<IndexedFile>()? {
            let (id, file) = row?;
            let place = path::normalized(&file.normalized_path);
            if self.seen.contains(&id)
                || file.status == FileStatus::Missing
                || !place.starts_with(&below)
            {
                continue;
            }
            match fs::symlink_metadata(&place) {
                Err(error) if is_absence(&error) => gone.push(id),
                // It is there and was left out, or nobody can tell.
                Ok(_) | Err(_) => self.report.left_out += 1,
            }
        }
        for ids in gone.chunks(SCAN_BATCH_FILES) {
            self.store.write(|tx| {
                for id in ids {
                    tx.files().mark_missing(*id)?;
                }
                Ok(())
            })?;
            self.report.missing += ids.len() as u64;
        }
        Ok(())
    }
}

fn is_absence(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn is_unchanged(file: &IndexedFile, seen: &Seen) -> bool {
    file.status == FileStatus::Ready
        && file.sha256.is_some()
        && file.file_size == i64::try_from(seen.size).ok()
        && file.modified_at == Some(seen.modified_at)
        && file.last_checked_at.is_some_and(|time| seen.modified_at.saturating_add(RACY) < time)
}

/// Writes what one file is.
fn put(
    tx: &mut WriteTx<'_>,
    wanted: &Wanted,
    outcome: &Outcome,
    report: &mut ScanReport,
    seen: &mut HashSet<NodeId>,
) -> Result<()> {
    let Wanted { seen: Seen { name, modified_at, .. }, known, .. } = wanted;
    let mut new = NewFile::new(name);
    if let Some(metadata) = known.as_ref().and_then(|(_, file)| file.metadata.clone()) {
        new = new.metadata(metadata);
    }
    let known_digest = known.as_ref().and_then(|(_, file)| file.sha256.clone());
    match outcome {
        Outcome::Gone => return Ok(()),
        Outcome::Unreadable(reason) => {
            if let Some(digest) = known_digest {
                new = new.sha256(digest);
            }
            let error = Some(format!("permission_denied: {reason}"));
            let new = new.modified_at(*modified_at).status(FileStatus::Unreadable, error);
            report.unreadable += 1;
            seen.insert(tx.files().put(new)?);
        }
        Outcome::Read { size, digest, chunks } => {
            let digest = digest.to_string();
            let is_new = known.is_none();
            if is_new && let Some(id) = moved_from(tx, name, &digest, *size, seen)? {
                tx.files().relocate(id, name)?;
                if let Some(metadata) = tx.get::<IndexedFile>(id)?.and_then(|file| file.metadata) {
                    new = new.metadata(metadata);
                }
                report.moved += 1;
            } else if is_new {
                report.added += 1;
            } else if known_digest.as_ref() == Some(&digest) {
                report.touched += 1;
            } else {
                report.changed += 1;
            }
            let is_same = !is_new && known_digest.as_ref() == Some(&digest);
            let new = new.size(*size).modified_at(*modified_at).sha256(digest);
            let id = tx.files().put(new)?;
            seen.insert(id);
            if let Some(chunks) = chunks
                && (!is_same || tx.files().chunks(id)?.is_empty())
            {
                tx.files().replace_chunks(id, chunks.clone())?;
            }
        }
    }
    Ok(())
}

/// The file of the inventory that lies under this name now: one of the same bytes that is gone from
/// where it was. Empty files are all alike, and tell nothing.
fn moved_from(
    tx: &mut WriteTx<'_>,
    name: &str,
    digest: &str,
    size: u64,
    seen: &HashSet<NodeId>,
) -> Result<Option<NodeId>> {
    if size == 0 {
        return Ok(None);
    }
    let mut best: Option<(NodeId, bool)> = None;
    for row in tx.index::<IndexedFile>("sha256", digest)? {
        let (id, file) = row?;
        if seen.contains(&id) {
            continue;
        }
        let place = path::normalized(&file.normalized_path);
        let is_gone = fs::symlink_metadata(&place).is_err_and(|error| is_absence(&error));
        let has_same_name = file.display_name == path::name(name);
        if is_gone && best.is_none_or(|(_, known)| has_same_name && !known) {
            best = Some((id, has_same_name));
        }
    }
    Ok(best.map(|(id, _)| id))
}

fn end_run(
    tx: &mut WriteTx<'_>,
    run: NodeId,
    report: &ScanReport,
    status: RunStatus,
    error: Option<String>,
) -> Result<()> {
    let now = tx.now();
    let change = |record: &mut ScanRun| {
        record.completed_at = Some(now);
        record.duration_seconds = record.started_at.map(|start| seconds(start, now));
        record.files_scanned = report.files as i64;
        record.files_added = report.added as i64;
        record.files_updated = (report.changed + report.moved + report.touched) as i64;
        record.files_removed = report.missing as i64;
        record.status = status;
        record.error_message = error;
        Ok(())
    };
    tx.update(run, change).map(drop)
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.as_micros().saturating_sub(from.as_micros()) as f64 / 1e6
}

impl ScanReport {
    fn add_problem(&mut self, path: &Path, reason: String) {
        if self.problems.len() < SCAN_PROBLEMS_MAX {
            self.problems.push(ScanProblem { path: PathBuf::from(path), reason });
        } else {
            self.more_problems += 1;
        }
    }
}
