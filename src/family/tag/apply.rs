//! Giving files and documents what the rules give them, and taking back what they give no longer.

use std::sync::Arc;

use super::rule::{Given, Pieces, Rules, Subject};
use super::{RULE_AUTHOR, Tags};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::record::{
    CodeFile, Document, DocumentContent, DocumentTag, FileChunk, FileReview, FileTag, IndexedFile,
    Record, TagDefinition,
};
use crate::store::WriteTx;

/// Files that one step of applying rules to all of them holds in memory.
const APPLY_BATCH: usize = 1_000;

/// What the rules did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RulesApplied {
    /// Files and documents looked at.
    pub looked_at: u64,
    /// Tags given.
    pub given: u64,
    /// Tags that rules had given and do no longer give, taken back.
    pub taken_back: u64,
}

impl Tags<&mut WriteTx<'_>> {
    /// Asks the rules about one file or document, as it is now. What files and documents are added
    /// or changed through is asked already; this is for records that were put in by hand.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent, or no file or document.
    pub fn apply(&mut self, id: NodeId) -> Result<RulesApplied> {
        let rules = self.rules()?;
        let subject = self.subject(id)?.ok_or_else(|| Error::not_found("file record", id))?;
        let mut applied = RulesApplied::default();
        self.apply_rules(&rules, id, &*subject, &mut applied)?;
        Ok(applied)
    }

    /// Asks the rules about every file and document. One write: for very many files use
    /// [`Store::bulk`](crate::Store::bulk).
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something does not decode.
    pub fn apply_to_all(&mut self) -> Result<RulesApplied> {
        let mut applied = RulesApplied::default();
        self.apply_to_type::<IndexedFile>(&mut applied)?;
        self.apply_to_type::<CodeFile>(&mut applied)?;
        self.apply_to_type::<FileReview>(&mut applied)?;
        self.apply_to_type::<Document>(&mut applied)?;
        Ok(applied)
    }

    fn apply_to_type<R: Record + Subject>(&mut self, applied: &mut RulesApplied) -> Result<()> {
        let rules = self.rules()?;
        let mut after = NodeId::from_u64(0);
        loop {
            let next = self.tx.iter_after::<R>(after)?.take(APPLY_BATCH);
            let batch = next.collect::<Result<Vec<_>>>()?;
            let Some((last, _)) = batch.last() else { return Ok(()) };
            after = *last;
            for (id, record) in &batch {
                self.apply_rules(&rules, *id, record, applied)?;
            }
        }
    }

    /// The rules as this write sees them.
    pub(crate) fn rules(&mut self) -> Result<Arc<Rules>> {
        self.tx.derived::<TagDefinition, _>(|tx| {
            let definitions = tx.iter::<TagDefinition>()?.collect::<Result<Vec<_>>>()?;
            Rules::of(definitions, |text, options| tx.matcher(text, options))
        })
    }

    /// Gives a file or document that was just added what the rules give it.
    pub(crate) fn apply_to_new(&mut self, id: NodeId, subject: &dyn Subject) -> Result<()> {
        let rules = self.rules()?;
        if rules.is_empty() {
            return Ok(());
        }
        let is_document = id.kind() == self.tx.kind_of::<Document>()?;
        for given in rules.matching((id, subject), || self.pieces(id))? {
            self.give(id, is_document, given)?;
        }
        Ok(())
    }

    /// As [`Tags::apply`], for a file or document whose text was just changed.
    pub(crate) fn apply_to_changed_text(&mut self, id: NodeId) -> Result<()> {
        if !self.rules()?.ask_about_texts() {
            return Ok(());
        }
        self.apply(id).map(drop)
    }

    /// The text of a document, or of the chunks of a file in their order, with their titles.
    fn pieces(&self, id: NodeId) -> Result<Pieces> {
        let mut pieces = Pieces::new();
        if id.kind() == self.tx.kind_of::<Document>()? {
            for content in self.tx.index::<DocumentContent>("document", (Some(id),))? {
                pieces.extend(content?.1.content_text.map(|text| ("content", text)));
            }
        } else if id.kind() == self.tx.kind_of::<IndexedFile>()? {
            for (_, chunk) in self.tx.find_all::<FileChunk>("file_chunk", (id,))? {
                pieces.extend(chunk.title.map(|title| ("title", title)));
                pieces.push(("content", chunk.content));
            }
        }
        Ok(pieces)
    }

    /// Gives a file or document that was just changed what the rules give it, and takes back what
    /// they give no longer.
    pub(crate) fn apply_to_changed(&mut self, id: NodeId, subject: &dyn Subject) -> Result<()> {
        let rules = self.rules()?;
        self.apply_rules(&rules, id, subject, &mut RulesApplied::default())
    }

    fn apply_rules(
        &mut self,
        rules: &Rules,
        id: NodeId,
        subject: &dyn Subject,
        applied: &mut RulesApplied,
    ) -> Result<()> {
        applied.looked_at += 1;
        if id.kind() == self.tx.kind_of::<Document>()? {
            // A document's tags do not say who gave them, so none is taken back.
            for given in rules.matching((id, subject), || self.pieces(id))? {
                applied.given += u64::from(self.give(id, true, given)?);
            }
            return Ok(());
        }
        let tags = self.tx.index::<FileTag>("file", (Some(id),))?.collect::<Result<Vec<_>>>()?;
        let given = rules.matching((id, subject), || self.pieces(id))?;
        for given in &given {
            let is_same = |(_, tag): &(NodeId, FileTag)| {
                tag.tag_category == given.category && tag.tag_name == given.name
            };
            if !tags.iter().any(is_same) {
                applied.given += u64::from(self.give(id, false, given)?);
            }
        }
        for (tag_id, tag) in tags {
            let by_rule = tag.created_by.as_deref() == Some(RULE_AUTHOR);
            let is_given =
                |given: &&Given| given.category == tag.tag_category && given.name == tag.tag_name;
            if by_rule && !given.iter().any(is_given) {
                self.tx.delete(tag_id)?;
                applied.taken_back += 1;
            }
        }
        Ok(())
    }

    /// Tells whether the tag was new. A file is known not to have it.
    fn give(&mut self, id: NodeId, is_document: bool, given: &Given) -> Result<bool> {
        let now = Some(self.tx.now());
        if is_document {
            let name = given.name.to_lowercase();
            if self.tx.find::<DocumentTag>("document_tag", (id, &name))?.is_some() {
                return Ok(false);
            }
            let tag_value = Some(given.category.clone());
            let document = Some(id);
            let tag = DocumentTag { document, tag_name: name, tag_value, created_at: now };
            return self.tx.insert(&tag).map(|_| true);
        }
        let tag = FileTag {
            file: Some(id),
            tag_name: given.name.clone(),
            tag_category: given.category.clone(),
            confidence: Some(1.0),
            created_by: Some(RULE_AUTHOR.into()),
            created_at: now,
            ..FileTag::default()
        };
        self.tx.insert(&tag).map(|_| true)
    }

    /// The file or document `id`, to be asked about.
    pub(super) fn subject(&self, id: NodeId) -> Result<Option<Box<dyn Subject>>> {
        fn boxed<R: Subject + 'static>(record: R) -> Box<dyn Subject> {
            Box::new(record)
        }
        let tx = &*self.tx;
        Ok(if let Some(file) = tx.get::<IndexedFile>(id)? {
            Some(boxed(file))
        } else if let Some(file) = tx.get::<CodeFile>(id)? {
            Some(boxed(file))
        } else if let Some(file) = tx.get::<FileReview>(id)? {
            Some(boxed(file))
        } else {
            tx.get::<Document>(id)?.map(boxed)
        })
    }
}
