//! A question, read for one scope: which of its words the scope knows, and what stands for them.

use std::collections::BTreeSet;

use super::groups::{Groups, is_question_word};
use super::index::ScopeIndex;
use super::time::Asked;
use super::words::each_code;
use crate::base::time::Timestamp;
use crate::search::{PieceSort, Pieces};

/// What a word counts that stands for one that the scope does not know, one edit away.
const EDITED: f32 = 0.8;
/// What another name of the same counts.
const ALIAS: f32 = 0.6;
/// What a name counts beside other words.
const NAME: f32 = 1.3;
/// The shortest word that is looked for misspelt, in characters.
const EDITED_CHARS_MIN: usize = 4;
/// Words that stand for one misspelt word, at most.
const EDITS_MAX: usize = 16;
/// Words of a question that are looked at: what is longer is no question.
const WORDS_MAX: usize = 512;
/// The shortest beginning of an agent's name that names the agent, in bytes.
const AGENT_BEGINNING_MIN: usize = 3;

/// A word of a question that says something.
#[derive(Clone, Debug)]
struct Word {
    surface: String,
    term: String,
    is_capital: bool,
    is_first: bool,
}

/// What a question says, whatever the scope.
#[derive(Debug)]
pub(super) struct Read {
    words: Vec<Word>,
    /// Characters and pairs of scripts without blanks, and codes.
    others: Vec<String>,
    /// Surfaces of all its words, each once.
    surfaces: BTreeSet<String>,
    pub(super) asked: Asked,
}

impl Read {
    pub(super) fn new(pieces: &mut Pieces, question: &str, asked_at: Timestamp) -> Self {
        let asked = Asked::read(question, asked_at);
        let mut read =
            Self { words: Vec::new(), others: Vec::new(), surfaces: BTreeSet::new(), asked };
        let mut spoken = Vec::new();
        let mut all = Vec::new();
        pieces.each(question, &mut |piece| {
            let is_of_time = read.asked.named.contains(&piece.range.start);
            if all.len() + read.others.len() >= WORDS_MAX || is_of_time {
                return;
            }
            if piece.sort == PieceSort::Character {
                read.others.push(piece.term);
                return;
            }
            if piece.sort == PieceSort::Word {
                read.surfaces.insert(piece.surface.clone());
            }
            let word = Word {
                is_capital: piece.raw.starts_with(char::is_uppercase),
                is_first: piece.range.start == 0,
                surface: piece.surface,
                term: piece.term,
            };
            all.push(word);
        });
        for word in &all {
            if !is_question_word(&word.surface) && !pieces.says_nothing(&word.surface) {
                spoken.push(word.clone());
            }
        }
        each_code(pieces, question, &mut |code| read.others.push(code));
        // A question of nothing else is looked for as it is.
        read.words = if spoken.is_empty() && read.others.is_empty() { all } else { spoken };
        read
    }

    /// Surfaces of all its words, each once, in order.
    pub(super) fn surfaces(&self) -> impl ExactSizeIterator<Item = &str> {
        self.surfaces.iter().map(String::as_str)
    }
}

/// Terms that stand for one word of the question, where the word itself is not there.
#[derive(Clone, Debug, Default)]
pub(super) struct Stand {
    pub(super) own: Option<u32>,
    pub(super) others: Vec<u32>,
}

/// A question, for one scope.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// Terms that the scope knows, each with what it counts.
    pub(super) terms: Vec<(u32, f32)>,
    pub(super) stands: Vec<Stand>,
    /// Forms of its words.
    pub(super) forms: Vec<u32>,
    /// Agents that it names.
    pub(super) agents: Vec<u32>,
    /// Forms of the names of all agents of the scope.
    pub(super) agent_forms: Vec<u32>,
    /// What a memory with every term would have.
    pub(super) whole: f32,
    /// The share of its words that the scope knows.
    pub(super) known: f32,
}

impl Question {
    /// Looks the words of a question up.
    pub(super) fn of(
        read: &Read,
        index: &ScopeIndex,
        (pieces, groups): (&mut Pieces, &Groups),
    ) -> Self {
        let mut question = Self::default();
        question.look_agents_up(read, index, pieces);
        let mut known = 0;
        for term in &read.others {
            if let Some(number) = in_use(index, term) {
                known += 1;
                question.add(number, 1.0);
            }
        }
        for word in &read.words {
            known += usize::from(question.look_up(word, index));
        }
        for word in &read.words {
            question.add_stand(word, index, groups);
        }
        let all = read.words.len() + read.others.len();
        question.known = if all == 0 { 0.0 } else { known as f32 / all as f32 };
        question.whole = question.terms.iter().map(|(term, count)| count * index.idf(*term)).sum();
        question
    }

    /// Whether the scope knows any of it.
    pub(super) fn says_something(&self) -> bool {
        !self.terms.is_empty() || self.stands.iter().any(|stand| !stand.others.is_empty())
    }

    fn add(&mut self, term: u32, count: f32) {
        match self.terms.iter_mut().find(|(known, _)| *known == term) {
            Some((_, known)) => *known = known.max(count),
            None => self.terms.push((term, count)),
        }
    }

    /// Says whether the scope knows the word itself.
    fn look_up(&mut self, word: &Word, index: &ScopeIndex) -> bool {
        let form = index.forms.get(&word.surface);
        if let Some(form) = form.filter(|form| !self.forms.contains(form)) {
            self.forms.push(form);
        }
        let is_agent = form.is_some_and(|form| self.agent_forms.contains(&form));
        let is_name = word.is_capital && !word.is_first && !is_agent;
        let known = in_use(index, &word.term);
        match known {
            Some(term) => {
                self.add(term, if is_name { NAME } else { 1.0 });
                for alias in index.aliases_of(term) {
                    if index.frequency(alias) > 0 {
                        self.add(alias, ALIAS);
                    }
                }
            }
            None => {
                for term in edits(index, &word.surface) {
                    self.add(term, EDITED);
                }
            }
        }
        known.is_some()
    }

    fn add_stand(&mut self, word: &Word, index: &ScopeIndex, groups: &Groups) {
        let own = in_use(index, &word.term);
        let beside = groups.beside(&word.term);
        let others: Vec<u32> = beside.into_iter().filter_map(|term| in_use(index, term)).collect();
        let is_known = self.stands.iter().any(|stand| stand.others == others);
        if !others.is_empty() && !is_known {
            self.stands.push(Stand { own, others });
        }
    }

    fn look_agents_up(&mut self, read: &Read, index: &ScopeIndex, pieces: &mut Pieces) {
        for number in index.settled.agents.iter().copied() {
            let (surface, _) = pieces.word(index.agents.text(number));
            let begins = |word: &Word| {
                word.is_capital
                    && word.surface.len() >= AGENT_BEGINNING_MIN
                    && surface.starts_with(&word.surface)
            };
            if read.words.iter().any(|word| word.surface == surface || begins(word)) {
                self.agents.push(number);
            }
            self.agent_forms.extend(index.forms.get(&surface));
        }
    }
}

/// The number of a term that some memory has.
fn in_use(index: &ScopeIndex, term: &str) -> Option<u32> {
    index.terms.get(term).filter(|term| index.frequency(*term) > 0)
}

/// Terms one edit away from a word: one letter more, less or another, or two neighbours swapped.
/// The first or the second letter stays.
fn edits(index: &ScopeIndex, word: &str) -> Vec<u32> {
    let letters: Vec<char> = word.chars().collect();
    if letters.len() < EDITED_CHARS_MIN {
        return Vec::new();
    }
    let mut found: Vec<u32> = index
        .terms
        .iter()
        .filter(|(number, term)| {
            term.len().abs_diff(word.len()) <= 4
                && index.frequency(*number) > 0
                && is_one_edit(&letters, term)
        })
        .map(|(number, _)| number)
        .collect();
    // The most frequent first, then by their texts: numbers depend on the order of writes.
    found.sort_unstable_by(|one, other| {
        let frequency = index.frequency(*other).cmp(&index.frequency(*one));
        frequency.then_with(|| index.terms.text(*one).cmp(index.terms.text(*other)))
    });
    found.truncate(EDITS_MAX);
    found
}

fn is_one_edit(word: &[char], term: &str) -> bool {
    let mut letters = term.chars();
    let (first, second) = (letters.next(), letters.next());
    if first != word.first().copied() && second != word.get(1).copied() {
        return false;
    }
    let term: Vec<char> = term.chars().collect();
    if term.len().abs_diff(word.len()) > 1 {
        return false;
    }
    let same = word.iter().zip(&term).take_while(|(one, other)| one == other).count();
    let (rest, other) = (&word[same..], &term[same..]);
    match (rest, other) {
        ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c && rest == other => true,
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([_, rest @ ..], other) if rest == other => true,
        (rest, [_, other @ ..]) => rest == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_is_one_letter_or_a_swap() {
        #[track_caller]
        fn check(word: &str, term: &str, expected: bool) {
            let letters: Vec<char> = word.chars().collect();
            assert_eq!(is_one_edit(&letters, term), expected, "{word} {term}");
        }
        for term in ["greta", "grea", "agreat", "gerat", "greats", "grxat"] {
            check("great", term, term != "agreat");
        }
        check("great", "great", false);
        check("great", "gr", false);
        check("great", "grtae", false);
        check("chaira", "chiara", true);
        check("lima", "liam", true);
        check("abcd", "xycd", false);
    }
}
