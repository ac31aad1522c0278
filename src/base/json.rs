//! JSON kept as its text: what came in goes out letter by letter.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{Error, Result};

/// A JSON text, known to be well formed, kept letter by letter.
///
/// `MessagePack` holds the text; human-readable formats show the value itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(String);

impl Json {
    /// The JSON of a value, spelled as Python's `json.dumps` spells it by default, which is what
    /// the old application wrote.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the value has no JSON form, for example a map with keys that are no
    /// text.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, PythonStyle);
        value
            .serialize(&mut serializer)
            .map_err(|error| Error::invalid("json", error.to_string()))?;
        String::from_utf8(out).map(Self).map_err(|error| Error::invalid("json", error.to_string()))
    }

    /// Takes a text that is JSON already.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not, with the place of the first fault.
    pub fn from_text(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        serde_json::from_str::<serde::de::IgnoredAny>(&text)
            .map_err(|error| Error::invalid("json", error.to_string()))?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the text into a type.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the text does not have that shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0).map_err(|error| Error::invalid("json", error.to_string()))
    }

    /// The text as a generic value.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a number in it fits no type.
    pub fn to_value(&self) -> Result<serde_json::Value> {
        self.parse()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_str(&self.0);
        }
        match serde_json::from_str::<serde_json::Value>(&self.0) {
            Ok(value) => value.serialize(serializer),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return String::deserialize(deserializer).map(Self);
        }
        let value = serde_json::Value::deserialize(deserializer)?;
        Self::of(&value).map_err(serde::de::Error::custom)
    }
}

/// Separators with a blank, everything outside ASCII escaped, floats as Python spells them.
struct PythonStyle;

impl serde_json::ser::Formatter for PythonStyle {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        let mut units = [0_u16; 2];
        for character in fragment.chars() {
            if character.is_ascii() && character != '\x7f' {
                writer.write_all(&[character as u8])?;
            } else if character == '\x7f' {
                writer.write_all(b"\x7f")?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_f64<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        value: f64,
    ) -> std::io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }
}

/// The shortest spelling that reads back the same, as Python's `repr` lays it out.
fn python_float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(rest) => ('-', rest),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{value:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_python_spells_them() {
        let value = serde_json::json!({"a": [1, 1e-5, 1.0, 1e16, 0.1], "b": "\u{e9}\u{1f600}\n\""});
        assert_eq!(
            Json::of(&value).unwrap().as_str(),
            r#"{"a": [1, 1e-05, 1.0, 1e+16, 0.1], "b": "\u00e9\ud83d\ude00\n\""}"#
        );
    }

    #[test]
    fn a_text_is_kept_letter_by_letter() {
        let text = r#"{ "b":1,"a" : 2.50 }"#;
        let json = Json::from_text(text).unwrap();
        assert_eq!(json.as_str(), text);
        assert_eq!(json.to_value().unwrap()["a"], 2.5);
        assert!(Json::from_text("{'a': 1}").is_err());
    }
}
