//! What takes the place of what: retiring memories, and suggesting which to retire from form alone.
//!
//! Two memories that agree in everything but one value are about the same subject and field; the
//! newer value is then likely to hold. Whether it does, only a reader of both can say, so nothing
//! is done without being asked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Memories, MemoryQuery, existing};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::{MEMORY_COMPARED_MAX, MEMORY_GROUPED_MAX};
use crate::record::Memory;
use crate::store::{ReadTx, WriteTx};

/// The type of the edge between memories that both hold, whatever their form says.
const BOTH_HOLD: &str = "both_hold";
/// Longest text that is taken for a statement of one value, in words.
const WORDS_MAX: usize = 40;
/// Words of a frame that have to stand before the value: they name the subject.
const SUBJECT_MIN: usize = 2;
/// Words of a frame below which two texts have too little in common.
const FRAME_MIN: usize = 3;
/// Longest value, in words.
const VALUE_MAX: usize = 6;

/// A memory that seems to be out of date, and the one that seems to take its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outdated {
    /// The older memory.
    pub older: NodeId,
    /// The newer one.
    pub newer: NodeId,
    /// What makes them alike.
    pub basis: Basis,
    /// What both are about, as far as the form tells.
    pub subject: String,
    /// What the older one says of it.
    pub before: String,
    /// What the newer one says of it.
    pub after: String,
}

/// Why two memories seem to be about the same subject and field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// They have the same key.
    Key,
    /// They are JSON objects with the same `subject` and `predicate`.
    Fact,
    /// They say the same but for one value.
    Frame,
}

impl Memories<&ReadTx> {
    /// Memories of a query that seem to be out of date, for somebody to look at: same namespace,
    /// agent, subject and field, newer, different value. Nothing is changed; pairs that were told
    /// to [both hold](Memories::keep_both) are not suggested again. Compares each of the first
    /// 20,000 memories with at most 64 newer ones.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn outdated(&self, query: &MemoryQuery) -> Result<Vec<Outdated>> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut memories = self.list(&query.clone().limit(MEMORY_GROUPED_MAX))?;
        memories.sort_by_key(|(id, memory)| (since(memory), *id));
        let mut groups: BTreeMap<Group<'_>, Vec<Statement>> = BTreeMap::new();
        for (id, memory) in &memories {
            for (group, statement) in statements(*id, memory) {
                groups.entry(group).or_default().push(statement);
            }
        }
        for (group, statements) in &groups {
            for (place, older) in statements.iter().enumerate() {
                let newer = statements[place + 1..].iter().take(MEMORY_COMPARED_MAX);
                // What is newest counts: one suggestion a memory.
                let pair = newer.rev().find_map(|newer| older.is_before(newer, group));
                if let Some(pair) = pair
                    && !seen.contains(&(pair.older, pair.newer))
                    && !self.both_hold(pair.older, pair.newer)?
                {
                    seen.insert((pair.older, pair.newer));
                    found.push(pair);
                }
            }
        }
        found.sort_by_key(|pair| (pair.older, pair.newer));
        found.dedup_by_key(|pair| pair.older);
        Ok(found)
    }

    fn both_hold(&self, one: NodeId, other: NodeId) -> Result<bool> {
        let around = self.tx.graph().neighbors(one, crate::graph::Direction::Both)?;
        Ok(around.iter().any(|near| near.node == other && &*near.edge_type == BOTH_HOLD))
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Lets `newer` take the place of `older`, which is retired and stays. Where it is known since
    /// when the newer one is true, the older one was true until then.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one is absent; [`Error::Conflict`] when the older one has a
    /// successor, the newer one a predecessor, or both are one.
    pub fn supersede(&mut self, older: NodeId, newer: NodeId) -> Result<()> {
        let conflict = |reason: String| Err(Error::conflict(format!("memory {newer}"), reason));
        existing::<Memory>(&*self.tx, older)?;
        let mut memory: Memory = existing(&*self.tx, newer)?;
        if self.chain(older)?.iter().any(|(id, _)| *id == newer) && memory.supersedes != Some(older)
        {
            return conflict(format!("it is in one chain with {older}"));
        }
        match memory.supersedes {
            Some(other) if other != older => {
                return conflict(format!("it takes the place of {other}"));
            }
            _ => {}
        }
        if let Some((other, _)) = self.successor(older)?.filter(|(other, _)| *other != newer) {
            return conflict(format!("{other} takes the place of {older}"));
        }
        memory.supersedes = Some(older);
        self.tx.put(newer, &memory)?;
        self.retire_for(older, newer)
    }

    /// Retires a memory: it is out of date since now, and stays. Tells whether it was not retired.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent.
    pub fn retire(&mut self, id: NodeId) -> Result<bool> {
        let now = self.tx.now();
        let mut memory: Memory = existing(&*self.tx, id)?;
        if memory.retired_at.is_some() {
            return Ok(false);
        }
        memory.retired_at = Some(now);
        memory.updated_at = Some(now);
        self.tx.put(id, &memory)?;
        Ok(true)
    }

    /// Takes back that a memory was retired; the one that took its place no longer names it, and
    /// stays. Tells whether it was retired.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent.
    pub fn reinstate(&mut self, id: NodeId) -> Result<bool> {
        let now = self.tx.now();
        let mut memory: Memory = existing(&*self.tx, id)?;
        if memory.retired_at.take().is_none() {
            return Ok(false);
        }
        memory.updated_at = Some(now);
        self.tx.put(id, &memory)?;
        while let Some((newer, mut record)) = self.successor(id)? {
            record.supersedes = None;
            self.tx.put(newer, &record)?;
        }
        Ok(true)
    }

    /// Notes that two memories both hold: neither is suggested to take the other's place again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one is absent.
    pub fn keep_both(&mut self, one: NodeId, other: NodeId) -> Result<()> {
        existing::<Memory>(&*self.tx, one)?;
        existing::<Memory>(&*self.tx, other)?;
        self.tx.link(one, BOTH_HOLD, other).map(drop)
    }

    /// Retires the memory whose place another one has taken.
    pub(super) fn retire_for(&mut self, older: NodeId, newer: NodeId) -> Result<()> {
        let now = self.tx.now();
        let newer: Memory = existing(&*self.tx, newer)?;
        let mut memory: Memory = existing(&*self.tx, older)?;
        memory.retired_at.get_or_insert(now);
        let follows = |from| memory.valid_from.is_none_or(|start| start < from);
        if memory.valid_to.is_none()
            && let Some(from) = newer.valid_from.filter(|from| follows(*from))
        {
            memory.valid_to = Some(from);
        }
        memory.updated_at = Some(now);
        self.tx.put(older, &memory)
    }
}

/// Since when a memory is thought to hold: the later statement is the newer one.
fn since(memory: &Memory) -> Option<crate::base::time::Timestamp> {
    memory.valid_from.or(memory.created_at).or(memory.updated_at)
}

/// Memories that may be about one subject: namespace, agent, and what they are grouped by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group<'a> {
    namespace: &'a str,
    agent: Option<&'a str>,
    basis: Basis,
    by: String,
}

/// What a memory says, as far as its form tells.
#[derive(Clone, Debug)]
struct Statement {
    id: NodeId,
    /// The value of a fact, or the words of a text.
    words: Vec<String>,
}

impl Statement {
    /// The suggestion that `newer` takes this one's place, where their forms say so.
    fn is_before(&self, newer: &Self, group: &Group<'_>) -> Option<Outdated> {
        if self.words == newer.words {
            return None;
        }
        let (subject, before, after) = match group.basis {
            Basis::Key | Basis::Fact => {
                (group.by.clone(), self.words.join(" "), newer.words.join(" "))
            }
            Basis::Frame => framed(&self.words, &newer.words)?,
        };
        let (older, newer, basis) = (self.id, newer.id, group.basis);
        Some(Outdated { older, newer, basis, subject, before, after })
    }
}

/// What a memory is compared by.
fn statements(id: NodeId, memory: &Memory) -> Vec<(Group<'_>, Statement)> {
    let group = |basis, by| Group {
        namespace: &memory.namespace,
        agent: memory.agent_id.as_deref(),
        basis,
        by,
    };
    let words = words_of(&memory.content);
    let mut found = Vec::new();
    let whole = vec![memory.content.clone()];
    found.push((group(Basis::Key, memory.key.clone()), Statement { id, words: whole }));
    if let Some((subject, value)) = fact_of(&memory.content) {
        found.push((group(Basis::Fact, subject), Statement { id, words: vec![value] }));
    } else if (FRAME_MIN..=WORDS_MAX).contains(&words.len()) {
        let by = words[..SUBJECT_MIN].join(" ");
        found.push((group(Basis::Frame, by), Statement { id, words }));
    }
    found
}

/// Subject and predicate, and the object, of a fact that is written as JSON.
fn fact_of(content: &str) -> Option<(String, String)> {
    if !content.trim_start().starts_with('{') {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(content).ok()?;
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| value.get(name))?;
        Some(found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned))
    };
    let subject = text(["subject", "entity"])?;
    let predicate = text(["predicate", "field"])?;
    let object = text(["object", "value"])?;
    Some((format!("{subject} {predicate}"), object))
}

/// The words of a text in lower case, signs at their ends left out.
fn words_of(text: &str) -> Vec<String> {
    let words = text
        .split_whitespace()
        .take(WORDS_MAX + 1)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

/// What two texts have in common around one value in which they differ, and both values.
fn framed(older: &[String], newer: &[String]) -> Option<(String, String, String)> {
    let before = older.iter().zip(newer).take_while(|(a, b)| a == b).count();
    let rest = older.len().min(newer.len()) - before;
    let both_ways = older.iter().rev().zip(newer.iter().rev()).take(rest);
    let after = both_ways.take_while(|(a, b)| a == b).count();
    let value = |words: &[String]| words[before..words.len() - after].to_vec();
    let (was, is) = (value(older), value(newer));
    let frame = before + after;
    let is_short = |value: &[String]| (1..=VALUE_MAX).contains(&value.len());
    let is_statement = before >= SUBJECT_MIN && frame >= FRAME_MIN;
    // A frame that is no longer than the values is a way of speaking, and no subject.
    let says_enough = frame >= was.len().max(is.len());
    if !is_statement || !says_enough || !is_short(&was) || !is_short(&is) {
        return None;
    }
    Some((older[..before].join(" "), was.join(" "), is.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(older: &str, newer: &str, expected: Option<(&str, &str, &str)>) {
        let found = framed(&words_of(older), &words_of(newer));
        let found = found.as_ref().map(|(a, b, c)| (&**a, &**b, &**c));
        assert_eq!(found, expected, "{older:?}, {newer:?}");
    }

    #[test]
    fn texts_that_differ_in_one_value_have_one_subject() {
        check(
            "The reply is due on 14 March.",
            "The reply is due on 21 March",
            Some(("the reply is due on", "14", "21")),
        );
        check(
            "Ada lives in Paris",
            "Ada lives in New York",
            Some(("ada lives in", "paris", "new york")),
        );
        check("Ada lives in Paris", "Bob lives in Paris", None);
        check("Ada likes tea", "Ada hates rain and snow", None);
        check("The reply is late", "The reply is late", None);
        check("", "", None);
    }

    #[test]
    fn a_fact_has_subject_predicate_and_object() {
        let fact = r#"{"subject": "Ada", "predicate": "lives in", "object": "Paris"}"#;
        assert_eq!(fact_of(fact), Some(("Ada lives in".into(), "Paris".into())));
        assert_eq!(fact_of(r#"{"entity": "Ada", "field": "age", "value": 36}"#).unwrap().1, "36");
        for other in ["Ada", "{", "[]", "{}", r#"{"subject": "Ada"}"#] {
            assert_eq!(fact_of(other), None, "{other}");
        }
    }
}
