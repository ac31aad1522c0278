//! The fields of a record as plain values, for comparing two versions and for writing cells.

use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeStruct, Serializer};

use crate::base::codec;
use crate::base::error::{Error, Result};

/// The value of one field.
#[derive(Clone, Debug)]
pub(crate) enum Scalar {
    /// A signed number; also a time, in microseconds.
    Integer(i64),
    /// An unsigned number; also a node.
    Unsigned(u64),
    /// A floating-point number.
    Real(f64),
    /// A truth value.
    Bool(bool),
    /// Text, also JSON and words of a closed list.
    Text(String),
    /// Bytes; also an embedding.
    Bytes(Vec<u8>),
    /// A value that no cell holds, encoded.
    Other(Vec<u8>),
}

impl PartialEq for Scalar {
    /// Same kind and same bits.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Unsigned(a), Self::Unsigned(b)) => a == b,
            (Self::Real(a), Self::Real(b)) => a.to_bits() == b.to_bits(),
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) | (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }
}

/// The fields of a record that have a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scalars(Vec<(&'static str, Scalar)>);

impl Scalars {
    /// The fields of `record`.
    pub(crate) fn of<T: Serialize>(record: &T) -> Result<Self> {
        record
            .serialize(Record)
            .map_err(|error| Error::invalid("record", format!("has no cells: {error}")))
    }

    /// The value of a field. `None` when it is empty.
    pub(crate) fn get(&self, field: &str) -> Option<&Scalar> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    /// The fields in order.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (&'static str, Scalar)> {
        self.0.iter()
    }
}

/// Why a value has no plain form.
#[derive(Debug)]
struct NotPlain(String);

impl std::fmt::Display for NotPlain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotPlain {}

impl serde::ser::Error for NotPlain {
    fn custom<T: std::fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// Declares the methods of a serializer that refuse what it does not take.
macro_rules! refuse {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Self::Ok, NotPlain> {
            Err(NotPlain::custom(stringify!($method)))
        }
    )*};
}

macro_rules! refuse_compound {
    () => {
        type SerializeSeq = Impossible<Self::Ok, NotPlain>;
        type SerializeTuple = Impossible<Self::Ok, NotPlain>;
        type SerializeTupleStruct = Impossible<Self::Ok, NotPlain>;
        type SerializeTupleVariant = Impossible<Self::Ok, NotPlain>;
        type SerializeMap = Impossible<Self::Ok, NotPlain>;
        type SerializeStructVariant = Impossible<Self::Ok, NotPlain>;

        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, NotPlain> {
            Err(NotPlain::custom("a sequence"))
        }

        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NotPlain> {
            Err(NotPlain::custom("a tuple"))
        }

        fn serialize_tuple_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, NotPlain> {
            Err(NotPlain::custom("a tuple"))
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, NotPlain> {
            Err(NotPlain::custom("a variant"))
        }

        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NotPlain> {
            Err(NotPlain::custom("a map"))
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, NotPlain> {
            Err(NotPlain::custom("a variant"))
        }

        fn serialize_newtype_variant<T: ?Sized + Serialize>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, NotPlain> {
            Err(NotPlain::custom("a variant"))
        }

        fn is_human_readable(&self) -> bool {
            false
        }
    };
}

/// Takes a record apart.
struct Record;

impl Serializer for Record {
    type Ok = Scalars;
    type Error = NotPlain;
    type SerializeStruct = Fields;

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields, NotPlain> {
        Ok(Fields(Scalars(Vec::with_capacity(length))))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Scalars, NotPlain> {
        value.serialize(self)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Scalars, NotPlain> {
        value.serialize(self)
    }

    refuse! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }
    refuse_compound!();
}

/// Collects the fields of a record.
struct Fields(Scalars);

impl SerializeStruct for Fields {
    type Ok = Scalars;
    type Error = NotPlain;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotPlain> {
        let scalar = if let Ok(scalar) = value.serialize(Plain) {
            scalar
        } else {
            let bytes = codec::encode(value).map_err(|error| NotPlain(error.to_string()))?;
            Some(Scalar::Other(bytes))
        };
        self.0.0.extend(scalar.map(|scalar| (name, scalar)));
        Ok(())
    }

    fn end(self) -> Result<Scalars, NotPlain> {
        Ok(self.0)
    }
}

/// Takes the value of a field, where it is a plain one.
struct Plain;

macro_rules! plain {
    ($($method:ident($type:ty) => $variant:ident;)*) => {$(
        fn $method(self, value: $type) -> Result<Self::Ok, NotPlain> {
            Ok(Some(Scalar::$variant(value.into())))
        }
    )*};
}

impl Serializer for Plain {
    type Ok = Option<Scalar>;
    type Error = NotPlain;
    type SerializeStruct = Impossible<Self::Ok, NotPlain>;

    plain! {
        serialize_bool(bool) => Bool;
        serialize_i8(i8) => Integer;
        serialize_i16(i16) => Integer;
        serialize_i32(i32) => Integer;
        serialize_i64(i64) => Integer;
        serialize_u8(u8) => Unsigned;
        serialize_u16(u16) => Unsigned;
        serialize_u32(u32) => Unsigned;
        serialize_u64(u64) => Unsigned;
        serialize_f32(f32) => Real;
        serialize_f64(f64) => Real;
        serialize_char(char) => Text;
        serialize_str(&str) => Text;
        serialize_bytes(&[u8]) => Bytes;
    }

    fn serialize_none(self) -> Result<Self::Ok, NotPlain> {
        Ok(None)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Self::Ok, NotPlain> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, NotPlain> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, NotPlain> {
        Ok(Some(Scalar::Text(variant.to_owned())))
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, NotPlain> {
        Err(NotPlain::custom("a struct"))
    }

    refuse! {
        serialize_unit();
        serialize_unit_struct(&'static str);
    }
    refuse_compound!();
}
