//! Files to be put into the inventory, and which of them to list.

use super::path;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::record::{FileStatus, IndexedFile};

/// Files of a list where nothing is said.
const FILES_DEFAULT: usize = 100;

/// A file as somebody found it.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewFile {
    pub(super) record: IndexedFile,
}

impl NewFile {
    /// A readable file at a path. Name, extension and MIME type are taken from the path; drive
    /// paths and `\mnt\...` are known as `/mnt/...`.
    pub fn new(path: impl Into<String>) -> Self {
        let original_path = path.into();
        let normalized_path = path::normalized(&original_path);
        let display_name = path::name(&normalized_path).to_owned();
        let ext = path::extension(&display_name);
        let mime_type = path::mime_type(&ext).map(ToOwned::to_owned);
        let mime_source = mime_type.is_some().then(|| "extension".to_owned());
        let path_hash = path::hash(&normalized_path);
        Self {
            record: IndexedFile {
                display_name,
                original_path,
                normalized_path,
                path_hash,
                mime_type,
                mime_source,
                ext: Some(ext),
                ..IndexedFile::default()
            },
        }
    }

    /// Sets the size in bytes.
    pub fn size(mut self, bytes: u64) -> Self {
        self.record.file_size = i64::try_from(bytes).ok();
        self
    }

    /// Sets when it was last modified.
    pub fn modified_at(mut self, time: Timestamp) -> Self {
        self.record.modified_at = Some(time);
        self
    }

    /// Sets the SHA-256 of the bytes, 64 hexadecimal digits.
    pub fn sha256(mut self, digest: impl Into<String>) -> Self {
        self.record.sha256 = Some(digest.into());
        self
    }

    /// Sets the MIME type and what told it, for example `magic`.
    pub fn mime_type(mut self, mime_type: impl Into<String>, source: impl Into<String>) -> Self {
        self.record.mime_type = Some(mime_type.into());
        self.record.mime_source = Some(source.into());
        self
    }

    /// Sets its state and, where it is not as it should be, why.
    pub fn status(mut self, status: FileStatus, error: Option<String>) -> Self {
        self.record.status = status;
        self.record.last_error = error;
        self
    }

    /// Sets what else was found, a JSON object; `{}` where none is given.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.record.metadata = Some(metadata);
        self
    }
}

/// By what files are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileOrder {
    /// When they were last looked at.
    #[default]
    Checked,
    /// When they were last modified.
    Modified,
    /// Their names.
    Name,
    /// Their states, then when they were last looked at.
    Status,
}

impl FileOrder {
    pub(super) fn index(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Modified => "modified",
            Self::Name => "name",
            Self::Status => "status",
        }
    }
}

/// Which files to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct FileQuery {
    pub(super) status: Option<FileStatus>,
    extension: Option<String>,
    words: Option<String>,
    pub(super) order: FileOrder,
    pub(super) is_ascending: bool,
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Default for FileQuery {
    fn default() -> Self {
        Self {
            status: None,
            extension: None,
            words: None,
            order: FileOrder::default(),
            is_ascending: false,
            offset: 0,
            limit: FILES_DEFAULT,
        }
    }
}

impl FileQuery {
    /// The 100 files that were looked at last.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only files in that state.
    pub fn status(mut self, status: FileStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only files with that extension, with or without its dot.
    pub fn extension(mut self, extension: &str) -> Self {
        let bare = extension.trim_start_matches('.').to_lowercase();
        self.extension = Some(if bare.is_empty() { bare } else { format!(".{bare}") });
        self
    }

    /// Only files whose path contains that, in upper or lower case.
    pub fn containing(mut self, text: &str) -> Self {
        self.words = Some(text.to_lowercase());
        self
    }

    /// Sets the order; greatest or newest first unless ascending is asked for.
    pub fn order(mut self, order: FileOrder) -> Self {
        self.order = order;
        self
    }

    /// Smallest or oldest first.
    pub fn ascending(mut self) -> Self {
        self.is_ascending = true;
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, files: usize) -> Self {
        self.offset = files;
        self
    }

    /// Sets how many files to list at most.
    pub fn limit(mut self, files: usize) -> Self {
        self.limit = files;
        self
    }

    pub(super) fn is_met(&self, file: &IndexedFile) -> bool {
        let has = |words: &String| {
            file.normalized_path.to_lowercase().contains(words)
                || file.display_name.to_lowercase().contains(words)
        };
        self.status.as_ref().is_none_or(|status| *status == file.status)
            && self.extension.as_ref().is_none_or(|ext| file.ext.as_deref() == Some(ext))
            && self.words.as_ref().is_none_or(has)
    }
}
