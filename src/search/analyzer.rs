//! From text to terms: lower case, accents folded, stems, parts of identifiers, pairs of Han.
//!
//! Every word gives its surface form and, where it differs, its stem at the same position, so that
//! prefixes and typing errors are compared with what was written. An identifier gives itself and
//! its parts, the parts at consecutive positions. A run of Han or Kana gives every character and
//! every pair of neighbours. One text always gives the same terms: index, query and highlighter
//! rely on it.

use tantivy::tokenizer::{Language as Stem, Token, TokenStream, Tokenizer};

use super::normalizer::Normalizer;
use super::words::{Lexer, Shape};

/// A language whose word endings can be taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Language {
    /// Arabic.
    Arabic,
    /// Danish.
    Danish,
    /// Dutch.
    Dutch,
    /// English.
    English,
    /// Finnish.
    Finnish,
    /// French.
    French,
    /// German.
    German,
    /// Greek.
    Greek,
    /// Hungarian.
    Hungarian,
    /// Italian.
    Italian,
    /// Norwegian.
    Norwegian,
    /// Portuguese.
    Portuguese,
    /// Romanian.
    Romanian,
    /// Russian.
    Russian,
    /// Spanish.
    Spanish,
    /// Swedish.
    Swedish,
    /// Tamil.
    Tamil,
    /// Turkish.
    Turkish,
}

impl Language {
    pub(super) fn to_stem(self) -> Stem {
        match self {
            Self::Arabic => Stem::Arabic,
            Self::Danish => Stem::Danish,
            Self::Dutch => Stem::Dutch,
            Self::English => Stem::English,
            Self::Finnish => Stem::Finnish,
            Self::French => Stem::French,
            Self::German => Stem::German,
            Self::Greek => Stem::Greek,
            Self::Hungarian => Stem::Hungarian,
            Self::Italian => Stem::Italian,
            Self::Norwegian => Stem::Norwegian,
            Self::Portuguese => Stem::Portuguese,
            Self::Romanian => Stem::Romanian,
            Self::Russian => Stem::Russian,
            Self::Spanish => Stem::Spanish,
            Self::Swedish => Stem::Swedish,
            Self::Tamil => Stem::Tamil,
            Self::Turkish => Stem::Turkish,
        }
    }
}

/// How the texts of a store become terms. Changing it rebuilds the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct AnalyzerOptions {
    /// The language whose endings are taken off words, so that "replies" finds "reply". `None`
    /// keeps words as they are written.
    pub stem: Option<Language>,
    /// What becomes of words of that language that say nothing. Changing it alone rebuilds nothing:
    /// it is a matter of queries.
    #[serde(default)]
    pub stop_words: StopWords,
}

impl Default for AnalyzerOptions {
    /// English endings are taken off, and English words that say nothing.
    fn default() -> Self {
        Self { stem: Some(Language::English), stop_words: StopWords::default() }
    }
}

/// What becomes of words such as "the" in a query that has others.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum StopWords {
    /// They are not looked for, unless they are quoted, marked or joined by operators.
    #[default]
    Drop,
    /// They are looked for like any other word.
    Keep,
}

/// A word as the analyzer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Lower case, accents folded.
    pub(super) surface: String,
    /// What the index is asked for: the stem, or the surface where it has none of its own.
    pub(super) term: String,
}

/// One piece of a query's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Word(Form),
    Compound { whole: Form, parts: Vec<Form> },
    Run(Vec<String>),
}

impl Unit {
    /// The positions that the unit takes.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Word(_) => 1,
            Self::Compound { parts, .. } => parts.len(),
            Self::Run(characters) => characters.len(),
        }
    }

    /// The terms that together stand for the unit in a phrase, by position from `at`.
    pub(super) fn terms_from(&self, at: usize, terms: &mut Vec<(usize, String)>) {
        match self {
            Self::Word(form) => terms.push((at, form.term.clone())),
            Self::Compound { parts, .. } => {
                let forms = parts.iter().map(|form| form.term.clone());
                terms.extend(forms.enumerate().map(|(index, term)| (at + index, term)));
            }
            Self::Run(characters) if characters.len() == 1 => {
                terms.push((at, characters[0].clone()));
            }
            Self::Run(characters) => {
                let pairs = characters.windows(2).map(<[String]>::concat);
                terms.extend(pairs.enumerate().map(|(index, pair)| (at + index, pair)));
            }
        }
    }
}

/// The terms of a phrase, by position.
pub(super) fn phrase_terms(units: &[Unit]) -> Vec<(usize, String)> {
    let mut terms = Vec::new();
    let mut at = 0;
    for unit in units {
        unit.terms_from(at, &mut terms);
        at += unit.width();
    }
    terms
}

/// The analyzer of all searchable text.
#[derive(Clone, Debug, Default)]
pub(super) struct Analyzer {
    options: AnalyzerOptions,
}

impl Analyzer {
    pub(super) fn new(options: AnalyzerOptions) -> Self {
        Self { options }
    }

    /// The pieces of a query's text.
    pub(super) fn units(&self, text: &str) -> Vec<Unit> {
        let mut normalizer = Normalizer::new(self.options);
        let mut lexer = Lexer::new(text);
        let mut units = Vec::new();
        while let Some((shape, range)) = lexer.next() {
            units.push(match shape {
                Shape::Word => Unit::Word(normalizer.form(&text[range])),
                Shape::Compound => Unit::Compound {
                    whole: normalizer.form(&text[range]),
                    parts: lexer
                        .parts()
                        .iter()
                        .map(|part| normalizer.form(&text[part.clone()]))
                        .collect(),
                },
                Shape::Run => Unit::Run(run_characters(&text[range]).map(str::to_owned).collect()),
            });
        }
        units
    }

    /// What gives the terms of texts, as they are indexed.
    pub(super) fn terms(&self) -> TermSource {
        TermSource {
            options: self.options,
            normalizer: Normalizer::remembering(self.options),
            queue: Queue::default(),
        }
    }
}

/// Gives the terms of one text after the other. Buffers and stems are kept from text to text.
#[derive(Debug)]
pub(super) struct TermSource {
    options: AnalyzerOptions,
    normalizer: Normalizer,
    queue: Queue,
}

impl TermSource {
    /// The terms of a text, in the order of their positions.
    pub(super) fn stream<'a>(&'a mut self, text: &'a str) -> AnalyzedText<'a> {
        self.queue.filled = 0;
        self.queue.current = 0;
        AnalyzedText {
            lexer: Lexer::new(text),
            normalizer: &mut self.normalizer,
            position: 0,
            queue: &mut self.queue,
        }
    }
}

/// The clone remembers for itself.
impl Clone for TermSource {
    fn clone(&self) -> Self {
        Analyzer::new(self.options).terms()
    }
}

impl Tokenizer for TermSource {
    type TokenStream<'a> = AnalyzedText<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> AnalyzedText<'a> {
        self.stream(text)
    }
}

/// The terms of one text, in the order of their positions.
#[derive(Debug)]
pub(super) struct AnalyzedText<'a> {
    lexer: Lexer<'a>,
    normalizer: &'a mut Normalizer,
    position: usize,
    queue: &'a mut Queue,
}

/// Where a token stands: its position among the words, and its bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    position: usize,
    start: usize,
    end: usize,
}

/// The tokens of the word at hand. Their buffers are kept from word to word.
#[derive(Debug)]
struct Queue {
    tokens: Vec<Token>,
    filled: usize,
    current: usize,
}

impl Default for Queue {
    /// A place for one token, so that there is one to look at before the first.
    fn default() -> Self {
        Self { tokens: vec![Token::default()], filled: 0, current: 0 }
    }
}

impl Queue {
    fn push(&mut self, text: &str, place: Place) {
        let token = &mut self.free(1)[0];
        token.text.clear();
        token.text.push_str(text);
        self.fill(place);
    }

    /// The next tokens behind those that are filled, to be written.
    fn free(&mut self, count: usize) -> &mut [Token] {
        if self.tokens.len() < self.filled + count {
            self.tokens.resize_with(self.filled + count, Token::default);
        }
        &mut self.tokens[self.filled..]
    }

    /// Counts the first free token, whose text is written, among the filled ones.
    fn fill(&mut self, place: Place) {
        let token = &mut self.tokens[self.filled];
        token.position = place.position;
        token.offset_from = place.start;
        token.offset_to = place.end;
        self.filled += 1;
    }
}

impl AnalyzedText<'_> {
    /// The surface of a word and its stem, at the position at hand.
    fn push_forms(&mut self, start: usize, end: usize) {
        let place = Place { position: self.position, start, end };
        let [surface, stem, ..] = self.queue.free(2) else { return };
        self.normalizer.write_surface(&self.lexer.text()[start..end], &mut surface.text);
        let has_stem = self.normalizer.write_stem(&surface.text, &mut stem.text);
        self.queue.fill(place);
        if has_stem {
            self.queue.fill(place);
        }
    }

    fn push_compound(&mut self, start: usize, end: usize) {
        self.push_forms(start, end);
        for index in 0..self.lexer.parts().len() {
            let part = self.lexer.parts()[index].clone();
            self.push_forms(part.start, part.end);
            self.position += 1;
        }
    }

    fn push_run(&mut self, start: usize, end: usize) {
        let text = self.lexer.text();
        let mut characters = run_characters(&text[start..end]).peekable();
        let mut at = start;
        while let Some(character) = characters.next() {
            let next = at + character.len();
            let place = Place { position: self.position, start: at, end: next };
            self.queue.push(&text[at..next], place);
            if let Some(following) = characters.peek() {
                let end = next + following.len();
                self.queue.push(&text[at..end], Place { end, ..place });
            }
            self.position += 1;
            at = next;
        }
    }
}

impl TokenStream for AnalyzedText<'_> {
    fn advance(&mut self) -> bool {
        self.queue.current += 1;
        if self.queue.current < self.queue.filled {
            return true;
        }
        self.queue.current = 0;
        self.queue.filled = 0;
        let Some((shape, range)) = self.lexer.next() else { return false };
        match shape {
            Shape::Word => {
                self.push_forms(range.start, range.end);
                self.position += 1;
            }
            Shape::Compound => self.push_compound(range.start, range.end),
            Shape::Run => self.push_run(range.start, range.end),
        }
        true
    }

    fn token(&self) -> &Token {
        &self.queue.tokens[self.queue.current]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.queue.tokens[self.queue.current]
    }
}

/// The characters of a run, each with the marks that follow it.
pub(super) fn run_characters(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices();
        characters.next()?;
        let end = characters
            .find(|&(_, c)| super::words::is_unspaced(c))
            .map_or(rest.len(), |(offset, _)| offset);
        let (character, tail) = rest.split_at(end);
        rest = tail;
        Some(character)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(options: AnalyzerOptions, text: &str, expected: &[(usize, &str)]) {
        let mut source = Analyzer::new(options).terms();
        let mut stream = source.stream(text);
        let mut found = Vec::new();
        while stream.advance() {
            found.push((stream.token().position, stream.token().text.clone()));
        }
        let expected: Vec<_> =
            expected.iter().map(|&(position, text)| (position, text.to_owned())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_give_surface_and_stem_at_one_position() {
        check(
            AnalyzerOptions::default(),
            "The Replies run",
            &[(0, "the"), (1, "replies"), (1, "repli"), (2, "run")],
        );
        check(
            AnalyzerOptions { stem: None, ..AnalyzerOptions::default() },
            "Replies",
            &[(0, "replies")],
        );
    }

    #[test]
    fn accents_and_case_are_folded() {
        check(
            AnalyzerOptions { stem: None, ..AnalyzerOptions::default() },
            "\u{c9}T\u{c9} cafe\u{301} Stra\u{df}e \u{130}",
            &[(0, "ete"), (1, "cafe"), (2, "strasse"), (3, "i")],
        );
    }

    #[test]
    fn identifiers_give_whole_and_parts() {
        check(
            AnalyzerOptions { stem: None, ..AnalyzerOptions::default() },
            "x getUserName y",
            &[(0, "x"), (1, "getusername"), (1, "get"), (2, "user"), (3, "name"), (4, "y")],
        );
    }

    #[test]
    fn han_gives_characters_and_pairs() {
        check(
            AnalyzerOptions::default(),
            "\u{6771}\u{4eac}\u{90fd}",
            &[
                (0, "\u{6771}"),
                (0, "\u{6771}\u{4eac}"),
                (1, "\u{4eac}"),
                (1, "\u{4eac}\u{90fd}"),
                (2, "\u{90fd}"),
            ],
        );
    }

    #[test]
    fn a_phrase_is_the_terms_of_its_text_by_position() {
        let analyzer = Analyzer::default();
        let terms = phrase_terms(&analyzer.units("replies getName \u{6771}\u{4eac}\u{90fd} x"));
        let expected = [
            (0, "repli"),
            (1, "get"),
            (2, "name"),
            (3, "\u{6771}\u{4eac}"),
            (4, "\u{4eac}\u{90fd}"),
            (6, "x"),
        ];
        assert_eq!(terms, expected.map(|(at, term)| (at, term.to_owned())));
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_terms_in_order_and_within_the_text(text in "\\PC{0,80}") {
            for stem in [None, Some(Language::English), Some(Language::Turkish),
                Some(Language::Greek), Some(Language::Tamil), Some(Language::Arabic)]
            {
                let options = AnalyzerOptions { stem, ..AnalyzerOptions::default() };
                let mut source = Analyzer::new(options).terms();
                let mut stream = source.stream(&text);
                let mut last = 0;
                while stream.advance() {
                    let token = stream.token();
                    assert!(token.position >= last && !token.text.is_empty());
                    assert!(text.get(token.offset_from..token.offset_to).is_some());
                    last = token.position;
                }
            }
        }
    }
}
