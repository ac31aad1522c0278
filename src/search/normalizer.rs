//! Single words: folded, and without their endings.
//!
//! The engine's own filters do both; they are made for streams of words and are fed one here.

use std::collections::HashMap;
use std::fmt;

use tantivy::tokenizer::{AsciiFoldingFilter, Stemmer, Token, TokenFilter, TokenStream, Tokenizer};

use super::analyzer::{AnalyzerOptions, Form};
use super::words::is_accent;

/// Folds and stems single words.
pub(super) struct Normalizer {
    fold: <AsciiFoldingFilter as TokenFilter>::Tokenizer<Feed>,
    stem: Option<StemStream>,
    /// Stems by surface, where they are remembered: texts say most of their words again and again,
    /// and to stem one costs five times as much as to look it up.
    known: Option<HashMap<String, String>>,
    spare: String,
}

/// Stems that are remembered. With longer texts all of them are forgotten now and then.
const KNOWN_STEMS_MAX: usize = 16_384;

/// Longest word whose stem is remembered, in bytes.
const KNOWN_BYTES_MAX: usize = 32;

type StemStream = <<Stemmer as TokenFilter>::Tokenizer<Feed> as Tokenizer>::TokenStream<'static>;

impl Normalizer {
    pub(super) fn new(options: AnalyzerOptions) -> Self {
        let stem = options.stem.map(|language| {
            let mut tokenizer = Stemmer::new(language.to_stem()).transform(Feed);
            stem_stream(&mut tokenizer)
        });
        Self { fold: AsciiFoldingFilter.transform(Feed), stem, known: None, spare: String::new() }
    }

    /// As [`Normalizer::new`], for many texts.
    pub(super) fn remembering(options: AnalyzerOptions) -> Self {
        Self { known: options.stem.map(|_| HashMap::new()), ..Self::new(options) }
    }

    /// Lower case without accents. The buffer comes back through [`Normalizer::give_back`].
    pub(super) fn surface(&mut self, raw: &str) -> String {
        let mut surface = std::mem::take(&mut self.spare);
        surface.clear();
        if raw.is_ascii() {
            surface.push_str(raw);
            surface.make_ascii_lowercase();
            return surface;
        }
        let lower = raw.chars().flat_map(char::to_lowercase).filter(|&c| !is_accent(c));
        // The two shapes of the small sigma are one letter.
        surface.extend(lower.map(|c| if c == '\u{3c2}' { '\u{3c3}' } else { c }));
        let mut folded = self.fold.token_stream(&surface);
        folded.advance();
        let text = std::mem::take(&mut folded.token_mut().text);
        drop(folded);
        if text.is_empty() { surface } else { text }
    }

    pub(super) fn give_back(&mut self, buffer: String) {
        self.spare = buffer;
    }

    /// The stem of a surface form, `None` where nothing is stemmed.
    pub(super) fn stem(&mut self, surface: &str) -> Option<&str> {
        let stream = self.stem.as_mut()?;
        let Some(known) = self.known.as_mut().filter(|_| surface.len() <= KNOWN_BYTES_MAX) else {
            return stem_of(stream, surface);
        };
        if !known.contains_key(surface) {
            if known.len() == KNOWN_STEMS_MAX {
                known.clear();
            }
            let stem = stem_of(stream, surface).unwrap_or(surface);
            known.insert(surface.to_owned(), stem.to_owned());
        }
        known.get(surface).map(String::as_str)
    }

    pub(super) fn form(&mut self, raw: &str) -> Form {
        let surface = self.surface(raw);
        let term = self.stem(&surface).unwrap_or(&surface).to_owned();
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

/// What the engine's stemmer makes of a surface; `None` where nothing is left of it.
fn stem_of<'a>(stream: &'a mut StemStream, surface: &str) -> Option<&'a str> {
    let token = stream.token_mut();
    token.text.clear();
    token.text.push_str(surface);
    stream.advance();
    let stem = stream.token().text.as_str();
    (!stem.is_empty()).then_some(stem)
}

fn stem_stream(tokenizer: &mut <Stemmer as TokenFilter>::Tokenizer<Feed>) -> StemStream {
    tokenizer.token_stream("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_changes_no_stem() {
        let options = AnalyzerOptions::default();
        let mut remembering = Normalizer::remembering(options);
        // More words than are remembered, each of them twice in a row.
        for number in 0..KNOWN_STEMS_MAX + 2_000 {
            let surface = format!("w{number}ings");
            let mut plain = Normalizer::new(options);
            for _ in 0..2 {
                assert_eq!(remembering.stem(&surface), plain.stem(&surface));
            }
        }
        assert!(remembering.known.unwrap().len() <= KNOWN_STEMS_MAX);
        let endless = format!("{}ings", "w".repeat(40));
        let mut remembering = Normalizer::remembering(options);
        assert_eq!(remembering.stem(&endless), Normalizer::new(options).stem(&endless));
        assert!(remembering.known.unwrap().is_empty());
    }

    #[test]
    fn what_is_not_stemmed_has_no_stem() {
        let plain = AnalyzerOptions { stem: None, ..AnalyzerOptions::default() };
        assert_eq!(Normalizer::remembering(plain).stem("replies"), None);
    }
}
