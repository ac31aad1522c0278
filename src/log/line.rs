//! One log line: what happened, when, in which request; in words and as JSON.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use super::redact::{REDACTED, is_secret_name, redacted};
use super::{CORRELATION_ID, category};
use crate::base::error::describe;
use crate::base::limits::LOG_TEXT_BYTES_MAX;
use crate::base::time::Timestamp;

/// Bytes behind the end of a line that are looked at for what is secret before it.
const MARGIN_BYTES: usize = 1 << 10;

/// How much a line matters, from most to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something went wrong.
    Error,
    /// Something is odd.
    Warn,
    /// For the record.
    Info,
    /// For those who look for a fault.
    Debug,
    /// Every step.
    Trace,
}

impl Level {
    /// As it stands in lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

/// A log line without secrets: every value was redacted when it came in.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Line {
    /// When it was written.
    pub time: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// Which part wrote it: one of the [`category`]s, or whatever another crate says.
    pub target: String,
    /// What happened.
    pub message: String,
    /// The request that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The spans around it, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<&'static str>,
    /// What else is known; what the line itself says goes before what its spans say.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// The thread that wrote it, where it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

impl Line {
    pub(super) fn new(time: Timestamp, metadata: &Metadata<'_>) -> Self {
        Self {
            time,
            level: (*metadata.level()).into(),
            target: metadata.target().to_owned(),
            message: String::new(),
            correlation_id: None,
            spans: Vec::new(),
            fields: Map::new(),
            thread: std::thread::current().name().map(ToOwned::to_owned),
        }
    }

    /// Adds what an event says, and takes message and correlation id out of the fields.
    pub(super) fn add(&mut self, event: &Event<'_>) {
        event.record(&mut Fields(&mut self.fields));
        if let Some(Value::String(message)) = self.fields.shift_remove("message") {
            self.message = message;
        }
        if let Some(Value::String(id)) = self.fields.shift_remove(CORRELATION_ID) {
            self.correlation_id = Some(id);
        }
    }

    /// The category in one word: the last part of the target of this library, else the target.
    #[must_use]
    pub fn category(&self) -> &str {
        let own = category::ALL.iter().find(|own| **own == self.target);
        own.and_then(|own| own.strip_prefix("engraph::")).unwrap_or(&self.target)
    }

    /// The line in words, without a line break: nothing in it is obeyed by a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { time, level, message, .. } = self;
        let mut text = format!("{time} {:5} {}: ", level.as_str().to_uppercase(), self.category());
        push_escaped(&mut text, message);
        for (name, value) in &self.fields {
            text.push(' ');
            push_escaped(&mut text, name);
            text.push('=');
            match value {
                Value::String(value) if is_plain(value) => text.push_str(value),
                value => push_escaped(&mut text, &value.to_string()),
            }
        }
        if !self.spans.is_empty() {
            text.push_str(" in=");
            text.push_str(&self.spans.join(">"));
        }
        if let Some(id) = &self.correlation_id {
            text.push_str(" correlation_id=");
            push_escaped(&mut text, id);
        }
        text
    }

    /// The line as a JSON object on one line, in a form that a terminal can show.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Ok(json) = serde_json::to_string(self) else { return String::new() };
        // What controls a terminal stands within texts only, where an escape means the same.
        let mut out = String::with_capacity(json.len());
        for character in json.chars() {
            if is_unsafe(character) {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    let escape = format!("\\u{unit:04x}");
                    out.push_str(&escape);
                }
            } else {
                out.push(character);
            }
        }
        out
    }
}

/// Whether a value can be read without quotes around it.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.chars().all(|c| !c.is_whitespace() && !is_unsafe(c) && !matches!(c, '"' | '='))
}

/// Control characters, and those that reorder or hide text.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn push_escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        if is_unsafe(character) {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
}

/// Collects fields, redacted as they come.
pub(super) struct Fields<'a>(pub(super) &'a mut Map<String, Value>);

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        let name = field.name();
        let value = if is_secret_name(name) { REDACTED.into() } else { value() };
        self.0.insert(name.to_owned(), value);
    }

    fn add_text(&mut self, field: &Field, text: &str) {
        self.add(field, || shortened(text).into());
    }
}

/// The text without secrets, as far as a line may be long.
fn shortened(text: &str) -> String {
    let mut head = Head::default();
    head.push(text);
    head.shortened()
}

/// The beginning of a text of any length, and that length.
#[derive(Default)]
struct Head {
    text: String,
    bytes: usize,
}

impl Head {
    fn push(&mut self, text: &str) {
        self.bytes += text.len();
        // More than is shown: a secret is told by what stands around it.
        let room = (LOG_TEXT_BYTES_MAX + MARGIN_BYTES).saturating_sub(self.text.len());
        self.text.push_str(&text[..boundary(text, room)]);
    }

    fn shortened(self) -> String {
        let Self { text, bytes } = self;
        let shown = redacted(&text);
        if bytes <= LOG_TEXT_BYTES_MAX {
            return shown.into_owned();
        }
        format!("{}... ({bytes} bytes)", &shown[..boundary(&shown, LOG_TEXT_BYTES_MAX)])
    }
}

impl fmt::Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// So many bytes of a text, or some fewer where that is within a character.
fn boundary(text: &str, bytes: usize) -> usize {
    if bytes >= text.len() {
        return text.len();
    }
    (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, || value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, || value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, || value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, || value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add_text(field, &describe(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, || {
            let mut head = Head::default();
            if write!(head, "{value:?}").is_err() {
                head.push("...");
            }
            head.shortened().into()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_takes_no_more_room_than_a_line() {
        let mut head = Head::default();
        for _ in 0..10_000 {
            head.push("\u{e9}\u{6771} and more ");
        }
        assert!(head.text.len() <= LOG_TEXT_BYTES_MAX + MARGIN_BYTES);
        let shown = head.shortened();
        assert!(shown.ends_with("... (150000 bytes)"), "{}", &shown[LOG_TEXT_BYTES_MAX - 9..]);
        assert!((LOG_TEXT_BYTES_MAX..LOG_TEXT_BYTES_MAX + 32).contains(&shown.len()));
        assert_eq!(shortened("as it is"), "as it is");
    }
}
