//! Settings that are kept in the store: texts under dotted keys, each with the type it is read as.

use std::ops::Deref;

use serde_json::Value;

use super::{Reader, at_most, named};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::limits::CONFIG_KEY_CHARS_MAX;
use crate::config::{self, FromSetting as _, Layer, Tree};
use crate::record::{ConfigValue, ValueType};
use crate::store::{ReadTx, WriteTx};

/// The settings of a store. Made by [`ReadTx::config`] and [`WriteTx::config`].
///
/// ```
/// use engraph::Store;
/// use engraph::config::{Schema, Settings};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// store.write(|tx| tx.config().set("vectors.dimension", 384))?;
///
/// let settings = Settings::new(Schema::new());
/// settings.load([store.read()?.config().layer()?]);
/// assert_eq!(settings.get::<i64>("vectors.dimension")?, 384);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Config<T> {
    tx: T,
}

impl ReadTx {
    /// The settings of the store, to look at.
    pub fn config(&self) -> Config<&Self> {
        Config { tx: self }
    }
}

impl WriteTx<'_> {
    /// The settings of the store.
    pub fn config(&mut self) -> Config<&mut Self> {
        Config { tx: self }
    }
}

/// What a stored text says. A text that is not of its type is given out as it is.
fn value_of(record: &ConfigValue) -> Value {
    let Some(text) = &record.value else { return Value::Null };
    let as_is = Value::from(text.as_str());
    match &record.value_type {
        Some(ValueType::Int) => i64::from_setting(&as_is).map_or(as_is, Value::from),
        Some(ValueType::Float) => f64::from_setting(&as_is).map_or(as_is, Value::from),
        Some(ValueType::Bool) => bool::from_setting(&as_is).map_or(as_is, Value::from),
        Some(ValueType::Json) => serde_json::from_str(text).unwrap_or(as_is),
        _ => as_is,
    }
}

fn stored(value: &Value) -> (Option<String>, ValueType) {
    let value_type = match value {
        Value::String(text) => return (Some(text.clone()), ValueType::String),
        Value::Null => return (None, ValueType::String),
        Value::Bool(_) => ValueType::Bool,
        Value::Number(number) if number.is_i64() => ValueType::Int,
        Value::Number(_) => ValueType::Float,
        Value::Array(_) | Value::Object(_) => ValueType::Json,
    };
    (Some(value.to_string()), value_type)
}

impl<T: Deref<Target: Reader>> Config<T> {
    /// The value of a key, `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when it does not decode.
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.find(key)?.map(|(_, record)| value_of(&record)))
    }

    /// The record of a key, with description and time.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn find(&self, key: &str) -> Result<Option<(NodeId, ConfigValue)>> {
        self.tx.find("key", key)
    }

    /// Every setting, in the order in which they were first set.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn list(&self) -> Result<Vec<(NodeId, ConfigValue)>> {
        self.tx.iter()?.collect()
    }

    /// All of them as a layer named `store`. A key that is none is left out.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn layer(&self) -> Result<Layer> {
        let mut layer = Layer::new("store", Tree::new());
        for (_, record) in self.list()? {
            if config::parts(&record.key).is_ok() {
                layer = layer.with(&record.key, value_of(&record))?;
            }
        }
        Ok(layer)
    }
}

impl Config<&mut WriteTx<'_>> {
    /// Sets a key, for good. What is known of it besides stays.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a key with an empty part,
    /// [`Error::Limit`](crate::Error::Limit) for a long one.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<NodeId> {
        named("key", key)?;
        config::parts(key)?;
        at_most("key", key, CONFIG_KEY_CHARS_MAX)?;
        let (value, value_type) = stored(&value.into());
        let updated_at = Some(self.tx.now());
        match self.find(key)? {
            Some((id, old)) => {
                let value_type = Some(value_type);
                if old.value == value && old.value_type == value_type {
                    return Ok(id);
                }
                self.tx.put(id, &ConfigValue { value, value_type, updated_at, ..old })?;
                Ok(id)
            }
            None => self.tx.insert(&ConfigValue {
                key: key.to_owned(),
                value,
                value_type: Some(value_type),
                description: None,
                updated_at,
            }),
        }
    }

    /// Says what a key is for. Tells whether it is there.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn describe(&mut self, key: &str, description: &str) -> Result<bool> {
        let Some((id, old)) = self.find(key)? else { return Ok(false) };
        let description = Some(description.to_owned());
        self.tx.put(id, &ConfigValue { description, ..old })?;
        Ok(true)
    }

    /// Takes a key out. Tells whether it was there.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        match self.find(key)? {
            Some((id, _)) => self.tx.delete(id),
            None => Ok(false),
        }
    }
}
