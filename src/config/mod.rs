//! Layered settings: defaults below files below the environment below what is set by hand.
//!
//! A [`Settings`] holds one tree for each [`Layer`] and the merged one, which later layers win.
//! It answers by dotted keys, in types, checks against a [`Schema`], tells which layer a value is
//! from, and calls listeners when a value changes. What is set by hand is a layer of its own and
//! stays when the others are loaded again.
//!
//! Nothing here reads files or the environment: trees and variables are handed in. With feature
//! `config` texts in TOML, YAML, JSON and INI can be made into trees (`parse`).

mod convert;
mod layer;
#[cfg(feature = "config")]
mod parse;
mod schema;
mod settings;

pub use convert::FromSetting;
pub use layer::Layer;
#[cfg(feature = "config")]
pub use parse::{Format, parse, render, set_in_text};
pub use schema::{KeySpec, Problem, Schema, SettingType, UnknownKeys};
pub use settings::{Change, Listener, Settings};

use serde_json::{Map, Value};

use crate::base::error::{Error, Result};
use crate::base::limits::CONFIG_KEY_PARTS_MAX;

/// The tree of a layer: mappings by the parts of keys, values at their ends.
pub type Tree = Map<String, Value>;

/// The parts of a dotted key.
pub(crate) fn parts(key: &str) -> Result<Vec<&str>> {
    // One more tells that there are too many.
    let parts: Vec<&str> = key.split('.').take(CONFIG_KEY_PARTS_MAX + 1).collect();
    if parts.len() > CONFIG_KEY_PARTS_MAX {
        let found = key.split('.').count() as u64;
        let max = CONFIG_KEY_PARTS_MAX as u64;
        return Err(Error::Limit { what: "key of a setting in parts".into(), max, found });
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Error::invalid("key", format!("{key:?} has an empty part")));
    }
    Ok(parts)
}

/// The value at a place of a tree.
fn find<'t>(tree: &'t Tree, parts: &[&str]) -> Option<&'t Value> {
    let (first, rest) = parts.split_first()?;
    let value = tree.get(*first)?;
    if rest.is_empty() { Some(value) } else { find(value.as_object()?, rest) }
}

/// Puts a value at a place of a tree. What is in the way and is no mapping goes.
fn put(tree: &mut Tree, parts: &[&str], value: Value) {
    let Some((first, rest)) = parts.split_first() else { return };
    if rest.is_empty() {
        tree.insert((*first).to_owned(), value);
        return;
    }
    let below = tree.entry(*first).or_insert_with(|| Tree::new().into());
    if !below.is_object() {
        *below = Tree::new().into();
    }
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}

/// Takes a value out of a tree, and the mappings that are empty then.
fn take(tree: &mut Tree, parts: &[&str]) -> Option<Value> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return tree.shift_remove(*first);
    }
    let below = tree.get_mut(*first)?.as_object_mut()?;
    let taken = take(below, rest);
    if below.is_empty() {
        tree.shift_remove(*first);
    }
    taken
}

/// Lays one tree over another: mappings are merged, all else is replaced.
fn merge(below: &mut Tree, above: &Tree) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            _ => drop(below.insert(key.clone(), value.clone())),
        }
    }
}

/// Calls `each` with the key of every value that is no mapping, in the order of the tree.
fn each_leaf<'t>(tree: &'t Tree, prefix: &str, each: &mut dyn FnMut(String, &'t Value)) {
    for (name, value) in tree {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(below) if !below.is_empty() => each_leaf(below, &key, each),
            value => each(key, value),
        }
    }
}
