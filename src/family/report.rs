//! The views of the old schemas as reports, computed when they are asked for.
//!
//! Where a view was wrong the report is not: the worst severity is by rank and not by spelling, and
//! the analysis of a file is its latest one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde::Serialize;

use super::Reader;
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{
    AlertStatus, CodeFile, FileAnalysis, FileIssue, FileRelation, FileReview, FileTag, IssueStatus,
    QualityMetrics, Record, Review, RiskAlert, Severity, TrackedIssue, TrackedIssueStatus,
};
use crate::store::ReadTx;

/// A file under review, in one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FileSummaryRow {
    /// The file under review.
    pub id: NodeId,
    /// Its scores and state.
    pub file: FileReview,
    /// Distinct names of its tags.
    pub tags: Vec<String>,
    /// Alerts about it that are open.
    pub open_alerts: u64,
    /// The worst of these.
    pub worst_severity: Option<Severity>,
    /// When it was last reviewed.
    pub last_reviewed_at: Option<Timestamp>,
    /// How often it was reviewed.
    pub reviews: u64,
    /// Its issues that are open or in progress.
    pub open_issues: u64,
}

/// The quality of all files on one day, in one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct QualityTrendRow {
    /// The day.
    pub measured_on: Option<Timestamp>,
    /// Files there are.
    pub total_files: Option<i64>,
    /// Files that were cleaned up, in percent; none where there are no files.
    pub cleaned_percent: Option<f64>,
    /// Average rating.
    pub avg_rating: Option<f64>,
    /// Average of how easy they are to change.
    pub avg_maintainability: Option<f64>,
    /// Average of how safe they are.
    pub avg_security: Option<f64>,
    /// Alerts that are critical or high.
    pub urgent_alerts: i64,
    /// Files cleaned up that day.
    pub cleanup_operations: i64,
    /// Files that became better.
    pub files_improved: i64,
}

/// An open alert with its file, in one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RiskRow {
    /// The alert.
    pub id: NodeId,
    /// The same in full.
    pub alert: RiskAlert,
    /// Rating of the file, where it is under review.
    pub rating: Option<i64>,
    /// Category of the file.
    pub category: Option<String>,
    /// Distinct names of the file's tags.
    pub tags: Vec<String>,
}

/// A source file, in one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CodeFileRow {
    /// The file.
    pub id: NodeId,
    /// Its path.
    pub path: String,
    /// Its type.
    pub file_type: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Number of lines.
    pub lines: Option<i64>,
    /// Whether it still exists.
    pub is_active: Option<bool>,
    /// What the latest analysis says that it is for.
    pub purpose: Option<String>,
    /// Complexity, by the latest analysis.
    pub complexity: Option<f64>,
    /// When it was last analyzed.
    pub last_analyzed_at: Option<Timestamp>,
    /// Its issues that are open.
    pub open_issues: u64,
    /// Distinct names of its tags.
    pub tags: Vec<String>,
}

/// Source files of one type and category, in one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CodeStatRow {
    /// Their type.
    pub file_type: Option<String>,
    /// Their category.
    pub category: Option<String>,
    /// Files that are active.
    pub files: u64,
    /// Their lines.
    pub lines: i64,
    /// Lines of a file on average; none where no file says.
    pub avg_lines: Option<f64>,
    /// Files that hold tests.
    pub test_files: u64,
    /// Files that are out of use.
    pub deprecated_files: u64,
}

/// One source file uses another, in one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DependencyRow {
    /// Path of the file that uses.
    pub source: String,
    /// Path of the file that is used; none where it is not known.
    pub target: Option<String>,
    /// How.
    pub relation: String,
    /// What is used.
    pub details: Option<String>,
    /// How sure it is.
    pub confidence: Option<f64>,
}

/// Open issues of one file, type and severity, in one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IssueRow {
    /// Path of the file; none where it is not known.
    pub path: Option<String>,
    /// Type of the issues.
    pub issue_type: String,
    /// How bad they are.
    pub severity: Severity,
    /// How many there are.
    pub issues: u64,
}

/// Reports over a transaction. Made by [`ReadTx::reports`]. Each reads all that it reports on.
#[derive(Debug)]
pub struct Reports<T> {
    tx: T,
}

impl ReadTx {
    /// Reports.
    pub fn reports(&self) -> Reports<&Self> {
        Reports { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Reports<T> {
    /// Every file under review, in the order of the paths.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn file_summary(&self) -> Result<Vec<FileSummaryRow>> {
        let mut rows = Vec::new();
        let issues = self.open_issues()?;
        for row in self.tx.iter::<FileReview>()? {
            let (id, file) = row?;
            let alerts = self.open_alerts(&file.path)?;
            let worst = alerts.iter().map(|alert| &alert.severity).min_by_key(|it| rank(it));
            let reviews: Vec<(NodeId, Review)> = self.all("path", (&file.path,))?;
            rows.push(FileSummaryRow {
                id,
                tags: self.tags(id, &file.path)?,
                open_alerts: alerts.len() as u64,
                worst_severity: worst.cloned(),
                last_reviewed_at: reviews.iter().filter_map(|(_, it)| it.reviewed_at).max(),
                reviews: reviews.len() as u64,
                open_issues: issues.get(&file.path).copied().unwrap_or_default(),
                file,
            });
        }
        rows.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        Ok(rows)
    }

    /// Every measurement, the newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn quality_trends(&self) -> Result<Vec<QualityTrendRow>> {
        let mut rows = Vec::new();
        for row in self.tx.iter::<QualityMetrics>()? {
            let (_, day) = row?;
            let total = day.total_files.filter(|total| *total > 0);
            let percent = total.zip(day.files_cleaned);
            rows.push(QualityTrendRow {
                measured_on: day.measured_on,
                total_files: day.total_files,
                cleaned_percent: percent.map(|(all, done)| done as f64 * 100.0 / all as f64),
                avg_rating: day.avg_rating,
                avg_maintainability: day.avg_maintainability,
                avg_security: day.avg_security,
                urgent_alerts: day.critical_alerts.saturating_add(day.high_alerts),
                cleanup_operations: day.cleanup_operations,
                files_improved: day.files_improved,
            });
        }
        rows.sort_by_key(|row| Reverse(row.measured_on));
        Ok(rows)
    }

    /// Every open alert, the most urgent first, then the newest.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn risk_dashboard(&self) -> Result<Vec<RiskRow>> {
        let mut rows = Vec::new();
        let open =
            self.tx.index_descending::<RiskAlert>("status_priority", (AlertStatus::Open,))?;
        for row in open {
            let (id, alert) = row?;
            let file = match alert.file_path.as_str() {
                "" => None,
                path => self.tx.find::<FileReview>("path", path)?,
            };
            let tags = match &file {
                Some((id, file)) => self.tags(*id, &file.path)?,
                None => Vec::new(),
            };
            let file = file.map(|(_, file)| file);
            rows.push(RiskRow {
                id,
                alert,
                rating: file.as_ref().and_then(|file| file.rating),
                category: file.and_then(|file| file.file_category),
                tags,
            });
        }
        Ok(rows)
    }

    /// Every source file, active or not, in the order of the paths.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn code_files(&self) -> Result<Vec<CodeFileRow>> {
        let mut rows = Vec::new();
        for row in self.tx.iter::<CodeFile>()? {
            let (id, file) = row?;
            let latest = self.tx.index_descending::<FileAnalysis>("file", (Some(id),))?.next();
            let latest = latest.transpose()?.map(|(_, analysis)| analysis);
            let issues: Vec<(NodeId, FileIssue)> =
                self.all("file", (Some(id), &IssueStatus::Open))?;
            rows.push(CodeFileRow {
                id,
                tags: self.tags(id, "")?,
                path: file.file_path,
                file_type: file.file_type,
                category: file.file_category,
                lines: file.lines_of_code,
                is_active: file.is_active,
                purpose: latest.as_ref().and_then(|latest| latest.primary_purpose.clone()),
                complexity: latest.as_ref().and_then(|latest| latest.complexity_score),
                last_analyzed_at: latest.and_then(|latest| latest.analyzed_at),
                open_issues: issues.len() as u64,
            });
        }
        rows.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(rows)
    }

    /// What active source files use, in the order of the paths.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn code_dependencies(&self) -> Result<Vec<DependencyRow>> {
        let mut rows = Vec::new();
        for row in self.tx.iter::<FileRelation>()? {
            let (_, relation) = row?;
            let source = match relation.source {
                Some(source) => self.tx.get::<CodeFile>(source)?,
                None => None,
            };
            let Some(source) = source.filter(is_active) else { continue };
            let target = match relation.target {
                Some(target) => self.tx.get::<CodeFile>(target)?,
                None => None,
            };
            rows.push(DependencyRow {
                source: source.file_path,
                target: target.map(|target| target.file_path),
                relation: relation.relationship_type,
                details: relation.relationship_details,
                confidence: relation.confidence,
            });
        }
        rows.sort_by(|a, b| (&a.source, &a.target).cmp(&(&b.source, &b.target)));
        Ok(rows)
    }

    /// Active source files by type and category.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn code_stats(&self) -> Result<Vec<CodeStatRow>> {
        let mut groups: BTreeMap<(Option<String>, Option<String>), (CodeStatRow, u64)> =
            BTreeMap::new();
        for row in self.tx.iter::<CodeFile>()? {
            let (_, file) = row?;
            if !is_active(&file) {
                continue;
            }
            let group = groups.entry((file.file_type, file.file_category)).or_default();
            group.0.files += 1;
            group.0.test_files += u64::from(file.is_test_file);
            group.0.deprecated_files += u64::from(file.is_deprecated);
            if let Some(lines) = file.lines_of_code {
                group.0.lines = group.0.lines.saturating_add(lines);
                group.1 += 1;
            }
        }
        let rows = groups.into_iter().map(|((file_type, category), (row, counted))| {
            let avg_lines = (counted > 0).then(|| row.lines as f64 / counted as f64);
            CodeStatRow { file_type, category, avg_lines, ..row }
        });
        Ok(rows.collect())
    }

    /// Open issues by file, type and severity, the worst first within a file.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something does not decode.
    pub fn issue_summary(&self) -> Result<Vec<IssueRow>> {
        let mut groups: BTreeMap<(Option<String>, usize, String, Severity), u64> = BTreeMap::new();
        for row in self.tx.index::<FileIssue>("status", (&IssueStatus::Open,))? {
            let (_, issue) = row?;
            let file = match issue.file {
                Some(file) => self.tx.get::<CodeFile>(file)?,
                None => None,
            };
            let path = file.map(|file| file.file_path);
            let key = (path, rank(&issue.severity), issue.issue_type, issue.severity);
            *groups.entry(key).or_default() += 1;
        }
        let row = |((path, _, issue_type, severity), issues)| IssueRow {
            path,
            issue_type,
            severity,
            issues,
        };
        Ok(groups.into_iter().map(row).collect())
    }

    /// Issues that are open or in progress, by the path of their file.
    fn open_issues(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for status in [TrackedIssueStatus::Open, TrackedIssueStatus::InProgress] {
            for row in self.tx.index::<TrackedIssue>("status", (&status,))? {
                *counts.entry(row?.1.file_path).or_default() += 1;
            }
        }
        Ok(counts)
    }

    fn open_alerts(&self, path: &str) -> Result<Vec<RiskAlert>> {
        let rows: Vec<(NodeId, RiskAlert)> = self.all("path", (path, &AlertStatus::Open))?;
        Ok(rows.into_iter().map(|(_, alert)| alert).collect())
    }

    /// Distinct names of the tags of a file, by its id and, where it has one, its path.
    fn tags(&self, id: NodeId, path: &str) -> Result<Vec<String>> {
        let mut names = BTreeSet::new();
        let by_id: Vec<(NodeId, FileTag)> = self.all("file", (Some(id),))?;
        names.extend(by_id.into_iter().map(|(_, tag)| tag.tag_name));
        if !path.is_empty() {
            let by_path: Vec<(NodeId, FileTag)> = self.all("path", (path,))?;
            names.extend(by_path.into_iter().map(|(_, tag)| tag.tag_name));
        }
        Ok(names.into_iter().collect())
    }

    fn all<R: Record>(
        &self,
        index: &str,
        key: impl crate::base::key::Key,
    ) -> Result<Vec<(NodeId, R)>> {
        self.tx.index(index, key)?.collect()
    }
}

/// How bad it is; the worst is the smallest.
fn rank(severity: &Severity) -> usize {
    match severity {
        Severity::Critical => 0,
        Severity::High => 1,
        Severity::Medium => 2,
        Severity::Low => 3,
        Severity::Other(_) => 4,
    }
}

/// Whether it still exists; what does not say does.
fn is_active(file: &CodeFile) -> bool {
    file.is_active != Some(false)
}
