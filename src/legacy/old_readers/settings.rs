//! The configuration store: values are turned back by the name of their type.

use serde_json::json as value;

use super::{check, exported};
use crate::base::error::Result;
use crate::store::WriteTx;

fn set(tx: &mut WriteTx<'_>) -> Result<()> {
    let mut config = tx.config();
    config.set("vectors.dimension", 384)?;
    config.set("memory.threshold", 0.7)?;
    config.set("agents.enabled", true)?;
    config.set("agents.verbose", false)?;
    config.set("agents.word", "true")?;
    config.set("agents.names", value!(["caf\u{e9}", 1]))?;
    config.set("agents.none", serde_json::Value::Null)?;
    config.describe("agents.enabled", "whether they run").map(drop)
}

#[test]
fn settings_are_spelled_as_the_old_writer_spells_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), set);
    assert_eq!(out.kinds(), ["configuration"]);
    check(
        &out.db("configuration"),
        "SELECT key, value, value_type FROM configuration",
        &[
            "vectors.dimension|384|int",
            "memory.threshold|0.7|float",
            "agents.enabled|True|bool",
            "agents.verbose|False|bool",
            "agents.word|true|string",
            "agents.names|[\"caf\u{e9}\",1]|json",
            "agents.none|NULL|string",
        ],
    );
    let file = out.file("configuration");
    assert_eq!(file.not_held["configuration.description"], 1, "it is said what has no place");
    let store = out.back("configuration");
    let back = store.read().unwrap();
    assert_eq!(back.config().get("agents.enabled").unwrap(), Some(value!(true)));
    assert_eq!(back.config().get("agents.verbose").unwrap(), Some(value!(false)));
    assert_eq!(back.config().get("agents.word").unwrap(), Some(value!("true")));
}

#[test]
fn a_value_and_a_section_of_one_name_do_not_go_out_together() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        tx.config().set("a", 1)?;
        tx.config().set("a.b", 2).map(drop)
    });
    let file = out.file("configuration");
    assert_eq!(file.rows["configuration"], 1);
    assert!(file.notes.iter().any(|note| note.starts_with("configuration: 1 rows would stop")));
}
