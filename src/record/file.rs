//! The file inventory: files, duplicates, watched directories, the scan manifest and summaries.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::vocabulary::FileStatus;
use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// How alike two files are.
    DuplicateType {
        /// The same bytes.
        Exact = "exact",
        /// Nearly the same content.
        Near = "near",
        /// The same file under another spelling of its path.
        Twin = "twin",
    }
}

/// A file of the inventory.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexedFile {
    /// Name of the file.
    pub display_name: String,
    /// Path as it was given.
    pub original_path: String,
    /// Path in the normal form of the host that scanned it.
    pub normalized_path: String,
    /// SHA-1 of the normalized path, in hexadecimal digits; the natural key.
    pub path_hash: String,
    /// Size in bytes; absent when missing or unreadable.
    pub file_size: Option<i64>,
    /// When the file was last modified; absent when missing.
    pub modified_at: Option<Timestamp>,
    /// MIME type.
    pub mime_type: Option<String>,
    /// What told the type: `magic`, `mimetypes` or another.
    pub mime_source: Option<String>,
    /// SHA-256 of the bytes, in hexadecimal digits; kept when the file turns missing.
    pub sha256: Option<String>,
    /// Extension in lower case with its dot; may be empty.
    pub ext: Option<String>,
    /// State of the file.
    pub status: FileStatus,
    /// When it was last looked at.
    pub last_checked_at: Option<Timestamp>,
    /// What went wrong last, for example `file_missing`.
    pub last_error: Option<String>,
    /// Object with what the scanner found.
    pub metadata: Option<Json>,
}

impl Record for IndexedFile {
    const NAME: &'static str = "indexed_file";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("path_hash", &self.path_hash);
        facts.index("status", (&self.status, self.last_checked_at));
        facts.index("ext", (&self.ext, self.last_checked_at));
        facts.index("checked", self.last_checked_at);
        facts.index("modified", self.modified_at);
        facts.index("name", &self.display_name);
        if let Some(mime_type) = &self.mime_type {
            facts.index("mime", mime_type);
        }
        if let Some(sha256) = &self.sha256 {
            facts.index("sha256", sha256);
        }
        facts.text("name", self.display_name.as_str());
        facts.text("normalized_path", self.normalized_path.as_str());
        facts.keyword("status", self.status.as_str());
        facts.keyword("ext", self.ext.as_deref());
        facts.keyword("mime", self.mime_type.as_deref());
        facts.time("modified", self.modified_at);
        facts.time("checked", self.last_checked_at);
    }
}

/// Two files with the same or nearly the same content; derived.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileDuplicate {
    /// The file that stands for the group.
    pub canonical: Option<NodeId>,
    /// The other file.
    pub duplicate: Option<NodeId>,
    /// How alike they are.
    pub relationship_type: DuplicateType,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// What was compared, for example `sha256`.
    pub match_basis: Option<String>,
    /// When it was found.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for FileDuplicate {
    const NAME: &'static str = "file_duplicate";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(canonical) = self.canonical
            && let Some(duplicate) = self.duplicate
        {
            facts.unique("pair", (canonical, duplicate, &self.relationship_type));
        }
        facts.index("canonical", self.canonical);
        facts.index("duplicate", self.duplicate);
        facts.index("type", &self.relationship_type);
        facts.relation(self.duplicate, "duplicate_of", self.canonical, self.confidence);
    }
}

/// A directory that is scanned again and again.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// Path as it was typed.
    pub original_path: String,
    /// Path in normal form; the natural key.
    pub normalized_path: String,
    /// Whether directories below it are scanned too.
    pub recursive: bool,
    /// Array of words that a path must contain.
    pub keywords: Option<Json>,
    /// Array of extensions, the dot optional.
    pub allowed_exts: Option<Json>,
    /// Whether it is scanned.
    pub active: bool,
    /// When it was added.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for Watch {
    const NAME: &'static str = "watch";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("path", &self.normalized_path);
        facts.index("active", (self.active, self.created_at));
        facts.text("name", self.normalized_path.as_str());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}

/// What the last scan saw of a path; equal time and size mean that it is skipped.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanManifest {
    /// SHA-1 of the normalized path, in hexadecimal digits; the natural key.
    pub path_hash: String,
    /// Path in normal form.
    pub normalized_path: String,
    /// Size in bytes.
    pub file_size: Option<i64>,
    /// When the file was last modified.
    pub modified_at: Option<Timestamp>,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: Option<String>,
    /// State of the file.
    pub last_status: Option<FileStatus>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was last seen.
    pub updated_at: Option<Timestamp>,
}

impl Record for ScanManifest {
    const NAME: &'static str = "scan_manifest";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("path_hash", &self.path_hash);
        facts.index("modified", self.modified_at);
    }
}

/// First and last event of a file; derived.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimelineSummary {
    /// The file; one row each.
    pub file: Option<NodeId>,
    /// The earliest event.
    pub first_event_at: Option<Timestamp>,
    /// The latest event.
    pub last_event_at: Option<Timestamp>,
    /// Number of events, 0 to 5.
    pub event_count: i64,
    /// When it was computed.
    pub refreshed_at: Option<Timestamp>,
}

impl Record for TimelineSummary {
    const NAME: &'static str = "timeline_summary";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(file) = self.file {
            facts.unique("file", file);
        }
        facts.link("file", self.file);
    }
}

/// Counts of tags and entities of a file; derived.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeywordSummary {
    /// The file; one row each.
    pub file: Option<NodeId>,
    /// Tags that rules gave.
    pub rule_tag_count: i64,
    /// Entities found.
    pub entity_count: i64,
    /// Distinct capitalised words of the preview that are no known term.
    pub unresolved_candidate_count: i64,
    /// When it was computed.
    pub refreshed_at: Option<Timestamp>,
}

impl Record for KeywordSummary {
    const NAME: &'static str = "keyword_summary";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(file) = self.file {
            facts.unique("file", file);
        }
        facts.link("file", self.file);
    }
}

/// State of a file in flags; derived.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthSummary {
    /// The file; one row each.
    pub file: Option<NodeId>,
    /// State of the file.
    pub status: Option<FileStatus>,
    /// Whether it is missing.
    pub is_missing: bool,
    /// Whether it is damaged.
    pub is_damaged: bool,
    /// Whether the last look at it is too long ago.
    pub is_stale: bool,
    /// When it was computed.
    pub refreshed_at: Option<Timestamp>,
}

impl Record for HealthSummary {
    const NAME: &'static str = "health_summary";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(file) = self.file {
            facts.unique("file", file);
        }
        facts.link("file", self.file);
    }
}
