//! Marks: "this should have come", said once and tried again after every change.

use std::ops::Deref;

use serde::Serialize;

use super::answer::RecallFields;
use super::weights::RecallWeights;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::family::{Reader, named};
use crate::record::{Memory, RecallMark};
use crate::store::{ReadTx, Store, WriteTx};

/// Marks of what should be recalled. Made by `recall_marks` of a transaction.
#[derive(Debug)]
pub struct RecallMarks<T> {
    tx: T,
}

impl ReadTx {
    /// The marks of what should be recalled.
    #[must_use]
    pub fn recall_marks(&self) -> RecallMarks<&Self> {
        RecallMarks { tx: self }
    }
}

impl WriteTx<'_> {
    /// The marks of what should be recalled.
    #[must_use]
    pub fn recall_marks(&mut self) -> RecallMarks<&mut Self> {
        RecallMarks { tx: self }
    }
}

impl<T: Deref<Target: Reader>> RecallMarks<T> {
    /// Every mark, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self) -> Result<Vec<(NodeId, RecallMark)>> {
        self.tx.iter::<RecallMark>()?.collect()
    }
}

impl RecallMarks<&mut WriteTx<'_>> {
    /// Notes that a memory should be recalled by a question, asked in its namespace. The same mark
    /// again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such memory; [`Error::Invalid`] for an empty question.
    pub fn add(
        &mut self,
        question: &str,
        memory: NodeId,
        asked_at: Option<Timestamp>,
    ) -> Result<NodeId> {
        named("question", question)?;
        let Some(found) = self.tx.get::<Memory>(memory)? else {
            return Err(Error::not_found(<Memory as crate::record::Record>::NAME, memory));
        };
        let key = (found.namespace.as_str(), question, found.record_id.as_str());
        if let Some((id, _)) = self.tx.find::<RecallMark>("mark", key)? {
            return Ok(id);
        }
        let created_at = Some(self.tx.now());
        self.tx.insert(&RecallMark {
            question: question.to_owned(),
            namespace: found.namespace,
            memory: Some(memory),
            record_id: found.record_id,
            asked_at,
            agent_id: None,
            created_at,
        })
    }

    /// Takes a mark away. Says whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn remove(&mut self, mark: NodeId) -> Result<bool> {
        match self.tx.get::<RecallMark>(mark)? {
            Some(_) => self.tx.delete(mark),
            None => Ok(false),
        }
    }
}

/// What became of one mark.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MarkOutcome {
    /// The mark.
    pub mark: NodeId,
    /// Its question.
    pub question: String,
    /// The memory that should come.
    pub memory: Option<NodeId>,
    /// The place at which it comes, from 1 on; `None` when it is not among the first.
    pub rank: Option<usize>,
}

/// What became of all marks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecallCheck {
    /// Every mark, in the order of their ids.
    pub marks: Vec<MarkOutcome>,
    /// How many come within the first hits.
    pub come: usize,
}

impl Store {
    /// Tries every mark again: which memories come within the first `limit` hits, with these
    /// weights. Costs a recall a mark.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::family::RecallWeights;
    /// use engraph::record::Memory;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// store.write(|tx| {
    ///     let content = "Greta swears by Kafka.".to_owned();
    ///     let id = tx.insert(&Memory { record_id: "m-1".into(), content, ..Memory::default() })?;
    ///     tx.recall_marks().add("Which tool does Greta use?", id, None)
    /// })?;
    /// let check = store.check_recall(10, RecallWeights::default())?;
    /// assert_eq!((check.come, check.marks[0].rank), (1, Some(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Recall::run`](super::Recall::run).
    pub fn check_recall(&self, limit: usize, weights: RecallWeights) -> Result<RecallCheck> {
        let mut check = RecallCheck::default();
        for (mark, said) in self.read()?.recall_marks().list()? {
            let mut recall = self
                .recall(said.question.as_str())
                .namespace(said.namespace.as_str())
                .weights(weights)
                .fields(RecallFields::Ids)
                .limit(limit);
            if let Some(asked_at) = said.asked_at {
                recall = recall.asked_at(asked_at);
            }
            let hits = recall.run()?.hits;
            let comes = |hit: &super::RecallHit| {
                said.memory
                    .is_some_and(|memory| hit.id == memory || hit.near_duplicates.contains(&memory))
            };
            let rank = hits.iter().position(comes).map(|at| at + 1);
            check.come += usize::from(rank.is_some());
            let (question, memory) = (said.question, said.memory);
            check.marks.push(MarkOutcome { mark, question, memory, rank });
        }
        Ok(check)
    }
}
