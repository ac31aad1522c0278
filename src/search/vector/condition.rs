//! Filters over what a record says about itself, for readers that the text index does not follow.
//! The same records meet a filter here and in the index.

use std::ops::{Bound, RangeBounds as _};

use super::super::Filter;
use super::super::schema::walk_attributes;
use crate::base::id::Kind;
use crate::base::limits::ATTRIBUTE_TERMS_MAX;
use crate::record::Facts;

/// Whether a record meets a filter. One that says no text and no keyword meets none, as it is in no
/// index.
pub(crate) fn meets(filter: &Filter, kind: Kind, facts: &Facts<'_>) -> bool {
    let is_indexed = !facts.texts.is_empty() || !facts.keywords.is_empty();
    is_indexed && holds(filter, kind, facts)
}

fn holds(filter: &Filter, kind: Kind, facts: &Facts<'_>) -> bool {
    match filter {
        Filter::Kinds(kinds) => kinds.contains(&kind),
        Filter::Keyword { field, value } => {
            facts.keywords.iter().any(|(name, word)| name == field && word == value)
        }
        Filter::Attribute { path, value } => has_attribute(facts, path, value),
        Filter::Time { field, from, to } => {
            facts.times.iter().any(|(name, time)| name == field && (*from, *to).contains(time))
        }
        Filter::Number { field, from, to } => facts
            .numbers
            .iter()
            .any(|(name, number)| name == field && number.is_finite() && lies(*number, from, to)),
        Filter::Any(filters) => filters.iter().any(|filter| holds(filter, kind, facts)),
        Filter::All(filters) => filters.iter().all(|filter| holds(filter, kind, facts)),
        Filter::Not(filter) => !holds(filter, kind, facts),
    }
}

fn lies(number: f64, from: &Bound<f64>, to: &Bound<f64>) -> bool {
    (*from, *to).contains(&number)
}

fn has_attribute(facts: &Facts<'_>, path: &str, value: &str) -> bool {
    let Some(json) = facts.attributes else { return false };
    let Ok(object @ serde_json::Value::Object(_)) = json.to_value() else { return false };
    let (mut left, mut found) = (ATTRIBUTE_TERMS_MAX, false);
    walk_attributes(&mut String::new(), &object, &mut |other, spelling| {
        if left > 0 {
            left -= 1;
            found |= other == path && spelling == value;
        }
    });
    found
}
