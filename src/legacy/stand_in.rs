//! Memory types that the old application does not know, in its own tables.
//!
//! It fails at every list with a memory of a type outside its eight. Such a memory goes out under
//! the nearest of them, and its metadata, an object that the old application keeps as it is, says
//! which type it is. Read again, it is what it was, letter by letter; where the old application
//! has given it another type meanwhile, that one counts.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The key of the metadata that says the type.
const KEY: &str = "engraph_memory_type";

/// Types and what stands for them.
const STAND_INS: [(&str, &str); 4] = [
    // What happened and what is at hand are circumstances; what holds and how things are done is
    // what an agent keeps for itself.
    ("episodic", "context"),
    ("semantic", "agent"),
    ("procedural", "agent"),
    ("working", "context"),
];

/// What stands for a type; nothing for those that the old application knows, or nobody.
fn stand_in(memory_type: &str) -> Option<&'static str> {
    STAND_INS.iter().find(|(known, _)| *known == memory_type).map(|(_, old)| *old)
}

/// Type and metadata as the old tables hold them. `None` where they hold them as they are, and
/// where the metadata has no room for a key.
pub(super) fn write(memory_type: &str, metadata: Option<&str>) -> Option<(&'static str, String)> {
    let old = stand_in(memory_type)?;
    let mark = format!("\"{KEY}\": \"{memory_type}\"");
    let Some(text) = metadata else { return Some((old, format!("{{{mark}}}"))) };
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let (head, tail) = text.split_at(text.rfind('}')?);
    // One blank tells an empty object from none at all.
    let between = if head.trim_end().ends_with('{') { " " } else { ", " };
    Some((old, format!("{head}{between}{mark}{tail}")))
}

/// The type and metadata of a memory whose cells say that another type stands for its own.
pub(super) fn read(old: &str, metadata: &str) -> Option<(&'static str, Option<String>)> {
    if !metadata.contains(KEY) {
        return None;
    }
    let (known, mut entries) = marked(metadata)?;
    let (memory_type, _) =
        *STAND_INS.iter().find(|(new, stands)| *new == known && *stands == old)?;
    let mark = format!("\"{KEY}\": \"{memory_type}\"");
    let (head, tail) = metadata.rsplit_once(&mark)?;
    if tail.trim_end() == "}" {
        let as_was = |head: &str| Some(format!("{head}{tail}"));
        if let Some(head) = head.strip_suffix(", ") {
            return Some((memory_type, as_was(head)));
        }
        return Some((memory_type, head.strip_suffix(' ').and_then(as_was)));
    }
    // The old application has added something: what is left is spelled anew.
    entries.0.retain(|(key, _)| key != KEY);
    Some((memory_type, Some(entries.to_text())))
}

/// The type that an object names last, and what it holds.
fn marked(metadata: &str) -> Option<(String, Entries)> {
    let mut reader = serde_json::Deserializer::from_str(metadata);
    let entries = reader.deserialize_map(EntriesVisitor).ok()?;
    reader.end().ok()?;
    let (_, value) = entries.0.iter().rev().find(|(key, _)| key == KEY)?;
    Some((serde_json::from_str(value.get()).ok()?, entries))
}

/// What an object holds, values as they are spelled.
struct Entries(Vec<(String, Box<RawValue>)>);

impl Entries {
    fn to_text(&self) -> String {
        let entry = |(key, value): &(String, Box<RawValue>)| {
            format!("{}: {}", serde_json::Value::from(key.as_str()), value.get())
        };
        format!("{{{}}}", self.0.iter().map(entry).collect::<Vec<_>>().join(", "))
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::legacy::rules::MEMORY_TYPE;
    use crate::record::MemoryType;

    #[test]
    fn every_type_is_known_to_the_old_application_or_has_a_stand_in_that_is() {
        for new in ["episodic", "semantic", "procedural", "working"] {
            assert!(!matches!(MemoryType::from(new), MemoryType::Other(_)));
            assert!(!MEMORY_TYPE.contains(&new));
            assert!(MEMORY_TYPE.contains(&stand_in(new).unwrap()));
        }
        assert!(MEMORY_TYPE.iter().all(|old| stand_in(old).is_none()));
        assert_eq!(write("analysis", None), None);
        assert_eq!(write("dream", Some("{}")), None, "nobody knows it");
    }

    #[track_caller]
    fn there_and_back(metadata: Option<&str>, written: &str) {
        let (old, text) = write("episodic", metadata).unwrap();
        assert_eq!((old, &*text), ("context", written));
        assert_eq!(read(old, &text), Some(("episodic", metadata.map(str::to_owned))));
    }

    #[test]
    fn metadata_comes_back_letter_by_letter() {
        there_and_back(None, r#"{"engraph_memory_type": "episodic"}"#);
        there_and_back(Some("{}"), r#"{ "engraph_memory_type": "episodic"}"#);
        there_and_back(Some("{ }\n"), "{  \"engraph_memory_type\": \"episodic\"}\n");
        there_and_back(Some(r#"{"a":1}"#), r#"{"a":1, "engraph_memory_type": "episodic"}"#);
        there_and_back(
            Some(r#" {"a": {"b": "}"} } "#),
            r#" {"a": {"b": "}"} , "engraph_memory_type": "episodic"} "#,
        );
        // Somebody has the key already.
        there_and_back(
            Some(r#"{"engraph_memory_type": "working"}"#),
            r#"{"engraph_memory_type": "working", "engraph_memory_type": "episodic"}"#,
        );
    }

    #[test]
    fn what_the_old_application_changed_counts() {
        let added = r#"{"a": 1, "engraph_memory_type": "working", "caf\u00e9": [1,2]}"#;
        let left = "{\"a\": 1, \"caf\u{e9}\": [1,2]}".to_owned();
        assert_eq!(read("context", added), Some(("working", Some(left))));
        assert_eq!(read("analysis", added), None, "it has another type now");
        assert_eq!(read("agent", added), None);
        for other in [
            r#"{"engraph_memory_type": "dream"}"#,
            r#"{"engraph_memory_type": 7}"#,
            r#"{"text": "engraph_memory_type"}"#,
            r#"["engraph_memory_type"]"#,
            "engraph_memory_type",
        ] {
            assert_eq!(read("context", other), None, "{other}");
        }
    }

    #[test]
    fn metadata_that_is_no_object_has_no_room() {
        for other in ["[]", "7", "null", "\"}\""] {
            assert_eq!(write("working", Some(other)), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_object_comes_back(
            entries in prop::collection::vec((".*", any::<i64>()), 0..4),
            blank in "[ \n]{0,2}",
            which in 0..STAND_INS.len(),
        ) {
            let map: serde_json::Map<String, serde_json::Value> =
                entries.into_iter().map(|(key, value)| (key, value.into())).collect();
            let text = format!("{blank}{}{blank}", serde_json::Value::from(map));
            let (memory_type, _) = STAND_INS[which];
            let (old, written) = write(memory_type, Some(&text)).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
            prop_assert_eq!(read(old, &written), Some((memory_type, Some(text))));
        }
    }
}
