//! Analysis of source files: what each is written in, what it is for, what it uses, how branched
//! it is.
//!
//! An [`Analyzer`] looks at one file and knows nothing of the store. [`Store::analyze_files`] runs
//! one over the inventory and keeps what it says. The built-in one reads the text alone: the same
//! bytes under the same path always give the same analysis.
//!
//! [`Store::analyze_files`]: crate::Store::analyze_files

mod batch;
mod built_in;
#[cfg(feature = "http")]
mod http;
mod imports;
mod language;
mod purpose;
mod report;
mod text;

use crate::base::error::Result;
pub use batch::{AnalyzeOptions, AnalyzeProgress, AnalyzeReport};
pub use built_in::BuiltInAnalyzer;
#[cfg(feature = "http")]
pub use http::{HttpAnalyzer, HttpOptions, Protocol};

/// A file to be analyzed.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its path, with forward slashes.
    pub path: &'a str,
    /// Its bytes, whatever they are.
    pub bytes: &'a [u8],
}

/// What an analyzer says about a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// Type of the file, in lower case; `unknown` where it cannot be told.
    pub file_type: String,
    /// Name of the language; `Unknown` where it cannot be told.
    pub language: String,
    /// What the file is for, in at most 100 characters.
    pub purpose: String,
    /// What it does, in at most 150 characters.
    pub functionality: String,
    /// Names of its types, in their order.
    pub types: Vec<String>,
    /// Names of its functions, in their order.
    pub functions: Vec<String>,
    /// What it uses.
    pub imports: Vec<Import>,
    /// How branched it is, 1 to 10.
    pub complexity: f64,
    /// Share of lines that are comments, 0 to 1.
    pub comment_share: Option<f64>,
    /// Number of lines.
    pub lines: u64,
    /// Anything else, in at most 200 characters.
    pub notes: String,
    /// The answer of a model, as it came.
    pub answer: Option<String>,
}

/// Something that a file uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// Its name as the file spells it.
    pub name: String,
    /// Line of the first use, from 1.
    pub line: u64,
    /// Paths at which it may lie, the likeliest first; none where it is no file of the tree.
    pub paths: Vec<String>,
}

/// Looks at files, one by one, on several threads.
///
/// A file is not analyzed again as long as its bytes, the name and the version stay the same.
pub trait Analyzer: Sync {
    /// Its name, or that of its model.
    fn name(&self) -> &str;

    /// Its version: a new one has every file analyzed anew.
    fn version(&self) -> &str;

    /// Looks at a file. `None` when it has no answer; the file is tried again in the next run.
    ///
    /// # Errors
    /// Whatever kept it from looking: the run notes it and goes on.
    fn analyze(&self, source: &Source<'_>) -> Result<Option<Analysis>>;

    /// Puts a breakdown of analyses into words, for the report. `None` where it has none.
    ///
    /// # Errors
    /// Whatever kept it from answering.
    fn summarize(&self, _breakdown: &str) -> Result<Option<String>> {
        Ok(None)
    }

    /// Whether an answer takes so long, or costs so much, that a run that is killed should lose
    /// none: each is then kept before as many further files are begun as there are threads.
    fn is_costly(&self) -> bool {
        false
    }

    /// Why asking about further files is of no use, once that is known: the server refuses the key,
    /// say. The run ends then, and leaves files that it has not begun as they are.
    fn gave_up(&self) -> Option<String> {
        None
    }
}
