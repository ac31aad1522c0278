//! Texts of an export: what to call a node, and characters that no reader must obey.

use std::fmt::{self, Write as _};
use std::io::Write;

use serde::Serialize;

use super::export::written;
use crate::base::error::Result;
use crate::base::json::Json;
use crate::base::limits::TRANSFER_LABEL_MAX;
use crate::record::Facts;

/// Whether a character could change what a terminal shows besides itself: control characters,
/// and those that reorder or hide text.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// What a record is called: its own title or name, else the first of its texts, cut.
pub(super) fn label(facts: &Facts<'_>) -> Option<String> {
    let named = facts.texts.iter().find(|(field, _)| matches!(*field, "title" | "name"));
    let (_, text) = named.or_else(|| facts.texts.first())?;
    match text.char_indices().nth(TRANSFER_LABEL_MAX) {
        None => Some((*text).to_owned()),
        Some((end, _)) => Some(format!("{}...", &text[..end])),
    }
}

/// What a record says its type is, for types that say one.
pub(super) fn type_of(facts: &Facts<'_>) -> Option<String> {
    let found = facts.keywords.iter().find(|(field, _)| *field == "type");
    found.map(|(_, word)| (*word).to_owned())
}

/// Writes a value as JSON in ASCII, on one line.
pub(super) fn ascii_json(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    let json = Json::of(value)?;
    // Python leaves this one as it is, a terminal does not.
    let mut parts = json.as_str().split('\x7f');
    written(out.write_all(parts.next().unwrap_or_default().as_bytes()))?;
    for part in parts {
        written(write!(out, "\\u007f{part}"))?;
    }
    Ok(())
}

/// A text between the tags or quotes of an XML document. Characters that XML 1.0 cannot hold are
/// written as U+FFFD.
pub(super) struct Xml<'a>(pub(super) &'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\t' | '\n' | '\r' => write!(f, "&#{};", u32::from(character))?,
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                _ if is_hidden(character) => write!(f, "&#x{:x};", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// A quoted text of the DOT language.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                // DOT has no escape for these: they are shown as people write them.
                _ if is_hidden(character) => write!(f, "\\\\u{{{:x}}}", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[2J\u{9b}\u{202e}\u{7f}<&\"\\>\r\n\t\u{ffff}\u{e9}";

    #[test]
    fn nothing_that_a_terminal_obeys_is_written() {
        let xml = Xml(HOSTILE).to_string();
        assert_eq!(
            xml,
            "a\u{fffd}[2J&#x9b;&#x202e;&#x7f;&lt;&amp;&quot;\\&gt;&#13;&#10;&#9;\u{fffd}\u{e9}"
        );
        let dot = Quoted(HOSTILE).to_string();
        assert!(!dot.contains(is_hidden), "{dot}");
        assert!(dot.starts_with(r#""a\\u{1b}[2J"#) && dot.contains(r#"<&\"\\>"#), "{dot}");
    }

    #[test]
    fn a_record_is_called_by_its_title_and_cut() {
        let long = "\u{e9}".repeat(TRANSFER_LABEL_MAX + 1);
        let mut facts = Facts::default();
        assert_eq!(label(&facts), None);
        facts.text("content", "body");
        assert_eq!(label(&facts).as_deref(), Some("body"));
        facts.text("title", long.as_str());
        let cut = label(&facts).unwrap();
        assert_eq!(cut.chars().count(), TRANSFER_LABEL_MAX + 3);
    }
}
