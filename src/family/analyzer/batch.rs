//! Analyzing the files of the inventory, and keeping what is said of them.
//!
//! Every file has a [`CodeFile`] with its state and the digest of the bytes that were analyzed, one
//! [`FileAnalysis`], and a [`FileRelation`] for each thing it uses. State, digest and analysis
//! change in one write, so a run that is killed leaves each file done or not begun, and the next
//! one goes on with what is not done.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Serialize;

use super::{Analysis, Analyzer, Source};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result, describe};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::{
    ANALYZE_BATCH_FILES, ANALYZE_FILE_BYTES_MAX, ANALYZE_THREADS_MAX, SCAN_PROBLEMS_MAX,
};
use crate::family::file::path;
use crate::record::{CodeFile, FileAnalysis, FileRelation, FileStatus, IndexedFile, TrackStatus};
use crate::store::{ReadTx, Store, WriteTx};

/// What found a relation.
const DETECTED_BY: &str = "static_analysis";

/// How files are analyzed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AnalyzeOptions {
    extensions: Vec<String>,
    files_max: Option<usize>,
    threads: usize,
    again: bool,
}

impl AnalyzeOptions {
    /// All files, on as many threads as there are processors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only files with these extensions, with or without a dot, in any case.
    pub fn extensions<S: AsRef<str>>(mut self, extensions: impl IntoIterator<Item = S>) -> Self {
        let dotted = |extension: S| {
            format!(".{}", extension.as_ref().trim_start_matches('.').to_lowercase())
        };
        self.extensions.extend(extensions.into_iter().map(dotted));
        self
    }

    /// Stops after so many files that had to be analyzed.
    pub fn files_max(mut self, files: usize) -> Self {
        self.files_max = Some(files);
        self
    }

    /// Sets the number of threads; 0 is as many as there are processors. Results do not depend on
    /// it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Analyzes what is done already too.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    fn threads_used(&self) -> usize {
        let threads = match self.threads {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        threads.min(ANALYZE_THREADS_MAX)
    }
}

/// How far a run is. Given to the `progress` of [`Store::analyze_files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnalyzeProgress {
    /// Files that the run has looked at.
    pub done: u64,
    /// Files that it has to look at.
    pub total: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnalyzeReport {
    /// Files in question.
    pub files: u64,
    /// Done before: the same bytes, by the same analyzer.
    pub unchanged: u64,
    /// Analyzed now.
    pub analyzed: u64,
    /// Without any content.
    pub skipped_empty: u64,
    /// The analyzer had no answer.
    pub failed: u64,
    /// The analyzer broke off, or the file cannot be read.
    pub errors: u64,
    /// Too large to be looked at.
    pub too_large: u64,
    /// Relations found.
    pub relations: u64,
    /// Whether it was stopped, or cut at the most files asked for, before its end.
    pub is_stopped: bool,
    /// Why the analyzer gave up before the end, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<String>,
    /// What went wrong, by path; the first hundred.
    pub problems: BTreeMap<String, String>,
}

/// A file that has to be looked at.
struct Wanted {
    path: String,
    size: Option<i64>,
    modified_at: Option<crate::base::time::Timestamp>,
}

/// What looking at a file gave.
struct Looked {
    digest: Option<String>,
    lines: Option<u64>,
    outcome: Outcome,
}

enum Outcome {
    Analyzed(Box<Analysis>),
    Empty,
    NoAnswer,
    Broken(String),
}

impl Store {
    /// Analyzes the files of the inventory below `root` (all of them without one) that were not
    /// analyzed yet: whose bytes, as of the last scan, or whose analyzer is another than that of
    /// the analysis they have. Files that failed are tried again. Each batch is one write; what a
    /// killed or stopped run kept is not done again. A batch is 256 files, or as many as there are
    /// threads where [`Analyzer::is_costly`] says so.
    ///
    /// `progress` is told how far it is after each batch, and can stop the run.
    ///
    /// What an analyzer fails at, panics included, is noted in the state of the file and in the
    /// report; it is no error. An analyzer that [gave up](Analyzer::gave_up) ends the run.
    ///
    /// # Errors
    /// As [`Store::write`].
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use engraph::Store;
    /// use engraph::family::{AnalyzeOptions, BuiltInAnalyzer, ScanOptions};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::create(dir.path().join("s"))?;
    /// # let tree = dir.path().join("tree");
    /// # std::fs::create_dir(&tree)?;
    /// std::fs::write(tree.join("run.py"), "'''Sorts letters.'''\nimport os\n")?;
    /// store.scan_tree(&tree, &ScanOptions::new())?;
    /// let options = AnalyzeOptions::new();
    /// let go_on = |_: &_| ControlFlow::Continue(());
    /// let report = store.analyze_files(None, &BuiltInAnalyzer::new(), &options, go_on)?;
    /// assert_eq!((report.analyzed, report.relations), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn analyze_files(
        &self,
        root: Option<&Path>,
        analyzer: &(impl Analyzer + ?Sized),
        options: &AnalyzeOptions,
        mut progress: impl FnMut(&AnalyzeProgress) -> ControlFlow<()>,
    ) -> Result<AnalyzeReport> {
        let mut report = AnalyzeReport::default();
        let wanted = wanted(&self.read()?, root, analyzer, options, &mut report)?;
        // All are known before the first is analyzed, so that relations find their targets.
        for batch in wanted.chunks(ANALYZE_BATCH_FILES) {
            self.write(|tx| batch.iter().try_for_each(|wanted| discover(tx, wanted)))?;
        }
        let (mut done, total) = (0, wanted.len() as u64);
        let threads = options.threads_used();
        let batch_files = if analyzer.is_costly() { threads } else { ANALYZE_BATCH_FILES };
        for batch in wanted.chunks(batch_files) {
            let looked = look_at_all(batch, analyzer, threads);
            self.write(|tx| {
                for (place, looked) in &looked {
                    keep(tx, &batch[*place], looked, analyzer, &mut report)?;
                }
                Ok(())
            })?;
            done += looked.len() as u64;
            report.gave_up = analyzer.gave_up();
            let stop = progress(&AnalyzeProgress { done, total }).is_break();
            if stop || report.gave_up.is_some() {
                report.is_stopped |= done < total;
                break;
            }
        }
        Ok(report)
    }
}

/// The files that have to be looked at, by path.
fn wanted(
    tx: &ReadTx,
    root: Option<&Path>,
    analyzer: &(impl Analyzer + ?Sized),
    options: &AnalyzeOptions,
    report: &mut AnalyzeReport,
) -> Result<Vec<Wanted>> {
    let below = root.map(below).transpose()?;
    let mut wanted = Vec::new();
    for row in tx.iter::<IndexedFile>()? {
        let (_, file) = row?;
        let path = path::normalized(&file.normalized_path);
        let extension = path::extension(path::name(&path));
        if matches!(file.status, FileStatus::Missing | FileStatus::Unreadable)
            || below.as_ref().is_some_and(|below| !path.starts_with(below))
            || !options.extensions.is_empty() && !options.extensions.contains(&extension)
        {
            continue;
        }
        report.files += 1;
        if file.file_size.is_some_and(|size| size > ANALYZE_FILE_BYTES_MAX) {
            report.too_large += 1;
        } else if !options.again && is_done(tx, &path, file.sha256.as_deref(), analyzer)? {
            report.unchanged += 1;
        } else {
            wanted.push(Wanted { path, size: file.file_size, modified_at: file.modified_at });
        }
    }
    wanted.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    if let Some(files_max) = options.files_max.filter(|max| *max < wanted.len()) {
        wanted.truncate(files_max);
        report.is_stopped = true;
    }
    Ok(wanted)
}

/// What the paths below a directory begin with.
fn below(root: &Path) -> Result<String> {
    let whole = fs::canonicalize(root).map_err(|error| Error::io("analyze", root, error))?;
    let whole = whole.to_str().ok_or_else(|| Error::invalid("root", "its name is no text"))?;
    Ok(format!("{}/", path::normalized(whole).trim_end_matches('/')))
}

fn is_done(
    tx: &ReadTx,
    path: &str,
    digest: Option<&str>,
    analyzer: &(impl Analyzer + ?Sized),
) -> Result<bool> {
    let Some((id, file)) = tx.find::<CodeFile>("absolute_path", path)? else { return Ok(false) };
    if digest.is_none() || file.content_hash.as_deref() != digest {
        return Ok(false);
    }
    match file.status {
        Some(TrackStatus::SkippedEmpty) => Ok(true),
        Some(TrackStatus::Analyzed) => {
            let newest = tx.index_descending::<FileAnalysis>("file", (Some(id),))?.next();
            Ok(newest.transpose()?.is_some_and(|(_, analysis)| {
                analysis.ai_model_used.as_deref() == Some(analyzer.name())
                    && analysis.ai_model_version.as_deref() == Some(analyzer.version())
            }))
        }
        _ => Ok(false),
    }
}

/// Looks at the files of a batch; results are in their order, each with its place. What was not
/// begun before the analyzer gave up is left out.
fn look_at_all(
    batch: &[Wanted],
    analyzer: &(impl Analyzer + ?Sized),
    threads: usize,
) -> Vec<(usize, Looked)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut looked = Vec::new();
        while analyzer.gave_up().is_none() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(wanted) = batch.get(place) else { break };
            looked.push((place, look_at(wanted, analyzer)));
        }
        looked
    };
    let mut looked = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(batch.len())).map(|_| scope.spawn(work)).collect();
        let mut looked = work();
        for other in others {
            looked.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        looked
    });
    looked.sort_unstable_by_key(|(place, _)| *place);
    looked
}

fn look_at(wanted: &Wanted, analyzer: &(impl Analyzer + ?Sized)) -> Looked {
    let bytes = match read(&wanted.path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            return Looked { digest: None, lines: None, outcome: Outcome::Broken(reason) };
        }
    };
    let digest = Some(Digest::of(&bytes).to_string());
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Looked { digest, lines: Some(0), outcome: Outcome::Empty };
    }
    let source = Source { path: &wanted.path, bytes: &bytes };
    let outcome = match catch_unwind(AssertUnwindSafe(|| analyzer.analyze(&source))) {
        Ok(Ok(Some(analysis))) => Outcome::Analyzed(Box::new(analysis)),
        Ok(Ok(None)) => Outcome::NoAnswer,
        Ok(Err(error)) => Outcome::Broken(describe(&error)),
        Err(_) => Outcome::Broken("the analyzer panicked".to_owned()),
    };
    let lines = match &outcome {
        Outcome::Analyzed(analysis) => Some(analysis.lines),
        _ => None,
    };
    Looked { digest, lines, outcome }
}

/// The bytes of a file, unless it has grown too large since the scan.
fn read(path: &str) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let max = ANALYZE_FILE_BYTES_MAX as u64;
    let read = File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(format!("cannot read: {error}")),
        Ok(_) if bytes.len() as u64 > max => Err(format!("it has grown to more than {max} bytes")),
        Ok(_) => Ok(bytes),
    }
}

/// Notes that a file is there, where that is not known yet.
fn discover(tx: &mut WriteTx<'_>, wanted: &Wanted) -> Result<()> {
    if tx.find::<CodeFile>("absolute_path", &wanted.path)?.is_some() {
        return Ok(());
    }
    let now = tx.now();
    let name = path::name(&wanted.path);
    if let Some((id, mut file)) = tx.find::<CodeFile>("path", &wanted.path)? {
        // The old tracker knows it by this path alone; its digest is of another kind.
        file.absolute_path = Some(wanted.path.clone());
        return tx.put(id, &file).map(drop);
    }
    tx.insert(&CodeFile {
        file_path: wanted.path.clone(),
        file_name: Some(name.to_owned()),
        file_extension: Some(path::extension(name)),
        absolute_path: Some(wanted.path.clone()),
        file_size: wanted.size,
        is_active: Some(true),
        status: Some(TrackStatus::Discovered),
        created_at: Some(now),
        modified_at: wanted.modified_at,
        updated_at: Some(now),
        ..CodeFile::default()
    })
    .map(drop)
}

/// Writes what was said of one file.
fn keep(
    tx: &mut WriteTx<'_>,
    wanted: &Wanted,
    looked: &Looked,
    analyzer: &(impl Analyzer + ?Sized),
    report: &mut AnalyzeReport,
) -> Result<()> {
    let known = tx.find::<CodeFile>("absolute_path", &wanted.path)?;
    let Some((id, mut file)) = known else { return Ok(()) };
    let now = tx.now();
    let status = match &looked.outcome {
        Outcome::Analyzed(analysis) => {
            file.file_type = Some(analysis.file_type.clone());
            keep_analysis(tx, id, &file, analysis, analyzer)?;
            report.relations += keep_relations(tx, id, analysis)?;
            report.analyzed += 1;
            TrackStatus::Analyzed
        }
        Outcome::Empty => {
            report.skipped_empty += 1;
            TrackStatus::SkippedEmpty
        }
        Outcome::NoAnswer => {
            report.failed += 1;
            report.add_problem(&wanted.path, "no answer");
            TrackStatus::AnalysisFailed
        }
        Outcome::Broken(reason) => {
            report.errors += 1;
            report.add_problem(&wanted.path, reason);
            TrackStatus::ErrorDuringAnalysis
        }
    };
    if let Some(digest) = &looked.digest {
        file.content_hash = Some(digest.clone());
        file.hash_algorithm = Some("sha256".to_owned());
    }
    file.lines_of_code = looked.lines.map(|lines| lines as i64).or(file.lines_of_code);
    file.file_size = wanted.size;
    file.modified_at = wanted.modified_at;
    file.status = Some(status);
    file.last_scanned_at = Some(now);
    file.updated_at = Some(now);
    tx.put(id, &file).map(drop)
}

/// Replaces the analysis of a file as a whole.
fn keep_analysis(
    tx: &mut WriteTx<'_>,
    id: NodeId,
    file: &CodeFile,
    analysis: &Analysis,
    analyzer: &(impl Analyzer + ?Sized),
) -> Result<()> {
    let names: Vec<&str> = analysis.imports.iter().map(|import| import.name.as_str()).collect();
    let record = FileAnalysis {
        file: Some(id),
        file_path: file.file_path.clone(),
        file_name: file.file_name.clone(),
        file_type: Some(analysis.file_type.clone()),
        programming_language: Some(analysis.language.clone()),
        primary_purpose: Some(analysis.purpose.clone()),
        key_functionality: Some(analysis.functionality.clone()),
        main_classes: Some(Json::of(&analysis.types)?),
        main_functions: Some(Json::of(&analysis.functions)?),
        dependencies: Some(Json::of(&names)?),
        dependency_text: Some(names.join(", ")),
        complexity_score: Some(analysis.complexity),
        documentation_score: analysis.comment_share.map(|share| (share * 1e3).round() / 100.0),
        ai_model_used: Some(analyzer.name().to_owned()),
        ai_model_version: Some(analyzer.version().to_owned()),
        analyzed_at: Some(tx.now()),
        analysis_notes: Some(analysis.notes.clone()),
        raw_ai_response: analysis.answer.clone(),
        ..FileAnalysis::default()
    };
    let old: Vec<(NodeId, FileAnalysis)> = tx.index("file", (Some(id),))?.collect::<Result<_>>()?;
    for (old, _) in old.iter().skip(1) {
        tx.delete(*old)?;
    }
    match old.first() {
        Some((old, _)) => tx.put(*old, &record).map(drop),
        None => tx.insert(&record).map(drop),
    }
}

/// Replaces what the last analysis found a file to use; what others noted stays.
fn keep_relations(tx: &mut WriteTx<'_>, id: NodeId, analysis: &Analysis) -> Result<u64> {
    let known: Vec<(NodeId, FileRelation)> =
        tx.index("source", (Some(id),))?.collect::<Result<_>>()?;
    for (old, relation) in known {
        if relation.detected_by.as_deref() == Some(DETECTED_BY) {
            tx.delete(old)?;
        }
    }
    for import in &analysis.imports {
        let mut target = None;
        for path in &import.paths {
            target = tx.find::<CodeFile>("absolute_path", path)?.map(|(target, _)| target);
            if target.is_some() {
                break;
            }
        }
        tx.insert(&FileRelation {
            source: Some(id),
            target,
            relationship_type: "imports".to_owned(),
            relationship_details: Some(import.name.clone()),
            line_number: Some(import.line as i64),
            detected_by: Some(DETECTED_BY.to_owned()),
            detected_at: Some(tx.now()),
            ..FileRelation::default()
        })?;
    }
    Ok(analysis.imports.len() as u64)
}

impl AnalyzeReport {
    fn add_problem(&mut self, path: &str, reason: &str) {
        if self.problems.len() < SCAN_PROBLEMS_MAX {
            self.problems.insert(path.to_owned(), reason.to_owned());
        }
    }
}
