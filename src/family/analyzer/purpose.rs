//! What a file is for, from what its author wrote at its head.

use super::language::{Imports, Language};
use super::text::{Parts, cut};

/// Longest purpose, in characters.
const PURPOSE_MAX: usize = 100;

/// Words of comments that say nothing about the purpose.
const BESIDE_THE_POINT: [&str; 7] =
    ["copyright", "license", "spdx", "eslint", "-*-", "pragma", "clang-format"];

/// The purpose of a file; empty where nothing tells it.
pub(super) fn of(text: &str, parts: &Parts, language: &Language) -> String {
    let found = match language.imports {
        Imports::Markdown => head(text),
        Imports::Python => docstring(text, parts).or_else(|| comment(text, parts)),
        _ => comment(text, parts),
    };
    cut(&found.unwrap_or_default(), PURPOSE_MAX)
}

/// The first heading of a Markdown text, with the first sentence below it.
fn head(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim);
    let heading = lines.find(|line| line.starts_with('#'))?.trim_matches(['#', ' ']).to_owned();
    let is_prose = |line: &&str| line.starts_with(|first: char| first.is_alphanumeric());
    let below = lines.take_while(|line| !line.starts_with('#'));
    let paragraph: Vec<&str> = below.skip_while(|l| !is_prose(l)).take_while(is_prose).collect();
    match sentence(&paragraph.join(" ")) {
        Some(first) => Some(format!("{heading}: {first}")),
        None => Some(heading),
    }
}

fn docstring(text: &str, parts: &Parts) -> Option<String> {
    let (start, end) = *parts.literals.first()?;
    let before = parts.code[..start].iter();
    let is_first =
        before.clone().all(|byte| byte.is_ascii_whitespace() || b"\"'rRuU".contains(byte));
    let paragraph = paragraph(text.get(start..end)?.lines());
    if is_first { sentence(&paragraph) } else { None }
}

/// The first comment that is to the point; lines that follow one another are one comment.
fn comment(text: &str, parts: &Parts) -> Option<String> {
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    for comment in &parts.comments {
        let gap = blocks.last().and_then(|(_, end)| text.get(*end..comment.start));
        let is_next = gap.is_some_and(|gap| {
            gap.bytes().filter(|byte| *byte == b'\n').count() == 1 && gap.trim().is_empty()
        });
        match blocks.last_mut() {
            Some((_, end)) if is_next => *end = comment.end,
            _ => blocks.push((comment.start, comment.end)),
        }
    }
    blocks.into_iter().find_map(|(start, end)| {
        let block = text.get(start..end)?;
        let lower = block.to_ascii_lowercase();
        if lower.starts_with("#!") && !lower.contains('\n')
            || BESIDE_THE_POINT.iter().any(|word| lower.contains(word))
        {
            return None;
        }
        sentence(&paragraph(block.lines().filter(|line| !line.starts_with("#!/"))))
    })
}

/// The first paragraph of a comment, without its marks.
fn paragraph<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let is_mark = |mark: char| "/!*#-=<> \t\"'".contains(mark);
    let bare = lines.map(|line| line.trim().trim_start_matches(is_mark).trim_end_matches(is_mark));
    let first = bare.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    first.collect::<Vec<_>>().join(" ")
}

/// The first sentence, without its period.
fn sentence(text: &str) -> Option<String> {
    let end = text.find(". ").unwrap_or(text.len());
    let first = text[..end].trim().trim_end_matches('.');
    first.contains(char::is_alphabetic).then(|| first.to_owned())
}
