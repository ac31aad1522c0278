//! Where words begin and end in a text.
//!
//! Knows characters, not meanings: it finds ranges and leaves lower-casing, folding and stemming to
//! the analyzer. The index, the query and the highlighter cut texts with this code and no other.

use std::ops::Range;

/// Longest word that is kept whole, in bytes. The rest of a longer one is dropped: such runs are
/// encoded data, and a term has a bound in the index.
pub(super) const WORD_BYTES_MAX: usize = 255;

/// Longest word that is looked at for parts, in bytes. Longer ones are keys and digests, which
/// would only fill the index with noise.
const COMPOUND_BYTES_MAX: usize = 64;

/// What a [`Lexer`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A word in one piece.
    Word,
    /// An identifier that falls into the parts that the lexer holds.
    Compound,
    /// Characters of a script that writes no blanks between words.
    Run,
}

/// Finds the words of a text one after the other.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    parts: Vec<Range<usize>>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, parts: Vec::new() }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The parts of the compound that [`Lexer::next`] returned last.
    pub(super) fn parts(&self) -> &[Range<usize>] {
        &self.parts
    }

    /// The next word, as what it is and its byte range.
    pub(super) fn next(&mut self) -> Option<(Shape, Range<usize>)> {
        let start = self.skip_ascii();
        if let Some(end) = self.plain_end(start) {
            self.parts.clear();
            self.at = end;
            return Some((Shape::Word, start..end));
        }
        self.next_of_any_shape(start)
    }

    /// The next word, which begins at `start` or later.
    fn next_of_any_shape(&mut self, start: usize) -> Option<(Shape, Range<usize>)> {
        let (start, first) = self.skip_to_word(start)?;
        if is_unspaced(first) {
            let end = self.end_of(start, |c| is_unspaced(c) || is_mark(c));
            self.at = end;
            return Some((Shape::Run, start..end));
        }
        let end = self.word_end(start);
        self.at = self.skip_possessive(end);
        let word = self.text[start..end].trim_end_matches('_');
        let end = start + floor_boundary(word, WORD_BYTES_MAX);
        self.parts.clear();
        if end - start <= COMPOUND_BYTES_MAX {
            split_compound(self.text, start..end, &mut self.parts);
        }
        let shape = if self.parts.len() > 1 { Shape::Compound } else { Shape::Word };
        Some((shape, start..end))
    }

    /// The place after what lies before the next word, as far as it is ASCII. Most texts are mostly
    /// that, and its bytes are told apart much faster than characters are.
    fn skip_ascii(&self) -> usize {
        let ahead = &self.text.as_bytes()[self.at..];
        let is_between = |byte: &&u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
        self.at + ahead.iter().take_while(is_between).count()
    }

    /// The end of the word at `start` where it is as most are: small ASCII letters or digits behind
    /// the first, not too many, and then something that could not belong to it.
    fn plain_end(&self, start: usize) -> Option<usize> {
        let word = &self.text.as_bytes()[start..];
        let is_plain = |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let length = 1 + word.get(1..)?.iter().take_while(is_plain).count();
        let is_end = |byte: &u8| {
            byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'\'')
        };
        let is_word = word[0].is_ascii_alphanumeric()
            && length <= COMPOUND_BYTES_MAX
            && word.get(length).is_none_or(is_end);
        is_word.then_some(start + length)
    }

    /// The beginning of the next word, from `at` on.
    fn skip_to_word(&self, at: usize) -> Option<(usize, char)> {
        self.text[at..]
            .char_indices()
            .find(|&(_, c)| (c.is_alphanumeric() && !is_mark(c)) || is_unspaced(c))
            .map(|(offset, c)| (at + offset, c))
    }

    /// The end of the word that begins at `start`.
    fn word_end(&self, start: usize) -> usize {
        let ahead = &self.text.as_bytes()[start..];
        let is_plain = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let at = start + ahead.iter().take_while(is_plain).count();
        match self.text.as_bytes().get(at) {
            Some(byte) if !byte.is_ascii() => self.end_of(at, |c| is_word(c) && !is_unspaced(c)),
            _ => at,
        }
    }

    fn end_of(&self, start: usize, belongs: impl Fn(char) -> bool) -> usize {
        self.text[start..]
            .char_indices()
            .find(|&(_, c)| !belongs(c))
            .map_or(self.text.len(), |(offset, _)| start + offset)
    }

    /// The place after an English possessive ending at `end`, so that "Anna's" is found as "Anna".
    fn skip_possessive(&self, end: usize) -> usize {
        let mut rest = self.text[end..].chars();
        let Some(apostrophe @ ('\'' | '\u{2019}')) = rest.next() else { return end };
        let Some('s' | 'S') = rest.next() else { return end };
        if rest.next().is_some_and(is_word) { end } else { end + apostrophe.len_utf8() + 1 }
    }
}

/// The greatest character boundary of `text` that is not beyond `max` bytes.
pub(super) fn floor_boundary(text: &str, max: usize) -> usize {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Cuts an identifier at underscores and at changes of case: `snake_case`, `camelCase`,
/// `HTTPServer`. A word in one piece may have no part at all.
fn split_compound(text: &str, whole: Range<usize>, parts: &mut Vec<Range<usize>>) {
    let word = &text[whole.clone()];
    let is_boundary = |byte: u8| byte == b'_' || byte.is_ascii_uppercase();
    if word.is_ascii() && !word.bytes().skip(1).any(is_boundary) {
        return;
    }
    let mut start = whole.start;
    let mut before: Option<char> = None;
    for (offset, c) in word.char_indices() {
        let at = whole.start + offset;
        if c == '_' {
            push_part(text, start..at, parts);
            start = at + 1;
            before = None;
            continue;
        }
        let rest = &word[offset + c.len_utf8()..];
        if before.is_some_and(|before| is_case_boundary(before, c, rest)) {
            push_part(text, start..at, parts);
            start = at;
        }
        if !is_mark(c) {
            before = Some(c);
        }
    }
    push_part(text, start..whole.end, parts);
}

fn push_part(text: &str, part: Range<usize>, parts: &mut Vec<Range<usize>>) {
    // Marks alone are folded to nothing.
    if text[part.clone()].chars().any(|c| !is_mark(c)) {
        parts.push(part);
    }
}

/// Whether a part begins at `c`. A plural's `s` after capitals, as in `PDFs`, begins none.
fn is_case_boundary(before: char, c: char, rest: &str) -> bool {
    if !c.is_uppercase() {
        return false;
    }
    if !before.is_uppercase() {
        return before.is_alphanumeric();
    }
    let mut rest = rest.chars();
    match (rest.next(), rest.next()) {
        (Some('s'), None | Some('_')) | (None, _) => false,
        (Some(next), _) => next.is_lowercase(),
    }
}

/// Whether a character continues a word.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || (!c.is_ascii() && is_mark(c))
}

/// Combining marks and joiners that belong to the letter before them but count as no letter.
pub(super) fn is_mark(c: char) -> bool {
    is_accent(c)
        || matches!(c,
            '\u{093c}' | '\u{094d}' | '\u{09bc}' | '\u{09cd}' | '\u{0a3c}' | '\u{0a4d}'
            | '\u{0abc}' | '\u{0acd}' | '\u{0b3c}' | '\u{0b4d}' | '\u{0bcd}' | '\u{0c4d}'
            | '\u{0cbc}' | '\u{0ccd}' | '\u{0d4d}' | '\u{0dca}' | '\u{0e31}'..='\u{0e3a}'
            | '\u{0e47}'..='\u{0e4e}' | '\u{0eb1}'..='\u{0ebc}' | '\u{0ec8}'..='\u{0ece}'
            | '\u{1037}'..='\u{103a}' | '\u{17c9}'..='\u{17d3}' | '\u{200c}' | '\u{200d}'
            | '\u{3099}' | '\u{309a}')
}

/// Accents that folding removes.
pub(super) fn is_accent(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether a character belongs to a script that writes no blanks between words: Han, Kana, and
/// the South-East Asian ones.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e01}'..='\u{0e2e}' | '\u{0e30}' | '\u{0e40}'..='\u{0e45}'
        | '\u{0e81}'..='\u{0eae}' | '\u{0eb0}' | '\u{0ebd}'..='\u{0ec6}'
        | '\u{1000}'..='\u{1036}' | '\u{103b}'..='\u{103f}' | '\u{1780}'..='\u{17c8}'
        | '\u{3005}'..='\u{3007}' | '\u{3031}'..='\u{3035}' | '\u{3041}'..='\u{3096}'
        | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        while let Some((shape, range)) = lexer.next() {
            found.push(match shape {
                Shape::Word => text[range].to_owned(),
                Shape::Run => format!("<{}>", &text[range]),
                Shape::Compound => {
                    let parts: Vec<_> =
                        lexer.parts().iter().map(|part| &text[part.clone()]).collect();
                    format!("{}={}", &text[range], parts.join("+"))
                }
            });
        }
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_end_at_everything_that_is_no_letter_or_digit() {
        check(
            "The reply, due on 14 March (2026-03-14).",
            &["The", "reply", "due", "on", "14", "March", "2026", "03", "14"],
        );
        check("Anna's don't \u{2019}s Annas'", &["Anna", "don", "t", "s", "Annas"]);
        check("cafe\u{301} na\u{ef}ve", &["cafe\u{301}", "na\u{ef}ve"]);
        check("\u{1dd3}a_\u{301}_bA\u{301}B", &["a_\u{301}_bA\u{301}B=a+b+A\u{301}B"]);
        check(" _ -- ", &[]);
        check("", &[]);
    }

    #[test]
    fn identifiers_fall_into_parts() {
        check("snake_case_", &["snake_case=snake+case"]);
        check("camelCaseName", &["camelCaseName=camel+Case+Name"]);
        check("parseHTTPResponse2", &["parseHTTPResponse2=parse+HTTP+Response2"]);
        check("PDFs HTTP sha256 v2Api", &["PDFs", "HTTP", "sha256", "v2Api=v2+Api"]);
        check("src/search/mod.rs", &["src", "search", "mod", "rs"]);
        let long = "aB".repeat(40);
        check(&long, &[&long]);
    }

    #[test]
    fn scripts_without_blanks_are_runs() {
        check("abc\u{6771}\u{4eac}def", &["abc", "<\u{6771}\u{4eac}>", "def"]);
        check("\u{304b}\u{306a}\u{3002}\u{6f22}", &["<\u{304b}\u{306a}>", "<\u{6f22}>"]);
    }

    #[test]
    fn an_endless_word_is_cut() {
        let text = "\u{e9}".repeat(1_000);
        let mut lexer = Lexer::new(&text);
        assert_eq!(lexer.next(), Some((Shape::Word, 0..254)));
        assert_eq!(lexer.next(), None);
    }

    proptest::proptest! {
        #[test]
        fn plain_words_are_found_as_any_others_are(
            text in "[a-cA-Z0-2_' .\u{e9}\u{301}\u{6771}]{0,40}|[a-z]{60,70} [a-z]{250,260}",
        ) {
            let (mut lexer, mut other) = (Lexer::new(&text), Lexer::new(&text));
            loop {
                let found = lexer.next();
                assert_eq!(found, other.next_of_any_shape(other.skip_ascii()));
                assert_eq!((lexer.at, lexer.parts()), (other.at, other.parts()));
                if found.is_none() {
                    break;
                }
            }
        }
    }
}
