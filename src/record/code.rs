//! The code index: source files, their analysis, relations, issues, entities, groups and scans.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::vocabulary::RunStatus;
use super::vocabulary::Severity;
use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// How far the analysis of a tracked file came.
    TrackStatus {
        /// Found.
        Discovered = "discovered",
        /// Read and stored.
        Cataloged = "cataloged",
        /// Analyzed.
        Analyzed = "analyzed",
        /// The analyzer gave no answer.
        AnalysisFailed = "analysis_failed",
        /// There is nothing to analyze.
        SkippedEmpty = "skipped_empty",
        /// The analyzer broke off.
        ErrorDuringAnalysis = "error_during_analysis",
    }
}

text_enum! {
    /// State of an issue.
    IssueStatus {
        /// Found.
        Open = "open",
        /// Seen by somebody.
        Acknowledged = "acknowledged",
        /// Being worked on.
        InProgress = "in_progress",
        /// Done.
        Resolved = "resolved",
        /// Will stay.
        WontFix = "wont_fix",
    }
}

text_enum! {
    /// What a code entity is.
    CodeEntityType {
        /// A class.
        Class = "class",
        /// A function.
        Function = "function",
        /// A method.
        Method = "method",
        /// A variable.
        Variable = "variable",
        /// A constant.
        Constant = "constant",
    }
}

/// A source file of a code index or of the file tracker.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub struct CodeFile {
    /// Path: relative to the project in the code index, absolute in the tracker.
    pub file_path: String,
    /// Name of the file.
    pub file_name: Option<String>,
    /// Extension in lower case with its dot.
    pub file_extension: Option<String>,
    /// Path relative to the project.
    pub relative_path: Option<String>,
    /// Absolute path.
    pub absolute_path: Option<String>,
    /// Size in bytes.
    pub file_size: Option<i64>,
    /// Number of lines.
    pub lines_of_code: Option<i64>,
    /// Digest of the content: SHA-256 in the code index, MD5 in the tracker.
    pub content_hash: Option<String>,
    /// Name of the digest.
    pub hash_algorithm: Option<String>,
    /// Language or format, for example `python`.
    pub file_type: Option<String>,
    /// Part of the system, for example `core` or `test`.
    pub file_category: Option<String>,
    /// Path as a module.
    pub module_path: Option<String>,
    /// Whether the file still exists; absent where the source does not say.
    pub is_active: Option<bool>,
    /// Whether it is out of use.
    pub is_deprecated: bool,
    /// Whether it holds tests.
    pub is_test_file: bool,
    /// Whether a program wrote it.
    pub is_generated: bool,
    /// Whether tests cover it.
    pub has_tests: bool,
    /// Share of it that tests cover.
    pub test_coverage: Option<f64>,
    /// How far the analysis came; only the tracker says.
    pub status: Option<TrackStatus>,
    /// The whole text; only the tracker keeps it.
    pub content: Option<String>,
    /// When it was created or first seen.
    pub created_at: Option<Timestamp>,
    /// When the file was last modified.
    pub modified_at: Option<Timestamp>,
    /// When it was last scanned.
    pub last_scanned_at: Option<Timestamp>,
    /// When the row was last changed; only the tracker says.
    pub updated_at: Option<Timestamp>,
}

impl Record for CodeFile {
    const NAME: &'static str = "code_file";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("path", &self.file_path);
        facts.unique_text("absolute_path", self.absolute_path.as_deref().unwrap_or_default());
        if let Some(status) = &self.status {
            facts.index("status", (status, &self.file_path));
        }
        facts.index("type", (&self.file_type, &self.file_path));
        facts.index("category", (&self.file_category, &self.file_path));
        if let Some(file_extension) = &self.file_extension {
            facts.index("ext", file_extension);
        }
        facts.index("modified", self.modified_at);
        facts.text("name", self.file_name.as_deref());
        facts.text("file_path", self.file_path.as_str());
        facts.text("content", self.content.as_deref());
        facts.keyword("type", self.file_type.as_deref());
        facts.keyword("category", self.file_category.as_deref());
        facts.keyword("status", self.status.as_ref().map(TrackStatus::as_str));
        facts.time("created", self.created_at);
        facts.time("modified", self.modified_at);
    }
}

/// What an analyzer says about a source file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileAnalysis {
    /// The source file.
    pub file: Option<NodeId>,
    /// Path of the file.
    pub file_path: String,
    /// Name of the file.
    pub file_name: Option<String>,
    /// Type of the file.
    pub file_type: Option<String>,
    /// Programming language.
    pub programming_language: Option<String>,
    /// What the file is for.
    pub primary_purpose: Option<String>,
    /// What it does.
    pub key_functionality: Option<String>,
    /// Array of class names.
    pub main_classes: Option<Json>,
    /// Array of function names.
    pub main_functions: Option<Json>,
    /// Array of what it imports.
    pub dependencies: Option<Json>,
    /// What it imports, separated by commas, as the tracker keeps it.
    pub dependency_text: Option<String>,
    /// Array of what it offers.
    pub exports: Option<Json>,
    /// Complexity, 1 to 10.
    pub complexity_score: Option<f64>,
    /// How easy it is to change.
    pub maintainability_score: Option<f64>,
    /// How well it is documented.
    pub documentation_score: Option<f64>,
    /// How safe it is.
    pub security_score: Option<f64>,
    /// Name of the model.
    pub ai_model_used: Option<String>,
    /// Version of the model.
    pub ai_model_version: Option<String>,
    /// When it was analyzed.
    pub analyzed_at: Option<Timestamp>,
    /// How sure the analyzer is, 0 to 1.
    pub analysis_confidence: Option<f64>,
    /// Notes.
    pub analysis_notes: Option<String>,
    /// The answer of the model as it came.
    pub raw_ai_response: Option<String>,
}

impl Record for FileAnalysis {
    const NAME: &'static str = "file_analysis";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("file", (self.file, self.analyzed_at));
        facts.index("path", (&self.file_path, self.analyzed_at));
        facts.index("analyzed", self.analyzed_at);
        facts.link("file", self.file);
        facts.text("name", self.file_name.as_deref());
        facts.text("file_path", self.file_path.as_str());
        facts.text("primary_purpose", self.primary_purpose.as_deref());
        facts.text("key_functionality", self.key_functionality.as_deref());
        facts.text("notes", self.analysis_notes.as_deref());
        facts.keyword("type", self.file_type.as_deref());
        facts.keyword("language", self.programming_language.as_deref());
        facts.time("created", self.analyzed_at);
    }
}

/// One source file uses another.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileRelation {
    /// The file that uses.
    pub source: Option<NodeId>,
    /// The file that is used; absent when unresolved.
    pub target: Option<NodeId>,
    /// How: `imports`, `inherits`, `calls`, `uses`, `extends` or another.
    pub relationship_type: String,
    /// What is used.
    pub relationship_details: Option<String>,
    /// Line of the use, from 1.
    pub line_number: Option<i64>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// What found it: `static_analysis`, `ai` or `manual`.
    pub detected_by: Option<String>,
    /// When it was found.
    pub detected_at: Option<Timestamp>,
}

impl Record for FileRelation {
    const NAME: &'static str = "file_relation";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("source", (self.source, &self.relationship_type));
        facts.index("target", (self.target, &self.relationship_type));
        facts.index("type", &self.relationship_type);
        facts.relation(self.source, &self.relationship_type, self.target, self.confidence);
    }
}

/// Something to mend in a source file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileIssue {
    /// The source file.
    pub file: Option<NodeId>,
    /// What kind: `bug`, `security`, `performance`, `quality`, `documentation`.
    pub issue_type: String,
    /// How bad.
    pub severity: Severity,
    /// In a few words.
    pub title: String,
    /// In full.
    pub description: Option<String>,
    /// Line number or name in the file.
    pub location: Option<String>,
    /// What found it.
    pub detected_by: Option<String>,
    /// How sure it is, 0 to 1.
    pub detection_confidence: Option<f64>,
    /// When it was found.
    pub detected_at: Option<Timestamp>,
    /// State.
    pub status: IssueStatus,
    /// Who works on it.
    pub assigned_to: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// How it was resolved.
    pub resolution_notes: Option<String>,
}

impl Record for FileIssue {
    const NAME: &'static str = "file_issue";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("file", (self.file, &self.status));
        facts.index("status", (&self.status, self.detected_at));
        facts.index("severity", (&self.severity, &self.status));
        facts.index("type", &self.issue_type);
        facts.link("file", self.file);
        facts.text("title", self.title.as_str());
        facts.text("description", self.description.as_deref());
        facts.text("location", self.location.as_deref());
        facts.text("notes", self.resolution_notes.as_deref());
        facts.keyword("type", self.issue_type.as_str());
        facts.keyword("severity", self.severity.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.detected_at);
    }
}

/// A class, function or the like in a source file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub struct CodeEntity {
    /// The source file.
    pub file: Option<NodeId>,
    /// What it is.
    pub entity_type: CodeEntityType,
    /// Name.
    pub entity_name: String,
    /// Name with the path of its module.
    pub full_name: Option<String>,
    /// First line, from 1.
    pub line_start: Option<i64>,
    /// Last line.
    pub line_end: Option<i64>,
    /// The entity around it.
    pub parent: Option<NodeId>,
    /// Its documentation.
    pub docstring: Option<String>,
    /// Whether it is documented.
    pub has_documentation: bool,
    /// Its signature.
    pub signature: Option<String>,
    /// Array of the parameters.
    pub parameters: Option<Json>,
    /// Type of the result.
    pub return_type: Option<String>,
    /// Complexity.
    pub complexity: Option<i64>,
    /// Number of lines.
    pub lines_of_code: Option<i64>,
    /// Whether others may use it.
    pub is_public: bool,
    /// Whether it is asynchronous.
    pub is_async: bool,
    /// Whether it is a generator.
    pub is_generator: bool,
    /// Array of decorators.
    pub decorators: Option<Json>,
}

impl Record for CodeEntity {
    const NAME: &'static str = "code_entity";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("file", (self.file, self.line_start));
        facts.index("name", &self.entity_name);
        facts.index("type", (&self.entity_type, &self.entity_name));
        facts.link("file", self.file);
        facts.link("parent", self.parent);
        facts.text("name", self.entity_name.as_str());
        facts.text("full_name", self.full_name.as_deref());
        facts.text("docstring", self.docstring.as_deref());
        facts.text("signature", self.signature.as_deref());
        facts.keyword("type", self.entity_type.as_str());
    }
}

/// A named group of source files.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileGroup {
    /// Name; the natural key.
    pub group_name: String,
    /// What kind: `module`, `feature`, `component`, `layer`.
    pub group_type: Option<String>,
    /// What belongs to it.
    pub description: Option<String>,
    /// The group around it.
    pub parent: Option<NodeId>,
    /// Regular expression over paths with forward slashes.
    pub path_pattern: Option<String>,
}

impl Record for FileGroup {
    const NAME: &'static str = "file_group";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("name", &self.group_name);
        facts.index("type", (&self.group_type, &self.group_name));
        facts.link("parent", self.parent);
        facts.text("name", self.group_name.as_str());
        facts.text("description", self.description.as_deref());
        facts.keyword("type", self.group_type.as_deref());
    }
}

/// One file belongs to one group.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileGroupMember {
    /// The group.
    pub group: Option<NodeId>,
    /// The file.
    pub file: Option<NodeId>,
    /// When it was added.
    pub added_at: Option<Timestamp>,
}

impl Record for FileGroupMember {
    const NAME: &'static str = "file_group_member";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(group) = self.group
            && let Some(file) = self.file
        {
            facts.unique("group_file", (group, file));
        }
        facts.index("file", self.file);
        facts.relation(self.group, "contains", self.file, None);
    }
}

/// One scan of a project.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanRun {
    /// What kind: `full`, `incremental`, `targeted`.
    pub scan_type: String,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How long it took, in seconds.
    pub duration_seconds: Option<f64>,
    /// Files looked at.
    pub files_scanned: i64,
    /// Files new.
    pub files_added: i64,
    /// Files changed.
    pub files_updated: i64,
    /// Files gone.
    pub files_removed: i64,
    /// Files analyzed.
    pub files_analyzed: i64,
    /// State.
    pub status: RunStatus,
    /// What went wrong.
    pub error_message: Option<String>,
    /// Object with the settings.
    pub config: Option<Json>,
    /// Name of the model.
    pub ai_model_used: Option<String>,
}

impl Record for ScanRun {
    const NAME: &'static str = "scan_run";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("started", self.started_at);
        facts.index("status", (&self.status, self.started_at));
        facts.keyword("type", self.scan_type.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.started_at);
    }
}
