//! The fields of the index, and the document that a record's facts become.
//!
//! Nothing is stored but the record's id: texts, words and values are in the store already. All
//! texts go into `body`, those that name the record also into `title`, so that every word is found
//! in one field and the second only adds to the score.

use std::collections::{BTreeMap, BTreeSet};

use tantivy::schema::{
    FAST, Field, IndexRecordOption, JsonObjectOptions, NumericOptions, Schema, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::{RAW_TOKENIZER_NAME, TextAnalyzer, TokenizerManager};

use super::analyzer::{Analyzer, AnalyzerOptions};
use super::document::{Batch, Document, Number};
use super::records::group_of;
use super::words::floor_boundary;
use crate::base::digest::Digest;
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::{ATTRIBUTE_TERMS_MAX, KEYWORD_TERM_BYTES_MAX};
use crate::record::Facts;

/// Counts up whenever the same facts would become another document, so that old indexes are built
/// anew.
const INDEX_VERSION: u32 = 4;

/// The name under which the analyzer is registered.
const ANALYZER_NAME: &str = "text";

/// Names of the fast fields, as collectors ask for them.
pub(super) const ID: &str = "id";
pub(super) const KIND: &str = "kind";
pub(super) const KEYWORDS: &str = "keywords";
pub(super) const TIMES: &str = "times";
pub(super) const NUMBERS: &str = "numbers";

/// Stands before the path of an attribute in the folded field, where keywords and attributes
/// share one term space.
const ATTRIBUTE_MARK: char = '@';

/// The schema of the index, its fields by name.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    pub(super) id: Field,
    pub(super) group: Field,
    pub(super) kind: Field,
    pub(super) title: Field,
    pub(super) body: Field,
    pub(super) keywords: Field,
    pub(super) attributes: Field,
    pub(super) folded: Field,
    pub(super) times: Field,
    pub(super) numbers: Field,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let text = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(ANALYZER_NAME)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions),
        );
        let word = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(RAW_TOKENIZER_NAME)
                .set_index_option(IndexRecordOption::Basic)
                .set_fieldnorms(false),
        );
        // Nothing is ranked by these, so that they need no lengths: a byte a record saved for each.
        let number = NumericOptions::default().set_indexed();
        let values = JsonObjectOptions::default().set_fast(RAW_TOKENIZER_NAME);
        Self {
            id: schema.add_u64_field(ID, FAST),
            group: schema.add_u64_field("group", number.clone()),
            kind: schema.add_u64_field(KIND, number.set_fast()),
            title: schema.add_text_field("title", text.clone()),
            body: schema.add_text_field("body", text),
            keywords: schema.add_text_field(KEYWORDS, word.clone().set_fast(RAW_TOKENIZER_NAME)),
            attributes: schema.add_text_field("attributes", word.clone()),
            folded: schema.add_text_field("folded", word),
            times: schema.add_json_field(TIMES, values.clone()),
            numbers: schema.add_json_field(NUMBERS, values),
            schema: schema.build(),
        }
    }

    /// Adds the document of a record to a batch.
    pub(super) fn add_document(&self, batch: &mut Batch, id: NodeId, facts: &Facts<'_>) {
        batch.add_u64(self.id, id.as_u64());
        batch.add_u64(self.group, group_of(id));
        batch.add_u64(self.kind, u64::from(id.kind().0));
        for &(field, text) in &facts.texts {
            batch.add_text(self.body, text);
            if names_record(field) {
                batch.add_same_text(self.title);
            }
        }
        // A word that a record names twice counts once.
        for &(field, word) in &facts.keywords.iter().copied().collect::<BTreeSet<_>>() {
            batch.add_text(self.keywords, &keyword_term(field, word));
            if folds(field, word) {
                batch.add_text(self.folded, &folded_keyword(field, word));
            }
        }
        if let Some(json) = facts.attributes {
            attribute_values(json, &mut |path, value| {
                batch.add_text(self.attributes, &keyword_term(path, value));
                if folds(path, value) {
                    batch.add_text(self.folded, &folded_attribute(path, value));
                }
            });
        }
        let times = facts.times.iter();
        let times = times.map(|&(name, time)| (name, Number::Signed(time.as_micros())));
        add_values(batch, self.times, times);
        let numbers = facts.numbers.iter().filter(|(_, number)| number.is_finite());
        // Zero has two signs but is one number.
        let numbers = numbers.map(|&(name, number)| (name, Number::Float(number + 0.0)));
        add_values(batch, self.numbers, numbers);
        batch.end();
    }

    /// The document of a record, alone.
    pub(super) fn document(&self, id: NodeId, facts: &Facts<'_>) -> Option<Document> {
        let mut batch = Batch::default();
        self.add_document(&mut batch, id, facts);
        batch.take(None).next()
    }
}

/// The tokenizers that the schema names.
pub(super) fn tokenizers(options: AnalyzerOptions) -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(ANALYZER_NAME, TextAnalyzer::from(Analyzer::new(options).terms()));
    manager
}

/// A fingerprint of everything that decides what a document looks like in the index.
pub(super) fn schema_hash(fields: &Fields, options: AnalyzerOptions) -> String {
    let schema = serde_json::to_string(&fields.schema).unwrap_or_default();
    let text = format!("{INDEX_VERSION} {:?} {schema}", options.stem);
    let mut hash = Digest::of(text.as_bytes()).to_string();
    hash.truncate(32);
    hash
}

/// The name of the folder of an index of texts that are analyzed so.
pub(crate) fn index_name(options: AnalyzerOptions) -> String {
    let mut name = schema_hash(&Fields::new(), options);
    name.truncate(16);
    name
}

/// Whether a text field names the record, so that words in it weigh more.
pub(crate) fn names_record(field: &str) -> bool {
    matches!(field, "title" | "name" | "display_name" | "file_name")
}

/// The term of a word in a field. A long one ends in a digest, so that it still equals only itself.
pub(super) fn keyword_term(field: &str, word: &str) -> String {
    let term = format!("{field}={word}");
    if term.len() <= KEYWORD_TERM_BYTES_MAX {
        return term;
    }
    let kept = floor_boundary(&term, KEYWORD_TERM_BYTES_MAX);
    format!("{}\u{0}{}", &term[..kept], Digest::of(term.as_bytes()))
}

/// As [`keyword_term`], for comparing without regard to case.
pub(super) fn folded_keyword(field: &str, word: &str) -> String {
    keyword_term(&field.to_lowercase(), &word.to_lowercase())
}

/// As [`folded_keyword`], for attributes.
pub(super) fn folded_attribute(path: &str, word: &str) -> String {
    folded_keyword(&format!("{ATTRIBUTE_MARK}{path}"), word)
}

/// Whether folding makes other terms of a field and its value. Those that it does not are found
/// where they are as they are written.
pub(super) fn folds(field: &str, word: &str) -> bool {
    let folds = |text: &str| {
        let is_plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
        !text.bytes().all(is_plain) && text.to_lowercase() != text
    };
    folds(field) || folds(word)
}

/// The path of a value in a JSON fast field, its dots kept from being read as steps.
pub(super) fn value_path(name: &str) -> String {
    name.replace('\\', "\\\\").replace('.', "\\.")
}

/// Calls `found` with the path and spelling of the attribute values of a record: as many as are
/// indexed.
pub(super) fn attribute_values(json: &Json, found: &mut impl FnMut(&str, &str)) {
    let Ok(value @ serde_json::Value::Object(_)) = json.to_value() else { return };
    let mut left = ATTRIBUTE_TERMS_MAX;
    walk_attributes(&mut String::new(), &value, &mut |path, value| {
        if left > 0 {
            left -= 1;
            found(path, value);
        }
    });
}

/// Calls `found` with the path and spelling of every text, number and truth value of an object.
/// Elements of a list have the path of the list.
pub(super) fn walk_attributes(
    path: &mut String,
    value: &serde_json::Value,
    found: &mut impl FnMut(&str, &str),
) {
    match value {
        serde_json::Value::Null => {}
        serde_json::Value::Bool(truth) => found(path, if *truth { "true" } else { "false" }),
        serde_json::Value::Number(number) => found(path, &number_text(number)),
        serde_json::Value::String(text) => found(path, text),
        serde_json::Value::Array(values) => {
            for value in values {
                walk_attributes(path, value, found);
            }
        }
        serde_json::Value::Object(members) => {
            let length = path.len();
            for (name, value) in members {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                walk_attributes(path, value, found);
                path.truncate(length);
            }
        }
    }
}

/// One spelling a number: `2` for `2`, `2.0` and `2e0`.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

fn add_values<'a>(
    batch: &mut Batch,
    field: Field,
    values: impl Iterator<Item = (&'a str, Number)>,
) {
    let mut by_name: BTreeMap<&str, Vec<Number>> = BTreeMap::new();
    for (name, value) in values {
        by_name.entry(name).or_default().push(value);
    }
    if !by_name.is_empty() {
        let members = by_name.into_iter().map(|(name, values)| (name.to_owned(), values));
        batch.add_members(field, members.collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Language;

    #[test]
    fn the_hash_follows_the_analyzer() {
        let fields = Fields::new();
        let english = schema_hash(&fields, AnalyzerOptions::default());
        assert_eq!(english, schema_hash(&Fields::new(), AnalyzerOptions::default()));
        assert_ne!(
            english,
            schema_hash(&fields, AnalyzerOptions { stem: None, ..AnalyzerOptions::default() })
        );
        let german = AnalyzerOptions { stem: Some(Language::German), ..AnalyzerOptions::default() };
        assert_ne!(english, schema_hash(&fields, german));
    }

    #[test]
    fn long_keywords_still_differ() {
        let one = keyword_term("f", &format!("{}a", "x".repeat(5_000)));
        let other = keyword_term("f", &format!("{}b", "x".repeat(5_000)));
        assert_ne!(one, other);
        assert!(one.len() <= KEYWORD_TERM_BYTES_MAX + 65, "{}", one.len());
    }

    #[test]
    fn attributes_are_paths_and_spellings() {
        let text = r#"{"a": {"b": [1, 2.0, {"c": "X y"}]}, "t": true, "n": null, "d.e": 1.5}"#;
        let value = Json::from_text(text).unwrap().to_value().unwrap();
        let mut found = Vec::new();
        walk_attributes(&mut String::new(), &value, &mut |path, value| {
            found.push(format!("{path}={value}"));
        });
        assert_eq!(found, ["a.b=1", "a.b=2", "a.b.c=X y", "t=true", "d.e=1.5"]);
    }
}
