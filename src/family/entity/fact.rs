//! Facts: subject, predicate, object, and when they held.

use super::{Direction, Entities, Relation};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::store::WriteTx;

/// A fact to be stated: a relation between two entities, with the time in which it holds.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewFact {
    relation: Relation,
    is_only: bool,
}

impl NewFact {
    /// A fact that holds at all times.
    pub fn new(subject: NodeId, predicate: impl Into<String>, object: NodeId) -> Self {
        let relation = Relation {
            source: Some(subject),
            target: Some(object),
            relation_type: predicate.into(),
            ..Relation::default()
        };
        Self { relation, is_only: false }
    }

    /// Sets since when it holds.
    pub fn valid_from(mut self, time: Timestamp) -> Self {
        self.relation.valid_from = Some(time);
        self
    }

    /// Sets until when it holds, that time excluded.
    pub fn valid_to(mut self, time: Timestamp) -> Self {
        self.relation.valid_to = Some(time);
        self
    }

    /// Sets how sure it is, 0 to 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.relation.confidence = Some(confidence);
        self
    }

    /// The subject has one object of this predicate at a time: what held until then ends when this
    /// begins, or with the write where it has no beginning.
    pub fn only(mut self) -> Self {
        self.is_only = true;
        self
    }
}

impl Relation {
    /// Whether it holds at a time. Without bounds it does at all times.
    #[must_use]
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }
}

impl Entities<&mut WriteTx<'_>> {
    /// States a fact and returns its relation. One that says the same of the same time is not
    /// stated twice.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an end before its beginning or a confidence outside 0 to 1; else as
    /// [`Entities::create_relation`].
    pub fn state(&mut self, fact: NewFact) -> Result<NodeId> {
        let NewFact { mut relation, is_only } = fact;
        crate::family::share("confidence", relation.confidence)?;
        if let (Some(from), Some(to)) = (relation.valid_from, relation.valid_to)
            && to <= from
        {
            return Err(Error::invalid("valid_to", format!("{to} is not after {from}")));
        }
        let now = self.tx.now();
        let subject = relation.source.unwrap_or(NodeId::from_u64(0));
        let known = self.relations_of(subject, Direction::Out)?.into_iter();
        let mut known: Vec<(NodeId, Relation)> = known
            .filter(|(_, known)| {
                known.source == relation.source && known.relation_type == relation.relation_type
            })
            .collect();
        let says_the_same = |known: &Relation| {
            let times = (known.valid_from, known.valid_to);
            known.target == relation.target && times == (relation.valid_from, relation.valid_to)
        };
        if let Some((id, _)) = known.iter().find(|(_, known)| says_the_same(known)) {
            return Ok(*id);
        }
        if is_only {
            let begins = relation.valid_from.unwrap_or(now);
            relation.valid_from = Some(begins);
            known.retain(|(_, known)| known.is_valid(begins) && known.valid_from != Some(begins));
            for (id, mut old) in known {
                old.valid_to = Some(begins);
                old.updated_at = Some(now);
                self.tx.put(id, &old)?;
            }
        }
        self.create_relation(&relation)
    }
}

macro_rules! reads {
    ($type:ty) => {
        impl Entities<$type> {
            /// The facts of which an entity is the subject, that hold at a time, by id; those of
            /// one predicate where one is given.
            ///
            /// # Errors
            /// As [`Entities::get`].
            pub fn facts_at(
                &mut self,
                subject: NodeId,
                predicate: Option<&str>,
                time: Timestamp,
            ) -> Result<Vec<(NodeId, Relation)>> {
                let mut found = self.relations_of(subject, Direction::Out)?;
                found.retain(|(_, relation)| {
                    relation.source == Some(subject)
                        && relation.is_valid(time)
                        && predicate.is_none_or(|predicate| relation.relation_type == predicate)
                });
                Ok(found)
            }
        }
    };
}
reads!(&crate::store::ReadTx);
reads!(&mut WriteTx<'_>);
