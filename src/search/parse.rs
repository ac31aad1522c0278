//! The language of queries: from a text to clauses, without an index.
//!
//! ```text
//! reply deadline       words            "reply deadline"    a phrase, "..."~2 with gaps
//! dead*                a prefix         deadlnie~ word~1    misspelt
//! +must -not NOT not   demanded, ruled out
//! a OR b   a AND b     OR binds less than AND, both more than mere succession
//! ( ... )              a group          *                   everything
//! status:open  tag:"to do"  tag:inv*    words of keyword fields and attributes
//! title:reply  title:"the reply"        only in what names a record
//! ```
//!
//! Reading leniently never fails: an operator without an operand is passed over, and an unclosed
//! quote or parenthesis is closed by the end.

use super::{LastWord, SearchOptions, Syntax};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{QUERY_CLAUSES_MAX, QUERY_DEPTH_MAX, QUERY_WEIGHT_MAX};

const OPERATORS: &[&str] = &["OR", "|", "||", "AND", "&&"];

/// A query text that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TextQuery {
    pub(super) clauses: Vec<Clause>,
}

/// What a clause asks of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// One of several, or all of them: as the search's matching says.
    Plain,
    Must,
    Not,
}

/// What a clause counts for in the score, in thousandths; written `^2` or `^0.5` behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight(u32);

impl Weight {
    /// What is not weighed.
    pub(super) const ONE: Self = Self(1_000);

    /// What the score is multiplied by.
    pub(super) fn factor(self) -> f32 {
        self.0 as f32 / 1_000.0
    }

    /// Reads digits with one point at most; `None` for anything else, and for more than the
    /// greatest.
    fn parse(text: &str) -> Option<Self> {
        let is_number = text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number: f64 = text.parse().ok().filter(|_| is_number)?;
        // Whole, and small enough for an integer.
        (number <= QUERY_WEIGHT_MAX).then(|| Self((number * 1_000.0).round() as u32))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) demand: Demand,
    pub(super) weight: Weight,
    pub(super) node: Node,
}

impl Clause {
    /// A clause that counts as much as others.
    pub(super) fn new(demand: Demand, node: Node) -> Self {
        Self { demand, weight: Weight::ONE, node }
    }
}

/// Which texts are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Everywhere,
    Title,
}

/// What the end of a word or phrase means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    /// Followed by a star: anything that begins like this.
    Prefix,
    /// Perhaps not typed to the end: the word itself, or anything that begins like this.
    Perhaps,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Every record.
    Everything,
    /// This record. No text asks for it.
    Record(NodeId),
    Word {
        text: String,
        scope: Scope,
        end: End,
        /// Wrong letters that are allowed, where the text says so.
        typos: Option<u8>,
    },
    Phrase {
        text: String,
        scope: Scope,
        end: End,
        slop: u32,
    },
    Field {
        name: String,
        value: String,
        end: End,
        /// Whether it is a mere text when no record has such a field.
        lenient: bool,
    },
    /// Any of these.
    Or(Vec<Clause>),
    /// All of these.
    And(Vec<Clause>),
    /// As the top of the query.
    Group(Vec<Clause>),
}

impl TextQuery {
    /// Whether nothing is asked, which everything is an answer to.
    pub(crate) fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Reads a query text.
    ///
    /// # Errors
    /// Reading strictly: [`Error::Query`], or [`Error::Limit`] for more than
    /// [`QUERY_CLAUSES_MAX`] words.
    pub(crate) fn parse(text: &str, options: &SearchOptions) -> Result<Self> {
        let mut parser = Parser {
            text,
            at: 0,
            left: QUERY_CLAUSES_MAX,
            strict: options.syntax == Syntax::Strict,
        };
        let mut clauses = parser.sequence(0)?;
        if options.last_word == LastWord::Prefix && !text.ends_with(char::is_whitespace) {
            open_last_word(&mut clauses);
        }
        Ok(Self { clauses })
    }
}

/// Lets the last word stand for whatever it may become.
fn open_last_word(clauses: &mut [Clause]) {
    let Some(last) = clauses.last_mut() else { return };
    match &mut last.node {
        Node::Word { end: end @ End::Whole, typos: None, .. } => *end = End::Perhaps,
        Node::Or(clauses) | Node::And(clauses) | Node::Group(clauses) => open_last_word(clauses),
        _ => {}
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Operands that may still be read.
    left: usize,
    strict: bool,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes a mark that is written to the left of what follows.
    fn take(&mut self, mark: char) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    /// Takes one of these operators, if it stands here as a word of its own.
    fn take_operator(&mut self, spellings: &[&str]) -> bool {
        self.skip_blanks();
        let rest = self.rest();
        let word = rest.split(|c: char| c.is_whitespace() || c == '(' || c == '"').next();
        let Some(word) = word.filter(|word| spellings.contains(word)) else { return false };
        self.at += word.len();
        true
    }

    /// Fails when reading strictly.
    fn complain(&self, offset: usize, reason: &str) -> Result<()> {
        if self.strict {
            return Err(Error::Query { offset, reason: reason.to_owned() });
        }
        Ok(())
    }

    /// Clauses one after the other, up to the end or the closing parenthesis of this depth.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Clause>> {
        let mut clauses = Vec::new();
        loop {
            self.skip_blanks();
            let start = self.at;
            match self.peek() {
                None if depth > 0 => {
                    self.complain(start, "a parenthesis is not closed")?;
                    return Ok(clauses);
                }
                None => return Ok(clauses),
                Some(')') => {
                    self.at += 1;
                    if depth > 0 {
                        return Ok(clauses);
                    }
                    self.complain(start, "a parenthesis closes nothing")?;
                }
                Some(_) if self.take_operator(OPERATORS) => {
                    self.complain(start, "an operator has nothing on its left")?;
                }
                Some(_) => clauses.extend(self.either(depth)?),
            }
        }
    }

    /// `a OR b OR ...`
    fn either(&mut self, depth: usize) -> Result<Option<Clause>> {
        let mut clauses: Vec<Clause> = self.both(depth)?.into_iter().collect();
        while self.take_operator(&["OR", "|", "||"]) {
            if self.has_right_side()? {
                clauses.extend(self.both(depth)?);
            }
        }
        Ok(joined(clauses, Node::Or))
    }

    /// `a AND b AND ...`
    fn both(&mut self, depth: usize) -> Result<Option<Clause>> {
        let mut clauses: Vec<Clause> = self.operand(depth)?.into_iter().collect();
        while self.take_operator(&["AND", "&&"]) {
            if self.has_right_side()? {
                clauses.extend(self.operand(depth)?);
            }
        }
        Ok(joined(clauses, Node::And))
    }

    /// Whether an operand follows an operator. Further operators are passed over.
    fn has_right_side(&mut self) -> Result<bool> {
        while self.take_operator(OPERATORS) {
            self.complain(self.at, "an operator follows another")?;
        }
        if self.at_end() {
            self.complain(self.at, "an operator has nothing on its right")?;
            return Ok(false);
        }
        Ok(true)
    }

    fn at_end(&mut self) -> bool {
        self.skip_blanks();
        matches!(self.peek(), None | Some(')'))
    }

    /// A word, phrase, field or group with the demand before it.
    fn operand(&mut self, depth: usize) -> Result<Option<Clause>> {
        self.skip_blanks();
        let mut demand = Demand::Plain;
        if self.take_operator(&["NOT"]) {
            demand = Demand::Not;
            if self.at_end() {
                self.complain(self.at, "NOT has nothing on its right")?;
                return Ok(None);
            }
        } else if self.is_mark('+') && self.take('+') {
            demand = Demand::Must;
        } else if self.is_mark('-') && self.take('-') {
            demand = Demand::Not;
        }
        let node = match self.peek() {
            Some('(') => self.group(depth)?,
            Some('"') => self.phrase(Scope::Everywhere)?,
            _ => return Ok(self.chunk()?.map(|clause| Clause { demand, ..clause })),
        };
        let weight = self.weight()?;
        Ok(node.map(|node| Clause { demand, weight, node }))
    }

    /// The weight behind a phrase or a group.
    fn weight(&mut self) -> Result<Weight> {
        let Some(rest) = self.rest().strip_prefix('^') else { return Ok(Weight::ONE) };
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let length = rest.find(|c| !is_digit(c)).unwrap_or(rest.len());
        match Weight::parse(&rest[..length]) {
            Some(weight) => {
                self.at += 1 + length;
                Ok(weight)
            }
            None => self.complain(self.at, "a weight is no number").map(|()| Weight::ONE),
        }
    }

    /// Whether `mark` stands before an operand, and not in a row of its like or alone.
    fn is_mark(&self, mark: char) -> bool {
        let mut characters = self.rest().chars();
        characters.next() == Some(mark)
            && characters.next().is_some_and(|c| c != mark && c != ')' && !c.is_whitespace())
    }

    fn group(&mut self, depth: usize) -> Result<Option<Node>> {
        let start = self.at;
        self.at += 1;
        if depth == QUERY_DEPTH_MAX {
            self.complain(start, "parentheses are nested too deeply")?;
            // The parenthesis is passed over; its contents belong to the group around it.
            return Ok(None);
        }
        let mut clauses = self.sequence(depth + 1)?;
        Ok(match clauses.len() {
            0 => None,
            1 if clauses[0].demand != Demand::Not && clauses[0].weight == Weight::ONE => {
                clauses.pop().map(|clause| clause.node)
            }
            _ => Some(Node::Group(clauses)),
        })
    }

    /// Counts an operand; false when there are too many.
    fn count(&mut self) -> Result<bool> {
        if self.left == 0 {
            if self.strict {
                let max = QUERY_CLAUSES_MAX as u64;
                return Err(Error::Limit { what: "words of a query".into(), max, found: max + 1 });
            }
            return Ok(false);
        }
        self.left -= 1;
        Ok(true)
    }

    /// The text between quotes; the place after them is then this place.
    fn quoted(&mut self) -> Result<String> {
        let start = self.at;
        self.at += 1;
        let rest = &self.text[self.at..];
        let Some(length) = rest.find('"') else {
            self.complain(start, "a quotation mark is not closed")?;
            self.at = self.text.len();
            return Ok(rest.to_owned());
        };
        self.at += length + 1;
        Ok(rest[..length].to_owned())
    }

    fn phrase(&mut self, scope: Scope) -> Result<Option<Node>> {
        let text = self.quoted()?;
        let mut end = End::Whole;
        let mut slop = 0;
        if self.take('*') {
            end = End::Prefix;
        } else if self.take('~') {
            let rest = self.rest();
            let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            slop = rest[..length].parse().unwrap_or(0).min(100);
            self.at += length;
        }
        if !self.count()? || text.trim().is_empty() {
            return Ok(None);
        }
        Ok(Some(Node::Phrase { text, scope, end, slop }))
    }

    /// Everything up to the next blank, quote or parenthesis, and a quote that belongs to a field.
    fn chunk(&mut self) -> Result<Option<Clause>> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
            .unwrap_or(rest.len());
        let chunk = rest[..length].to_owned();
        self.at += length;
        if chunk.is_empty() {
            return Ok(None);
        }
        if let Some((name, value)) = field_of(&chunk) {
            if value.is_empty() && self.peek() == Some('"') {
                let node = self.field_phrase(name)?;
                let weight = self.weight()?;
                return Ok(node.map(|node| Clause { weight, ..plain(node) }));
            }
            if value.is_empty() {
                self.complain(start, "a field has no value")?;
            } else if self.strict || !value.starts_with(['/', '\\', ':']) {
                return self.field_word(name, value);
            }
        }
        if !self.count()? {
            return Ok(None);
        }
        Ok(Some(match &*chunk {
            "*" => plain(Node::Everything),
            word => weighed(word, Scope::Everywhere),
        }))
    }

    fn field_phrase(&mut self, name: &str) -> Result<Option<Node>> {
        if name == "title" {
            return self.phrase(Scope::Title);
        }
        let value = self.quoted()?;
        let end = if self.take('*') { End::Prefix } else { End::Whole };
        if !self.count()? || value.is_empty() {
            return Ok(None);
        }
        Ok(Some(Node::Field { name: name.to_owned(), value, end, lenient: false }))
    }

    fn field_word(&mut self, name: &str, value: &str) -> Result<Option<Clause>> {
        if !self.count()? {
            return Ok(None);
        }
        if name == "title" {
            return Ok(Some(weighed(value, Scope::Title)));
        }
        let stem = value.trim_end_matches('*');
        let end = if stem.len() < value.len() { End::Prefix } else { End::Whole };
        let (name, value) = (name.to_owned(), stem.to_owned());
        Ok(Some(plain(Node::Field { name, value, end, lenient: !self.strict })))
    }
}

/// One clause for several; a single one is itself.
fn joined(mut clauses: Vec<Clause>, join: impl FnOnce(Vec<Clause>) -> Node) -> Option<Clause> {
    if clauses.len() <= 1 {
        return clauses.pop();
    }
    Some(plain(join(clauses)))
}

fn plain(node: Node) -> Clause {
    Clause::new(Demand::Plain, node)
}

/// The name and value of a chunk `name:value`.
fn field_of(chunk: &str) -> Option<(&str, &str)> {
    let (name, value) = chunk.split_once(':')?;
    let mut characters = name.chars();
    let is_name = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    is_name.then_some((name, value))
}

/// A word with the marks at its end, and its weight behind them.
fn weighed(chunk: &str, scope: Scope) -> Clause {
    let weighed = chunk.rsplit_once('^').filter(|(word, _)| !word.is_empty());
    match weighed.and_then(|(word, weight)| Some((word, Weight::parse(weight)?))) {
        Some((word, weight)) => Clause { weight, ..plain(word_of(word, scope)) },
        None => plain(word_of(chunk, scope)),
    }
}

/// A word with the marks at its end.
fn word_of(chunk: &str, scope: Scope) -> Node {
    let stem = chunk.trim_end_matches('*');
    if stem.len() < chunk.len() && !stem.is_empty() {
        return Node::Word { text: stem.to_owned(), scope, end: End::Prefix, typos: None };
    }
    let (text, typos) = match chunk.rsplit_once('~') {
        Some((text, "")) if !text.is_empty() => (text, Some(typos_allowed(text))),
        Some((text, digit @ ("0" | "1" | "2"))) if !text.is_empty() => (text, digit.parse().ok()),
        _ => (chunk, None),
    };
    Node::Word { text: text.to_owned(), scope, end: End::Whole, typos }
}

/// The wrong letters that a word of this length may have: short words are too near to each other.
pub(super) fn typos_allowed(word: &str) -> u8 {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compact spelling of what was read.
    fn shown(clauses: &[Clause]) -> String {
        let one = |clause: &Clause| {
            let mark = match clause.demand {
                Demand::Plain => "",
                Demand::Must => "+",
                Demand::Not => "-",
            };
            let star = |end: &End| match end {
                End::Whole => "",
                End::Prefix => "*",
                End::Perhaps => "?",
            };
            let title = |scope: &Scope| if *scope == Scope::Title { "title:" } else { "" };
            let node = match &clause.node {
                Node::Record(id) => id.to_string(),
                Node::Everything => "EVERYTHING".to_owned(),
                Node::Word { text, scope, end, typos } => format!(
                    "{}{text}{}{}",
                    title(scope),
                    star(end),
                    typos.map_or(String::new(), |typos| format!("~{typos}"))
                ),
                Node::Phrase { text, scope, end, slop } => {
                    format!("{}\"{text}\"{}{slop}", title(scope), star(end))
                }
                Node::Field { name, value, end, .. } => format!("{name}={value}{}", star(end)),
                Node::Or(clauses) => format!("or({})", shown(clauses)),
                Node::And(clauses) => format!("and({})", shown(clauses)),
                Node::Group(clauses) => format!("({})", shown(clauses)),
            };
            let weight = match clause.weight {
                Weight::ONE => String::new(),
                weight => format!("^{}", weight.factor()),
            };
            format!("{mark}{node}{weight}")
        };
        clauses.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let query = TextQuery::parse(text, &SearchOptions::default()).unwrap();
        assert_eq!(shown(&query.clauses), expected, "{text:?}");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: usize) {
        let options = SearchOptions { syntax: Syntax::Strict, ..SearchOptions::default() };
        match TextQuery::parse(text, &options) {
            Err(Error::Query { offset, .. }) => assert_eq!(offset, expected, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn every_construct_is_read() {
        check("reply deadline", "reply deadline");
        check(r#""the reply"~3 -"not this" dead*"#, r#""the reply"3 -"not this"0 dead*"#);
        check("+a -b NOT c", "+a -b -c");
        check("a OR b c", "or(a b) c");
        check("a AND b OR c AND -d", "or(and(a b) and(c -d))");
        check("x (a OR (b c)) | y", "x or(or(a (b c)) y)");
        check("misspelt~ word~2 abc~", "misspelt~2 word~2 abc~0");
        check(
            r#"status:open tag:"to do" tag:inv* title:reply title:"a b""#,
            r#"status=open tag=to do tag=inv* title:reply title:"a b"0"#,
        );
        check("*", "EVERYTHING");
        check(
            r#"reply^2 +dead*^0.5 late~1^3 title:due^4 "to be"~2^1.5 title:"to be"^2 (a b)^3"#,
            r#"reply^2 +dead*^0.5 late~1^3 title:due^4 "to be"2^1.5 title:"to be"0^2 (a b)^3"#,
        );
        check("(a^2)^3 (b)^2 a^2 OR b", "(a^2)^3 b^2 or(a^2 b)");
        check("-(a b)", "-(a b)");
    }

    #[test]
    fn texts_that_are_no_queries_are_words() {
        check(
            "std::fs http://x/y 10:30 re: --verbose - + c++ a-b",
            "std::fs http://x/y 10:30 \
            re: --verbose - + c++ a-b",
        );
        check("OR a AND", "a");
        check("fn main() {", "fn main {");
        check(r#"a "unclosed phrase"#, r#"a "unclosed phrase"0"#);
        check("(a (b", "(a b)");
        check("a OR OR b", "or(a b)");
        check("NOT", "");
        check("a NOT", "a");
        check(r#""" () ~ **"#, "~ **");
        let odd = "a^ ^2 a^b a^-1 a^1e9 a^1.2.3 a^1001";
        check(odd, odd);
        check(r#""a"^ x"#, r#""a"0 ^ x"#);
    }

    #[test]
    fn faults_are_named_when_reading_strictly() {
        check_refused(r#"a "b"#, 2);
        check_refused("a (b", 4);
        check_refused("a ) b", 2);
        check_refused("OR a", 0);
        check_refused("a OR", 4);
        check_refused("a AND ", 6);
        check_refused("NOT", 3);
        check_refused("status: x", 0);
        check_refused(r#""a b"^x"#, 5);
        check_refused(&"(".repeat(40), 16);
    }

    #[test]
    fn the_last_word_can_be_open() {
        let options = SearchOptions { last_word: LastWord::Prefix, ..SearchOptions::default() };
        let parse = |text| shown(&TextQuery::parse(text, &options).unwrap().clauses);
        assert_eq!(parse("the dead"), "the dead?");
        assert_eq!(parse("the dead "), "the dead");
        assert_eq!(parse("a OR de"), "or(a de?)");
        assert_eq!(parse("a \"b c\""), "a \"b c\"0");
    }

    #[test]
    fn an_endless_query_is_bounded() {
        let text = "word ".repeat(QUERY_CLAUSES_MAX + 10);
        let query = TextQuery::parse(&text, &SearchOptions::default()).unwrap();
        assert_eq!(query.clauses.len(), QUERY_CLAUSES_MAX);
        let options = SearchOptions { syntax: Syntax::Strict, ..SearchOptions::default() };
        assert!(matches!(TextQuery::parse(&text, &options), Err(Error::Limit { .. })));
    }

    proptest::proptest! {
        #[test]
        fn reading_leniently_accepts_any_text(text in "[\\PC()\"*~:+ -]{0,60}") {
            assert!(TextQuery::parse(&text, &SearchOptions::default()).is_ok());
        }
    }
}
