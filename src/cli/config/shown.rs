//! What of a value may be shown: nothing of a secret.

use engraph::config::{KeySpec, Schema};
use engraph::log::{REDACTED, is_secret_name};
use serde_json::Value;

/// The value without what is nobody's business. What the schema does not know may be a secret under
/// a mistyped name.
pub(super) fn masked(schema: &Schema, key: &str, value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Object(tree) => {
            let below = tree.into_iter().map(|(name, value)| {
                let value = masked(schema, &format!("{key}.{name}"), value);
                (name, value)
            });
            Value::Object(below.collect())
        }
        value if is_open(schema, key) => value,
        _ => REDACTED.into(),
    }
}

fn is_open(schema: &Schema, key: &str) -> bool {
    schema.find(key).is_some_and(|spec| !spec.is_secret()) && !is_secret_name(key)
}

/// Whether a value for a key is a secret, or has one in it.
pub(super) fn has_secret(schema: &Schema, key: &str, value: Option<&Value>) -> bool {
    let below = value.and_then(Value::as_object).into_iter().flatten();
    let mut below = below.map(|(name, value)| (format!("{key}.{name}"), value));
    schema.find(key).is_some_and(KeySpec::is_secret)
        || below.any(|(key, value)| has_secret(schema, &key, Some(value)))
}
