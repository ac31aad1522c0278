//! What to scan, how far a scan is, and what it found.

use std::path::PathBuf;

use serde::Serialize;

use crate::base::id::NodeId;

/// Largest file whose text is cut into chunks unless said otherwise, in bytes.
const TEXT_BYTES_DEFAULT: u64 = 1 << 20;

/// Which files of a tree to look at, and how.
#[derive(Clone, Debug)]
#[must_use]
pub struct ScanOptions {
    pub(super) has_ignore_files: bool,
    pub(super) has_hidden: bool,
    pub(super) follows_links: bool,
    pub(super) excluded: Vec<String>,
    pub(super) extensions: Vec<String>,
    pub(super) words: Vec<String>,
    pub(super) depth_max: Option<usize>,
    pub(super) files_max: usize,
    pub(super) text_bytes_max: u64,
    pub(super) threads: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            has_ignore_files: true,
            has_hidden: false,
            follows_links: false,
            excluded: Vec::new(),
            extensions: Vec::new(),
            words: Vec::new(),
            depth_max: None,
            files_max: usize::MAX,
            text_bytes_max: 0,
            threads: 0,
        }
    }
}

impl ScanOptions {
    /// Every regular file but hidden ones and those that `.gitignore` and `.ignore` files leave
    /// out; links are not followed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what `.gitignore` and `.ignore` files leave out.
    pub fn ignored_too(mut self) -> Self {
        self.has_ignore_files = false;
        self
    }

    /// Takes in files and directories whose names begin with a dot.
    pub fn hidden_too(mut self) -> Self {
        self.has_hidden = true;
        self
    }

    /// Follows symbolic links. A directory that is reached twice is looked at once; a loop is a
    /// problem of the report.
    pub fn follow_links(mut self) -> Self {
        self.follows_links = true;
        self
    }

    /// Leaves out what a glob in the form of `.gitignore` matches.
    pub fn exclude(mut self, glob: impl Into<String>) -> Self {
        self.excluded.push(glob.into());
        self
    }

    /// Only files with one of these extensions, with or without their dots; all where there is
    /// none.
    pub fn extensions(mut self, extensions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let bare = |ext: String| format!(".{}", ext.trim_start_matches('.').to_lowercase());
        self.extensions = extensions.into_iter().map(|ext| bare(ext.into())).collect();
        self
    }

    /// Only files whose path contains one of these words; all where there is none.
    pub fn containing(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.words = words.into_iter().map(Into::into).collect();
        self
    }

    /// Looks so many directories deep; 1 is the files of the root alone.
    pub fn depth_max(mut self, depth: usize) -> Self {
        self.depth_max = Some(depth);
        self
    }

    /// Looks at so many files at most. Where there are more, nothing is marked as missing.
    pub fn files_max(mut self, files: usize) -> Self {
        self.files_max = files;
        self
    }

    /// Cuts the texts of new and changed files of up to 1 MiB into chunks, so that they are found
    /// by their words.
    pub fn with_texts(mut self) -> Self {
        self.text_bytes_max = TEXT_BYTES_DEFAULT;
        self
    }

    /// Sets how many threads read files; as many as the machine has where nothing is said.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanProgress {
    /// Files looked at.
    pub files: u64,
    /// Bytes read.
    pub bytes_read: u64,
}

/// What a scan found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScanReport {
    /// Its record; none where it could not begin.
    pub run: Option<NodeId>,
    /// Files looked at.
    pub files: u64,
    /// Files that are new.
    pub added: u64,
    /// Files whose content changed, or that came back.
    pub changed: u64,
    /// Files with a new time and the old content.
    pub touched: u64,
    /// Files that were not read, because size and time are as before.
    pub unchanged: u64,
    /// Files that lie elsewhere now.
    pub moved: u64,
    /// Files that are gone.
    pub missing: u64,
    /// Files that cannot be opened.
    pub unreadable: u64,
    /// Files of the inventory below the root that are there and were left out.
    pub left_out: u64,
    /// Symbolic links that were not followed.
    pub links: u64,
    /// Pipes, sockets and devices, which are never opened.
    pub special: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Whether it was told to stop.
    pub is_stopped: bool,
    /// Whether there were more files than it was to look at.
    pub is_cut: bool,
    /// The first things that could not be looked at.
    pub problems: Vec<ScanProblem>,
    /// How many more there are.
    pub more_problems: u64,
}

/// Something that a scan could not look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScanProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}
