//! The knowledge graph: entities with names and types, and relations between them.
//!
//! Entities and relations are records; a relation states the edge between its two ends, so that
//! walks, paths and algorithms of [`graph`](crate::graph) see it as one. Names that are given here
//! count up with the keys of the records and are never given twice. Deleting an entity deletes the
//! relations that lead to it or from it. Entities that turn out to be one are merged: the one that
//! is merged stays, names the other, and can be taken out again.
//!
//! ```
//! use engraph::Store;
//! use engraph::record::Entity;
//!
//! # let dir = tempfile::tempdir()?;
//! let store = Store::create(dir.path().join("case.engraph"))?;
//! let (case, court) = store.write(|tx| {
//!     let case = tx.entities().create(&Entity::named("Smith v Jones", "Case"))?;
//!     let court = tx.entities().create(&Entity::named("High Court", "Court"))?;
//!     tx.entities().relate(case, "decided_by", court)?;
//!     Ok((case, court))
//! })?;
//! let tx = store.read()?;
//! assert_eq!(tx.entities().find_by_name(" high court ")?.map(|(id, _)| id), Some(court));
//! assert_eq!(tx.graph().shortest_path(case, court)?.map(|path| path.edges.len()), Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fact;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::graph::{Direction, Neighbor};
use crate::record::{Entity, Record as _, Relation};
use crate::store::{IndexScan, ReadTx, WriteTx};
pub use fact::NewFact;
pub use resolve::SameEntity;

/// Types of the links from a relation to an end, where the other end is unknown.
const END_LINKS: [&str; 2] = ["source", "target"];

impl Entity {
    /// An entity of that name and type.
    #[must_use]
    pub fn named(name: impl Into<String>, entity_type: impl Into<String>) -> Self {
        Self { name: name.into(), entity_type: entity_type.into(), ..Self::default() }
    }
}

/// Entities and relations of a transaction. Made by [`ReadTx::entities`] and
/// [`WriteTx::entities`].
#[derive(Debug)]
pub struct Entities<T> {
    tx: T,
}

/// How many entities and relations there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EntityCounts {
    /// All entities.
    pub entities: u64,
    /// All relations.
    pub relations: u64,
    /// Entities by type.
    pub entity_types: BTreeMap<String, u64>,
    /// Relations by type.
    pub relation_types: BTreeMap<String, u64>,
}

impl ReadTx {
    /// Entities and the relations between them.
    #[must_use]
    pub fn entities(&self) -> Entities<&Self> {
        Entities { tx: self }
    }

    fn edges_around(&self, node: NodeId, direction: Direction) -> Result<Vec<Neighbor>> {
        self.graph().neighbors(node, direction)
    }
}

impl WriteTx<'_> {
    /// Entities and the relations between them, as this write sees them.
    #[must_use]
    pub fn entities(&mut self) -> Entities<&mut Self> {
        Entities { tx: self }
    }

    fn edges_around(&mut self, node: NodeId, direction: Direction) -> Result<Vec<Neighbor>> {
        self.neighbors(node, direction)
    }
}

/// What can be asked, written once for readers and writers.
macro_rules! reads {
    ($type:ty) => {
        impl Entities<$type> {
            /// The entity `id`.
            ///
            /// # Errors
            /// [`Error::Corrupt`] when the stored value does not decode.
            pub fn get(&self, id: NodeId) -> Result<Option<Entity>> {
                self.tx.get(id)
            }

            /// The entity with that `entity_id`: those made here first, then those imported.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn find(&self, entity_id: &str) -> Result<Option<(NodeId, Entity)>> {
                self.tx.find("entity_id", entity_id)
            }

            /// The entities with exactly that name, oldest first.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn with_name(&self, name: &str) -> Result<IndexScan<'_, Entity>> {
                self.tx.index("name", name)
            }

            /// The entities of a type, by name.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn of_type(&self, entity_type: &str) -> Result<IndexScan<'_, Entity>> {
                self.tx.index("type", entity_type)
            }

            /// The oldest entity whose name is `name`, blanks around it and upper and lower case
            /// aside. One that is spelled exactly so comes first and is found by the index;
            /// without one every entity is looked at.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn find_by_name(&self, name: &str) -> Result<Option<(NodeId, Entity)>> {
                if let Some(found) = self.with_name(name.trim())?.next() {
                    return found.map(Some);
                }
                let wanted = folded(name);
                for entity in self.tx.iter::<Entity>()? {
                    let (id, entity) = entity?;
                    if folded(&entity.name) == wanted {
                        return Ok(Some((id, entity)));
                    }
                }
                Ok(None)
            }

            /// Up to `limit` entities in the order in which they were made, from the one behind
            /// `after` on.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn list(
                &self,
                after: Option<NodeId>,
                limit: usize,
            ) -> Result<Vec<(NodeId, Entity)>> {
                let entities = match after {
                    Some(after) => self.tx.iter_after(after)?,
                    None => self.tx.iter()?,
                };
                entities.take(limit).collect()
            }

            /// The relation `id`.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn relation(&self, id: NodeId) -> Result<Option<Relation>> {
                self.tx.get(id)
            }

            /// The relation with that `relation_id`, those made here first.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn find_relation(&self, relation_id: &str) -> Result<Option<(NodeId, Relation)>> {
                self.tx.find("relation_id", relation_id)
            }

            /// Up to `limit` relations in the order in which they were made, from the one behind
            /// `after` on.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn list_relations(
                &self,
                after: Option<NodeId>,
                limit: usize,
            ) -> Result<Vec<(NodeId, Relation)>> {
                let relations = match after {
                    Some(after) => self.tx.iter_after(after)?,
                    None => self.tx.iter()?,
                };
                relations.take(limit).collect()
            }

            /// The relations that lead from an entity, to it, or both, by id. One from an entity
            /// to itself is there once.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn relations_of(
                &mut self,
                entity: NodeId,
                direction: Direction,
            ) -> Result<Vec<(NodeId, Relation)>> {
                let kind = self.tx.kind_of::<Relation>()?;
                let mut ids = BTreeSet::new();
                for edge in self.tx.edges_around(entity, direction)? {
                    ids.extend(edge.edge.stated_by().filter(|id| id.kind() == kind));
                }
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    let relation = self.tx.get(id)?;
                    let missing = || Error::corrupt("table adjacency", format!("{id} is gone"));
                    found.push((id, relation.ok_or_else(missing)?));
                }
                Ok(found)
            }

            /// Counts entities and relations by type. Looks at every one.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn counts(&self) -> Result<EntityCounts> {
                let mut counts = EntityCounts::default();
                for entity in self.tx.iter::<Entity>()? {
                    counts.entities += 1;
                    *counts.entity_types.entry(entity?.1.entity_type).or_default() += 1;
                }
                for relation in self.tx.iter::<Relation>()? {
                    counts.relations += 1;
                    *counts.relation_types.entry(relation?.1.relation_type).or_default() += 1;
                }
                Ok(counts)
            }
        }
    };
}
reads!(&ReadTx);
reads!(&mut WriteTx<'_>);

impl Entities<&mut WriteTx<'_>> {
    /// Writes a new entity. Without an `entity_id` it gets one that was never given before;
    /// without times those of this write.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it has no name; [`Error::AlreadyExists`] when its `entity_id` is
    /// taken.
    pub fn create(&mut self, entity: &Entity) -> Result<NodeId> {
        if entity.name.trim().is_empty() {
            return Err(Error::invalid("name", "an entity needs a name"));
        }
        let mut entity = entity.clone();
        entity.created_at.get_or_insert(self.tx.now());
        entity.updated_at.get_or_insert(self.tx.now());
        let id = self.tx.insert(&entity)?;
        if entity.entity_id.is_empty() {
            entity.entity_id = free_name("ent", id, |name| Ok(self.find(name)?.is_some()))?;
            self.tx.put(id, &entity)?;
        }
        Ok(id)
    }

    /// Changes an entity and returns it as written, the time of the change set.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; what `change` returns; else as [`Entities::create`].
    pub fn update(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut Entity) -> Result<()>,
    ) -> Result<Entity> {
        let now = self.tx.now();
        self.tx.update(id, |entity: &mut Entity| {
            change(entity)?;
            if entity.name.trim().is_empty() {
                return Err(Error::invalid("name", "an entity needs a name"));
            }
            entity.updated_at = Some(now);
            Ok(())
        })
    }

    /// Deletes an entity, the relations that lead to it or from it, and its edges. Tells how many
    /// relations went with it; `None` when it was not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `id` is no entity.
    pub fn delete(&mut self, id: NodeId) -> Result<Option<u64>> {
        check_kind(id, self.tx.kind_of::<Entity>()?, Entity::NAME)?;
        if !self.tx.contains(id)? {
            return Ok(None);
        }
        let kind = self.tx.kind_of::<Relation>()?;
        let mut relations = BTreeSet::new();
        for edge in self.tx.neighbors(id, Direction::Both)? {
            let is_half = edge.edge.is_link() && END_LINKS.contains(&&*edge.edge_type);
            let stated = edge.edge.stated_by().or(is_half.then_some(edge.node));
            relations.extend(stated.filter(|relation| relation.kind() == kind));
        }
        for relation in &relations {
            self.tx.delete(*relation)?;
        }
        self.tx.delete(id)?;
        Ok(Some(relations.len() as u64))
    }

    /// Writes a relation of that type between two entities.
    ///
    /// # Errors
    /// As [`Entities::create_relation`].
    pub fn relate(
        &mut self,
        source: NodeId,
        relation_type: &str,
        target: NodeId,
    ) -> Result<NodeId> {
        self.create_relation(&Relation {
            source: Some(source),
            target: Some(target),
            relation_type: relation_type.to_owned(),
            ..Relation::default()
        })
    }

    /// Writes a new relation. Its `source` and `target` must be entities that are there. Without a
    /// `relation_id` it gets one that was never given before; without names of its ends those of
    /// the entities; without times those of this write.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it has no type or an end is not given or no entity;
    /// [`Error::NotFound`] when an end is absent; [`Error::AlreadyExists`] when its `relation_id`
    /// is taken.
    pub fn create_relation(&mut self, relation: &Relation) -> Result<NodeId> {
        if relation.relation_type.trim().is_empty() {
            return Err(Error::invalid("relation_type", "a relation needs a type"));
        }
        let mut relation = relation.clone();
        let source = self.end("source", relation.source)?;
        let target = self.end("target", relation.target)?;
        for (name, end) in [(&mut relation.source_id, source), (&mut relation.target_id, target)] {
            if name.is_empty() {
                *name = end.entity_id;
            }
        }
        relation.created_at.get_or_insert(self.tx.now());
        relation.updated_at.get_or_insert(self.tx.now());
        let id = self.tx.insert(&relation)?;
        if relation.relation_id.is_empty() {
            let is_taken = |name: &str| Ok(self.find_relation(name)?.is_some());
            relation.relation_id = free_name("rel", id, is_taken)?;
            self.tx.put(id, &relation)?;
        }
        Ok(id)
    }

    fn end(&self, field: &str, id: Option<NodeId>) -> Result<Entity> {
        let id = id.ok_or_else(|| Error::invalid(field, "a relation needs both ends"))?;
        check_kind(id, self.tx.kind_of::<Entity>()?, Entity::NAME)?;
        self.get(id)?.ok_or_else(|| Error::not_found(Entity::NAME, id))
    }

    /// Deletes a relation. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `id` is no relation.
    pub fn delete_relation(&mut self, id: NodeId) -> Result<bool> {
        check_kind(id, self.tx.kind_of::<Relation>()?, Relation::NAME)?;
        self.tx.delete(id)
    }
}

fn check_kind(id: NodeId, kind: crate::Kind, name: &str) -> Result<()> {
    if id.kind() == kind {
        return Ok(());
    }
    Err(Error::invalid("id", format!("{id} is no {name}")))
}

/// A name as it is compared.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A name from the key of a record, which is never given twice. Names that callers chose are
/// stepped over.
fn free_name(stem: &str, id: NodeId, is_taken: impl Fn(&str) -> Result<bool>) -> Result<String> {
    let first = format!("{stem}_{}", id.key());
    let mut name = first.clone();
    let mut number = 1;
    while is_taken(&name)? {
        number += 1;
        name = format!("{first}_{number}");
    }
    Ok(name)
}
