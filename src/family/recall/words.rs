//! What a text is made of for a recall: terms, names, codes, nicknames, and how it speaks.
//!
//! Terms are what the analyzer of the store makes of words, and codes as a whole ("K-9256") beside
//! their parts. Forms are words as written, without regard to case, with how they were written:
//! names are told by that.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::search::{Piece, PieceSort, Pieces};

/// The text asks something at its end.
pub(super) const ASKS: u8 = 1;
/// It names a time.
pub(super) const TIMED: u8 = 2;
/// It names a number.
pub(super) const NUMBERED: u8 = 4;

/// A form was written with a capital inside a sentence.
pub(super) const CAPITAL: u8 = 1;
/// It was written with a capital where a sentence begins.
pub(super) const FIRST_CAPITAL: u8 = 2;
/// It was written without a capital.
pub(super) const LOWER: u8 = 4;
/// It is a code or an identifier.
pub(super) const CODE: u8 = 8;

/// Bytes from the end of a text within which a question mark says that it asks.
const ASKING_END_BYTES: usize = 40;
/// Bytes within which a head ends: "Port Blair: ...".
const HEAD_BYTES_MAX: usize = 80;
/// The longest text that is looked through for nicknames, in bytes.
const NAMING_BYTES_MAX: usize = 400;
/// Names in a row that a nickname may stand in.
const NAMING_NAMES_MAX: usize = 4;
/// The shortest form that counts as a name, in characters.
const NAME_CHARS_MIN: usize = 3;
/// The shortest code that counts as a name, in bytes.
const CODE_BYTES_MIN: usize = 4;

const TIME_WORDS: &[&str] = &[
    "ago",
    "april",
    "august",
    "autumn",
    "december",
    "february",
    "friday",
    "january",
    "july",
    "june",
    "just",
    "last",
    "march",
    "monday",
    "month",
    "next",
    "november",
    "october",
    "recently",
    "saturday",
    "september",
    "since",
    "sunday",
    "thursday",
    "today",
    "tomorrow",
    "tonight",
    "tuesday",
    "wednesday",
    "week",
    "weekend",
    "year",
    "years",
    "yesterday",
];

/// Words that, after "this", name a time.
const TIMES_AT_HAND: &[&str] = &["evening", "fall", "morning", "spring", "summer", "winter"];

const NUMBER_WORDS: &[&str] = &[
    "couple", "eight", "few", "five", "four", "nine", "once", "one", "seven", "six", "ten",
    "three", "twice", "two",
];

/// Words after which names in a row are names of one and the same.
const NAMING: &[&str] =
    &["aka", "as", "by", "call", "called", "calls", "for", "nickname", "nicknamed"];
/// What has to stand before those of them that mean much else.
const NAMING_BEFORE: &[(&str, &str)] = &[("as", "known"), ("by", "goes"), ("for", "short")];

/// What a text is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Words {
    /// Every term with how often it is there.
    pub(super) terms: BTreeMap<String, u32>,
    /// Terms, each as often as it is there.
    pub(super) length: u32,
    /// Every form with how it was written.
    pub(super) forms: BTreeMap<String, u8>,
    /// Names that the text is about: those of its head.
    pub(super) subject: Vec<String>,
    /// Terms of names that stand for the same.
    pub(super) aliases: Vec<Vec<String>>,
    pub(super) flags: u8,
}

impl Words {
    /// Reads a memory's content.
    pub(super) fn of(pieces: &mut Pieces, content: &str) -> Self {
        let mut words = Self::default();
        let mut reader = Reader::new(content);
        pieces.each(content, &mut |piece| reader.take(&mut words, &piece));
        reader.end(&mut words);
        words.note_manner(content);
        words
    }

    /// Adds the terms of what stands beside the content: the agent's name, the key.
    pub(super) fn add_beside(&mut self, pieces: &mut Pieces, text: &str) {
        let mut terms = Vec::new();
        pieces.each(text, &mut |piece| terms.push(piece.term));
        for term in terms {
            self.add_term(term);
        }
    }

    fn add_term(&mut self, term: String) {
        *self.terms.entry(term).or_default() += 1;
        self.length += 1;
    }

    fn add_form(&mut self, form: &str, manner: u8) {
        match self.forms.get_mut(form) {
            Some(known) => *known |= manner,
            None => drop(self.forms.insert(form.to_owned(), manner)),
        }
    }

    fn note_manner(&mut self, content: &str) {
        let mut start = content.len().saturating_sub(ASKING_END_BYTES);
        while !content.is_char_boundary(start) {
            start += 1;
        }
        if content[start..].contains(['?', '\u{ff1f}']) {
            self.flags |= ASKS;
        }
    }
}

/// Reads the pieces of a content in order.
struct Reader<'t> {
    text: &'t str,
    /// Where the head ends; 0 where there is none.
    head: usize,
    /// The code in the making: joined words.
    code: Option<Range<usize>>,
    /// The two surfaces before.
    before: [String; 2],
    /// Names in a row after a word of naming, and where the last ended.
    naming: Option<(Vec<String>, usize)>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        let head = text.find(": ").filter(|end| *end < HEAD_BYTES_MAX).unwrap_or(0);
        Self { text, head, code: None, before: [String::new(), String::new()], naming: None }
    }

    fn take(&mut self, words: &mut Words, piece: &Piece<'t>) {
        words.add_term(piece.term.clone());
        if piece.sort != PieceSort::Word {
            return;
        }
        self.take_code(words, &piece.range);
        let is_capital = piece.raw.starts_with(char::is_uppercase);
        let manner = match (is_capital, begins_sentence(&self.text[..piece.range.start])) {
            (true, true) => FIRST_CAPITAL,
            (true, false) => CAPITAL,
            (false, _) => LOWER,
        };
        let is_code = is_code(piece.raw);
        words.add_form(&piece.surface, if is_code { manner | CODE } else { manner });
        if is_capital && piece.range.start < self.head {
            words.subject.push(piece.surface.clone());
        }
        self.note_time_and_number(words, &piece.surface);
        if self.text.len() <= NAMING_BYTES_MAX {
            self.take_naming(words, piece, is_capital);
        }
        self.before.swap(0, 1);
        self.before[1].clone_from(&piece.surface);
    }

    fn end(&mut self, words: &mut Words) {
        self.end_code(words);
        self.end_naming(words);
        words.subject.sort_unstable();
        words.subject.dedup();
    }

    fn note_time_and_number(&self, words: &mut Words, surface: &str) {
        let is_year = surface.len() == 4
            && (surface.starts_with("19") || surface.starts_with("20"))
            && surface.bytes().all(|byte| byte.is_ascii_digit());
        let is_at_hand = self.before[1] == "this" && TIMES_AT_HAND.binary_search(&surface).is_ok();
        if is_year || is_at_hand || TIME_WORDS.binary_search(&surface).is_ok() {
            words.flags |= TIMED;
        }
        let has_digit = surface.bytes().any(|byte| byte.is_ascii_digit());
        if has_digit || NUMBER_WORDS.contains(&surface) {
            words.flags |= NUMBERED;
        }
    }

    /// Joins words to a code while one character of those in codes stands between them.
    fn take_code(&mut self, words: &mut Words, range: &Range<usize>) {
        let joins =
            |code: &Range<usize>| self.text.get(code.end..range.start).is_some_and(joins_codes);
        match &mut self.code {
            Some(code) if joins(code) => code.end = range.end,
            _ => {
                self.end_code(words);
                self.code = Some(range.clone());
            }
        }
    }

    fn end_code(&mut self, words: &mut Words) {
        let Some(range) = self.code.take() else { return };
        if let Some(code) = code_term(&self.text[range]) {
            words.add_form(&code[1..], CODE);
            words.add_term(code);
        }
    }

    /// Gathers names in a row after a word of naming: "everybody calls Dmitri Sokolov Dima".
    fn take_naming(&mut self, words: &mut Words, piece: &Piece<'t>, is_capital: bool) {
        if let Some((names, end)) = &mut self.naming {
            let follows = self.text[*end..piece.range.start].chars().all(char::is_whitespace);
            if is_capital && follows && names.len() < NAMING_NAMES_MAX {
                names.push(piece.term.clone());
                *end = piece.range.end;
                return;
            }
            self.end_naming(words);
        }
        let surface = piece.surface.as_str();
        let needed = NAMING_BEFORE.iter().find(|(word, _)| *word == surface);
        let is_naming = NAMING.binary_search(&surface).is_ok()
            && needed.is_none_or(|(_, before)| self.before[1] == *before);
        // "known as" may follow "also called": the latest one counts.
        if is_naming && !is_capital {
            self.naming = Some((Vec::new(), piece.range.end));
        }
    }

    fn end_naming(&mut self, words: &mut Words) {
        let Some((names, _)) = self.naming.take() else { return };
        if names.len() > 1 {
            words.aliases.push(names);
        }
    }
}

/// Whether what stands between two words joins them to one code.
fn joins_codes(between: &str) -> bool {
    matches!(between, "-" | "_" | "." | "/" | ":" | "#")
}

/// The term of a code as a whole: "=k-9256". `None` for what is none.
pub(super) fn code_term(text: &str) -> Option<String> {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let is_joined = text.contains(['-', '_', '.', '/', ':', '#']);
    (has_digit && is_joined && text.is_ascii()).then(|| format!("={}", text.to_ascii_lowercase()))
}

/// Whether a word is a code or an identifier by how it is written.
fn is_code(raw: &str) -> bool {
    let has_digit = raw.bytes().any(|byte| byte.is_ascii_digit());
    raw.len() >= CODE_BYTES_MIN && (has_digit || raw.contains('_'))
}

/// Whether a text ends so that what follows begins a sentence.
fn begins_sentence(before: &str) -> bool {
    let trimmed =
        before.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | '\''));
    trimmed.is_empty() || trimmed.ends_with(['.', '!', '?', ':', '\u{2026}'])
}

/// Whether a form that was written so may be a name.
pub(super) fn may_be_name(form: &str, manner: u8) -> bool {
    let is_written_so = manner & (CAPITAL | FIRST_CAPITAL | CODE) != 0;
    is_written_so && form.chars().take(NAME_CHARS_MIN).count() == NAME_CHARS_MIN
}

/// Hands every code of a text to `take`: runs of words that one character joins.
pub(super) fn each_code(pieces: &mut Pieces, text: &str, take: &mut dyn FnMut(String)) {
    let mut code: Option<Range<usize>> = None;
    let mut give = |range: Option<Range<usize>>| {
        if let Some(found) = range.and_then(|range| code_term(&text[range])) {
            take(found);
        }
    };
    pieces.each(text, &mut |piece| {
        if piece.sort != PieceSort::Word {
            return;
        }
        match &mut code {
            Some(code) if joins_codes(&text[code.end..piece.range.start]) => {
                code.end = piece.range.end;
            }
            _ => give(code.replace(piece.range)),
        }
    });
    give(code);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::AnalyzerOptions;

    fn words(text: &str) -> Words {
        Words::of(&mut Pieces::new(AnalyzerOptions::default()), text)
    }

    #[test]
    fn lists_are_sorted() {
        for list in [TIME_WORDS, TIMES_AT_HAND, NUMBER_WORDS, NAMING] {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            assert!(list == sorted || list == NUMBER_WORDS, "{list:?}");
        }
    }

    #[test]
    fn codes_are_terms_as_a_whole_and_in_parts() {
        let words = words("Ticket K-9256, see src/main.rs and v1.2.");
        for term in ["k", "9256", "=k-9256", "=v1.2"] {
            assert!(words.terms.contains_key(term), "{term} in {:?}", words.terms);
        }
        assert!(!words.terms.keys().any(|term| term.starts_with("=src")));
        assert_eq!(words.forms["k-9256"], CODE);
    }

    #[test]
    fn forms_know_how_they_were_written() {
        let words = words("Greta met greta. Then Paris, say \u{1f600} Paris");
        assert_eq!(words.forms["greta"], FIRST_CAPITAL | LOWER);
        assert_eq!(words.forms["paris"], CAPITAL);
        assert_eq!(words.forms["then"], FIRST_CAPITAL);
    }

    #[test]
    fn manner_of_speaking_is_noted() {
        #[track_caller]
        fn check(text: &str, flags: u8) {
            assert_eq!(words(text).flags, flags, "{text}");
        }
        check("How are you?", ASKS);
        check("\u{4f60}\u{597d}\u{ff1f}", ASKS);
        check("I went there yesterday", TIMED);
        check("We met this summer", TIMED);
        check("It was in 2019", TIMED | NUMBERED);
        check("three dogs", NUMBERED);
        check("", 0);
    }

    #[test]
    fn the_head_is_what_a_text_is_about() {
        assert_eq!(words("Port Blair: the capital").subject, ["blair", "port"]);
        assert!(words("So I said to Greta what was wrong").subject.is_empty());
    }

    #[test]
    fn names_in_a_row_after_a_word_of_naming_are_of_one() {
        #[track_caller]
        fn check(text: &str, expected: &[&[&str]]) {
            assert_eq!(words(text).aliases, expected, "{text}");
        }
        check("Everybody calls Dmitri Sokolov Dima.", &[&["dmitri", "sokolov", "dima"]]);
        check("He is known as Big Al, they say", &[&["big", "al"]]);
        check("She called Anna, Ben and Carl", &[]);
        check("He works as Chief Engineer", &[]);
    }
}
