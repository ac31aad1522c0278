//! Taking databases in: which files, under which names, and what became of each.
//!
//! One engine transaction a file: a file is in whole or not at all. A refused file does not stop
//! the others.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::tz::TimeZone;

use super::database::Export;
use super::detect::detect;
use super::report::{Fate, FileReport, ImportReport, Progress};
use super::source::{Damage, Source};
use super::sync_mark::mark_of;
use super::{intake, update};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::limits::LEGACY_FOLDER_DEPTH_MAX;
use crate::base::trace::carried;
use crate::base::trace::category::LEGACY;
use crate::store::Store;

/// How databases are taken in.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    name: Option<String>,
    zone: String,
    dry_run: bool,
    damage: Damage,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ImportOptions {
    /// Names are the paths as given, times without a zone are UTC, damaged files are refused.
    #[must_use]
    pub fn new() -> Self {
        Self { name: None, zone: "UTC".into(), dry_run: false, damage: Damage::Refuse }
    }

    /// The name of the source, for a single file.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The time zone that local times in the files are of, by its IANA name.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }

    /// Only reports what would happen.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// What to do with damaged files.
    #[must_use]
    pub fn damage(mut self, damage: Damage) -> Self {
        self.damage = damage;
        self
    }
}

/// What one file is taken in with.
pub(super) struct Intake<'a> {
    pub(super) store: &'a Store,
    pub(super) zone: &'a TimeZone,
    pub(super) dry_run: bool,
    pub(super) name: &'a str,
    pub(super) digest: Digest,
    /// See [`mark_of`].
    pub(super) mark: String,
}

/// Takes databases of the old application into a store. Folders are searched for them.
///
/// The result says what became of each file; a refused one is no error of the call. The change log
/// notes the records of a file as one write. Must not be called inside of a write.
///
/// # Errors
/// [`Error::Invalid`] for an unknown time zone, or a name for several files; [`Error::NotFound`]
/// when there is no file at all; else what [`Store::bulk`] can fail with for other reasons than a
/// file.
pub fn import(
    store: &Store,
    paths: &[PathBuf],
    options: &ImportOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<ImportReport> {
    let zone = TimeZone::get(&options.zone)
        .map_err(|error| Error::invalid("time zone", format!("{:?}: {error}", options.zone)))?;
    let files = collect(paths)?;
    if options.name.is_some() && files.len() > 1 {
        let reason = format!("one name for {} files", files.len());
        return Err(Error::invalid("name", reason));
    }
    let mut report = ImportReport { dry_run: options.dry_run, files: Vec::new() };
    for path in files {
        let start = Instant::now();
        let name = options.name.clone().unwrap_or_else(|| path.to_string_lossy().into_owned());
        let span = tracing::info_span!(target: LEGACY, "import", file = %path.display());
        let _entered = span.enter();
        let mut file = match take_in(store, &path, &name, &zone, options, progress) {
            Ok(file) => file,
            Err(error) if concerns_the_file(&error) => refused(&error),
            Err(error) => return Err(error),
        };
        file.path = path;
        file.name = name;
        file.elapsed = start.elapsed().as_secs_f64();
        tracing::info!(target: LEGACY, fate = ?file.fate, rows = file.total_rows(), "file taken");
        report.files.push(file);
    }
    Ok(report)
}

/// Whether an error says something about the file, and not about the store.
pub(super) fn concerns_the_file(error: &Error) -> bool {
    matches!(error, Error::Import { .. } | Error::Limit { .. } | Error::Invalid { .. })
}

fn refused(error: &Error) -> FileReport {
    let reason = reason_of(error);
    tracing::warn!(target: LEGACY, %reason, "file refused");
    FileReport { reason: Some(reason), ..FileReport::default() }
}

/// What is wrong with a file, with its causes, without the file.
pub(super) fn reason_of(error: &Error) -> String {
    let mut reason = match error {
        Error::Import { place, reason, .. } if place.is_empty() => reason.clone(),
        Error::Import { place, reason, .. } => format!("{place}: {reason}"),
        other => other.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        reason.push_str(": ");
        reason.push_str(&source.to_string());
        cause = source.source();
    }
    reason
}

fn take_in(
    store: &Store,
    path: &Path,
    name: &str,
    zone: &TimeZone,
    options: &ImportOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<FileReport> {
    let sources = &store.shared().core.sources;
    // Taken first: what is written from here on makes another one.
    let mark = mark_of(path).unwrap_or_default();
    let known: Vec<_> = sources.all().into_iter().filter(|source| source.name == name).collect();
    let (digest, source) = if known.is_empty() {
        // A file that is new is read whatever its digest is, so both can be done at once.
        std::thread::scope(|scope| {
            let digest = scope.spawn(carried(|| fingerprint(path)));
            let source = Source::open(path, options.damage, None)?;
            Ok::<_, Error>((digest.join().ok().flatten(), source))
        })?
    } else {
        let digest = fingerprint(path);
        let same = digest
            .and_then(|digest| known.iter().find(|source| source.digest == digest.to_string()));
        if let Some(source) = same {
            return Ok(FileReport {
                fate: Fate::Unchanged,
                kind: Some(source.database.clone()),
                source: source.number,
                ..FileReport::default()
            });
        }
        (digest, Source::open(path, options.damage, None)?)
    };
    let database = detect(source.schema(), path)?;
    let digest = digest.unwrap_or_else(|| Digest::of(&[]));
    let intake = Intake { store, zone, dry_run: options.dry_run, name, digest, mark };
    let mut file = match sources.find(database.kind, name) {
        Some(earlier) => update::update(&intake, &source, database, &earlier, progress)?,
        None => intake::take_in(&intake, &source, database, progress)?,
    };
    file.kind = Some(database.kind.to_owned());
    file.notices = source.notices().to_vec();
    file.notices.extend(source.findings().oddities.iter().cloned());
    if database.export == Export::Never {
        file.notices.push("this kind is carried, but never exported".into());
    }
    Ok(file)
}

/// The digest of a file and of what belongs to it. Nothing is opened that is no regular file.
pub(super) fn fingerprint(path: &Path) -> Option<Digest> {
    let regular = |path: &Path| fs::metadata(path).is_ok_and(|found| found.is_file());
    if !regular(path) {
        return None;
    }
    let real = fs::canonicalize(path).ok()?;
    let beside = ["-wal", "-journal"].map(|suffix| {
        let mut name = real.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    });
    let files: Vec<File> = std::iter::once(real)
        .chain(beside.into_iter().filter(|path| regular(path)))
        .map(File::open)
        .collect::<std::io::Result<_>>()
        .ok()?;
    Digest::of_readers(files).ok()
}

/// The files that paths name: themselves, or what looks like a database below a folder.
pub(super) fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !fs::metadata(path).is_ok_and(|found| found.is_dir()) {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        search(path, LEGACY_FOLDER_DEPTH_MAX, &mut files)?;
        if files.len() == before {
            return Err(Error::not_found("database in folder", path.display()));
        }
    }
    if files.is_empty() {
        return Err(Error::invalid("paths", "no file given"));
    }
    Ok(files)
}

fn search(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error| Error::io("search", folder, error);
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(failed)?;
    entries.sort_unstable();
    for path in entries {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if found.is_dir() {
            // A store of ours holds no database of the old application.
            if depth > 0 && !path.join("data.redb").exists() {
                search(&path, depth - 1, files)?;
            }
        } else if looks_like_a_database(&path, found.is_file()) {
            files.push(path);
        }
    }
    Ok(())
}

/// By its first bytes, or by its name: a damaged one must not be passed over in silence.
fn looks_like_a_database(path: &Path, regular: bool) -> bool {
    let named = path.extension().is_some_and(|extension| {
        ["db", "sqlite", "sqlite3"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    if named || !regular {
        return named;
    }
    let mut magic = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *b"SQLite format 3\0"
}
