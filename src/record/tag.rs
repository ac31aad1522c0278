//! Tags of files, and the definitions that say which tags there are.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// A tag that can be given, with its look and its rule.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagDefinition {
    /// Group of the tag, for example `type` or `status`.
    pub category: String,
    /// Name of the tag; unique within the category.
    pub tag_name: String,
    /// What it means.
    pub description: Option<String>,
    /// Colour as `#RRGGBB`.
    pub color_hex: Option<String>,
    /// Name of an icon.
    pub icon_name: Option<String>,
    /// Regular expression over paths: files that match get the tag.
    pub auto_assign_pattern: Option<String>,
    /// A rule as JSON: files and documents that meet it get the tag. The old application has the
    /// column and reads nothing from it.
    pub auto_assign_rules: Option<Json>,
    /// When it was defined.
    pub created_at: Option<Timestamp>,
}

impl Record for TagDefinition {
    const NAME: &'static str = "tag_definition";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("category_name", (&self.category, &self.tag_name));
        facts.index("name", &self.tag_name);
        facts.text("name", self.tag_name.as_str());
        facts.text("description", self.description.as_deref());
        facts.keyword("category", self.category.as_str());
        facts.time("created", self.created_at);
    }
}

/// One tag of a file; the same tag may be given more than once.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileTag {
    /// The file.
    pub file: Option<NodeId>,
    /// Path of the file, where the source names it by path.
    pub file_path: Option<String>,
    /// Name of the tag.
    pub tag_name: String,
    /// Group of the tag: `type`, `status`, `priority`, `module`, `risk`, `custom`.
    pub tag_category: String,
    /// Value.
    pub tag_value: Option<String>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// Who gave it: `system`, `user`, `ai`, a trigger or a model.
    pub created_by: Option<String>,
    /// When it was given.
    pub created_at: Option<Timestamp>,
    /// When it ends, for tags that do.
    pub expires_at: Option<Timestamp>,
    /// What else is known: a JSON object.
    pub metadata: Option<Json>,
}

impl Record for FileTag {
    const NAME: &'static str = "file_tag";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("file", (self.file, &self.tag_name));
        if let Some(file_path) = &self.file_path {
            facts.index("path", (file_path, &self.tag_name));
        }
        facts.index("name", (&self.tag_name, self.created_at));
        facts.index("category", (&self.tag_category, &self.tag_name));
        if let Some(expires_at) = self.expires_at {
            facts.index("expires", expires_at);
        }
        facts.link("file", self.file);
        facts.keyword("tag", self.tag_name.as_str());
        facts.keyword("category", self.tag_category.as_str());
        facts.text("value", self.tag_value.as_deref());
        facts.time("created", self.created_at);
        facts.attributes(self.metadata.as_ref());
    }
}
