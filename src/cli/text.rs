//! Text for people: control characters made visible, long text cut, sizes and durations in words.
//!
//! Stored text is not trusted: an escape sequence in it must never reach a terminal. Everything
//! that is shown passes through here or through the JSON writer of `output`, which escapes too.

use std::borrow::Cow;
use std::time::Duration;

/// Whether a character could change what a terminal shows besides itself: control characters,
/// and those that reorder or hide text.
pub(crate) fn is_unsafe(character: char) -> bool {
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

/// The text on one line, what is unsafe written as an escape.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    escape(text, is_unsafe)
}

/// As [`escaped`], line breaks kept.
pub(crate) fn escaped_lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| character != '\n' && is_unsafe(character))
}

fn escape(text: &str, is_bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_bad(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// The text on one line, cut to so many characters; what was cut shows as `...`.
pub(crate) fn shortened(text: &str, characters_max: usize) -> String {
    // Escapes only lengthen, so more of the text than this can never be shown.
    let end = text.char_indices().nth(characters_max + 1).map_or(text.len(), |(at, _)| at);
    let shown = escaped(&text[..end]);
    if end == text.len() && shown.chars().count() <= characters_max {
        return shown.into_owned();
    }
    let keep = characters_max.saturating_sub(3);
    let mut out: String = shown.chars().take(keep).collect();
    out.push_str("...");
    out
}

/// A number of bytes, for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    // In tenths of the unit, rounded.
    let mut tenths = count.saturating_add(50) / 100;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while tenths >= 10_000
        && let Some(next) = units.next()
    {
        tenths = (tenths + 500) / 1_000;
        unit = Some(next);
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, unit.unwrap_or(&"PB"))
}

/// A duration, for people.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.001 {
        format!("{:.0} us", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 120.0 {
        format!("{seconds:.2} s")
    } else if seconds < 7_200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else if seconds < 172_800.0 {
        format!("{:.0} h", seconds / 3_600.0)
    } else {
        format!("{:.0} days", seconds / 86_400.0)
    }
}

/// A count with groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A count and its noun.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = match (number, noun.strip_suffix('y')) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{noun}s"),
    };
    format!("{} {plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(escaped("plain \u{e9}"), "plain \u{e9}");
        assert_eq!(escaped("a\u{1b}[31mb\r\n\t"), "a\\u{1b}[31mb\\r\\n\\t");
        assert_eq!(escaped("\u{9b}2J\u{202e}x\u{7f}"), "\\u{9b}2J\\u{202e}x\\u{7f}");
        assert_eq!(escaped_lines("a\nb\u{7}"), "a\nb\\u{7}");
    }

    #[test]
    fn cut_text_says_so_and_never_exceeds_its_width() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abc...");
        assert_eq!(shortened("\u{1b}\u{1b}\u{1b}", 8), "\\u{1b...");
        assert!(shortened(&"\u{e9}".repeat(100), 10).chars().count() <= 10);
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(count(12), "12");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(2, "memory"), "2 memories");
        assert_eq!(duration(Duration::from_micros(12_300)), "12.3 ms");
    }
}
