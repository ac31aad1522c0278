//! The report on all analyses, in Markdown with its data in it.

use std::collections::BTreeMap;

use super::Analyzer;
use super::text::cut;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::record::{CodeFile, FileAnalysis, TrackStatus};
use crate::store::ReadTx;

/// Purposes that are shown of each type, and files that are shown as the most branched.
const SHOWN_MAX: usize = 10;
/// Longest path of a table, in characters.
const PATH_MAX: usize = 160;

/// What the analyses of one type come to.
#[derive(Default)]
struct Kind {
    files: u64,
    complexity: f64,
    purposes: Vec<String>,
}

/// All that the report tells.
#[derive(Default)]
struct Breakdown {
    kinds: BTreeMap<String, Kind>,
    states: BTreeMap<String, u64>,
    analyzers: BTreeMap<String, u64>,
    dependencies: BTreeMap<String, u64>,
    branched: Vec<(f64, String)>,
    newest: Option<Timestamp>,
}

impl ReadTx {
    /// A report on all analyses, in Markdown: files by type with their purposes, states, what is
    /// used most, what is most branched. `None` where nothing was analyzed. The same analyses give
    /// the same report; its time is that of the newest of them.
    ///
    /// An analyzer that can put things into words is asked to, with the whole breakdown before it.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when a record does not decode; what the analyzer
    /// reports.
    pub fn analysis_report(&self, analyzer: &(impl Analyzer + ?Sized)) -> Result<Option<String>> {
        let breakdown = Breakdown::of(self)?;
        if breakdown.kinds.is_empty() {
            return Ok(None);
        }
        let data = breakdown.to_markdown();
        let words = analyzer.summarize(&data)?;
        let time = breakdown.newest.map(|time| time.to_string()).unwrap_or_default();
        let mut report = format!("# Analysis of source files\n\nAs of {time}.\n\n");
        if let Some(words) = words {
            let by = format!("{} {}", analyzer.name(), analyzer.version());
            put(&mut report, format_args!("## Summary\n\n{}\n\nBy {by}.\n\n", words.trim()));
        }
        report.push_str(&data);
        Ok(Some(report))
    }
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.push_str(&arguments.to_string());
}

impl Breakdown {
    fn of(tx: &ReadTx) -> Result<Self> {
        let mut breakdown = Self::default();
        for row in tx.iter::<CodeFile>()? {
            let (_, file) = row?;
            let state = file.status.as_ref().map_or("none", TrackStatus::as_str);
            *breakdown.states.entry(state.to_owned()).or_default() += 1;
        }
        for row in tx.iter::<FileAnalysis>()? {
            breakdown.add(row?.1);
        }
        for kind in breakdown.kinds.values_mut() {
            kind.purposes.sort_unstable();
            kind.purposes.dedup();
        }
        breakdown.branched.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        Ok(breakdown)
    }

    fn add(&mut self, analysis: FileAnalysis) {
        let complexity = analysis.complexity_score.unwrap_or_default();
        let kind = self.kinds.entry(analysis.file_type.unwrap_or_else(|| "unknown".into()));
        let kind = kind.or_default();
        kind.files += 1;
        kind.complexity += complexity;
        kind.purposes.extend(analysis.primary_purpose.filter(|purpose| !purpose.is_empty()));
        let analyzer = analysis.ai_model_used.unwrap_or_else(|| "unknown".into());
        let version = analysis.ai_model_version.unwrap_or_default();
        *self.analyzers.entry(format!("{analyzer} {version}")).or_default() += 1;
        let names: Vec<String> =
            analysis.dependencies.and_then(|names| names.parse().ok()).unwrap_or_default();
        for name in names {
            *self.dependencies.entry(name).or_default() += 1;
        }
        self.branched.push((complexity, analysis.file_path));
        self.newest = self.newest.max(analysis.analyzed_at);
    }

    fn to_markdown(&self) -> String {
        let mut text = String::new();
        let files: u64 = self.kinds.values().map(|kind| kind.files).sum();
        put(&mut text, format_args!("## Types\n\n{files} files.\n\n"));
        text.push_str("| type | files | complexity |\n|---|--:|--:|\n");
        for (name, kind) in &self.kinds {
            let average = kind.complexity / kind.files as f64;
            put(&mut text, format_args!("| {} | {} | {average:.1} |\n", cell(name), kind.files));
        }
        table(&mut text, "States", &self.states);
        table(&mut text, "Analyzers", &self.analyzers);
        let mut used: Vec<(&String, &u64)> = self.dependencies.iter().collect();
        used.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        table(&mut text, "Most used", used.into_iter().take(SHOWN_MAX));
        text.push_str("\n## Most branched\n\n| file | complexity |\n|---|--:|\n");
        for (complexity, path) in self.branched.iter().take(SHOWN_MAX) {
            put(&mut text, format_args!("| {} | {complexity:.1} |\n", cell(path)));
        }
        text.push_str("\n## Purposes\n");
        for (name, kind) in self.kinds.iter().filter(|(_, kind)| !kind.purposes.is_empty()) {
            put(&mut text, format_args!("\n### {}\n\n", cell(name)));
            for purpose in kind.purposes.iter().take(SHOWN_MAX) {
                put(&mut text, format_args!("* {}\n", cell(purpose)));
            }
            let more = kind.purposes.len().saturating_sub(SHOWN_MAX);
            if more > 0 {
                put(&mut text, format_args!("* and {more} more\n"));
            }
        }
        text
    }
}

fn table<'a>(text: &mut String, head: &str, rows: impl IntoIterator<Item = (&'a String, &'a u64)>) {
    put(text, format_args!("\n## {head}\n\n| what | files |\n|---|--:|\n"));
    for (name, count) in rows {
        put(text, format_args!("| {} | {count} |\n", cell(name)));
    }
}

/// A text that cannot break the table it stands in, nor begin markup.
fn cell(text: &str) -> String {
    let text = cut(text, PATH_MAX);
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '|' | '<' | '>' | '`' | '[' | ']' | '\\') {
            safe.push('\\');
        }
        if !character.is_control() {
            safe.push(character);
        }
    }
    safe
}
