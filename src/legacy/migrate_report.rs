//! What a migration did: for programs as it is, for people as Markdown.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::against::Comparison;
use super::migrate_state::BackupPart;
use super::report::{Fate, FileReport};

/// Differences that the Markdown names for a database.
const DIFFERENCES_NAMED: usize = 10;

/// What became of one database of a migration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MigratedFile {
    /// The path as it was given, which is the name of the source.
    pub path: PathBuf,
    /// The copies that were made of it; the first is that of the file itself.
    pub backup: Vec<BackupPart>,
    /// What became of it in the store.
    pub import: Option<FileReport>,
    /// How it compares with what the store gives back for it.
    pub comparison: Option<Comparison>,
    /// What went wrong with it.
    pub problem: Option<String>,
}

impl MigratedFile {
    /// Whether it was copied, is in, and is equal.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.problem.is_none()
            && self.import.as_ref().is_some_and(|import| import.fate != Fate::Refused)
    }
}

/// What a migration did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MigrationReport {
    /// The store's directory.
    pub store: PathBuf,
    /// The folder of the copies and of this report.
    pub backup: PathBuf,
    /// Whether nothing was done because only a report was asked for.
    pub dry_run: bool,
    /// Whether an earlier run was ended before it was through, and this one went on from there.
    pub resumed: bool,
    /// The databases.
    pub files: Vec<MigratedFile>,
    /// What does not agree within the store.
    pub store_problems: Vec<String>,
    /// Records in the store, by kind.
    pub records: std::collections::BTreeMap<String, u64>,
    /// Seconds that it took.
    pub elapsed: f64,
}

impl MigrationReport {
    /// Whether every database was copied, is in and is equal, in a store that agrees with itself.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.store_problems.is_empty() && self.files.iter().all(MigratedFile::is_complete)
    }

    /// The report as Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        match self.write(&mut text) {
            // Writing to a text does not fail.
            Ok(()) | Err(_) => text,
        }
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let kind = if self.dry_run { "What a migration would do" } else { "Migration" };
        writeln!(text, "# {kind}\n")?;
        writeln!(text, "* Store: `{}`", self.store.display())?;
        if !self.dry_run {
            writeln!(text, "* Copies of the databases: `{}`", self.backup.display())?;
        }
        let whole = self.files.iter().filter(|file| file.is_complete()).count();
        writeln!(text, "* Databases: {whole} of {} complete", self.files.len())?;
        if self.resumed {
            writeln!(text, "* Went on from where an earlier run was ended")?;
        }
        writeln!(text, "\n## Databases\n")?;
        writeln!(text, "| database | kind | rows | records | compared | state |")?;
        writeln!(text, "|---|---|---:|---:|---|---|")?;
        for file in &self.files {
            let (kind, rows, records) = file.import.as_ref().map_or_else(
                || ("", 0, 0),
                |import| {
                    let kind = import.kind.as_deref().unwrap_or("");
                    (kind, import.total_rows(), import.records.values().sum::<u64>())
                },
            );
            let compared = match &file.comparison {
                None => "no".to_owned(),
                Some(found) if found.is_equal() => format!("equal, {} rows", found.rows),
                Some(found) => format!("{} differences", found.count()),
            };
            let state = file.problem.as_deref().unwrap_or("complete");
            let path = cell(&file.path.to_string_lossy());
            let state = cell(state);
            writeln!(text, "| {path} | {kind} | {rows} | {records} | {compared} | {state} |")?;
        }
        self.write_details(text)?;
        if !self.records.is_empty() {
            writeln!(text, "\n## Records in the store\n\n| kind | records |\n|---|---:|")?;
            for (kind, count) in self.records.iter().filter(|(_, count)| **count > 0) {
                writeln!(text, "| {} | {count} |", cell(kind))?;
            }
        }
        if !self.dry_run {
            let backup = self.backup.display();
            writeln!(text, "\n## Going back\n\n    engraph migrate --rollback \"{backup}\"")?;
        }
        Ok(())
    }

    fn write_details(&self, text: &mut String) -> std::fmt::Result {
        if !self.store_problems.is_empty() {
            writeln!(text, "\n## What does not agree in the store\n")?;
            for problem in &self.store_problems {
                writeln!(text, "* {}", line(problem))?;
            }
        }
        for file in &self.files {
            let mut details = Vec::new();
            for part in &file.backup {
                details.push(format!(
                    "copy `{}`: {} bytes, SHA-256 {}",
                    part.copy.display(),
                    part.bytes,
                    part.digest
                ));
            }
            if let Some(import) = &file.import {
                details.extend(import.notices.iter().map(|notice| format!("notice: {notice}")));
                details.extend(import.lost.iter().map(|lost| format!("lost: {lost}")));
                let counted = [
                    ("references that lead nowhere", &import.dangling),
                    ("cells that do not fit, kept as they are", &import.misfits),
                ];
                for (what, counts) in counted {
                    let places = counts.iter().map(|(place, count)| format!("{place} {count}"));
                    let places: Vec<String> = places.collect();
                    if !places.is_empty() {
                        details.push(format!("{what}: {}", places.join(", ")));
                    }
                }
            }
            let differences = file.comparison.iter().flat_map(|found| &found.differences);
            for difference in differences.take(DIFFERENCES_NAMED) {
                let row = difference.row.map(|row| format!(" row {row}")).unwrap_or_default();
                let table = &difference.table;
                details.push(format!("differs: {table}{row}: {}", difference.reason));
            }
            if !details.is_empty() {
                writeln!(text, "\n### {}\n", line(&file.path.to_string_lossy()))?;
                for detail in details {
                    writeln!(text, "* {}", line(&detail))?;
                }
            }
        }
        Ok(())
    }
}

/// A text on one line.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markdown_keeps_its_shape_whatever_the_names_are() {
        let file = MigratedFile {
            path: "a|b\nc.db".into(),
            problem: Some("no | good\n# not a head".into()),
            ..MigratedFile::default()
        };
        let report = MigrationReport { files: vec![file], ..MigrationReport::default() };
        assert!(!report.is_complete());
        let text = report.to_markdown();
        assert!(
            text.contains("| a\\|b c.db |  | 0 | 0 | no | no \\| good # not a head |"),
            "{text}"
        );
        assert!(text.contains("0 of 1 complete"), "{text}");
    }
}
