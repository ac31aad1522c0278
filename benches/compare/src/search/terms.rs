//! The analyzer of engraph, by its very source: whatever it does to a text, the limit does, too.

#[cfg_attr(not(test), expect(dead_code, reason = "the limit needs a part of it"))]
#[path = "../../../../src/search/analyzer.rs"]
mod analyzer;
#[path = "../../../../src/search/normalizer.rs"]
mod normalizer;
#[path = "../../../../src/search/stems.rs"]
mod stems;
#[path = "../../../../src/search/words.rs"]
mod words;

use tantivy::tokenizer::TextAnalyzer;

use analyzer::{Analyzer, AnalyzerOptions, Unit};

/// The tokenizer of all texts.
pub fn tokenizer() -> TextAnalyzer {
    TextAnalyzer::from(Analyzer::new(AnalyzerOptions::default()).terms())
}

/// A plain word: as it is written, folded, and as it is looked for.
pub fn word(text: &str) -> Option<(String, String)> {
    match Analyzer::new(AnalyzerOptions::default()).units(text).pop()? {
        Unit::Word(form) => Some((form.surface, form.term)),
        Unit::Compound { whole, .. } => Some((whole.surface, whole.term)),
        Unit::Run(_) => None,
    }
}
