//! Embeddings: 32-bit floats kept as the bytes they came as.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of one value.
const WIDTH: usize = size_of::<f32>();

/// An embedding: 32-bit floats as raw little-endian bytes.
///
/// Binary formats hold the bytes, so that every bit survives, also of values that are no numbers.
/// Human-readable formats show an array of numbers; what no JSON number can say is written as
/// `"NaN"`, `"inf"` or `"-inf"` there.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Vector(Vec<u8>);

impl Vector {
    /// The embedding of these values.
    #[must_use]
    pub fn from_slice(values: &[f32]) -> Self {
        values.iter().copied().collect()
    }

    /// Takes raw little-endian bytes. `None` when their number is no multiple of 4.
    #[must_use]
    pub fn from_le_bytes(bytes: Vec<u8>) -> Option<Self> {
        bytes.len().is_multiple_of(WIDTH).then_some(Self(bytes))
    }

    /// The raw little-endian bytes.
    #[must_use]
    pub fn as_le_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number of values.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.0.len() / WIDTH
    }

    /// The values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.0.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
    }

    /// The values as a vector of their own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f32> {
        self.iter().collect()
    }
}

impl FromIterator<f32> for Vector {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        Self(values.into_iter().flat_map(f32::to_le_bytes).collect())
    }
}

impl From<&[f32]> for Vector {
    fn from(values: &[f32]) -> Self {
        Self::from_slice(values)
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serde_bytes::serialize(&self.0, serializer);
        }
        let mut seq = serializer.serialize_seq(Some(self.dimension()))?;
        for value in self.iter() {
            if value.is_finite() {
                seq.serialize_element(&value)?;
            } else {
                seq.serialize_element(&value.to_string())?;
            }
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_seq(Values);
        }
        let bytes: Vec<u8> = serde_bytes::deserialize(deserializer)?;
        let length = bytes.len();
        Self::from_le_bytes(bytes).ok_or_else(|| {
            D::Error::custom(format!("{length} bytes are no whole number of 32-bit floats"))
        })
    }
}

/// Reads the array of numbers of a human-readable format.
struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Vector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vector, A::Error> {
        let mut bytes = Vec::new();
        while let Some(Value(value)) = seq.next_element()? {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        Ok(Vector(bytes))
    }
}

/// One value of that array: a number, or the text of what is none.
struct Value(f32);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyNumber;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "the nearest 32-bit float is what an embedding holds"
        )]
        impl Visitor<'_> for AnyNumber {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
                Ok(Value(value as f32))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
                Ok(Value(value as f32))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
                Ok(Value(value as f32))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
                text.parse().map(Value).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(AnyNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::codec;

    #[test]
    fn binary_formats_keep_every_bit() {
        let odd = f32::from_bits(0x7fa0_0001);
        let vector = Vector::from_slice(&[0.1, -0.0, f32::INFINITY, odd]);
        let bytes = codec::encode(&vector).unwrap();
        assert!(bytes.len() < 24, "raw bytes, not an array");
        assert_eq!(codec::decode::<Vector>(&bytes).unwrap(), vector);
        assert_eq!(vector.dimension(), 4);
        assert_eq!(vector.to_vec()[3].to_bits(), odd.to_bits());
    }

    #[test]
    fn human_readable_formats_show_numbers() {
        let vector = Vector::from_slice(&[0.1, -2.0, f32::NEG_INFINITY, 1e-40]);
        let text = serde_json::to_string(&vector).unwrap();
        assert_eq!(text, r#"[0.1,-2.0,"-inf",1e-40]"#);
        assert_eq!(serde_json::from_str::<Vector>(&text).unwrap(), vector);
        assert_eq!(serde_json::from_str::<Vector>("[1, -1]").unwrap().to_vec(), [1.0, -1.0]);
        assert!(serde_json::from_str::<Vector>("[null]").is_err());
    }

    #[test]
    fn a_broken_length_is_refused() {
        assert_eq!(Vector::from_le_bytes(vec![0; 7]), None);
        let bytes = codec::encode(serde_bytes::Bytes::new(&[0; 7])).unwrap();
        assert!(codec::decode::<Vector>(&bytes).is_err());
        assert_eq!(Vector::from_le_bytes(vec![]).unwrap().dimension(), 0);
    }
}
