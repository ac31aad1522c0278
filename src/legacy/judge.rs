//! Whether the newest old application can read a row.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::tz::TimeZone;

use super::python_json::{JsonKind, shape};
use super::rules::{Absent, Case, Check, Json, Parser, Rule, rules_of};
use super::schema::{ColumnText, TableText};
use super::time::{Zoneless, parse_time};
use super::value::{Cell, Encoding};

/// Seconds since the epoch at the end of the year 9999, which no reader goes beyond.
const SECONDS_MAX: f64 = 253_402_300_799.0;
/// Bytes of the vectors that the application's own model makes.
pub(super) const VECTOR_BYTES: usize = 4 * 384;

/// Judges the rows of one table.
#[derive(Debug)]
pub(super) struct Judge {
    checks: Vec<Compiled>,
    columns: Vec<ColumnText>,
    encoding: Encoding,
    /// Bytes that a vector must have.
    vector_bytes: usize,
    /// Keys that hold a value, where keys are sections of each other.
    keys: HashSet<String>,
}

/// A rule with the places of its columns.
#[derive(Debug)]
struct Compiled {
    column: usize,
    /// The other column that the rule names.
    other: Option<usize>,
    check: &'static Check,
}

/// Why a row cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) column: String,
    pub(super) reason: String,
}

impl Judge {
    /// A judge for a table that the application knows.
    pub(super) fn new(
        kind: &str,
        table: &str,
        rows: &TableText,
        encoding: Encoding,
        vector_bytes: usize,
    ) -> Self {
        let compile = |rule: &'static Rule| {
            let other = match rule.check {
                Check::Above(other) | Check::ZonedWith(other) | Check::OfType(other) => {
                    Some(rows.column(other)?)
                }
                _ => None,
            };
            Some(Compiled { column: rows.column(rule.column)?, other, check: &rule.check })
        };
        let rules = rules_of(kind).iter().filter(|rule| rule.table.eq_ignore_ascii_case(table));
        Self {
            checks: rules.filter_map(compile).collect(),
            columns: rows.columns.clone(),
            encoding,
            vector_bytes,
            keys: HashSet::new(),
        }
    }

    /// The first thing about a row that stops the application.
    pub(super) fn fault(&mut self, cells: &[Cell<'_>]) -> Option<Fault> {
        let fault = |column: usize, reason: String| Fault {
            column: self.columns[column].name.clone(),
            reason,
        };
        if self.encoding == Encoding::Utf8 {
            // Whoever reads such a cell fails, whatever the table.
            let broken = |cell: &Cell<'_>| match cell {
                Cell::Text(bytes) => std::str::from_utf8(bytes).is_err(),
                _ => false,
            };
            if let Some(column) = cells.iter().position(broken) {
                return Some(fault(column, "the text is no valid UTF-8".to_owned()));
            }
        }
        let mut key = None;
        for Compiled { column, other, check } in &self.checks {
            let view = View { cell: cells[*column], encoding: self.encoding };
            let other = other.map(|other| View { cell: cells[other], encoding: self.encoding });
            let reason = match check {
                Check::Vector => view.vector(self.vector_bytes),
                Check::Section => {
                    let text = view.text().unwrap_or_default().into_owned();
                    let reason = below_a_value(&self.keys, &text);
                    key = Some(text);
                    reason
                }
                check => view.check(check, other.as_ref()),
            };
            if let Some(reason) = reason {
                return Some(fault(*column, reason));
            }
        }
        // Only the keys of rows that stay count.
        self.keys.extend(key);
        None
    }
}

/// Whether a part of a dotted key in front of a dot holds a value already.
fn below_a_value(keys: &HashSet<String>, key: &str) -> Option<String> {
    key.match_indices('.')
        .map(|(end, _)| &key[..end])
        .find(|section| !section.is_empty() && keys.contains(*section))
        .map(|section| format!("{section:?} holds a value and cannot be a section"))
}

/// One cell as the application sees it.
struct View<'a> {
    cell: Cell<'a>,
    encoding: Encoding,
}

impl<'a> View<'a> {
    /// The text of a cell; bytes that are text count as such.
    fn text(&self) -> Option<Cow<'a, str>> {
        match self.cell {
            Cell::Text(bytes) => self.encoding.decode(bytes),
            Cell::Blob(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => None,
        }
    }

    fn is_absent(&self, allowed: Absent) -> bool {
        let empty = matches!(self.cell, Cell::Text(bytes) | Cell::Blob(bytes) if bytes.is_empty());
        match allowed {
            Absent::Never => false,
            Absent::Null => self.cell.is_null(),
            Absent::NullOrEmpty => self.cell.is_null() || empty,
        }
    }

    fn check(&self, check: &Check, other: Option<&Self>) -> Option<String> {
        let wrong = |reason: &str| Some(reason.to_owned());
        match *check {
            Check::Present if self.cell.is_null() => wrong("it is NULL"),
            Check::Name { max } => match self.text() {
                None => wrong("it is no text"),
                Some(text) if text.trim().is_empty() => wrong("it is blank"),
                Some(text) => too_long(&text, max),
            },
            Check::Short { max } => match self.text() {
                None if self.cell.is_null() => None,
                None => wrong("it is no text"),
                Some(text) => too_long(&text, max),
            },
            Check::Chars { min, max } => match self.text() {
                None => wrong("it is no text"),
                Some(text) if text.chars().count() < min => {
                    Some(format!("it has less than {min} characters"))
                }
                Some(text) => too_long(&text, max),
            },
            Check::Word { of, case, or } if !self.is_absent(or) => self.word(of, case),
            Check::Tag => self.tag(),
            Check::Time { parser, or } if !self.is_absent(or) => {
                (!self.is_time(parser)).then(|| "it is no time".to_owned())
            }
            Check::Number { or } if !self.is_absent(or) => {
                (!self.is_number()).then(|| "it is no number".to_owned())
            }
            Check::Whole { from, to } => match self.cell {
                Cell::Integer(number) if (from..=to).contains(&number) => None,
                _ => Some(format!("it is no whole number from {from} to {to}")),
            },
            Check::Json(json) => self.json(json),
            Check::Above(name) => match (self.cell, other.map(|other| other.cell)) {
                (Cell::Integer(end), Some(Cell::Integer(start))) if start >= 0 && end > start => {
                    None
                }
                _ => Some(format!("it is not above {name}")),
            },
            Check::ZonedWith(name) => {
                let lives =
                    other.is_some_and(|other| !matches!(other.cell, Cell::Null | Cell::Integer(0)));
                (lives && !self.is_zoned()).then(|| format!("it has no zone, but {name} is set"))
            }
            Check::OfType(_) => self.of_type(other),
            _ => None,
        }
    }

    fn word(&self, of: &[&str], case: Case) -> Option<String> {
        let text = self.text().unwrap_or_default();
        let known = of.iter().any(|word| match case {
            Case::Counts => *word == text,
            Case::Ignored => word.eq_ignore_ascii_case(&text),
        });
        (!known).then(|| format!("it is none of {}", of.join(", ")))
    }

    fn tag(&self) -> Option<String> {
        let text = self.text().unwrap_or_default();
        let name = text.strip_suffix('\n').unwrap_or(&text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(plain) {
            return Some("it is not made of letters, digits, - and _".to_owned());
        }
        too_long(&text, 100)
    }

    fn is_time(&self, parser: Parser) -> bool {
        match self.cell {
            Cell::Text(_) => {
                let Some(text) = self.text() else { return false };
                let read = parse_time(Cell::Text(text.as_bytes()), Zoneless::Utc, &TimeZone::UTC);
                // Python knows no year 0 and no small z.
                read.is_some() && !text.starts_with("0000") && !text.ends_with('z')
            }
            #[expect(clippy::cast_precision_loss, reason = "the bound is far from exact anyway")]
            Cell::Integer(seconds) => {
                parser == Parser::Lenient && (seconds as f64).abs() <= SECONDS_MAX
            }
            Cell::Real(seconds) => parser == Parser::Lenient && seconds.abs() <= SECONDS_MAX,
            Cell::Null | Cell::Blob(_) => false,
        }
    }

    /// Whether a time that can be read says its zone.
    fn is_zoned(&self) -> bool {
        self.text().is_some_and(|text| {
            let clock = text.get(10..).unwrap_or_default();
            clock.contains(['+', '-', 'Z'])
        })
    }

    fn is_number(&self) -> bool {
        match self.cell {
            Cell::Integer(_) | Cell::Real(_) => true,
            Cell::Text(_) => self.text().is_some_and(|text| text.trim().parse::<f64>().is_ok()),
            Cell::Null | Cell::Blob(_) => false,
        }
    }

    fn json(&self, json: Json) -> Option<String> {
        let wrong = |reason: &str| Some(reason.to_owned());
        let text = self.text();
        let found = text.as_deref().and_then(shape);
        match json {
            Json::AnyOrNothing if self.is_absent(Absent::NullOrEmpty) => None,
            Json::AnyOrNothing => found.is_none().then(|| "it is no JSON".to_owned()),
            Json::Object | Json::Array | Json::FilledArray => {
                let Some(found) = found else { return wrong("it is no JSON") };
                match (json, found.kind) {
                    (Json::Object, JsonKind::Object) | (Json::Array, JsonKind::Array) => None,
                    (Json::FilledArray, JsonKind::Array) if !found.entries.is_empty() => None,
                    (Json::Object, _) => wrong("it is no JSON object"),
                    (Json::FilledArray, JsonKind::Array) => wrong("it is an empty array"),
                    _ => wrong("it is no JSON array"),
                }
            }
            Json::ObjectOrBroken | Json::ObjectsOrBroken | Json::EdgeMetadata => {
                let found = found?;
                if found.kind != JsonKind::Object {
                    return wrong("it is JSON, but no object");
                }
                let clash = |key: &str| matches!(key, "relation_type" | "key");
                let entries = &found.entries;
                if json == Json::EdgeMetadata && entries.iter().any(|(key, _)| clash(key)) {
                    return wrong("it has a key relation_type or key");
                }
                let objects = entries.iter().all(|(_, kind)| *kind == JsonKind::Object);
                if json == Json::ObjectsOrBroken && !objects {
                    return wrong("it holds something else than objects");
                }
                None
            }
        }
    }

    fn vector(&self, bytes: usize) -> Option<String> {
        match self.cell {
            Cell::Null => None,
            Cell::Blob(blob) if blob.is_empty() || blob.len() == bytes => None,
            Cell::Blob(blob) => Some(format!("it has {} bytes, not {bytes}", blob.len())),
            _ => Some("it is no vector".to_owned()),
        }
    }

    /// A setting whose value must fit its type. Unknown types are text.
    fn of_type(&self, other: Option<&Self>) -> Option<String> {
        let kind = other.and_then(View::text).unwrap_or_default();
        let text = self.text();
        let fits = match (&*kind, text.as_deref()) {
            ("json", Some(text)) => shape(text).is_some(),
            ("int", Some(text)) => {
                let text = text.trim();
                let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
                let group = |group: &str| {
                    !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit())
                };
                digits.split('_').all(group)
            }
            ("float", Some(text)) => text.trim().parse::<f64>().is_ok(),
            ("json" | "int" | "float" | "bool", None) => false,
            _ => true,
        };
        (!fits).then(|| format!("it does not fit the type {kind}"))
    }
}

fn too_long(text: &str, max: usize) -> Option<String> {
    let long = text.chars().nth(max).is_some();
    long.then(|| format!("it has more than {max} characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn judged(kind: &str, table: &str, column: &str, good: &[Cell<'_>], bad: &[Cell<'_>]) {
        let rules: Vec<&Rule> = rules_of(kind)
            .iter()
            .filter(|rule| rule.table == table && rule.column == column)
            .collect();
        assert!(!rules.is_empty(), "{table}.{column} has no rule");
        let fault = |cell: &Cell<'_>| {
            let view = View { cell: *cell, encoding: Encoding::Utf8 };
            rules.iter().find_map(|rule| view.check(&rule.check, None))
        };
        for cell in good {
            assert_eq!(fault(cell), None, "{table}.{column} {cell:?}");
        }
        for cell in bad {
            assert!(fault(cell).is_some(), "{table}.{column} {cell:?}");
        }
    }

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.as_bytes())
    }

    #[test]
    fn names_and_words_of_documents() {
        let long = "\u{e9}".repeat(256);
        judged(
            "documents",
            "documents",
            "file_name",
            &[text("a"), text(&long[2..]), Cell::Blob(b"a")],
            &[
                Cell::Null,
                text(""),
                text(" \t"),
                text(&long),
                Cell::Blob(b"\xff"),
                Cell::Integer(1),
            ],
        );
        judged(
            "documents",
            "documents",
            "file_type",
            &[text("DOCX"), text("pd"), text("rt")],
            &[text("pdf"), text("rtf"), text(""), Cell::Null],
        );
        judged(
            "documents",
            "document_tags",
            "tag_name",
            &[text("UPPER"), text("a-b_1\n")],
            &[text("two words"), text("Gro\u{df}es"), text(""), text("a/b"), Cell::Null],
        );
        judged(
            "unified_memory",
            "memory_records",
            "memory_type",
            &[text("case_law")],
            &[text("Entity"), text(""), Cell::Null],
        );
    }

    #[test]
    fn times_are_read_by_two_parsers() {
        let good = [
            text("2026-02-14 08:18:02"),
            text("2026-02-14T08:18:02.000001+00:00"),
            text("2026-02-14T08:18:02.000001Z"),
            text("2026-02-14"),
        ];
        let bad =
            [Cell::Null, text(""), text("yesterday"), text("0000-01-01"), Cell::Blob(b"2026")];
        let numbers = [Cell::Integer(1_427_725_440), Cell::Real(1_427_725_440.5)];
        judged("documents", "documents", "created_at", &good, &bad);
        judged("documents", "documents", "created_at", &numbers, &[Cell::Integer(i64::MAX)]);
        judged("documents", "document_tags", "created_at", &good, &bad);
        judged("documents", "document_tags", "created_at", &[], &numbers);
        judged("documents", "documents", "updated_at", &[Cell::Null], &bad[1..]);
        judged("documents", "workflow_jobs", "started_at", &[Cell::Null, text("")], &bad[2..]);
    }

    #[test]
    fn json_columns_differ_in_what_they_take() {
        let (column, words) = ("metadata_json", text("plain words"));
        judged(
            "memory_proposals",
            "memory_proposals",
            column,
            &[Cell::Null, text(""), text("{}"), text("[NaN]")],
            &[words, text("  "), text("{'a': 1}")],
        );
        judged(
            "knowledge_graph",
            "relationships",
            column,
            &[Cell::Null, text(""), words, text("{\"keys\": 1}")],
            &[text("null"), text("[]"), text("{\"key\": 1}"), text("{\"relation_type\": 1}")],
        );
        judged(
            "documents",
            "aedis_learning_path_steps",
            "evidence_spans_json",
            &[text("[{}]")],
            &[text("[]"), text("{}"), Cell::Null, text("")],
        );
        judged(
            "documents",
            "workflow_jobs",
            "pagination_json",
            &[Cell::Null, words, text("{}"), text("{\"a\": {}}")],
            &[text("{\"a\": 1}"), text("[]")],
        );
    }

    #[test]
    fn settings_fit_their_types_and_sections_are_no_values() {
        let rows = TableText {
            columns: ["key", "value", "value_type"]
                .map(|name| ColumnText { name: name.to_owned(), ..ColumnText::default() })
                .to_vec(),
            ..TableText::default()
        };
        let mut judge = Judge::new("configuration", "configuration", &rows, Encoding::Utf8, 0);
        let mut reads = |key: Cell<'_>, value: Cell<'_>, kind: Cell<'_>| {
            judge.fault(&[key, value, kind]).is_none()
        };
        let (word, null) = (text("word"), Cell::Null);
        assert!(reads(text("a.b"), text("12"), text("int")));
        assert!(reads(text("a"), word, text("other")), "replaces the section");
        assert!(!reads(text("a.c"), word, null), "a holds a value");
        assert!(!reads(null, word, null));
        assert!(!reads(text("n"), word, text("int")));
        assert!(!reads(text("n"), text("1__0"), text("int")));
        assert!(reads(text("m"), text(" -1_000 "), text("int")));
        assert!(!reads(text("n"), null, text("float")));
        assert!(!reads(text("j"), word, text("json")));
        assert!(reads(text("j.k"), null, null), "j was left out");
        assert!(reads(text(""), word, null) && reads(text(".x"), word, null));
    }

    #[test]
    fn vectors_spans_and_lives_are_compared() {
        let view = |cell| View { cell, encoding: Encoding::Utf8 };
        assert_eq!(view(Cell::Blob(&[0; 8])).vector(8), None);
        assert_eq!(view(Cell::Null).vector(8), None);
        assert!(view(Cell::Blob(&[0; 9])).vector(8).is_some());
        assert!(view(text("vector")).vector(8).is_some());
        let above = |end, start| view(end).check(&Check::Above("start"), Some(&view(start)));
        assert_eq!(above(Cell::Integer(2), Cell::Integer(1)), None);
        assert!(above(Cell::Integer(1), Cell::Integer(1)).is_some());
        let zoned = |time, ttl| view(time).check(&Check::ZonedWith("ttl"), Some(&view(ttl)));
        assert!(zoned(text("2026-02-14T08:18:02"), Cell::Integer(5)).is_some());
        assert_eq!(zoned(text("2026-02-14T08:18:02+00:00"), Cell::Integer(5)), None);
        assert_eq!(zoned(text("2026-02-14T08:18:02"), Cell::Integer(0)), None);
    }
}
