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
use crate::record::{CodeFile, Document, FileReview, IndexedFile, TagDefinition, TrackStatus};

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
    /// A query over the text. Not answered yet: such a rule is refused.
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
    tests: Vec<(Given, Test)>,
    /// Definitions whose rule cannot be read, and why. Imported ones may be any text.
    pub(crate) refused: Vec<(NodeId, Error)>,
}

/// One rule: patterns are places in the sets.
#[derive(Debug)]
enum Test {
    Regex(usize),
    Glob(usize),
    Number(TagField, Comparison, f64),
    Text(TagField, Comparison, String),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// Patterns on their way into the sets.
#[derive(Default)]
struct Patterns {
    regexes: Vec<String>,
    globs: Vec<String>,
}

impl Rules {
    /// Makes the rules of these definitions ready.
    ///
    /// # Errors
    /// [`Error::Limit`] when all patterns together are too large.
    pub(crate) fn of(
        definitions: impl IntoIterator<Item = (NodeId, TagDefinition)>,
    ) -> Result<Self> {
        let mut patterns = Patterns::default();
        let (mut rules, mut refused) = (Vec::new(), Vec::new());
        for (id, definition) in definitions {
            let known = (patterns.regexes.len(), patterns.globs.len());
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
                    refused.push((id, error));
                }
            }
        }
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
        Ok(Self { regexes, globs, tests: rules, refused })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// The tags that the rules give to something, in the order of their definitions.
    pub(crate) fn matching<'a>(
        &'a self,
        subject: &'a dyn Subject,
    ) -> impl Iterator<Item = &'a Given> + 'a {
        let path = subject.path();
        let regexes = self.regexes.matches(path);
        let globs = self.globs.matches(slashed(path).as_bytes());
        self.tests.iter().filter_map(move |(given, test)| {
            let asked = Asked { regexes: &regexes, globs: &globs, subject };
            test.is_met(&asked).then_some(given)
        })
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
}

impl Test {
    fn is_met(&self, asked: &Asked<'_>) -> bool {
        match self {
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
            Self::All(tests) => tests.iter().all(|test| test.is_met(asked)),
            Self::Any(tests) => tests.iter().any(|test| test.is_met(asked)),
            Self::Not(test) => !test.is_met(asked),
        }
    }
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
        TagRule::Text(_) => {
            return Err(Error::invalid("rule", "this version cannot ask rules about texts"));
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
        let rules = Rules::of([(NodeId::from_u64(1), definition(rule))]).unwrap();
        assert!(rules.refused.is_empty(), "{:?}", rules.refused);
        let file = file(path, 100);
        assert_eq!(rules.matching(&file).count(), usize::from(expected), "{rule} on {path}");
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
        ] {
            check_rule(rule, path, expected);
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_and_disturbs_no_other_rule() {
        let bad = [
            r#"{"regex": "("}"#,
            r#"{"glob": "{"}"#,
            r#"{"text": "deadline"}"#,
            r#"{"other": 1}"#,
            r#"{"all": [{"regex": "fine"}, {"regex": "["}]}"#,
            r#"{"field": {"name": "size", "is": "contains", "value": 1}}"#,
            r#"{"field": {"name": "size", "is": "above", "value": "big"}}"#,
            r#"{"field": {"name": "name", "is": "equal", "value": 1}}"#,
            r#"{"field": {"name": "modified_at", "is": "above", "value": "yesterday"}}"#,
        ];
        let all = bad.iter().copied().chain([r#"{"regex": "b"}"#, "{}"]);
        let all = (1..).zip(all).map(|(id, rule)| (NodeId::from_u64(id), definition(rule)));
        let rules = Rules::of(all).unwrap();
        let refused: Vec<u64> = rules.refused.iter().map(|(id, _)| id.as_u64()).collect();
        assert_eq!(refused, (1..=bad.len() as u64).collect::<Vec<_>>());
        let given: Vec<u64> =
            rules.matching(&file("b", 0)).map(|given| given.definition.as_u64()).collect();
        assert_eq!(given, [bad.len() as u64 + 1]);
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
