//! JSON as Python's `json.loads` reads it: whether it does, and what the outermost level holds.
//!
//! It takes `NaN`, `Infinity` and lone surrogates, and it refuses a byte order mark, control
//! characters within strings, and whole numbers of very many digits.

/// Levels within levels that are followed: Python gives up somewhat later.
const DEPTH_MAX: usize = 900;
/// Digits of a whole number from which Python refuses to read it.
const DIGITS_MAX: usize = 4_300;

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonKind {
    Object,
    Array,
    /// Text, number, truth value or null.
    Other,
}

/// The outermost level of a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonShape {
    pub(super) kind: JsonKind,
    /// The values directly within it, with their keys as written where it is an object.
    pub(super) entries: Vec<(String, JsonKind)>,
}

/// Reads a text. `None` when Python would not.
pub(super) fn shape(text: &str) -> Option<JsonShape> {
    let mut reader = Reader { rest: text.as_bytes(), depth: 0, entries: Vec::new() };
    reader.blanks();
    let kind = reader.value()?;
    reader.blanks();
    reader.rest.is_empty().then_some(JsonShape { kind, entries: reader.entries })
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
    entries: Vec<(String, JsonKind)>,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let end = self.rest.iter().position(|byte| !blank(byte)).unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn take(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn value(&mut self) -> Option<JsonKind> {
        match self.rest.first()? {
            b'{' => self.level(b'}', JsonKind::Object),
            b'[' => self.level(b']', JsonKind::Array),
            b'"' => self.string().map(|_| JsonKind::Other),
            _ => self.scalar().map(|()| JsonKind::Other),
        }
    }

    fn level(&mut self, close: u8, kind: JsonKind) -> Option<JsonKind> {
        self.rest = &self.rest[1..];
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.blanks();
        if self.rest.first() == Some(&close) {
            self.rest = &self.rest[1..];
            self.depth -= 1;
            return Some(kind);
        }
        loop {
            let mut key = String::new();
            if kind == JsonKind::Object {
                key = String::from_utf8_lossy(self.string()?).into_owned();
                self.blanks();
                self.take(b":")?;
                self.blanks();
            }
            let found = self.value()?;
            if self.depth == 1 {
                self.entries.push((key, found));
            }
            self.blanks();
            let (&next, rest) = self.rest.split_first()?;
            self.rest = rest;
            if next == close {
                self.depth -= 1;
                return Some(kind);
            }
            if next != b',' {
                return None;
            }
            self.blanks();
        }
    }

    /// Takes a string; gives what stands between its quotes.
    fn string(&mut self) -> Option<&[u8]> {
        self.take(b"\"")?;
        let start = self.rest;
        let mut at = 0;
        loop {
            match start.get(at)? {
                b'"' => {
                    self.rest = &start[at + 1..];
                    return Some(&start[..at]);
                }
                b'\\' => {
                    at += match start.get(at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                        b'u' if start.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
                        _ => return None,
                    };
                }
                ..0x20 => return None,
                _ => at += 1,
            }
        }
    }

    fn scalar(&mut self) -> Option<()> {
        for word in ["null", "true", "false", "NaN", "Infinity", "-Infinity"] {
            if self.take(word.as_bytes()).is_some() {
                return Some(());
            }
        }
        self.rest = self.rest.strip_prefix(b"-").unwrap_or(self.rest);
        let whole = match self.rest.first()? {
            b'0' => {
                self.rest = &self.rest[1..];
                1
            }
            _ => self.digits()?,
        };
        let mut is_whole = true;
        // A point or an exponent without digits is left where it is, and refused there.
        if let Some(rest) = self.rest.strip_prefix(b".") {
            self.rest = rest;
            self.digits()?;
            is_whole = false;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = rest.strip_prefix(b"+").or(rest.strip_prefix(b"-")).unwrap_or(rest);
            self.digits()?;
            is_whole = false;
        }
        (!is_whole || whole <= DIGITS_MAX).then_some(())
    }

    fn digits(&mut self) -> Option<usize> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[count..];
        (count > 0).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_reads_is_read() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for text in [
            "{}",
            " [1, -0.5e+10, \"\\ud800\", null, NaN, -Infinity] \n",
            "{\"a\": {\"b\": [{}]}, \"\u{e9}\": true}",
            "12",
            "\"\\u00e9\\\"\"",
            &deep,
        ] {
            assert!(shape(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        let (deep, long) = ("[".repeat(100_000), "9".repeat(4_301));
        for text in [
            "",
            "  ",
            "{",
            "{\"a\"}",
            "[1,]",
            "{'a': 1}",
            "\u{feff}{}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "nan",
            "{} {}",
            "\"a\nb\"",
            "\"\\x\"",
            "\"\\u12\"",
            "undefined",
            "{\"a\": 1,}",
            &deep,
            &long,
        ] {
            assert_eq!(shape(text), None, "{text}");
        }
    }

    #[test]
    fn the_outermost_level_is_told() {
        let found = shape("{\"a\": [1], \"b\": {\"c\": {}}, \"d\": 1}").unwrap();
        let entry = |key: &str, kind| (key.to_owned(), kind);
        assert_eq!(found.kind, JsonKind::Object);
        assert_eq!(
            found.entries,
            [
                entry("a", JsonKind::Array),
                entry("b", JsonKind::Object),
                entry("d", JsonKind::Other)
            ]
        );
        assert_eq!(shape("[[], 1]").unwrap().entries.len(), 2);
    }
}
