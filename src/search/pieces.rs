//! The words of a text one after the other, with their places: what other indexes than this
//! folder's are made from, so that all of them cut and fold texts in the same way.

use std::ops::Range;

use super::analyzer::{AnalyzerOptions, run_characters};
use super::normalizer::Normalizer;
use super::stop_words::is_stop_word;
use super::words::{Lexer, Shape};

/// What a [`Piece`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A word, or an identifier as a whole.
    Word,
    /// A part of the identifier before it.
    Part,
    /// A character, or a pair of them, of a script without blanks.
    Character,
}

/// A word of a text.
#[derive(Clone, Debug)]
pub(crate) struct Piece<'t> {
    pub(crate) sort: Sort,
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// As it is written.
    pub(crate) raw: &'t str,
    /// Lower case, accents folded.
    pub(crate) surface: String,
    /// The surface without its ending.
    pub(crate) term: String,
}

/// Cuts texts into pieces.
#[derive(Debug)]
pub(crate) struct Pieces {
    options: AnalyzerOptions,
    normalizer: Normalizer,
}

impl Pieces {
    pub(crate) fn new(options: AnalyzerOptions) -> Self {
        Self { options, normalizer: Normalizer::remembering(options) }
    }

    /// Hands every piece of a text to `take`, in order.
    pub(crate) fn each<'t>(&mut self, text: &'t str, take: &mut dyn FnMut(Piece<'t>)) {
        let mut lexer = Lexer::new(text);
        while let Some((shape, range)) = lexer.next() {
            match shape {
                Shape::Word => take(self.piece(Sort::Word, text, range)),
                Shape::Compound => {
                    take(self.piece(Sort::Word, text, range));
                    for part in lexer.parts() {
                        take(self.piece(Sort::Part, text, part.clone()));
                    }
                }
                Shape::Run => characters(text, range, take),
            }
        }
    }

    /// The surface and the stem of one word.
    pub(crate) fn word(&mut self, word: &str) -> (String, String) {
        let form = self.normalizer.form(word);
        (form.surface, form.term)
    }

    /// Whether a surface is a word of the language that says nothing.
    pub(crate) fn says_nothing(&self, surface: &str) -> bool {
        self.options.stem.is_some_and(|language| is_stop_word(language, surface))
    }

    fn piece<'t>(&mut self, sort: Sort, text: &'t str, range: Range<usize>) -> Piece<'t> {
        let raw = &text[range.clone()];
        let form = self.normalizer.form(raw);
        Piece { sort, range, raw, surface: form.surface, term: form.term }
    }
}

fn characters<'t>(text: &'t str, run: Range<usize>, take: &mut dyn FnMut(Piece<'t>)) {
    let mut at = run.start;
    let mut characters = run_characters(&text[run]).peekable();
    let mut push = |range: Range<usize>| {
        let raw = &text[range.clone()];
        let (surface, term) = (raw.to_owned(), raw.to_owned());
        take(Piece { sort: Sort::Character, range, raw, surface, term });
    };
    while let Some(character) = characters.next() {
        let next = at + character.len();
        push(at..next);
        if let Some(following) = characters.peek() {
            push(at..next + following.len());
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_their_places_surfaces_and_stems() {
        let mut found = Vec::new();
        let text = "Anna's replies: getName \u{5317}\u{4eac}";
        Pieces::new(AnalyzerOptions::default()).each(text, &mut |piece| {
            assert_eq!(&text[piece.range.clone()], piece.raw);
            found.push((piece.sort, piece.surface, piece.term));
        });
        let expected = [
            (Sort::Word, "anna", "anna"),
            (Sort::Word, "replies", "repli"),
            (Sort::Word, "getname", "getnam"),
            (Sort::Part, "get", "get"),
            (Sort::Part, "name", "name"),
            (Sort::Character, "\u{5317}", "\u{5317}"),
            (Sort::Character, "\u{5317}\u{4eac}", "\u{5317}\u{4eac}"),
            (Sort::Character, "\u{4eac}", "\u{4eac}"),
        ];
        let expected = expected.map(|(sort, surface, term)| (sort, surface.into(), term.into()));
        assert_eq!(found, expected);
    }
}
