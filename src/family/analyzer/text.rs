//! Tells code, comments and literals of a source text apart, as far as that can be done without
//! knowing the language's grammar. Whatever the text, the parts are as long as it.

use super::language::Language;

/// A source text in its parts.
#[derive(Debug)]
pub(super) struct Parts {
    /// The text with everything but line ends blanked inside comments and literals. The quotes
    /// stay. Bytes are where they are in the text.
    pub(super) code: Vec<u8>,
    /// Comments in their order, with their marks.
    pub(super) comments: Vec<Comment>,
    /// Literals in their order, without quotes: where each begins and ends.
    pub(super) literals: Vec<(usize, usize)>,
}

/// A comment: where it begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Parts {
    /// Takes a text apart. Linear.
    pub(super) fn of(text: &str, language: &Language) -> Self {
        let bytes = text.as_bytes();
        let mut parts = Self { code: bytes.to_vec(), comments: vec![], literals: vec![] };
        let mut at = 0;
        while at < bytes.len() {
            if let Some(end) = comment_end(bytes, at, language) {
                parts.blank(at, end);
                parts.comments.push(Comment { start: at, end });
                at = end;
            } else if let Some((inner, inner_end, end)) = literal(bytes, at, language) {
                parts.blank(inner, inner_end);
                parts.literals.push((inner, inner_end));
                at = end;
            } else {
                at += 1;
            }
        }
        parts
    }

    fn blank(&mut self, start: usize, end: usize) {
        for byte in &mut self.code[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }

    /// Words of the code, with where each begins.
    pub(super) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let mut at = 0;
        std::iter::from_fn(move || {
            at += self.code[at..].iter().position(is_part)?;
            let length = self.code[at..].iter().position(|byte| !is_part(byte));
            let end = length.map_or(self.code.len(), |length| at + length);
            let word = (at, std::str::from_utf8(&self.code[at..end]).unwrap_or_default());
            at = end;
            Some(word)
        })
    }
}

/// The end of the comment that begins here, if one does.
fn comment_end(bytes: &[u8], at: usize, language: &Language) -> Option<usize> {
    let here = &bytes[at..];
    if language.line_comments.iter().any(|mark| here.starts_with(mark.as_bytes())) {
        // In shells `$#` and `a#b` are no comments.
        let is_word = here[0] == b'#' && at > 0 && !bytes[at - 1].is_ascii_whitespace();
        if !is_word {
            return Some(here.iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n));
        }
    }
    let (open, close) = language.block_comment?;
    if !here.starts_with(open.as_bytes()) {
        return None;
    }
    let (mut depth, mut end) = (1, at + open.len());
    while end < bytes.len() {
        if bytes[end..].starts_with(close.as_bytes()) {
            end += close.len();
            depth -= 1;
            if depth == 0 {
                return Some(end);
            }
        } else if language.nests && bytes[end..].starts_with(open.as_bytes()) {
            end += open.len();
            depth += 1;
        } else {
            end += 1;
        }
    }
    Some(bytes.len())
}

/// Where the inside of the literal that begins here begins and ends, and where it is over.
fn literal(bytes: &[u8], at: usize, language: &Language) -> Option<(usize, usize, usize)> {
    if language.file_type == "rust"
        && let Some(raw) = raw_literal(bytes, at)
    {
        return Some(raw);
    }
    let quote = *bytes.get(at)?;
    if !language.quotes.contains(&quote) {
        return None;
    }
    let is_triple = language.file_type == "python" && bytes[at..].starts_with(&[quote; 3]);
    let width = if is_triple { 3 } else { 1 };
    // A quote that is not closed on its line is none: an apostrophe, or broken code.
    let spans_lines = is_triple || quote == b'`' || matches!(language.file_type, "rust" | "shell");
    let mut end = at + width;
    while end < bytes.len() {
        match bytes[end] {
            b'\\' => end += 1,
            b'\n' if !spans_lines => return None,
            byte if byte == quote && bytes[end..].starts_with(&[quote; 3][..width]) => {
                return Some((at + width, end, end + width));
            }
            _ => {}
        }
        end += 1;
    }
    spans_lines.then_some((at + width, bytes.len(), bytes.len()))
}

/// As [`literal`], for `r"..."` and `r#"..."#`, and for the quote as a character.
fn raw_literal(bytes: &[u8], at: usize) -> Option<(usize, usize, usize)> {
    if bytes[at..].starts_with(b"'\"'") {
        return Some((at + 1, at + 2, at + 3));
    }
    let follows_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if bytes[at] != b'r' || (follows_word && bytes[at - 1] != b'b') {
        return None;
    }
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    let start = at + 1 + hashes;
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut end = start + 1;
    while end < bytes.len() {
        let after = &bytes[end + 1..];
        let is_closed = after.len() >= hashes && after[..hashes].iter().all(|byte| *byte == b'#');
        if bytes[end] == b'"' && is_closed {
            return Some((start + 1, end, end + 1 + hashes));
        }
        end += 1;
    }
    Some((start + 1, bytes.len(), bytes.len()))
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> u64 {
    1 + text.get(..at).unwrap_or(text).matches('\n').count() as u64
}

/// At most so many characters of a text, its blanks made one.
pub(super) fn cut(text: &str, characters_max: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= characters_max {
        return text;
    }
    let kept: String = text.chars().take(characters_max.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}
