//! Tags to be defined and given, and which of them to list.

use super::rule::TagRule;
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::record::{FileTag, TagDefinition};

/// The category of a tag where none is said.
const CATEGORY_DEFAULT: &str = "custom";
/// Tags of a list where nothing is said.
const TAGS_DEFAULT: usize = 100;

/// A tag to be defined.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewTagDefinition {
    pub(super) record: TagDefinition,
    pub(super) rule: Option<TagRule>,
}

impl NewTagDefinition {
    /// A tag of a category, for example `type` or `status`.
    pub fn new(category: impl Into<String>, name: impl Into<String>) -> Self {
        let (category, tag_name) = (category.into(), name.into());
        Self {
            record: TagDefinition { category, tag_name, ..TagDefinition::default() },
            rule: None,
        }
    }

    /// Sets what it means.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.record.description = Some(text.into());
        self
    }

    /// Sets the colour, `#RRGGBB`.
    pub fn color(mut self, hex: impl Into<String>) -> Self {
        self.record.color_hex = Some(hex.into());
        self
    }

    /// Sets the name of an icon.
    pub fn icon(mut self, name: impl Into<String>) -> Self {
        self.record.icon_name = Some(name.into());
        self
    }

    /// Sets a regular expression: files whose path it matches get the tag. Besides a rule, either
    /// is enough.
    pub fn pattern(mut self, regex: impl Into<String>) -> Self {
        self.record.auto_assign_pattern = Some(regex.into());
        self
    }

    /// Sets a rule: files that meet it get the tag.
    pub fn rule(mut self, rule: TagRule) -> Self {
        self.rule = Some(rule);
        self
    }
}

/// A tag to be given to a file.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewFileTag {
    pub(super) record: FileTag,
}

impl NewFileTag {
    /// A tag of category `custom` for a file of the inventory, the code index or the review.
    pub fn new(file: NodeId, name: impl Into<String>) -> Self {
        Self {
            record: FileTag {
                file: Some(file),
                tag_name: name.into(),
                tag_category: CATEGORY_DEFAULT.into(),
                confidence: Some(1.0),
                created_by: Some("user".into()),
                ..FileTag::default()
            },
        }
    }

    /// Sets the category.
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.record.tag_category = category.into();
        self
    }

    /// Sets a value.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.record.tag_value = Some(value.into());
        self
    }

    /// Sets how sure it is, 0 to 1; 1 where nothing is said.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.record.confidence = Some(confidence);
        self
    }

    /// Sets who gives it; `user` where nothing is said.
    pub fn by(mut self, author: impl Into<String>) -> Self {
        self.record.created_by = Some(author.into());
        self
    }

    /// Sets when it ends.
    pub fn expires_at(mut self, time: Timestamp) -> Self {
        self.record.expires_at = Some(time);
        self
    }

    /// Sets details, a JSON object.
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.record.metadata = Some(metadata);
        self
    }
}

/// Which tags of files to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct TagQuery {
    pub(super) file: Option<NodeId>,
    pub(super) category: Option<String>,
    pub(super) name: Option<String>,
    valid_at: Option<Timestamp>,
    pub(super) limit: usize,
}

impl Default for TagQuery {
    fn default() -> Self {
        Self { file: None, category: None, name: None, valid_at: None, limit: TAGS_DEFAULT }
    }
}

impl TagQuery {
    /// 100 tags.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of a file, in the order of their names.
    pub fn file(mut self, file: NodeId) -> Self {
        self.file = Some(file);
        self
    }

    /// Only those of a category.
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Only those of a name, oldest first.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Leaves out those that have ended by then.
    pub fn valid_at(mut self, time: Timestamp) -> Self {
        self.valid_at = Some(time);
        self
    }

    /// Sets how many tags to list at most.
    pub fn limit(mut self, tags: usize) -> Self {
        self.limit = tags;
        self
    }

    pub(super) fn is_met(&self, tag: &FileTag) -> bool {
        self.category.as_ref().is_none_or(|category| *category == tag.tag_category)
            && self.name.as_ref().is_none_or(|name| *name == tag.tag_name)
            && self.file.is_none_or(|file| tag.file == Some(file))
            && self.valid_at.is_none_or(|time| tag.expires_at.is_none_or(|end| end > time))
    }
}
