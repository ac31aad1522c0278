//! Settings kept in a database.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, Record};
use crate::base::time::Timestamp;

text_enum! {
    /// How the text of a setting is read.
    ValueType {
        /// As it is.
        String = "string",
        /// As it is; the other spelling.
        Str = "str",
        /// As an integer.
        Int = "int",
        /// As a number.
        Float = "float",
        /// As a truth value.
        Bool = "bool",
        /// As JSON.
        Json = "json",
    }
}

/// One setting.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigValue {
    /// Name, dotted; the natural key.
    pub key: String,
    /// The value as text.
    pub value: Option<String>,
    /// How the text is read.
    pub value_type: Option<ValueType>,
    /// What it is for.
    pub description: Option<String>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for ConfigValue {
    const NAME: &'static str = "config_value";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("key", &self.key);
        facts.text("name", self.key.as_str());
        facts.text("description", self.description.as_deref());
        facts.time("updated", self.updated_at);
    }
}
