//! One layer of settings: a name, and a tree.

use serde_json::Value;

use super::schema::{Schema, SettingType};
use super::{Tree, parts, put};
use crate::base::error::Result;

/// Settings of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    pub(super) name: String,
    pub(super) tree: Tree,
}

impl Layer {
    /// A layer of that name; people read it, as in `file /etc/app.toml`.
    pub fn new(name: impl Into<String>, tree: Tree) -> Self {
        Self { name: name.into(), tree }
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its tree.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Sets one value.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a key with an empty part.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Result<Self> {
        put(&mut self.tree, &parts(key)?, value.into());
        Ok(self)
    }

    /// The layer of variables whose names begin with `prefix`. Which are there is up to the caller:
    /// `std::env::vars_os` for a program, without those that are no text.
    ///
    /// A name without the prefix is a key of the schema in capitals, with `_` for its dots:
    /// `APP_LOG_MAX_SIZE` is `log.max_size` where that is a key, and else `log.max.size`. Two
    /// underscores always are a dot. A value is read as JSON where that works and the schema does
    /// not say that it is a text.
    ///
    /// ```
    /// use engraph::config::{KeySpec, Layer, Schema, SettingType};
    ///
    /// let schema = Schema::new().key(KeySpec::new("log.max_size", SettingType::Integer));
    /// let vars = [("APP_LOG_MAX_SIZE", "5"), ("HOME", "/"), ("APP_A__B_C", "text")];
    /// let layer = Layer::environment("APP_", vars, &schema);
    /// assert_eq!(layer.tree()["log"]["max_size"], 5);
    /// assert_eq!(layer.tree()["a"]["b_c"], "text");
    /// assert_eq!(layer.tree().len(), 2);
    /// ```
    pub fn environment<N: AsRef<str>, V: AsRef<str>>(
        prefix: &str,
        variables: impl IntoIterator<Item = (N, V)>,
        schema: &Schema,
    ) -> Self {
        let mut layer = Self::new("environment", Tree::new());
        let mut variables: Vec<(String, String)> = variables
            .into_iter()
            .filter_map(|(name, value)| {
                let name = name.as_ref().strip_prefix(prefix)?;
                Some((name.to_ascii_lowercase(), value.as_ref().to_owned()))
            })
            .collect();
        // In an order that does not change: a shorter name must not replace what a longer one set.
        variables.sort();
        for (name, text) in variables {
            let spec = schema.keys().iter().find(|spec| spec.key.replace('.', "_") == name);
            let key = match spec {
                Some(spec) => spec.key.clone(),
                None if name.contains("__") => name.replace("__", "."),
                None => name.replace('_', "."),
            };
            let Ok(parts) = parts(&key) else { continue };
            let is_text = spec.is_some_and(|spec| spec.setting_type == SettingType::Text);
            let json = if is_text { None } else { serde_json::from_str(&text).ok() };
            put(&mut layer.tree, &parts, json.unwrap_or(Value::String(text)));
        }
        layer
    }
}
