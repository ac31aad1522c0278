//! Random values of any record type, from a seed; for tests.
//!
//! A serde deserializer without input: it makes up what a type asks for, so that one function
//! serves every record.

use serde::de::value::Error;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, Visitor};
use serde::forward_to_deserialize_any;

/// Characters that texts are made of: blanks, quotes, controls, and some outside ASCII.
const CHARACTERS: [char; 16] = [
    'a',
    'Z',
    '0',
    ' ',
    '"',
    '\'',
    '\\',
    '\n',
    '\0',
    '%',
    '_',
    '\u{7f}',
    '\u{e9}',
    '\u{4e2d}',
    '\u{feff}',
    '\u{1f600}',
];

/// A stream of random numbers (xorshift), and of whatever can be made of them.
#[derive(Debug)]
pub(crate) struct Random(u64);

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "any number will do"
)]
impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A random value of a type that says what it wants.
    pub(crate) fn value<T: DeserializeOwned>(&mut self) -> T {
        T::deserialize(self).unwrap()
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Small, large, negative and extreme numbers.
    fn number(&mut self) -> i64 {
        match self.below(6) {
            0 => 0,
            1 => i64::MIN,
            2 => i64::MAX,
            3 => self.next().cast_signed(),
            _ => i64::from(self.next() as i16),
        }
    }

    /// Numbers of every magnitude, also infinite ones; never NaN, which is equal to nothing.
    fn float(&mut self) -> f64 {
        match self.below(6) {
            0 => -0.0,
            1 => f64::INFINITY,
            2 => f64::MIN_POSITIVE,
            3 => {
                let bits = f64::from_bits(self.next());
                if bits.is_nan() { f64::NEG_INFINITY } else { bits }
            }
            _ => self.number() as f64 / 1_000.0,
        }
    }

    fn text(&mut self) -> String {
        let length = match self.below(12) {
            0 => 0,
            1 => 700 + self.below(100),
            _ => self.below(20),
        };
        (0..length).map(|_| CHARACTERS[self.below(CHARACTERS.len())]).collect()
    }
}

impl<'de> de::Deserializer<'de> for &mut Random {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.below(2) == 1)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i64(self.number())
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u32((self.next() >> 32) as u32)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(self.number().cast_unsigned())
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.float())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_byte_buf(visitor)
    }

    /// Whole 32-bit numbers, since that is what bytes stand for in records.
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = 4 * self.below(300);
        visitor.visit_byte_buf((0..length).map(|_| self.next().to_le_bytes()[7]).collect())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.below(3) == 0 { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.below(4);
        visitor.visit_seq(Several { random: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { random: self, names: fields })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 char str string unit unit_struct tuple tuple_struct map
        enum identifier ignored_any
    }
}

/// So many values more.
struct Several<'r> {
    random: &'r mut Random,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Several<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.random).map(Some)
    }
}

/// Every field of a struct, in order.
struct Fields<'r> {
    random: &'r mut Random,
    names: &'static [&'static str],
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some((name, rest)) = self.names.split_first() else { return Ok(None) };
        self.names = rest;
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(&mut *self.random)
    }
}

/// The names of the fields that a type reads.
pub(crate) fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    let refused = T::deserialize(Names(&mut found));
    assert!(refused.is_err(), "only the names are taken");
    found
}

/// Notes the field names of the first struct that is asked for, then refuses.
struct Names<'n>(&'n mut &'static [&'static str]);

impl<'de> de::Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(de::Error::custom("the names are noted"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Memory;

    #[test]
    fn the_same_seed_makes_the_same_record_and_another_one_another() {
        let [first, again, other]: [Memory; 3] = [3, 3, 4].map(|seed| Random::new(seed).value());
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert!(fields_of::<Memory>().contains(&"namespace"));
    }
}
