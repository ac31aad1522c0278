//! What a record type asks for, field by field, learned from its own `Deserialize`.
//!
//! With it a cell can be judged before it is handed to serde, where one cell that does not fit
//! would fail the whole record.

use serde::de::value::{Error as Refused, StrDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::base::error::{Error, Result};

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Text, also JSON and words of a closed list.
    Text,
    /// A signed number; also a time, in microseconds.
    Integer,
    /// An unsigned number; also a node.
    Unsigned,
    /// A floating-point number.
    Real,
    /// A truth value.
    Bool,
    /// Bytes; also an embedding.
    Bytes,
    /// Something that no cell holds.
    Other,
}

/// A field of a record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) want: Want,
    /// Whether it can be empty.
    pub(crate) optional: bool,
}

/// The fields of a record type, in order.
pub(crate) fn fields_of<T: DeserializeOwned>() -> Result<Vec<Field>> {
    let mut fields = Vec::new();
    T::deserialize(Record { fields: &mut fields })
        .map(drop)
        .map_err(|error| Error::invalid("record type", error.to_string()))?;
    Ok(fields)
}

/// Stands for a record.
struct Record<'f> {
    fields: &'f mut Vec<Field>,
}

impl<'de> Deserializer<'de> for Record<'_> {
    type Error = Refused;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_map(Fields { names, fields: self.fields })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Refused> {
        Err(Refused::custom("a record is a struct with named fields"))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Hands every field of a record out, and notes what it takes.
struct Fields<'f> {
    names: &'static [&'static str],
    fields: &'f mut Vec<Field>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        let Some(name) = self.names.get(self.fields.len()) else { return Ok(None) };
        self.fields.push(Field { name, want: Want::Other, optional: false });
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        let field =
            self.fields.last_mut().ok_or_else(|| Refused::custom("a value before a key"))?;
        seed.deserialize(Probe(field))
    }
}

/// Stands for the value of a field.
struct Probe<'f>(&'f mut Field);

macro_rules! wants {
    ($($method:ident => $want:ident, $visit:ident, $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            self.0.want = Want::$want;
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Refused;

    wants! {
        deserialize_bool => Bool, visit_bool, false;
        deserialize_i8 => Integer, visit_i64, 0;
        deserialize_i16 => Integer, visit_i64, 0;
        deserialize_i32 => Integer, visit_i64, 0;
        deserialize_i64 => Integer, visit_i64, 0;
        deserialize_u8 => Unsigned, visit_u64, 0;
        deserialize_u16 => Unsigned, visit_u64, 0;
        deserialize_u32 => Unsigned, visit_u64, 0;
        deserialize_u64 => Unsigned, visit_u64, 0;
        deserialize_f32 => Real, visit_f64, 0.0;
        deserialize_f64 => Real, visit_f64, 0.0;
        deserialize_str => Text, visit_str, "";
        deserialize_string => Text, visit_str, "";
        deserialize_bytes => Bytes, visit_bytes, &[];
        deserialize_byte_buf => Bytes, visit_bytes, &[];
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.0.optional = true;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_seq(serde::de::value::SeqDeserializer::new(std::iter::empty::<u8>()))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Refused> {
        Err(Refused::custom(format!("field {} takes what no cell holds", self.0.name)))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        char unit unit_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::NodeId;
    use crate::base::json::Json;
    use crate::base::time::Timestamp;
    use crate::record::Record;
    use crate::record::registry::{Visit, visit_built_in};
    use serde::Deserialize;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        name: String,
        size: Option<i64>,
        share: f64,
        done: Option<bool>,
        parent: Option<NodeId>,
        at: Timestamp,
        extra: Option<Json>,
        words: Vec<String>,
    }

    #[test]
    fn a_type_tells_its_fields() {
        let found = fields_of::<Sample>().unwrap();
        let found: Vec<_> = found.iter().map(|f| (f.name, f.want, f.optional)).collect();
        assert_eq!(
            found,
            [
                ("name", Want::Text, false),
                ("size", Want::Integer, true),
                ("share", Want::Real, false),
                ("done", Want::Bool, true),
                ("parent", Want::Unsigned, true),
                ("at", Want::Integer, false),
                ("extra", Want::Text, true),
                ("words", Want::Other, false),
            ]
        );
    }

    #[test]
    fn every_built_in_type_tells_its_fields() {
        struct All(usize);
        impl Visit for All {
            fn visit<T: Record + PartialEq + std::fmt::Debug>(&mut self) {
                assert!(!fields_of::<T>().unwrap().is_empty(), "{}", T::NAME);
                self.0 += 1;
            }
        }
        let mut all = All(0);
        visit_built_in(&mut all);
        assert!(all.0 > 50);
    }
}
