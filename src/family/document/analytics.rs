//! What is computed from a text. Pure: the same text always gives the same.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde_json::json;

use crate::base::error::Result;
use crate::base::json::Json;

/// Commonest words that are kept.
const TERMS_MAX: usize = 15;
/// Words that are no terms, as the old application has them.
const STOP_WORDS: [&str; 27] = [
    "the", "a", "an", "and", "or", "but", "i", "in", "on", "at", "to", "o", "for", "by", "with",
    "is", "are", "was", "were", "be", "been", "it", "this", "that", "as", "from", "not",
];
/// Terms of search rows are longer than this, in characters.
const SEARCH_TERM_CHARS_MIN: usize = 4;

/// Counts over a text.
#[derive(Debug, PartialEq)]
pub(super) struct Counts {
    pub(super) characters: usize,
    pub(super) words: usize,
    pub(super) sentences: usize,
    /// The commonest words with their counts; equally common ones in the order of the text.
    pub(super) terms: Vec<(String, usize)>,
}

impl Counts {
    pub(super) fn of(text: &str) -> Self {
        let mut words = 0;
        // The count of a word, and its place among the distinct ones.
        let mut found: HashMap<String, (usize, usize)> = HashMap::new();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
        {
            words += 1;
            let word = word.to_ascii_lowercase();
            if word.len() > 2 && !STOP_WORDS.contains(&&*word) {
                let place = found.len();
                found.entry(word).or_insert((0, place)).0 += 1;
            }
        }
        let mut terms: Vec<_> = found.into_iter().collect();
        terms.sort_unstable_by_key(|(_, (count, place))| (Reverse(*count), *place));
        terms.truncate(TERMS_MAX);
        Self {
            characters: text.chars().count(),
            words,
            sentences: sentences(text),
            terms: terms.into_iter().map(|(word, (count, _))| (word, count)).collect(),
        }
    }

    /// The terms as they are stored.
    pub(super) fn terms_json(&self) -> Result<Json> {
        let terms = self.terms.iter().map(|(term, count)| json!({ "term": term, "count": count }));
        Json::of(&terms.collect::<Vec<_>>())
    }
}

/// Parts between full stops, exclamation and question marks that blanks follow.
fn sentences(text: &str) -> usize {
    let mut count = 0;
    let mut is_empty = true;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let ends = matches!(character, '.' | '!' | '?')
            && characters.peek().is_some_and(|next| next.is_whitespace());
        if ends && !is_empty {
            count += 1;
            is_empty = true;
        } else if !ends && !character.is_whitespace() {
            is_empty = false;
        }
    }
    count + usize::from(!is_empty)
}

/// The distinct longer words of a text, in its order, separated by blanks.
pub(super) fn search_terms(text: &str) -> String {
    let mut seen = HashSet::new();
    let mut out = String::new();
    for word in text.split_whitespace() {
        let word: String = word.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        if word.chars().count() >= SEARCH_TERM_CHARS_MIN && !seen.contains(&word) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&word);
            seen.insert(word);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_sentences(text: &str, expected: usize) {
        assert_eq!(sentences(text), expected, "{text:?}");
    }

    #[test]
    fn a_sentence_ends_at_a_mark_that_a_blank_follows() {
        check_sentences("", 0);
        check_sentences(" \n", 0);
        check_sentences("One", 1);
        check_sentences("One.", 1);
        check_sentences("One. Two! Three?\nFour", 4);
        check_sentences("Version 1.2 is out.", 1);
        check_sentences("... ", 1);
        check_sentences("One. . Two", 2);
    }

    #[test]
    fn words_are_counted_and_the_commonest_kept() {
        let counts = Counts::of("The reply is due. Reply by the 14th of March, motion and reply!");
        assert_eq!((counts.characters, counts.words, counts.sentences), (63, 13, 2));
        let expected = [("reply", 3), ("due", 1), ("14th", 1), ("march", 1), ("motion", 1)];
        let expected = expected.map(|(word, count)| (word.to_owned(), count));
        assert_eq!(counts.terms, expected);
        assert_eq!(
            Counts::of("motion due motion").terms_json().unwrap().as_str(),
            r#"[{"term": "motion", "count": 2}, {"term": "due", "count": 1}]"#
        );
    }

    #[test]
    fn at_most_fifteen_terms_are_kept_and_letters_outside_ascii_part_words() {
        let words: Vec<String> = (100..140).map(|number| format!("w{number}")).collect();
        assert_eq!(Counts::of(&words.join(" ")).terms.len(), 15);
        assert_eq!(Counts::of("caf\u{e9}teria").words, 2);
        assert_eq!(Counts::of(""), Counts { characters: 0, words: 0, sentences: 0, terms: vec![] });
    }

    #[test]
    fn search_terms_are_distinct_longer_words_without_marks() {
        assert_eq!(search_terms("The REPLY, reply; by (M\u{e4}rz) it's"), "reply m\u{e4}rz");
        assert_eq!(search_terms(" "), "");
    }
}
