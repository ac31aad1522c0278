//! Merging a draft: field by field, so that what others changed meanwhile stays.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Drafts, FieldChange};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::family::named;
use crate::record::{DraftAction, DraftMemory, DraftStatus, Memory};
use crate::store::WriteTx;

/// Conflicts that a refusal names one by one.
const NAMED_MAX: usize = 5;

/// What merging does where somebody has changed the same field since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Nothing is merged.
    #[default]
    Refuse,
    /// The draft wins. A memory that is gone is written again.
    Overwrite,
}

/// What merging a draft did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// New memories, in the order of the draft.
    pub added: Vec<NodeId>,
    /// Memories that were changed.
    pub changed: Vec<NodeId>,
    /// Memories that were deleted.
    pub deleted: Vec<NodeId>,
}

impl Drafts<&mut WriteTx<'_>> {
    /// Makes the changes of a draft: in one write, all or none.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was decided before, or when somebody has changed the same fields
    /// since; [`Error::AlreadyExists`] when a name that it gives is taken; [`Error::NotFound`] when
    /// there is no such draft; [`Error::Invalid`] without a name of who does it.
    pub fn merge(
        &mut self,
        draft: NodeId,
        author: &str,
        on_conflict: OnConflict,
    ) -> Result<Merged> {
        named("author", author)?;
        self.open(draft)?;
        if on_conflict == OnConflict::Refuse {
            self.refuse_conflicts(draft)?;
        }
        let mut merged = Merged::default();
        for (_, item) in self.items(draft)? {
            self.merge_one(item, &mut merged)?;
        }
        self.decide(draft, author, DraftStatus::Merged)?;
        Ok(merged)
    }

    fn refuse_conflicts(&self, draft: NodeId) -> Result<()> {
        let changes = self.changes(draft)?;
        let conflicts: Vec<String> = changes
            .iter()
            .filter_map(|change| {
                let memory = change.memory.unwrap_or(change.id);
                change.conflict.as_ref().map(|reason| format!("{memory}: {reason}"))
            })
            .collect();
        if conflicts.is_empty() {
            return Ok(());
        }
        let more = conflicts.len().saturating_sub(NAMED_MAX);
        let mut named = conflicts;
        named.truncate(NAMED_MAX);
        if more > 0 {
            named.push(format!("and {more} more"));
        }
        Err(Error::conflict("merge", named.join("; ")))
    }

    fn merge_one(&mut self, item: DraftMemory, merged: &mut Merged) -> Result<()> {
        let now = self.tx.now();
        let Some(memory) = item.memory else {
            let Some(mut after) = memory_of(&item.after)? else { return Ok(()) };
            after.created_at = after.created_at.or(Some(now));
            after.updated_at = Some(now);
            merged.added.push(self.tx.insert(&after)?);
            return Ok(());
        };
        if item.action == DraftAction::Delete {
            if self.tx.delete(memory)? {
                merged.deleted.push(memory);
            }
            return Ok(());
        }
        let present: Option<Memory> = self.tx.get(memory)?;
        let (Some(before), Some(after)) = (memory_of(&item.before)?, memory_of(&item.after)?)
        else {
            return Ok(());
        };
        let changes = differing(Some(&before), Some(&after), None)?;
        let taken = changes.iter().map(|change| change.field.as_str()).collect();
        let base = match &present {
            Some(present) => codec::encode(present)?,
            None => item.before,
        };
        let joined: Memory = codec::decode(&codec::with_fields(&base, &item.after, &taken)?)?;
        if present.as_ref() != Some(&joined) {
            self.tx.put(memory, &Memory { updated_at: Some(now), ..joined })?;
            merged.changed.push(memory);
        }
        Ok(())
    }
}

/// A memory as a draft holds it, where it does.
pub(super) fn memory_of(bytes: &[u8]) -> Result<Option<Memory>> {
    if bytes.is_empty() { Ok(None) } else { codec::decode(bytes).map(Some) }
}

fn fields_of(memory: &Memory) -> Result<Map<String, Value>> {
    match serde_json::to_value(memory) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Error::invalid("memory", "it has no fields")),
        Err(error) => Err(Error::invalid("memory", error.to_string())),
    }
}

/// The fields that a draft changes; none where it deletes.
pub(super) fn differing(
    before: Option<&Memory>,
    after: Option<&Memory>,
    now: Option<&Memory>,
) -> Result<Vec<FieldChange>> {
    let Some(after) = after else { return Ok(Vec::new()) };
    // What a new memory leaves unsaid is no change.
    let unsaid = Memory::default();
    let before = fields_of(before.unwrap_or(&unsaid))?;
    let (after, now) = (fields_of(after)?, now.map(fields_of).transpose()?);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut found = Vec::new();
    for name in names {
        let value = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
        let (before, after) = (value(&before), value(&after));
        if before == after {
            continue;
        }
        let now = now.as_ref().map(value).filter(|now| *now != before && *now != after);
        found.push(FieldChange { field: name.clone(), before, after, now });
    }
    Ok(found)
}

/// Why a change cannot be merged as it is.
pub(super) fn conflict(
    (item, before): (&DraftMemory, Option<&Memory>),
    now: Option<&Memory>,
    fields: &[FieldChange],
) -> Option<String> {
    item.memory?;
    match (now, item.action == DraftAction::Delete) {
        (None, true) => None,
        (None, false) => Some("it was deleted since".to_owned()),
        (Some(now), true) => {
            (Some(now) != before).then(|| "it was changed since, and would be deleted".to_owned())
        }
        (Some(_), false) => {
            let both = fields.iter().filter(|field| field.now.is_some());
            let names: Vec<&str> = both.map(|field| field.field.as_str()).collect();
            (!names.is_empty()).then(|| format!("also changed since: {}", names.join(", ")))
        }
    }
}
