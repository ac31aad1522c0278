//! Random values of any record type, from a seed: a serde deserializer without input, which makes
//! up what a type asks for.

use serde::de::value::Error;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, Visitor};
use serde::forward_to_deserialize_any;

/// Pieces that texts are made of: blanks, quotes, controls, and some outside ASCII.
const PIECES: [&str; 12] =
    ["a", "Zed", "0", " ", "\"", "\\", "\n", "\0", "%_", "\u{e9}", "\u{4e2d}\u{feff}", "\u{1f600}"];

/// A stream of random numbers (`SplitMix64`), and of whatever can be made of them.
#[derive(Debug)]
pub(crate) struct Random(u64, Floats);

/// Which floats are made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Floats {
    Any,
    Finite,
}

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed, Floats::Any)
    }

    /// The stream of a seed, without floats that JSON has no form for.
    pub(crate) fn finite(seed: u64) -> Self {
        Self(seed, Floats::Finite)
    }

    /// A random value of a type that says what it wants.
    pub(crate) fn value<T: DeserializeOwned>(&mut self) -> T {
        T::deserialize(self).unwrap()
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }

    fn text(&mut self) -> String {
        let pieces = if self.below(10) == 0 { 600 } else { 6 + self.below(9) };
        (0..pieces).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }

    fn integer(&mut self) -> i64 {
        match self.below(5) {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => self.number().cast_signed(),
            _ => i64::from(self.number() as i16),
        }
    }

    /// Never NaN, which is equal to nothing.
    fn float(&mut self) -> f64 {
        match self.below(5) {
            0 => -0.0,
            1 if self.1 == Floats::Any => f64::NEG_INFINITY,
            2 => f64::MIN_POSITIVE,
            _ => self.integer() as f64 / 64.0,
        }
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
        visitor.visit_i64(self.integer())
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u32((self.number() >> 32) as u32)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(self.number())
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.float())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_byte_buf(visitor)
    }

    /// Whole 32-bit numbers, since that is what bytes stand for in records.
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = 4 * self.below(40);
        visitor.visit_byte_buf((0..length).map(|_| self.number() as u8).collect())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.below(4) == 0 { visitor.visit_none() } else { visitor.visit_some(self) }
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
        visitor.visit_seq(Items { random: self, left })
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

/// So many items more.
struct Items<'r> {
    random: &'r mut Random,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
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
