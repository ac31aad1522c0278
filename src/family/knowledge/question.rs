//! Questions that somebody should answer.

use std::ops::Deref;

use super::{Knowledge, Reader, existing, named, object_or_empty};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{KnowledgeQuestion, QuestionStatus};
use crate::store::WriteTx;

/// Who asks where nothing is said.
const ASKER_DEFAULT: &str = "taskmaster";

/// A question to be asked.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewQuestion {
    question: String,
    linked_term: Option<String>,
    asked_by: String,
    context: Option<Json>,
}

impl NewQuestion {
    /// A question of the task master.
    pub fn new(question: impl Into<String>) -> Self {
        let (question, asked_by) = (question.into(), ASKER_DEFAULT.to_owned());
        Self { question, linked_term: None, asked_by, context: None }
    }

    /// Sets the word that it is about.
    pub fn term(mut self, term: impl Into<String>) -> Self {
        self.linked_term = Some(term.into());
        self
    }

    /// Sets who asks.
    pub fn asked_by(mut self, source: impl Into<String>) -> Self {
        self.asked_by = source.into();
        self
    }

    /// Sets where it comes from, a JSON object; `{}` where none is given.
    pub fn context(mut self, context: Json) -> Self {
        self.context = Some(context);
        self
    }
}

impl<T: Deref<Target: Reader>> Knowledge<T> {
    /// The question `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when it does not decode.
    pub fn question(&self, id: NodeId) -> Result<Option<KnowledgeQuestion>> {
        self.tx.get(id)
    }

    /// Questions, of one state if one is given, newest first, `offset` left out and at most
    /// `limit`.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn questions(
        &self,
        status: Option<&QuestionStatus>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<(NodeId, KnowledgeQuestion)>> {
        let rows = match status {
            Some(status) => self.tx.index_descending("status", (status,))?,
            None => self.tx.index_descending("created", ())?,
        };
        rows.skip(offset).take(limit).collect()
    }

    /// The open question that asks the same: about the same term, or in the same words where it is
    /// about none, by the same asker.
    fn asked(&self, new: &NewQuestion) -> Result<Option<NodeId>> {
        let rows = match &new.linked_term {
            Some(term) => {
                self.tx.index::<KnowledgeQuestion>("term", (term, QuestionStatus::Open))?
            }
            None => self.tx.index("status", (QuestionStatus::Open,))?,
        };
        for row in rows {
            let (id, found) = row?;
            let is_same = match &new.linked_term {
                Some(_) => true,
                None => found.linked_term.is_none() && found.question == new.question,
            };
            if is_same && found.asked_by.as_deref() == Some(&new.asked_by) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

impl Knowledge<&mut WriteTx<'_>> {
    /// Asks, and returns the question; where the same asker has an open one about the same term,
    /// that one, as it is.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for an empty question, term or asker, or a context
    /// that is no object.
    pub fn ask(&mut self, mut new: NewQuestion) -> Result<NodeId> {
        named("question", &new.question)?;
        named("asked_by", &new.asked_by)?;
        if let Some(term) = &mut new.linked_term {
            named("linked_term", term)?;
            *term = term.trim().to_owned();
        }
        let context = object_or_empty("context", new.context.take())?;
        if let Some(id) = self.asked(&new)? {
            return Ok(id);
        }
        self.tx.insert(&KnowledgeQuestion {
            question: new.question,
            context,
            linked_term: new.linked_term,
            asked_by: Some(new.asked_by),
            created_at: Some(self.tx.now()),
            ..KnowledgeQuestion::default()
        })
    }

    /// Asks questions, all or none; they come in the same order.
    ///
    /// # Errors
    /// As [`Knowledge::ask`].
    pub fn ask_many(&mut self, new: Vec<NewQuestion>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|new| self.ask(new)).collect()
    }

    /// Answers a question, also one that has an answer, and returns it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when it is absent;
    /// [`Error::Invalid`](crate::Error::Invalid) for an empty answer.
    pub fn answer(&mut self, id: NodeId, answer: &str) -> Result<KnowledgeQuestion> {
        named("answer", answer)?;
        existing::<KnowledgeQuestion>(&*self.tx, id)?;
        let now = self.tx.now();
        self.tx.update(id, |question: &mut KnowledgeQuestion| {
            question.status = QuestionStatus::Answered;
            question.answer = Some(answer.to_owned());
            question.answered_at = Some(now);
            Ok(())
        })
    }
}
