//! Regular path expressions: a text becomes an automaton whose letters are edges.
//!
//! ```text
//! choice   = sequence ('|' sequence)*
//! sequence = repeated ('/' repeated)*
//! repeated = item ('*' | '+' | '?' | '{n}' | '{n,}' | '{n,m}')*
//! item     = '^' item | '(' choice ')' | '.' | name | '"' name with blanks or signs '"'
//! ```
//!
//! `^` turns what follows around. Positions of letters in the text are the automaton's states
//! (Glushkov's construction), so that no step is empty: state 0 is the start, state `n` stands
//! behind the `n`-th letter. Repetition by count copies letters, which a limit bounds.

use super::view::Side;
use crate::base::error::{Error, Result};
use crate::base::limits::{EXPRESSION_DEPTH_MAX, EXPRESSION_LETTERS_MAX};

/// One letter: an edge type, or any, on a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) side: Side,
    /// `None` for any type.
    pub(super) name: Option<String>,
}

/// The automaton of an expression.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    /// By state less one.
    pub(super) letters: Vec<Letter>,
    /// By state: the states that can come next, ascending.
    pub(super) next: Vec<Vec<usize>>,
    /// By state: those that it can come from.
    pub(super) before: Vec<Vec<usize>>,
    /// By state.
    pub(super) accepts: Vec<bool>,
}

impl Automaton {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`Error::Query`] with the offset of the first fault.
    pub(super) fn of(text: &str) -> Result<Self> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let tree = parser.choice()?;
        if parser.peek().is_some() {
            return Err(parser.fault("expected `/`, `|`, a repetition or the end"));
        }
        let mut automaton = Self { next: vec![Vec::new()], ..Self::default() };
        let part = automaton.add(&tree, false)?;
        automaton.next[0].clone_from(&part.first);
        automaton.accepts = vec![false; automaton.next.len()];
        for state in part.last {
            automaton.accepts[state] = true;
        }
        automaton.accepts[0] = part.nullable;
        automaton.before = vec![Vec::new(); automaton.next.len()];
        for (state, next) in automaton.next.iter_mut().enumerate() {
            next.sort_unstable();
            next.dedup();
            for other in next {
                automaton.before[*other].push(state);
            }
        }
        Ok(automaton)
    }

    /// Adds the states of a part; `turned` reads it from its end.
    fn add(&mut self, tree: &Tree, turned: bool) -> Result<Part> {
        match tree {
            Tree::Edge { name, offset } => {
                if self.letters.len() >= EXPRESSION_LETTERS_MAX {
                    let reason = format!("more than {EXPRESSION_LETTERS_MAX} letters");
                    return Err(Error::Query { offset: *offset, reason });
                }
                let side = if turned { Side::In } else { Side::Out };
                self.letters.push(Letter { side, name: name.clone() });
                self.next.push(Vec::new());
                let state = vec![self.letters.len()];
                Ok(Part { first: state.clone(), last: state, nullable: false })
            }
            Tree::Turned(inner) => self.add(inner, !turned),
            Tree::Choice(parts) => {
                let mut whole = Part { nullable: false, ..Part::default() };
                for part in parts {
                    let part = self.add(part, turned)?;
                    whole.first.extend(part.first);
                    whole.last.extend(part.last);
                    whole.nullable |= part.nullable;
                }
                Ok(whole)
            }
            Tree::Sequence(parts) => {
                let mut whole = Part::default();
                for at in 0..parts.len() {
                    let at = if turned { parts.len() - 1 - at } else { at };
                    let part = self.add(&parts[at], turned)?;
                    self.append(&mut whole, part);
                }
                Ok(whole)
            }
            Tree::Repeat { part, least, most } => self.repeat(part, turned, (*least, *most)),
        }
    }

    fn repeat(
        &mut self,
        tree: &Tree,
        turned: bool,
        (least, most): (usize, Option<usize>),
    ) -> Result<Part> {
        let mut whole = Part::default();
        // Without an upper end the last copy leads back to itself.
        let copies = most.unwrap_or(least.max(1));
        for copy in 0..copies {
            let mut part = self.add(tree, turned)?;
            if most.is_none() && copy + 1 == copies {
                self.connect(&part.last, &part.first);
            }
            part.nullable |= copy >= least;
            self.append(&mut whole, part);
        }
        Ok(whole)
    }

    /// Puts a part behind another.
    fn append(&mut self, whole: &mut Part, part: Part) {
        self.connect(&whole.last, &part.first);
        if whole.nullable {
            whole.first.extend_from_slice(&part.first);
        }
        if part.nullable {
            whole.last.extend(part.last);
        } else {
            whole.last = part.last;
        }
        whole.nullable &= part.nullable;
    }

    fn connect(&mut self, last: &[usize], first: &[usize]) {
        for state in last {
            self.next[*state].extend_from_slice(first);
        }
    }
}

/// The states with which a part begins and ends. The empty part, until something is appended.
struct Part {
    first: Vec<usize>,
    last: Vec<usize>,
    nullable: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self { first: Vec::new(), last: Vec::new(), nullable: true }
    }
}

/// An expression as it is read.
enum Tree {
    Edge { name: Option<String>, offset: usize },
    Turned(Box<Self>),
    Sequence(Vec<Self>),
    Choice(Vec<Self>),
    Repeat { part: Box<Self>, least: usize, most: Option<usize> },
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn choice(&mut self) -> Result<Tree> {
        let mut parts = vec![self.sequence()?];
        while self.take('|') {
            parts.push(self.sequence()?);
        }
        Ok(single(parts, Tree::Choice))
    }

    fn sequence(&mut self) -> Result<Tree> {
        let mut parts = vec![self.repeated()?];
        while self.take('/') {
            parts.push(self.repeated()?);
        }
        Ok(single(parts, Tree::Sequence))
    }

    fn repeated(&mut self) -> Result<Tree> {
        let mut part = self.item()?;
        loop {
            let (least, most) = if self.take('*') {
                (0, None)
            } else if self.take('+') {
                (1, None)
            } else if self.take('?') {
                (0, Some(1))
            } else if self.peek() == Some('{') {
                self.counts()?
            } else {
                return Ok(part);
            };
            self.deeper()?;
            part = Tree::Repeat { part: Box::new(part), least, most };
        }
    }

    /// `{n}`, `{n,}` or `{n,m}`, the closing brace included.
    fn counts(&mut self) -> Result<(usize, Option<usize>)> {
        self.take('{');
        let least = self.count()?;
        let most = if !self.take(',') {
            Some(least)
        } else if self.peek() == Some('}') {
            None
        } else {
            Some(self.count()?)
        };
        if most.is_some_and(|most| most < least) {
            return Err(self.fault("the greater number comes last"));
        }
        if !self.take('}') {
            return Err(self.fault("expected `}`"));
        }
        Ok((least, most))
    }

    fn count(&mut self) -> Result<usize> {
        let offset = self.offset();
        let digits: String = self.text[offset..].chars().take_while(char::is_ascii_digit).collect();
        self.at = offset + digits.len();
        let number = digits.parse().ok().filter(|number| *number <= EXPRESSION_LETTERS_MAX);
        number.ok_or_else(|| Error::Query {
            offset,
            reason: format!("expected a number up to {EXPRESSION_LETTERS_MAX}"),
        })
    }

    fn item(&mut self) -> Result<Tree> {
        let offset = self.offset();
        match self.peek() {
            Some('^') => {
                self.take('^');
                self.deeper()?;
                Ok(Tree::Turned(Box::new(self.item()?)))
            }
            Some('(') => {
                self.take('(');
                self.deeper()?;
                let inner = self.choice()?;
                if !self.take(')') {
                    return Err(self.fault("expected `)`"));
                }
                Ok(inner)
            }
            Some('.') => {
                self.take('.');
                Ok(Tree::Edge { name: None, offset })
            }
            Some('"') => Ok(Tree::Edge { name: Some(self.quoted()?), offset }),
            Some(first) if is_plain(first) => {
                let length = self.text[offset..].find(|letter| !is_plain(letter));
                self.at = length.map_or(self.text.len(), |length| offset + length);
                Ok(Tree::Edge { name: Some(self.text[offset..self.at].to_owned()), offset })
            }
            _ => Err(self.fault("expected an edge type, `.`, `^` or `(`")),
        }
    }

    /// A name between quotes; a backslash keeps the sign behind it.
    fn quoted(&mut self) -> Result<String> {
        let offset = self.offset();
        let mut name = String::new();
        let mut letters = self.text[offset..].char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at = offset + place + 1;
                    return Ok(name);
                }
                '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                _ => name.push(letter),
            }
        }
        Err(Error::Query { offset, reason: "the quote is never closed".into() })
    }

    /// Parts within parts are built by recursion.
    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            let reason = format!("more than {EXPRESSION_DEPTH_MAX} groups, turns and repetitions");
            return Err(Error::Query { offset: self.at, reason });
        }
        Ok(())
    }

    /// Where the next sign stands, blanks skipped.
    fn offset(&mut self) -> usize {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.at
    }

    fn peek(&mut self) -> Option<char> {
        let offset = self.offset();
        self.text[offset..].chars().next()
    }

    fn take(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign);
        if is_next {
            self.at += sign.len_utf8();
        }
        is_next
    }

    fn fault(&mut self, reason: &str) -> Error {
        Error::Query { offset: self.offset(), reason: reason.into() }
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | ':')
}

fn single(mut parts: Vec<Tree>, several: fn(Vec<Tree>) -> Tree) -> Tree {
    if parts.len() > 1 {
        return several(parts);
    }
    parts.pop().unwrap_or(Tree::Sequence(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether the automaton takes a word of letters `a`, `b`; capitals are turned around.
    fn takes(text: &str, word: &str) -> bool {
        let automaton = Automaton::of(text).unwrap();
        let mut states = vec![0];
        for sign in word.chars() {
            let side = if sign.is_uppercase() { Side::In } else { Side::Out };
            let name = sign.to_lowercase().to_string();
            let mut next: Vec<usize> =
                states.iter().flat_map(|at| automaton.next[*at].clone()).collect();
            next.retain(|state| {
                let letter = &automaton.letters[state - 1];
                letter.side == side && letter.name.as_ref().is_none_or(|known| *known == name)
            });
            states = next;
        }
        states.iter().any(|state| automaton.accepts[*state])
    }

    #[test]
    fn expressions_take_what_they_say() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("a", &["a"], &["", "b", "A", "aa"]),
            ("^a", &["A"], &["a"]),
            ("a/b", &["ab"], &["a", "ba"]),
            ("a|b", &["a", "b"], &["ab", ""]),
            ("a*", &["", "a", "aaa"], &["b"]),
            ("a+ / b", &["ab", "aab"], &["b", "a"]),
            ("a?", &["", "a"], &["aa"]),
            ("^(a/b)", &["BA"], &["AB", "ab"]),
            ("^^a", &["a"], &["A"]),
            ("(a|^b){2}", &["aa", "aB", "BB"], &["a", "aaa", "ab"]),
            ("a{1,3}", &["a", "aa", "aaa"], &["", "aaaa"]),
            ("a{2,}/b", &["aab", "aaab"], &["ab"]),
            ("a{0}/b", &["b"], &["ab"]),
            ("(a?/b?)+", &["", "a", "b", "ba", "abab"], &["A"]),
            ("./^.", &["aB", "bA"], &["ab"]),
            ("\"a\"/b", &["ab"], &["b"]),
            ("(a*)*", &["", "aaa"], &["b"]),
            ("(a{2})*", &["", "aa", "aaaa"], &["a", "aaa"]),
        ];
        for (text, good, bad) in cases {
            for word in *good {
                assert!(takes(text, word), "{text} takes {word:?}");
            }
            for word in *bad {
                assert!(!takes(text, word), "{text} does not take {word:?}");
            }
        }
    }

    #[test]
    fn faults_have_their_offset() {
        let deep = "(".repeat(200);
        for (text, expected) in [
            ("", 0),
            ("a/", 2),
            ("a b", 2),
            ("(a", 2),
            ("a)", 1),
            ("a{3,1}", 5),
            ("a{x}", 2),
            ("a{2", 3),
            ("\"a", 0),
            ("a||b", 2),
            ("*", 0),
            ("^", 1),
            ("a/$", 2),
            ("a{99999}", 2),
            ("(a{500}){500}", 1),
            (&deep, 65),
        ] {
            match Automaton::of(text) {
                Err(Error::Query { offset, .. }) => assert_eq!(offset, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ab^().|/*+?{}0-9,\" \\\\]{0,30}|.{0,20}") {
            if let Err(error) = Automaton::of(&text) {
                let Error::Query { offset, .. } = error else { panic!("{error}") };
                prop_assert!(offset <= text.len());
            }
        }
    }
}
