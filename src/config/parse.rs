//! Trees from texts, and texts from trees: TOML, YAML, JSON and INI.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use toml_edit::DocumentMut;

use super::{Tree, each_leaf, parts, put};
use crate::base::error::{Error, Result};
use crate::base::limits::CONFIG_BYTES_MAX;

/// Brackets within brackets in YAML: its reader takes time by their square, and refuses values of
/// such a depth only after that.
const YAML_BRACKETS_MAX: usize = 1_000;

/// How settings are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.toml`
    Toml,
    /// `.yaml`, `.yml`
    Yaml,
    /// `.json`, and every other name.
    Json,
    /// `.ini`, `.cfg`: sections are the first parts of keys, values are texts.
    Ini,
}

impl Format {
    /// The format that the end of a file's name tells.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        let end = path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
        match end.as_deref() {
            Some("toml") => Self::Toml,
            Some("yaml" | "yml") => Self::Yaml,
            Some("ini" | "cfg") => Self::Ini,
            _ => Self::Json,
        }
    }
}

fn bad(reason: impl std::fmt::Display) -> Error {
    Error::invalid("configuration", reason.to_string())
}

/// What is wrong with a text in TOML, and where. The crate's own words show the line, which may
/// have a secret in it.
fn bad_toml(text: &str, message: &str, at: Option<Range<usize>>) -> Error {
    let before = at.and_then(|at| text.get(..at.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
    bad(format!("{} at line {line} column {column}", message.trim_end().replace('\n', ", ")))
}

/// What is wrong with a text in YAML, without values that the message repeats.
fn bad_yaml(error: &serde_norway::Error) -> Error {
    let message = error.to_string();
    let outside = message.split('"').step_by(2);
    bad(outside.collect::<Vec<_>>().join("\"...\""))
}

/// The tree that a text says. An empty one says nothing.
///
/// ```
/// use engraph::config::{Format, parse};
///
/// let tree = parse("[log]\nlevel = \"debug\"", Format::Toml)?;
/// assert_eq!(tree["log"]["level"], "debug");
/// # Ok::<(), engraph::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] where the text is not of the format, with the place, but without anything of
/// the text, which may have secrets in it; or is no mapping. [`Error::Limit`] for one of more than
/// 4 MiB, or a key of more than 64 parts.
pub fn parse(text: &str, format: Format) -> Result<Tree> {
    if text.len() > CONFIG_BYTES_MAX {
        let (max, found) = (CONFIG_BYTES_MAX as u64, text.len() as u64);
        return Err(Error::Limit { what: "configuration in bytes".into(), max, found });
    }
    // Editors of some systems begin a file so.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = match format {
        _ if text.trim().is_empty() => return Ok(Tree::new()),
        Format::Toml => with_times(
            toml_edit::de::from_str(text)
                .map_err(|error| bad_toml(text, error.message(), error.span()))?,
        ),
        Format::Yaml if brackets(text) > YAML_BRACKETS_MAX => {
            return Err(bad("it is nested too deeply"));
        }
        Format::Yaml => serde_norway::from_str(text).map_err(|error| bad_yaml(&error))?,
        Format::Json => serde_json::from_str(text).map_err(bad)?,
        Format::Ini => return from_ini(text),
    };
    match value {
        Value::Object(tree) => Ok(tree),
        Value::Null => Ok(Tree::new()),
        _ => Err(bad("it is no mapping")),
    }
}

/// How many brackets are open at most, those in texts and comments included.
fn brackets(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// Times of TOML as texts: they come as mappings with a key of the crate's own.
fn with_times(value: Value) -> Value {
    match value {
        Value::Object(tree) => match tree.get("$__toml_private_datetime") {
            Some(time) => time.clone(),
            None => Value::Object(tree.into_iter().map(|(k, v)| (k, with_times(v))).collect()),
        },
        Value::Array(values) => values.into_iter().map(with_times).collect(),
        other => other,
    }
}

fn from_ini(text: &str) -> Result<Tree> {
    let ini = ini::Ini::load_from_str(text).map_err(bad)?;
    let mut tree = Tree::new();
    for (section, properties) in &ini {
        for (name, value) in properties {
            let key =
                section.map_or_else(|| name.to_owned(), |section| format!("{section}.{name}"));
            put(&mut tree, &parts(&key)?, value.into());
        }
    }
    Ok(tree)
}

/// The text that says a tree. Nulls are left out where a format has none.
///
/// # Errors
/// [`Error::Invalid`] for what the format cannot say: in INI lists of mappings, texts with blanks
/// at their ends, and some more.
pub fn render(tree: &Tree, format: Format) -> Result<String> {
    match format {
        Format::Toml => {
            let tree = without_nulls(tree);
            toml_edit::ser::to_string_pretty(&tree).map_err(bad)
        }
        Format::Yaml => serde_norway::to_string(tree).map_err(bad),
        Format::Json => serde_json::to_string_pretty(tree).map(|text| text + "\n").map_err(bad),
        Format::Ini => to_ini(tree),
    }
}

fn without_nulls(tree: &Tree) -> Tree {
    let kept = tree.iter().filter(|(_, value)| !value.is_null());
    let kept = kept.map(|(key, value)| match value {
        Value::Object(tree) => (key.clone(), without_nulls(tree).into()),
        value => (key.clone(), value.clone()),
    });
    kept.collect()
}

fn to_ini(tree: &Tree) -> Result<String> {
    let mut ini = ini::Ini::new();
    let mut said = Tree::new();
    let mut failed = Ok(());
    each_leaf(tree, "", &mut |key, value| match ini_text(&key, value) {
        Ok(None) => {}
        Ok(Some(text)) => {
            match parts(&key) {
                Ok(parts) => put(&mut said, &parts, text.as_str().into()),
                Err(error) => failed = Err(error),
            }
            // The last dot parts section and name, so that deep keys come back as they were.
            let (section, name) = match key.rsplit_once('.') {
                Some((section, name)) => (Some(section.to_owned()), name.to_owned()),
                None => (None, key),
            };
            ini.with_section(section).set(name, text);
        }
        Err(error) => failed = Err(error),
    });
    failed?;
    let mut out = Vec::new();
    ini.write_to(&mut out).map_err(bad)?;
    let out = String::from_utf8(out).map_err(bad)?;
    // Blanks at the ends of a text, quotes, and more are lost in INI, some of them by reading.
    if from_ini(&out).ok().as_ref() != Some(&said) {
        return Err(bad("INI has no way to say one of the texts: choose another format"));
    }
    Ok(out)
}

/// What a value is in INI; nothing where it says nothing.
fn ini_text(key: &str, value: &Value) -> Result<Option<String>> {
    Ok(Some(match value {
        Value::Null | Value::Object(_) => return Ok(None),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().any(|it| it.is_object() || it.is_array()) => {
            return Err(bad(format!("INI has no way to say the list {key}")));
        }
        Value::Array(values) => {
            let texts = values.iter().map(|value| match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            });
            texts.collect::<Vec<_>>().join(", ")
        }
        value => value.to_string(),
    }))
}

/// The text with one value set, or taken out where it is null. In TOML, comments and order stay;
/// other formats are written anew.
///
/// # Errors
/// As [`parse`] and [`render`].
pub fn set_in_text(text: &str, format: Format, key: &str, value: &Value) -> Result<String> {
    let parts = parts(key)?;
    let mut tree = parse(text, format)?;
    if format == Format::Toml {
        return set_in_toml(text, &parts, value);
    }
    if value.is_null() {
        super::take(&mut tree, &parts);
    } else {
        put(&mut tree, &parts, value.clone());
    }
    render(&tree, format)
}

fn set_in_toml(text: &str, parts: &[&str], value: &Value) -> Result<String> {
    let parsed = text.parse::<DocumentMut>();
    let mut document = parsed.map_err(|error| bad_toml(text, error.message(), error.span()))?;
    let Some((last, sections)) = parts.split_last() else { return Ok(text.to_owned()) };
    // Comments at the end of the text stay before what is added there.
    let is_added = sections.first().is_some_and(|first| !document.contains_key(first));
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    let mut before = is_added.then_some(trailing).filter(|text| !text.trim().is_empty());
    if before.is_some() && !value.is_null() {
        document.set_trailing("");
    }
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for section in sections {
        let below = table.entry(section).or_insert_with(|| {
            let mut table = toml_edit::Table::new();
            table.set_implicit(true);
            if let Some(before) = before.take() {
                table.decor_mut().set_prefix(format!("{before}\n"));
            }
            toml_edit::Item::Table(table)
        });
        let what = format!("{section} is no section");
        table = below.as_table_like_mut().ok_or_else(|| bad(what))?;
    }
    if value.is_null() {
        table.remove(last);
    } else {
        let value = serde::Serialize::serialize(value, toml_edit::ser::ValueSerializer::new());
        let mut value = value.map_err(bad)?;
        // What stands behind the old value on its line stays there.
        if let Some(old) = table.get(last).and_then(toml_edit::Item::as_value) {
            *value.decor_mut() = old.decor().clone();
        }
        table.insert(last, toml_edit::Item::Value(value));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ALL: [Format; 4] = [Format::Toml, Format::Yaml, Format::Json, Format::Ini];

    #[track_caller]
    fn tree(value: Value) -> Tree {
        let Value::Object(tree) = value else { panic!("{value} is no mapping") };
        tree
    }

    #[test]
    fn every_format_says_the_same() {
        let expected = tree(json!({ "log": { "level": "debug", "file": { "name": "a.log" } } }));
        for (format, text) in [
            (Format::Toml, "# why\n[log]\nlevel = 'debug'\nfile.name = \"a.log\"\n"),
            (Format::Yaml, "log:\n  level: debug\n  file:\n    name: a.log\n"),
            (Format::Json, "{\"log\": {\"level\": \"debug\", \"file\": {\"name\": \"a.log\"}}}"),
            (Format::Ini, "[log]\nlevel = debug\nfile.name = a.log\n"),
            (Format::Ini, "\u{feff}; why\n[log]\nlevel=debug\n[log.file]\nname=a.log\n"),
        ] {
            assert_eq!(parse(text, format).unwrap(), expected, "{format:?}");
        }
        for format in ALL {
            assert_eq!(parse(" \n", format).unwrap(), Tree::new());
            let text = render(&expected, format).unwrap();
            assert_eq!(parse(&text, format).unwrap(), expected, "{format:?}: {text}");
        }
    }

    #[test]
    fn what_is_no_mapping_or_no_text_of_the_format_is_refused() {
        for (format, text) in [
            (Format::Toml, "a = "),
            (Format::Yaml, "- a\n- b"),
            (Format::Yaml, "a: [b"),
            (Format::Json, "[1]"),
            (Format::Json, "{"),
            (Format::Ini, "[a"),
        ] {
            let found = parse(text, format);
            assert!(matches!(found, Err(Error::Invalid { .. })), "{format:?} {text}: {found:?}");
        }
        let long = " ".repeat(CONFIG_BYTES_MAX + 1);
        assert!(matches!(parse(&long, Format::Toml), Err(Error::Limit { .. })));
        let deep = tree(json!({ "a": [{ "b": 1 }] }));
        assert!(matches!(render(&deep, Format::Ini), Err(Error::Invalid { .. })));
    }

    #[test]
    fn times_of_toml_are_texts() {
        let tree = parse("a = 2026-11-27T00:00:00Z\nb = [07:30:00]", Format::Toml).unwrap();
        let expected = json!({ "a": "2026-11-27T00:00:00Z", "b": ["07:30:00"] });
        assert_eq!(Value::Object(tree), expected);
    }

    #[test]
    fn the_end_of_a_name_tells_the_format() {
        for (name, format) in [
            ("a.toml", Format::Toml),
            ("a.YML", Format::Yaml),
            ("a.b.yaml", Format::Yaml),
            ("a.cfg", Format::Ini),
            ("a.json", Format::Json),
            ("a", Format::Json),
        ] {
            assert_eq!(Format::of_path(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn a_value_is_set_in_toml_and_the_rest_stays() {
        let text = "# first\n[log] # the log\nlevel = \"info\" # for now\n\n[other]\nx = 1\n";
        let set = |text: &str, key: &str, value: Value| {
            set_in_text(text, Format::Toml, key, &value).unwrap()
        };
        let changed = set(text, "log.level", json!("debug"));
        assert_eq!(changed, text.replace("\"info\"", "\"debug\""));
        let added = set(&changed, "health.disk_min", json!(5));
        assert!(added.starts_with(&changed), "{added}");
        assert_eq!(parse(&added, Format::Toml).unwrap()["health"]["disk_min"], 5);
        let removed = set(&added, "health.disk_min", Value::Null);
        assert!(!removed.contains("disk_min"), "{removed}");
        assert!(set_in_text(text, Format::Toml, "other.x.y", &json!(1)).is_err());
        let list = set("", "a.b", json!(["x", "y"]));
        assert_eq!(parse(&list, Format::Toml).unwrap()["a"]["b"], json!(["x", "y"]));
    }

    fn leaf() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            prop::collection::vec("[a-z]{1,5}", 0..3).prop_map(Value::from),
        ]
    }

    #[test]
    fn deep_texts_are_refused_and_not_run_out_of_room_by() {
        let deep = "a.".repeat(100_000);
        let lists = "[".repeat(100_000);
        for format in ALL {
            for text in [
                format!("{deep}a = 1"),
                format!("[{deep}a]\nb = 1"),
                format!("{{\"a\": {lists}"),
                format!("a: {lists}"),
                format!("a = {lists}"),
                "{\"a\":".repeat(100_000),
                "- ".repeat(100_000),
            ] {
                drop(parse(&text, format));
                drop(set_in_text(&text, format, "x", &json!(1)));
            }
            let refused = set_in_text("", format, &format!("{deep}a"), &json!(1));
            assert!(matches!(refused, Err(Error::Limit { .. })), "{format:?}: {refused:?}");
        }
        assert!(matches!(parse(&format!("{deep}a=1"), Format::Ini), Err(Error::Limit { .. })));
    }

    proptest! {
        #[test]
        fn no_error_repeats_the_text(
            at in 0..60_usize, length in 0..3_usize,
            instead in "[\"'=:\\[\\]{}\\\\!&* \n,#1-]{0,3}",
        ) {
            let secret = "Zq7planted9";
            for (format, whole) in [
                (Format::Toml, format!("a = 1\n[b]\nkey = \"{secret}\"\nc = [\"{secret}\", 2]")),
                (Format::Yaml, format!("a: 1\nb:\n  key: \"{secret}\"\n  c: [\"{secret}\", 2]")),
                (Format::Json, format!("{{\"a\": 1, \"b\": {{\"key\": \"{secret}\", \"c\": 2}}}}")),
                (Format::Ini, format!("a = 1\n[b]\nkey = \"{secret}\"\nc = {secret}, 2")),
            ] {
                let mut text = whole;
                let from = at.min(text.len());
                let to = (from + length).min(text.len());
                text.replace_range(from..to, &instead);
                for failed in [
                    parse(&text, format).err(),
                    set_in_text(&text, format, "a.b.c", &json!(1)).err(),
                ] {
                    let shown = failed.map(|error| format!("{error} {error:?}"));
                    let shown = shown.unwrap_or_default();
                    // A key that begins with the text is the reader's own doing.
                    prop_assert!(!shown.contains(secret), "{format:?} {text}: {shown}");
                }
            }
        }

        #[test]
        fn what_ini_says_is_what_was_meant(
            leaves in prop::collection::vec(("[a-z][a-z_]{0,5}(\\.[a-z]{1,4}){0,2}", leaf()), 0..4),
        ) {
            let (mut tree, mut texts) = (Tree::new(), Tree::new());
            for (key, value) in &leaves {
                put(&mut tree, &parts(key).unwrap(), value.clone());
            }
            each_leaf(&tree, "", &mut |key, value| {
                let text = ini_text(&key, value).unwrap().unwrap();
                put(&mut texts, &parts(&key).unwrap(), text.into());
            });
            if let Ok(text) = render(&tree, Format::Ini) {
                prop_assert_eq!(parse(&text, Format::Ini).unwrap(), texts, "{}", text);
            }
        }

        #[test]
        fn trees_come_back_from_toml_yaml_and_json(
            leaves in prop::collection::vec(("[a-z][a-z_]{0,5}(\\.[a-z]{1,4}){0,2}", leaf()), 0..8),
        ) {
            let mut tree = Tree::new();
            for (key, value) in &leaves {
                put(&mut tree, &parts(key).unwrap(), value.clone());
            }
            for format in [Format::Toml, Format::Yaml, Format::Json] {
                let text = render(&tree, format).unwrap();
                prop_assert_eq!(&parse(&text, format).unwrap(), &tree, "{:?}: {}", format, text);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-a-z\\[\\]{}:=\"'#\n\t ,.0-9&*!|>]{0,60}") {
            for format in ALL {
                drop(parse(&text, format));
                drop(set_in_text(&text, format, "a.b", &json!(1)));
            }
        }
    }
}
