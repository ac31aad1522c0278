//! Single words: folded, and without their endings.
//!
//! The engine's own filters do both; they are made for streams of words and are fed one here.

use std::fmt;

use tantivy::tokenizer::{AsciiFoldingFilter, Stemmer, Token, TokenFilter, TokenStream, Tokenizer};

use super::analyzer::{AnalyzerOptions, Form};
use super::stems::Stems;
use super::words::is_accent;

/// Folds and stems single words.
pub(super) struct Normalizer {
    fold: <AsciiFoldingFilter as TokenFilter>::Tokenizer<Feed>,
    stem: Option<StemStream>,
    /// Where stems are remembered.
    known: Option<Stems>,
}

type StemStream = <<Stemmer as TokenFilter>::Tokenizer<Feed> as Tokenizer>::TokenStream<'static>;

impl Normalizer {
    pub(super) fn new(options: AnalyzerOptions) -> Self {
        let stem = options.stem.map(|language| {
            let mut tokenizer = Stemmer::new(language.to_stem()).transform(Feed);
            stem_stream(&mut tokenizer)
        });
        Self { fold: AsciiFoldingFilter.transform(Feed), stem, known: None }
    }

    /// As [`Normalizer::new`], for many texts.
    pub(super) fn remembering(options: AnalyzerOptions) -> Self {
        Self { known: Some(Stems::default()), ..Self::new(options) }
    }

    /// Writes a word in lower case without accents over `surface`.
    pub(super) fn write_surface(&mut self, raw: &str, surface: &mut String) {
        surface.clear();
        if raw.is_ascii() {
            surface.push_str(raw);
            surface.make_ascii_lowercase();
            return;
        }
        let lower = raw.chars().flat_map(char::to_lowercase).filter(|&c| !is_accent(c));
        // The two shapes of the small sigma are one letter.
        surface.extend(lower.map(|c| if c == '\u{3c2}' { '\u{3c3}' } else { c }));
        let mut folded = self.fold.token_stream(surface);
        folded.advance();
        let text = std::mem::take(&mut folded.token_mut().text);
        drop(folded);
        if !text.is_empty() {
            *surface = text;
        }
    }

    /// Writes the stem of a surface over `stem`; `false`, and `stem` is of no use, where that is
    /// the surface itself.
    pub(super) fn write_stem(&mut self, surface: &str, stem: &mut String) -> bool {
        let Some(stream) = self.stem.as_mut() else { return false };
        let mut ask = |surface: &str, stem: &mut String| stem.push_str(stem_of(stream, surface));
        if let Some(known) = &mut self.known {
            return known.write(surface, stem, ask);
        }
        stem.clear();
        ask(surface, stem);
        stem != surface
    }

    pub(super) fn form(&mut self, raw: &str) -> Form {
        let (mut surface, mut term) = (String::new(), String::new());
        self.write_surface(raw, &mut surface);
        if !self.write_stem(&surface, &mut term) {
            term.clone_from(&surface);
        }
        Form { surface, term }
    }
}

impl fmt::Debug for Normalizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Normalizer").field("stems", &self.stem.is_some()).finish_non_exhaustive()
    }
}

/// A tokenizer of one token, through which the engine's filters are applied to single words.
#[derive(Clone, Copy, Debug)]
struct Feed;

/// The token that a filter changes; advancing neither makes nor drops it.
#[derive(Debug, Default)]
struct Fed(Token);

impl Tokenizer for Feed {
    type TokenStream<'a> = Fed;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Fed {
        Fed(Token { text: text.to_owned(), ..Token::default() })
    }
}

impl TokenStream for Fed {
    fn advance(&mut self) -> bool {
        true
    }

    fn token(&self) -> &Token {
        &self.0
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.0
    }
}

/// What the engine's stemmer makes of a surface; itself where nothing would be left of it.
fn stem_of<'a>(stream: &'a mut StemStream, surface: &'a str) -> &'a str {
    let token = stream.token_mut();
    token.text.clear();
    token.text.push_str(surface);
    stream.advance();
    let stem = stream.token().text.as_str();
    if stem.is_empty() { surface } else { stem }
}

fn stem_stream(tokenizer: &mut <Stemmer as TokenFilter>::Tokenizer<Feed>) -> StemStream {
    tokenizer.token_stream("")
}

#[cfg(test)]
mod tests {
    use super::super::analyzer::Language;
    use super::*;

    #[test]
    fn what_is_remembered_changes_no_form() {
        for stem in [None, Some(Language::English), Some(Language::Greek)] {
            let options = AnalyzerOptions { stem, ..AnalyzerOptions::default() };
            let (mut plain, mut known) =
                (Normalizer::new(options), Normalizer::remembering(options));
            let words = ["Replies", "happily", "relational", "\u{3bb}\u{3cc}\u{3b3}\u{3bf}\u{3c2}"];
            for word in words.iter().cycle().take(12) {
                assert_eq!(known.form(word), plain.form(word));
            }
        }
    }

    #[test]
    fn what_is_not_stemmed_has_no_stem() {
        let plain = AnalyzerOptions { stem: None, ..AnalyzerOptions::default() };
        assert!(!Normalizer::remembering(plain).write_stem("replies", &mut String::new()));
    }
}
