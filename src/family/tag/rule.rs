//! Rules that give tags by themselves: their form, and all of them made ready to be asked at once.
//!
//! The patterns of all rules stand in two sets, each of which one pass over a path answers however
//! many rules there are. Regular expressions see the path as it is stored, globs see it with
//! forward slashes.

use std::borrow::Cow;

use globset::GlobBuilder;
use regex::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::{TAG_PATTERNS_BYTES_MAX, TAG_RULE_DEPTH_MAX};
use crate::base::time::Timestamp;
use crate::record::{
    CodeFile, Document, Facts, FileReview, IndexedFile, Record as _, TagDefinition, TrackStatus,
};
use crate::search::{Matcher, SearchOptions, Subject as Searched, TextQuery};

/// Which files get a tag by themselves. In JSON an object with one field, for example
/// `{"glob": "cases/**/*.pdf"}` or `{"all": [{"regex": "memo"}, {"field": {"name": "size",
/// "is": "above", "value": 1000}}]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TagRule {
    /// A regular expression that matches somewhere in the path.
    Regex(String),
    /// A glob over the whole path with forward slashes: `*` and `?` within a name, `**` across
    /// folders.
    Glob(String),
    /// A field that compares so with a value.
    Field(FieldTest),
    /// A query, read leniently, that finds the file or document by what the search knows of it and
    /// of its text: the content of a document, the chunks of a file. A tag that was given is not
    /// part of it.
    Text(String),
    /// All of these.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

/// One comparison of a [`TagRule`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldTest {
    /// What is compared. What has no such field meets no comparison.
    pub name: TagField,
    /// How.
    pub is: Comparison,
    /// With what: a number, or a text; times as RFC 3339.
    pub value: serde_json::Value,
}

/// A field that rules compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TagField {
    /// Name of the file, without its folder.
    Name,
    /// Extension in lower case with its dot.
    Extension,
    /// MIME type, or type of the document or source file.
    Type,
    /// Category of a document or source file.
    Category,
    /// State of the file.
    Status,
    /// Size in bytes.
    Size,
    /// When the file was last modified.
    ModifiedAt,
    /// Number of lines.
    Lines,
    /// Rating, 1 to 10.
    Rating,
}

impl TagField {
    fn is_number(self) -> bool {
        matches!(self, Self::Size | Self::ModifiedAt | Self::Lines | Self::Rating)
    }
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Comparison {
    /// Equal.
    Equal,
    /// There, and not equal.
    NotEqual,
    /// Greater.
    Above,
    /// Greater or equal.
    AtLeast,
    /// Less.
    Below,
    /// Less or equal.
    AtMost,
    /// A text that holds the value.
    Contains,
}

impl Comparison {
    fn of_numbers(self, found: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => found.total_cmp(&wanted).is_eq(),
            Self::NotEqual => found.total_cmp(&wanted).is_ne(),
            Self::Above => found > wanted,
            Self::AtLeast => found >= wanted,
            Self::Below => found < wanted,
            Self::AtMost => found <= wanted,
            Self::Contains => false,
        }
    }

    fn of_texts(self, found: &str, wanted: &str) -> bool {
        match self {
            Self::Equal => found == wanted,
            Self::NotEqual => found != wanted,
            Self::Above => found > wanted,
            Self::AtLeast => found >= wanted,
            Self::Below => found < wanted,
            Self::AtMost => found <= wanted,
            Self::Contains => found.contains(wanted),
        }
    }
}

/// A field of something that rules are asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Nothing,
    Text(&'a str),
    Number(f64),
}

impl<'a> Found<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, Self::Text)
    }

    fn integer(number: Option<i64>) -> Self {
        number.map_or(Self::Nothing, |number| Self::Number(number as f64))
    }

    fn time(time: Option<Timestamp>) -> Self {
        Self::integer(time.map(Timestamp::as_micros))
    }
}

/// What rules are asked about: a file, of whatever record type.
pub(crate) trait Subject {
    fn path(&self) -> &str;
    fn field(&self, field: TagField) -> Found<'_>;
    /// What the record says of itself, for queries.
    fn facts<'a>(&'a self, facts: &mut Facts<'a>);
}

impl Subject for IndexedFile {
    fn path(&self) -> &str {
        &self.normalized_path
    }

    fn field(&self, field: TagField) -> Found<'_> {
        match field {
            TagField::Name => Found::Text(&self.display_name),
            TagField::Extension => Found::text(self.ext.as_deref()),
            TagField::Type => Found::text(self.mime_type.as_deref()),
            TagField::Status => Found::Text(self.status.as_str()),
            TagField::Size => Found::integer(self.file_size),
            TagField::ModifiedAt => Found::time(self.modified_at),
            TagField::Category | TagField::Lines | TagField::Rating => Found::Nothing,
        }
    }

    fn facts<'a>(&'a self, facts: &mut Facts<'a>) {
        self.describe(facts);
    }
}

impl Subject for CodeFile {
    fn path(&self) -> &str {
        &self.file_path
    }

    fn field(&self, field: TagField) -> Found<'_> {
        match field {
            TagField::Name => Found::text(self.file_name.as_deref()),
            TagField::Extension => Found::text(self.file_extension.as_deref()),
            TagField::Type => Found::text(self.file_type.as_deref()),
            TagField::Category => Found::text(self.file_category.as_deref()),
            TagField::Status => Found::text(self.status.as_ref().map(TrackStatus::as_str)),
            TagField::Size => Found::integer(self.file_size),
            TagField::ModifiedAt => Found::time(self.modified_at),
            TagField::Lines => Found::integer(self.lines_of_code),
            TagField::Rating => Found::Nothing,
        }
    }

    fn facts<'a>(&'a self, facts: &mut Facts<'a>) {
        self.describe(facts);
    }
}

impl Subject for FileReview {
    fn path(&self) -> &str {
        &self.path
    }

    fn field(&self, field: TagField) -> Found<'_> {
        match field {
            TagField::Category => Found::text(self.file_category.as_deref()),
            TagField::ModifiedAt => Found::time(self.last_modified_date),
            TagField::Lines => Found::integer(self.lines_of_code),
            TagField::Rating => Found::integer(self.rating),
            TagField::Name
            | TagField::Extension
            | TagField::Type
            | TagField::Status
            | TagField::Size => Found::Nothing,
        }
    }

    fn facts<'a>(&'a self, facts: &mut Facts<'a>) {
        self.describe(facts);
    }
}

impl Subject for Document {
    fn path(&self) -> &str {
        self.file_path.as_deref().unwrap_or(&self.file_name)
    }

    fn field(&self, field: TagField) -> Found<'_> {
        match field {
            TagField::Name => Found::Text(&self.file_name),
            TagField::Type => Found::Text(&self.file_type),
            TagField::Category => Found::Text(&self.category),
            TagField::ModifiedAt => Found::time(self.updated_at.or(self.created_at)),
            TagField::Extension
            | TagField::Status
            | TagField::Size
            | TagField::Lines
            | TagField::Rating => Found::Nothing,
        }
    }

    fn facts<'a>(&'a self, facts: &mut Facts<'a>) {
        self.describe(facts);
    }
}

/// A tag that a rule gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) definition: NodeId,
    pub(crate) category: String,
    pub(crate) name: String,
}

/// All rules, ready to be asked.
#[derive(Debug)]
pub(crate) struct Rules {
    regexes: RegexSet,
    globs: regex::bytes::RegexSet,
    queries: Vec<Matcher>,
    tests: Vec<(Given, Test)>,
}

/// One rule: patterns are places in the sets.
#[derive(Debug)]
enum Test {
    Regex(usize),
    Glob(usize),
    Number(TagField, Comparison, f64),
    Text(TagField, Comparison, String),
    Query(usize),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// Patterns and queries on their way into the sets.
#[derive(Default)]
struct Patterns {
    regexes: Vec<String>,
    globs: Vec<String>,
    queries: Vec<String>,
}

/// What stands in a file or document, piece by piece.
pub(crate) type Pieces = Vec<(&'static str, String)>;

/// The rules of definitions, read.
#[derive(Default)]
struct Read {
    patterns: Patterns,
    rules: Vec<(Given, Test)>,
    refused: Vec<(NodeId, Error)>,
}

fn read(definitions: impl IntoIterator<Item = (NodeId, TagDefinition)>) -> Read {
    let Read { mut patterns, mut rules, mut refused } = Read::default();
    for (id, definition) in definitions {
        let known = (patterns.regexes.len(), patterns.globs.len(), patterns.queries.len());
        match rule_of(&definition)
            .and_then(|rule| rule.map(|rule| compile(&rule, &mut patterns, 0)).transpose())
        {
            Ok(None) => {}
            Ok(Some(test)) => {
                let (category, name) = (definition.category, definition.tag_name);
                add(&mut rules, Given { definition: id, category, name }, test);
            }
            Err(error) => {
                patterns.regexes.truncate(known.0);
                patterns.globs.truncate(known.1);
                patterns.queries.truncate(known.2);
                refused.push((id, error));
            }
        }
    }
    Read { patterns, rules, refused }
}

impl Rules {
    /// The definitions whose rule cannot be read, and why. Imported ones may be any text.
    pub(crate) fn refused(
        definitions: impl IntoIterator<Item = (NodeId, TagDefinition)>,
    ) -> Vec<(NodeId, Error)> {
        read(definitions).refused
    }

    /// Makes the rules of these definitions ready, their queries by `matcher`. Those that cannot
    /// be read are left out.
    ///
    /// # Errors
    /// [`Error::Limit`] when all patterns together are too large.
    pub(crate) fn of(
        definitions: impl IntoIterator<Item = (NodeId, TagDefinition)>,
        matcher: impl Fn(&str, &SearchOptions) -> Result<Matcher>,
    ) -> Result<Self> {
        let Read { patterns, rules, .. } = read(definitions);
        let too_large = |_| Error::Limit {
            what: "patterns of all tag rules in bytes".into(),
            max: TAG_PATTERNS_BYTES_MAX as u64,
            found: TAG_PATTERNS_BYTES_MAX as u64 + 1,
        };
        let regexes = RegexSetBuilder::new(patterns.regexes)
            .size_limit(TAG_PATTERNS_BYTES_MAX)
            .dfa_size_limit(TAG_PATTERNS_BYTES_MAX)
            .build()
            .map_err(too_large)?;
        let globs = regex::bytes::RegexSetBuilder::new(patterns.globs)
            .size_limit(TAG_PATTERNS_BYTES_MAX)
            .dfa_size_limit(TAG_PATTERNS_BYTES_MAX)
            .build()
            .map_err(too_large)?;
        let options = SearchOptions::default();
        let queries = patterns.queries.iter().map(|text| matcher(text, &options));
        let queries = queries.collect::<Result<_>>()?;
        Ok(Self { regexes, globs, queries, tests: rules })
    }

    /// Whether any rule asks about texts, so that a change of them matters.
    pub(crate) fn ask_about_texts(&self) -> bool {
        !self.queries.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// The tags that the rules give to something, in the order of their definitions. `read`
    /// gives its text, which is only done where a rule depends on it.
    ///
    /// # Errors
    /// What `read` fails with.
    pub(crate) fn matching<'a>(
        &'a self,
        (id, subject): (NodeId, &dyn Subject),
        read: impl FnOnce() -> Result<Pieces>,
    ) -> Result<Vec<&'a Given>> {
        let path = subject.path();
        let regexes = self.regexes.matches(path);
        let globs = self.globs.matches(slashed(path).as_bytes());
        let mut asked =
            Asked { regexes: &regexes, globs: &globs, subject, queries: &self.queries, text: None };
        let answers: Vec<_> = self.tests.iter().map(|(_, test)| test.is_met(&asked)).collect();
        let (pieces, mut facts);
        let searched;
        if answers.contains(&None) {
            pieces = read()?;
            facts = Facts::default();
            subject.facts(&mut facts);
            for (field, text) in &pieces {
                facts.text(field, text.as_str());
            }
            searched = Searched::new(id, &facts);
            asked.text = Some(&searched);
        }
        let given =
            self.tests.iter().zip(answers).filter(|((_, test), answer)| {
                answer.or_else(|| test.is_met(&asked)).unwrap_or(false)
            });
        Ok(given.map(|((given, _), _)| given).collect())
    }
}

/// Adds a rule. Sources may define the same tag more than once; then any of its rules gives it.
fn add(rules: &mut Vec<(Given, Test)>, given: Given, test: Test) {
    let is_same = |known: &Given| known.name == given.name && known.category == given.category;
    match rules.iter_mut().find(|(known, _)| is_same(known)) {
        Some((_, known)) => {
            let first = std::mem::replace(known, Test::Any(Vec::new()));
            *known = Test::Any(vec![first, test]);
        }
        None => rules.push((given, test)),
    }
}

/// The path as globs see it.
fn slashed(path: &str) -> Cow<'_, str> {
    if path.contains('\\') { path.replace('\\', "/").into() } else { path.into() }
}

struct Asked<'a> {
    regexes: &'a regex::SetMatches,
    globs: &'a regex::bytes::SetMatches,
    subject: &'a dyn Subject,
    queries: &'a [Matcher],
    /// The record with its text, where that was read.
    text: Option<&'a Searched<'a>>,
}

impl Test {
    /// `None` where it depends on a text that was not read.
    fn is_met(&self, asked: &Asked<'_>) -> Option<bool> {
        Some(match self {
            Self::Regex(place) => asked.regexes.matched(*place),
            Self::Glob(place) => asked.globs.matched(*place),
            Self::Number(field, comparison, wanted) => match asked.subject.field(*field) {
                Found::Number(found) => comparison.of_numbers(found, *wanted),
                Found::Text(_) | Found::Nothing => false,
            },
            Self::Text(field, comparison, wanted) => match asked.subject.field(*field) {
                Found::Text(found) => comparison.of_texts(found, wanted),
                Found::Number(_) | Found::Nothing => false,
            },
            Self::Query(place) => asked.queries.get(*place)?.matches(asked.text?),
            Self::All(tests) => return first_of(tests, asked, false),
            Self::Any(tests) => return first_of(tests, asked, true),
            Self::Not(test) => !test.is_met(asked)?,
        })
    }
}

/// `wanted` when one of the tests says so, the other when all do, `None` when it is open.
fn first_of(tests: &[Test], asked: &Asked<'_>, wanted: bool) -> Option<bool> {
    let mut is_open = false;
    for test in tests {
        match test.is_met(asked) {
            Some(met) if met == wanted => return Some(wanted),
            Some(_) => {}
            None => is_open = true,
        }
    }
    (!is_open).then_some(!wanted)
}

/// The rule of a definition: its pattern, its rule, or either of both.
fn rule_of(definition: &TagDefinition) -> Result<Option<TagRule>> {
    let pattern = definition.auto_assign_pattern.as_ref().filter(|pattern| !pattern.is_empty());
    let pattern = pattern.map(|pattern| TagRule::Regex(pattern.clone()));
    let rule = definition.auto_assign_rules.as_ref().filter(|json| !is_empty(json));
    let rule = rule.map(|json| {
        json.parse().map_err(|error| Error::invalid("auto_assign_rules", error.to_string()))
    });
    Ok(match (pattern, rule.transpose()?) {
        (Some(pattern), Some(rule)) => Some(TagRule::Any(vec![pattern, rule])),
        (pattern, rule) => pattern.or(rule),
    })
}

/// Whether it says nothing, in one of the ways in which the old application says so.
fn is_empty(json: &Json) -> bool {
    matches!(json.as_str().trim(), "null" | "{}" | "[]" | "\"\"")
}

/// Checks that a rule can be asked.
pub(super) fn check(rule: &TagRule) -> Result<()> {
    compile(rule, &mut Patterns::default(), 0).map(drop)
}

fn compile(rule: &TagRule, patterns: &mut Patterns, depth: usize) -> Result<Test> {
    if depth > TAG_RULE_DEPTH_MAX {
        return Err(Error::Limit {
            what: "rules within a tag rule".into(),
            max: TAG_RULE_DEPTH_MAX as u64,
            found: depth as u64,
        });
    }
    let mut each = |rules: &[TagRule]| {
        rules.iter().map(|rule| compile(rule, patterns, depth + 1)).collect::<Result<Vec<_>>>()
    };
    Ok(match rule {
        TagRule::All(rules) => Test::All(each(rules)?),
        TagRule::Any(rules) => Test::Any(each(rules)?),
        TagRule::Not(rule) => Test::Not(Box::new(compile(rule, patterns, depth + 1)?)),
        TagRule::Regex(pattern) => {
            regex::Regex::new(pattern)
                .map_err(|error| Error::invalid("pattern", one_line(&error.to_string())))?;
            patterns.regexes.push(pattern.clone());
            Test::Regex(patterns.regexes.len() - 1)
        }
        TagRule::Glob(glob) => {
            let parsed = GlobBuilder::new(glob).literal_separator(true).build();
            let parsed = parsed.map_err(|error| Error::invalid("glob", error.to_string()))?;
            patterns.globs.push(parsed.regex().to_owned());
            Test::Glob(patterns.globs.len() - 1)
        }
        TagRule::Field(test) => compare(test)?,
        TagRule::Text(text) => {
            if TextQuery::parse(text, &SearchOptions::default())?.is_empty() {
                return Err(Error::invalid("rule", "a query without a word finds everything"));
            }
            patterns.queries.push(text.clone());
            Test::Query(patterns.queries.len() - 1)
        }
    })
}

fn compare(test: &FieldTest) -> Result<Test> {
    let FieldTest { name, is, value } = test;
    let bad = |what: &str| Err(Error::invalid("rule", format!("{name:?} {is:?} {value}: {what}")));
    if !name.is_number() {
        return match value.as_str() {
            Some(word) => Ok(Test::Text(*name, *is, word.to_owned())),
            None => bad("this field is a text"),
        };
    }
    if *is == Comparison::Contains {
        return bad("this field is no text");
    }
    let number = match (name, value.as_str()) {
        (TagField::ModifiedAt, Some(time)) => Some(time.parse::<Timestamp>()?.as_micros() as f64),
        _ => value.as_f64(),
    };
    match number {
        Some(number) => Ok(Test::Number(*name, *is, number)),
        None => bad("this field is a number"),
    }
}

/// The message of a pattern's fault without its drawing.
fn one_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(rule: &str) -> TagDefinition {
        let auto_assign_rules = Some(Json::from_text(rule).unwrap());
        TagDefinition { tag_name: "t".into(), auto_assign_rules, ..TagDefinition::default() }
    }

    fn file(path: &str, size: i64) -> IndexedFile {
        IndexedFile {
            normalized_path: path.into(),
            file_size: Some(size),
            ext: Some(".py".into()),
            ..IndexedFile::default()
        }
    }

    #[track_caller]
    fn check_rule(rule: &str, path: &str, expected: bool) {
        let refused = Rules::refused([(NodeId::from_u64(1), definition(rule))]);
        assert!(refused.is_empty(), "{refused:?}");
        let rules = Rules::of([(NodeId::from_u64(1), definition(rule))], matcher).unwrap();
        let file = file(path, 100);
        let text = || Ok(vec![("content", "The reply is due in March".to_owned())]);
        let found = rules.matching((NodeId::from_u64(7), &file), text).unwrap();
        assert_eq!(found.len(), usize::from(expected), "{rule} on {path}");
    }

    fn matcher(text: &str, options: &SearchOptions) -> Result<Matcher> {
        Ok(Matcher::of_plain_english(&TextQuery::parse(text, options)?, options))
    }

    #[test]
    fn patterns_and_comparisons_are_met_where_they_should_be() {
        for (rule, path, expected) in [
            (r#"{"regex": "memo"}"#, "a/memory.txt", true),
            (r#"{"regex": "^memo"}"#, "a/memory.txt", false),
            (r#"{"regex": "a\\\\b"}"#, r"a\b", true),
            (r#"{"glob": "a/*.txt"}"#, "a/b.txt", true),
            (r#"{"glob": "a/*.txt"}"#, "a/b/c.txt", false),
            (r#"{"glob": "a/**/*.txt"}"#, r"a\b\c.txt", true),
            (r#"{"glob": "*.{txt,md}"}"#, "x.md", true),
            (r#"{"field": {"name": "size", "is": "above", "value": 99}}"#, "x", true),
            (r#"{"field": {"name": "size", "is": "above", "value": 100}}"#, "x", false),
            (r#"{"field": {"name": "size", "is": "at_most", "value": 100}}"#, "x", true),
            (r#"{"field": {"name": "extension", "is": "equal", "value": ".py"}}"#, "x", true),
            (r#"{"field": {"name": "rating", "is": "below", "value": 9}}"#, "x", false),
            (r#"{"not": {"regex": "a"}}"#, "b", true),
            (r#"{"all": [{"regex": "a"}, {"regex": "b"}]}"#, "ab", true),
            (r#"{"all": [{"regex": "a"}, {"regex": "b"}]}"#, "a", false),
            (r#"{"any": [{"regex": "a"}, {"glob": "b"}]}"#, "b", true),
            (r#"{"any": []}"#, "b", false),
            (r#"{"text": "replies"}"#, "b", true),
            (r#"{"text": "\"due in march\""}"#, "b", true),
            (r#"{"text": "\"march due\""}"#, "b", false),
            (r#"{"not": {"text": "reply"}}"#, "b", false),
            (r#"{"all": [{"text": "reply -march"}, {"regex": "b"}]}"#, "b", false),
            (r#"{"any": [{"text": "nowhere"}, {"regex": "b"}]}"#, "b", true),
        ] {
            check_rule(rule, path, expected);
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_and_disturbs_no_other_rule() {
        let bad = [
            r#"{"regex": "("}"#,
            r#"{"glob": "{"}"#,
            r#"{"text": " "}"#,
            r#"{"other": 1}"#,
            r#"{"all": [{"regex": "fine"}, {"regex": "["}]}"#,
            r#"{"field": {"name": "size", "is": "contains", "value": 1}}"#,
            r#"{"field": {"name": "size", "is": "above", "value": "big"}}"#,
            r#"{"field": {"name": "name", "is": "equal", "value": 1}}"#,
            r#"{"field": {"name": "modified_at", "is": "above", "value": "yesterday"}}"#,
        ];
        let all = bad.iter().copied().chain([r#"{"regex": "b"}"#, "{}"]);
        let all = (1..).zip(all).map(|(id, rule)| (NodeId::from_u64(id), definition(rule)));
        let all: Vec<_> = all.collect();
        let refused = Rules::refused(all.clone());
        let refused: Vec<u64> = refused.iter().map(|(id, _)| id.as_u64()).collect();
        let rules = Rules::of(all, matcher).unwrap();
        assert_eq!(refused, (1..=bad.len() as u64).collect::<Vec<_>>());
        let file = file("b", 0);
        let found = rules.matching((NodeId::from_u64(7), &file), || unreachable!()).unwrap();
        let given: Vec<u64> = found.iter().map(|given| given.definition.as_u64()).collect();
        assert_eq!(given, [bad.len() as u64 + 1]);
    }

    #[test]
    fn a_text_is_read_only_where_a_rule_depends_on_it() {
        let rule = r#"{"all": [{"glob": "cases/**"}, {"text": "reply"}]}"#;
        let rules = Rules::of([(NodeId::from_u64(1), definition(rule))], matcher).unwrap();
        let elsewhere = file("other/a.txt", 1);
        let found = rules.matching((NodeId::from_u64(7), &elsewhere), || unreachable!());
        assert!(found.unwrap().is_empty());
        let lost = || Err(Error::not_found("chunk", "7"));
        let found = rules.matching((NodeId::from_u64(7), &file("cases/a.txt", 1)), lost);
        assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
    }

    #[test]
    fn rules_within_rules_have_an_end() {
        let mut rule = TagRule::Regex("a".into());
        for _ in 0..=TAG_RULE_DEPTH_MAX {
            rule = TagRule::Not(Box::new(rule));
        }
        assert!(matches!(check(&rule), Err(Error::Limit { .. })));
    }
}
