//! Entities that are one: other names, suggestions which are the same, and merges that can be taken
//! back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::{Direction, Entities, Entity, Relation, folded};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::limits::ENTITY_COMPARED_MAX;
use crate::record::{MovedEnd, RelationEnd};
use crate::store::{ReadTx, WriteTx};

/// The type of the edge between entities that are two, whatever their names say.
const APART: &str = "different_from";
/// Names that are less alike are no evidence, whatever else two entities share.
const NAMES_MIN: f64 = 0.5;
/// Characters at the beginning of a name by which entities are looked up, besides its words.
const HEAD: usize = 4;

/// Two entities that may be one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SameEntity {
    /// The one with the smaller id.
    pub first: NodeId,
    /// The other one.
    pub second: NodeId,
    /// How alike their names are: the share of pairs of letters in common (Dice), 0 to 1; the best
    /// of all names and aliases.
    pub names: f64,
    /// The share of their neighbours that both have, 0 to 1.
    pub neighbors: f64,
    /// Both together: `names + (1 - names) * neighbors`.
    pub score: f64,
}

macro_rules! reads {
    ($type:ty) => {
        impl Entities<$type> {
            /// The entity of that name or other name, blanks around it and case aside; of one that
            /// was merged the one that it turned out to be. Names come before other names. A name
            /// that is not spelled exactly so costs a look at every entity.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn resolve(&self, name: &str) -> Result<Option<(NodeId, Entity)>> {
                let mut found = self.find_by_name(name)?;
                if found.is_none() {
                    found = self.tx.index("alias", folded(name))?.next().transpose()?;
                }
                let mut seen = BTreeSet::new();
                while let Some((id, entity)) = &found {
                    let Some(into) = entity.merged_into.filter(|_| seen.insert(*id)) else { break };
                    let Some(merged) = self.get(into)? else { break };
                    found = Some((into, merged));
                }
                Ok(found)
            }
        }
    };
}
reads!(&ReadTx);
reads!(&mut WriteTx<'_>);

impl Entities<&ReadTx> {
    /// Pairs of entities of one type that may be one, the likeliest first: with a word of their
    /// names or the beginning in common, and a score of at least `min`, 0.5 to 1. Merged ones and
    /// those that were told [apart](Entities::keep_apart) are left out. Reads every entity; of
    /// those that share a word compares each with the 64 before it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another threshold; else as [`Entities::get`].
    pub fn same(&self, min: f64) -> Result<Vec<SameEntity>> {
        if !(NAMES_MIN..=1.0).contains(&min) {
            return Err(Error::invalid("min", format!("{min} is not in {NAMES_MIN} to 1")));
        }
        let mut names: BTreeMap<NodeId, Vec<BTreeSet<(char, char)>>> = BTreeMap::new();
        let mut groups: HashMap<(String, String), Vec<NodeId>> = HashMap::new();
        let mut candidates = BTreeSet::new();
        for row in self.tx.iter::<Entity>()? {
            let (id, entity) = row?;
            if entity.merged_into.is_some() {
                continue;
            }
            let all: Vec<String> = std::iter::once(&entity.name)
                .chain(&entity.aliases)
                .map(|name| folded(name))
                .collect();
            for key in all.iter().flat_map(|name| keys_of(name)).collect::<BTreeSet<_>>() {
                let group = groups.entry((folded(&entity.entity_type), key)).or_default();
                let from = group.len().saturating_sub(ENTITY_COMPARED_MAX);
                candidates.extend(group[from..].iter().map(|other| (*other, id)));
                group.push(id);
            }
            names.insert(id, all.iter().map(|name| letters_of(name)).collect());
        }
        let mut found = Vec::new();
        for (first, second) in candidates {
            let (Some(a), Some(b)) = (names.get(&first), names.get(&second)) else { continue };
            let pairs = a.iter().flat_map(|a| b.iter().map(move |b| dice(a, b)));
            let names = pairs.fold(0.0, f64::max);
            if names < NAMES_MIN {
                continue;
            }
            let Some(neighbors) = self.shared_neighbors(first, second)? else { continue };
            let score = names + (1.0 - names) * neighbors;
            if score >= min {
                found.push(SameEntity { first, second, names, neighbors, score });
            }
        }
        found.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then((a.first, a.second).cmp(&(b.first, b.second)))
        });
        Ok(found)
    }

    /// The share of neighbours that both have; `None` where they were told apart.
    fn shared_neighbors(&self, first: NodeId, second: NodeId) -> Result<Option<f64>> {
        let around = |id| self.tx.graph().neighbors(id, Direction::Both);
        let (ours, theirs) = (around(first)?, around(second)?);
        if ours.iter().any(|near| near.node == second && &*near.edge_type == APART) {
            return Ok(None);
        }
        let ids = |around: Vec<crate::graph::Neighbor>| -> BTreeSet<NodeId> {
            around.into_iter().map(|near| near.node).collect()
        };
        let (ours, theirs) = (ids(ours), ids(theirs));
        let either = ours.union(&theirs).count();
        let both = ours.intersection(&theirs).count();
        Ok(Some(if either == 0 { 0.0 } else { both as f64 / either as f64 }))
    }
}

impl Entities<&mut WriteTx<'_>> {
    /// Writes an entity, or adds to the one of that name or other name and that type: what is given
    /// replaces what is there, another spelling becomes another name. Returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another name that is empty, a confidence or importance outside 0 to
    /// 1, or metadata that are no object; else as [`Entities::create`].
    pub fn upsert(&mut self, entity: &Entity) -> Result<NodeId> {
        entity.aliases.iter().try_for_each(|alias| crate::family::named("alias", alias))?;
        crate::family::share("confidence_score", entity.confidence_score)?;
        crate::family::share("importance_score", entity.importance_score)?;
        crate::family::object("metadata", entity.metadata.clone())?;
        let known = self.resolve(&entity.name)?;
        let is_type = |known: &Entity| folded(&known.entity_type) == folded(&entity.entity_type);
        let Some((id, old)) = known.filter(|(_, known)| is_type(known)) else {
            return self.create(entity);
        };
        let mut new = old.clone();
        let names = std::iter::once(&entity.name).chain(&entity.aliases);
        names.for_each(|name| add_name(&mut new, name));
        new.content = entity.content.clone().or(new.content);
        new.description = entity.description.clone().or(new.description);
        new.jurisdiction = entity.jurisdiction.clone().or(new.jurisdiction);
        new.metadata = entity.metadata.clone().or(new.metadata);
        new.confidence_score = entity.confidence_score.or(new.confidence_score);
        new.importance_score = entity.importance_score.or(new.importance_score);
        if new != old {
            new.updated_at = Some(self.tx.now());
            self.tx.put(id, &new)?;
        }
        Ok(id)
    }

    /// Gives an entity another name. Tells whether it did not have it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Invalid`] for an empty name.
    pub fn add_alias(&mut self, id: NodeId, alias: &str) -> Result<bool> {
        crate::family::named("alias", alias)?;
        let mut is_new = false;
        self.update(id, |entity| {
            let before = entity.aliases.len();
            add_name(entity, alias);
            is_new = entity.aliases.len() > before;
            Ok(())
        })?;
        Ok(is_new)
    }

    /// Notes that two entities are two, whatever their names say: they are not suggested as one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one is absent.
    pub fn keep_apart(&mut self, one: NodeId, other: NodeId) -> Result<()> {
        self.end("first", Some(one))?;
        self.end("second", Some(other))?;
        self.tx.link(one, APART, other).map(drop)
    }

    /// Merges an entity into another that it turned out to be: its relations lead to the other and
    /// from it, its names become other names of that. It stays, names the other in `merged_into`,
    /// and [`Entities::unmerge`] takes it out again. Tells how many ends of relations moved.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one is absent; [`Error::Conflict`] when both are one, or one was
    /// merged before.
    pub fn merge(&mut self, kept: NodeId, other: NodeId) -> Result<usize> {
        let (mut into, mut entity) =
            (self.end("kept", Some(kept))?, self.end("other", Some(other))?);
        let conflict = |reason: String| Err(Error::conflict(format!("entity {other}"), reason));
        if kept == other {
            return conflict("it cannot be merged into itself".to_owned());
        }
        for (id, merged) in [(other, entity.merged_into), (kept, into.merged_into)] {
            if let Some(merged) = merged {
                return conflict(format!("{id} was merged into {merged}"));
            }
        }
        entity.moved = Vec::new();
        for (relation, mut record) in self.relations_of(other, Direction::Both)? {
            for end in [RelationEnd::Source, RelationEnd::Target] {
                if move_end(&mut record, &end, other, (kept, &into.entity_id)) {
                    entity.moved.push(MovedEnd { relation, end });
                }
            }
            self.tx.put(relation, &record)?;
        }
        let names = std::iter::once(&entity.name).chain(&entity.aliases);
        names.for_each(|name| add_name(&mut into, name));
        let now = Some(self.tx.now());
        (into.updated_at, entity.updated_at, entity.merged_into) = (now, now, Some(kept));
        self.tx.put(kept, &into)?;
        self.tx.put(other, &entity)?;
        Ok(entity.moved.len())
    }

    /// Takes an entity out of the one that it was merged into: the relations that were its own are
    /// again, and its names are no longer other names of that. Relations that were deleted or moved
    /// on since stay as they are. Tells how many ends of relations moved back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it was not merged, or the
    /// one that it was merged into was merged itself since: take that out first.
    pub fn unmerge(&mut self, id: NodeId) -> Result<usize> {
        let mut entity = self.end("id", Some(id))?;
        let conflict = |reason: String| Err(Error::conflict(format!("entity {id}"), reason));
        let Some(kept) = entity.merged_into.take() else {
            return conflict("it was not merged".to_owned());
        };
        let into = self.get(kept)?;
        if let Some(merged) = into.as_ref().and_then(|into| into.merged_into) {
            return conflict(format!("{kept} was merged into {merged}"));
        }
        let mut moved = 0;
        for MovedEnd { relation, end } in std::mem::take(&mut entity.moved) {
            let Some(mut record) = self.relation(relation)? else { continue };
            if move_end(&mut record, &end, kept, (id, &entity.entity_id)) {
                self.tx.put(relation, &record)?;
                moved += 1;
            }
        }
        let now = Some(self.tx.now());
        if let Some(mut into) = into {
            let own: BTreeSet<String> = std::iter::once(&entity.name)
                .chain(&entity.aliases)
                .map(|name| folded(name))
                .collect();
            into.aliases.retain(|alias| !own.contains(&folded(alias)));
            into.updated_at = now;
            self.tx.put(kept, &into)?;
        }
        entity.updated_at = now;
        self.tx.put(id, &entity)?;
        Ok(moved)
    }
}

/// Adds another name, where an entity is not called so already.
fn add_name(entity: &mut Entity, name: &str) {
    let known = |known: &String| folded(known) == folded(name);
    if !known(&entity.name) && !entity.aliases.iter().any(known) && !name.trim().is_empty() {
        entity.aliases.push(name.trim().to_owned());
    }
}

/// Lets an end of a relation that is at `from` be at `to`. Tells whether it was there.
fn move_end(
    relation: &mut Relation,
    end: &RelationEnd,
    from: NodeId,
    (to, name): (NodeId, &str),
) -> bool {
    let (id, id_text) = match end {
        RelationEnd::Source => (&mut relation.source, &mut relation.source_id),
        RelationEnd::Target => (&mut relation.target, &mut relation.target_id),
        RelationEnd::Other(_) => return false,
    };
    if *id != Some(from) {
        return false;
    }
    *id = Some(to);
    name.clone_into(id_text);
    true
}

/// What entities are looked up by: the words of a name, and its first letters.
fn keys_of(folded: &str) -> impl Iterator<Item = String> {
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let head: String = folded.chars().filter(|c| c.is_alphanumeric()).take(HEAD).collect();
    words.map(ToOwned::to_owned).chain(Some(head)).collect::<Vec<_>>().into_iter()
}

/// The pairs of letters of a name, with its beginning and end.
fn letters_of(folded: &str) -> BTreeSet<(char, char)> {
    let letters: Vec<char> = std::iter::once(' ')
        .chain(folded.chars().filter(|c| c.is_alphanumeric()))
        .chain(Some(' '))
        .collect();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Twice what both have among what each has (Dice, 1945).
fn dice(one: &BTreeSet<(char, char)>, other: &BTreeSet<(char, char)>) -> f64 {
    let both = one.intersection(other).count();
    2.0 * both as f64 / (one.len() + other.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_are_more_alike_than_other_names() {
        let alike = |a: &str, b: &str| dice(&letters_of(&folded(a)), &letters_of(&folded(b)));
        assert!((alike("Smith v. Jones", "smith V Jones") - 1.0).abs() < f64::EPSILON);
        assert!(alike("Jonathan Miller", "Jonathon Miller") > 0.8);
        assert!(alike("High Court", "Supreme Court") < 0.7);
        assert!(alike("Ada", "Bob").abs() < f64::EPSILON);
    }
}
