//! Tags: which there are, which files have them, and rules that give them by themselves.
//!
//! A tag of a file is named by its category and name; giving it again changes it. Rules run where a
//! file or document is added or changed through its family, inside the same write; what they gave
//! is marked with [`RULE_AUTHOR`], and only that do they take back. Rules are made ready once and
//! kept until a definition changes.

mod apply;
mod default;
mod query;
mod rule;

use std::ops::Deref;

use super::{Reader, existing, named, object};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{Document, FileTag, TagDefinition};
use crate::store::{ReadTx, WriteTx};
pub use apply::RulesApplied;
pub use query::{NewFileTag, NewTagDefinition, TagQuery};
use rule::Rules;
pub use rule::{Comparison, FieldTest, TagField, TagRule};

/// The author of tags that rules gave.
pub const RULE_AUTHOR: &str = "rule";
/// Longest name and category, in characters, as the old application has it for documents.
const NAME_CHARACTERS_MAX: usize = 100;

/// Tags of a transaction. Made by [`ReadTx::tags`] and [`WriteTx::tags`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::{NewFile, NewTagDefinition, TagQuery, TagRule};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let file = store.write(|tx| {
///     let rule = TagRule::Glob("cases/**/*.pdf".into());
///     tx.tags().define(NewTagDefinition::new("type", "exhibit").rule(rule))?;
///     tx.files().put(NewFile::new("cases/7/photo.pdf"))
/// })?;
/// let tags = store.read()?.tags().list(&TagQuery::new().file(file))?;
/// assert_eq!(tags[0].1.tag_name, "exhibit");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tags<T> {
    tx: T,
}

impl ReadTx {
    /// Tags, to look at.
    pub fn tags(&self) -> Tags<&Self> {
        Tags { tx: self }
    }
}

impl WriteTx<'_> {
    /// Tags.
    pub fn tags(&mut self) -> Tags<&mut Self> {
        Tags { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Tags<T> {
    /// The definition of a tag.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn definition(
        &self,
        category: &str,
        name: &str,
    ) -> Result<Option<(NodeId, TagDefinition)>> {
        self.tx.find("category_name", (category, name))
    }

    /// Every definition, or those of a category, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn definitions(&self, category: Option<&str>) -> Result<Vec<(NodeId, TagDefinition)>> {
        let all = self.tx.iter::<TagDefinition>()?;
        let is_met = |one: &TagDefinition| category.is_none_or(|word| one.category == word);
        all.filter(|row| row.as_ref().map_or(true, |(_, one)| is_met(one))).collect()
    }

    /// Definitions whose rule or pattern cannot be read, and why: imported ones may hold any text.
    /// They give no tags.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a definition does not decode.
    pub fn refused_rules(&self) -> Result<Vec<(NodeId, Error)>> {
        Ok(Rules::refused(self.definitions(None)?))
    }

    /// Tags of files. Walks the index of the file, the name or the category, the first of these
    /// that is given, and reads what the other filters leave out too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &TagQuery) -> Result<Vec<(NodeId, FileTag)>> {
        let rows = match (query.file, &query.name, &query.category) {
            (Some(file), ..) => self.tx.index::<FileTag>("file", (Some(file),))?,
            (None, Some(name), _) => self.tx.index("name", (name,))?,
            (None, None, Some(category)) => self.tx.index("category", (category,))?,
            (None, None, None) => self.tx.index("category", ())?,
        };
        let met = rows.filter(|row| row.as_ref().map_or(true, |(_, tag)| query.is_met(tag)));
        met.take(query.limit).collect()
    }

    /// Category and name of every tag that a file has, with how many files have it. Reads every
    /// tag.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn counts(&self) -> Result<Vec<(String, String, u64)>> {
        let mut counts: Vec<(String, String, u64)> = Vec::new();
        for row in self.tx.index::<FileTag>("category", ())? {
            let (_, tag) = row?;
            match counts.last_mut() {
                Some((category, name, count))
                    if *category == tag.tag_category && *name == tag.tag_name =>
                {
                    *count += 1;
                }
                _ => counts.push((tag.tag_category, tag.tag_name, 1)),
            }
        }
        Ok(counts)
    }
}

impl Tags<&mut WriteTx<'_>> {
    /// Defines a tag and returns its id. Files that are there already get it by
    /// [`Tags::apply_to_all`].
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the category has a tag of that name; [`Error::Invalid`] for an
    /// empty or too long name, a colour that is none, or a rule that cannot be asked;
    /// [`Error::Limit`] when all patterns together are too large.
    pub fn define(&mut self, new: NewTagDefinition) -> Result<NodeId> {
        let record = self.checked_definition(new)?;
        let id = self.tx.insert(&record)?;
        self.rules()?;
        Ok(id)
    }

    /// Replaces a definition, all of it but the time when it was made. Tags that it gave stay until
    /// rules are applied again.
    ///
    /// # Errors
    /// As [`Tags::define`]; [`Error::NotFound`] when it is absent.
    pub fn redefine(&mut self, id: NodeId, new: NewTagDefinition) -> Result<()> {
        let old: TagDefinition = existing(&*self.tx, id)?;
        let mut record = self.checked_definition(new)?;
        record.created_at = old.created_at;
        self.tx.put(id, &record)?;
        self.rules().map(drop)
    }

    /// Removes a definition. Tells whether it was there. Tags that files have stay.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn undefine(&mut self, id: NodeId) -> Result<bool> {
        if self.tx.get::<TagDefinition>(id)?.is_none() {
            return Ok(false);
        }
        self.tx.delete(id)
    }

    /// Defines the tags that the old applications define by default, where they are not defined
    /// yet, and returns how many were new.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a definition does not decode.
    pub fn seed(&mut self) -> Result<usize> {
        let mut count = 0;
        for mut definition in default::definitions() {
            if self.definition(&definition.category, &definition.tag_name)?.is_none() {
                definition.created_at = Some(self.tx.now());
                self.tx.insert(&definition)?;
                count += 1;
            }
        }
        self.rules()?;
        Ok(count)
    }

    /// Gives a file a tag and returns the tag's id. One of that category and name that it has
    /// already is changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file is absent or no file; [`Error::Invalid`] for an empty or
    /// too long name or category, a confidence outside 0 to 1, an end that has passed, or metadata
    /// that is no object.
    pub fn assign(&mut self, new: NewFileTag) -> Result<NodeId> {
        let NewFileTag { mut record } = new;
        let file = record.file.ok_or_else(|| Error::not_found("file record", "none"))?;
        if self.subject(file)?.is_none() || self.tx.get::<Document>(file)?.is_some() {
            return Err(Error::not_found("file record", file));
        }
        bounded("tag_name", &record.tag_name)?;
        bounded("tag_category", &record.tag_category)?;
        record.metadata = object("metadata", record.metadata)?;
        super::share("confidence", record.confidence)?;
        let now = self.tx.now();
        if record.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::invalid("expires_at", "it has passed"));
        }
        record.created_at = Some(now);
        match self.find(file, &record.tag_category, &record.tag_name)? {
            None => self.tx.insert(&record),
            Some((id, old)) => {
                record.created_at = old.created_at;
                record.file_path = old.file_path;
                self.tx.put(id, &record)?;
                Ok(id)
            }
        }
    }

    /// As [`Tags::assign`] for each, all or none: the first fault ends the write's work.
    ///
    /// # Errors
    /// As there.
    pub fn assign_all(&mut self, new: impl IntoIterator<Item = NewFileTag>) -> Result<Vec<NodeId>> {
        new.into_iter().map(|tag| self.assign(tag)).collect()
    }

    /// Takes a tag from a file, however often the file has it. Tells whether it had it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a tag does not decode.
    pub fn remove(&mut self, file: NodeId, category: &str, name: &str) -> Result<bool> {
        let mut removed = false;
        while let Some((id, _)) = self.find(file, category, name)? {
            removed |= self.tx.delete(id)?;
        }
        Ok(removed)
    }

    /// Removes the tags whose time has passed, oldest first, at most `limit` of them, and returns
    /// how many.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn remove_expired(&mut self, limit: usize) -> Result<usize> {
        let now = self.tx.now();
        let rows = self.tx.index::<FileTag>("expires", ())?;
        let expired = |tag: &FileTag| tag.expires_at.is_some_and(|end| end <= now);
        let until = rows.take_while(|row| row.as_ref().map_or(true, |(_, tag)| expired(tag)));
        let ids = until.take(limit).map(|row| row.map(|(id, _)| id)).collect::<Result<Vec<_>>>()?;
        for id in &ids {
            self.tx.delete(*id)?;
        }
        Ok(ids.len())
    }

    fn find(&self, file: NodeId, category: &str, name: &str) -> Result<Option<(NodeId, FileTag)>> {
        let rows = self.tx.index::<FileTag>("file", (Some(file), name))?;
        for row in rows {
            let (id, tag) = row?;
            if tag.tag_category == category && tag.tag_name == name {
                return Ok(Some((id, tag)));
            }
        }
        Ok(None)
    }

    fn checked_definition(&self, new: NewTagDefinition) -> Result<TagDefinition> {
        let NewTagDefinition { mut record, rule } = new;
        bounded("category", &record.category)?;
        bounded("tag_name", &record.tag_name)?;
        if record.color_hex.as_ref().is_some_and(|color| !is_color(color)) {
            return Err(Error::invalid("color_hex", "it is not of the form #RRGGBB"));
        }
        if let Some(pattern) = &record.auto_assign_pattern {
            rule::check(&TagRule::Regex(pattern.clone()))?;
        }
        if let Some(rule) = &rule {
            rule::check(rule)?;
            record.auto_assign_rules = Some(Json::of(rule)?);
        }
        record.created_at = Some(self.tx.now());
        Ok(record)
    }
}

/// A name or category that says something and is not too long.
fn bounded(field: &str, text: &str) -> Result<()> {
    named(field, text)?;
    let found = text.chars().count();
    if found > NAME_CHARACTERS_MAX {
        let reason = format!("{found} characters, {NAME_CHARACTERS_MAX} are allowed");
        return Err(Error::invalid(field, reason));
    }
    Ok(())
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}
