//! Files as the rules see them: code, comments and literals told apart, names and paths found.
//!
//! This is no parser. It knows enough of the language to find identifiers, paths and matching
//! brackets in formatted source that compiles, and relies on the compiler for the rest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Folders with Rust source, and folders that are built or generated.
const SOURCE_FOLDERS: &[&str] = &["src", "tests", "examples", "benches"];
const SKIPPED_FOLDERS: &[&str] = &[".git", "target", "corpus", "artifacts"];

/// A file, and its text with everything but code, or everything but comments, blanked out.
pub(crate) struct Source {
    /// Relative to the package, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: String,
    pub(crate) comments: String,
    /// Where the unit tests at the end of the file begin; the length of the file without them.
    pub(crate) tail: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = separate(text);
        let whole = code.contains("#![cfg(test)]").then_some(0);
        let tail = whole.or_else(|| code.find("#[cfg(test)]\nmod tests")).unwrap_or(code.len());
        Self { path: path.to_owned(), text: text.to_owned(), code, comments, tail }
    }

    /// A file that is no Rust: all text.
    pub(crate) fn plain(path: &str, text: &str) -> Self {
        let (code, comments) = (String::new(), String::new());
        Self { path: path.to_owned(), text: text.to_owned(), code, comments, tail: text.len() }
    }

    pub(crate) fn is_command(&self) -> bool {
        self.path == "src/main.rs" || self.path.starts_with("src/cli/")
    }

    pub(crate) fn is_library(&self) -> bool {
        self.path.starts_with("src/") && !self.is_command()
    }

    pub(crate) fn fault(&self, offset: usize, what: &str) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}: {what}", self.path)
    }

    /// The module that the file is, as a path from the root of the crate.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let is_crate_root = matches!(path, "lib" | "main");
        if is_crate_root { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
    }

    /// Every path that begins with `crate::` or `super::`, from the root of the crate.
    pub(crate) fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut paths = Vec::new();
        for (offset, word) in words(&self.code) {
            let mut base = match word {
                "crate" => Vec::new(),
                "super" if !self.code[..offset].ends_with("::") => {
                    let mut base = self.module();
                    base.extend((offset >= self.tail).then(|| "tests".to_owned()));
                    base.pop();
                    base
                }
                _ => continue,
            };
            let mut at = offset + word.len();
            while self.code[at..].starts_with("::super") {
                base.pop();
                at += "::super".len();
            }
            if self.code[at..].starts_with("::") {
                let mut leaves = Vec::new();
                use_tree(&self.code, at + 2, base, &mut leaves);
                paths.extend(leaves.into_iter().map(|(path, _)| (offset, path)));
            }
        }
        paths
    }

    /// What the file imports or re-exports: the name here, and the path it comes from.
    pub(crate) fn exports(&self) -> BTreeMap<String, Vec<String>> {
        let mut leaves = Vec::new();
        for (offset, word) in words(&self.code[..self.tail]).filter(|(_, word)| *word == "use") {
            use_tree(&self.code, offset + word.len(), Vec::new(), &mut leaves);
        }
        let names = leaves.into_iter().map(|(mut path, name)| {
            path.retain(|part| part != "crate" && part != "self");
            (name, path)
        });
        names.collect()
    }

    /// The files that the file's `mod` lines may stand for.
    pub(crate) fn declared_modules(&self) -> Vec<String> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let owns_folder = is_root(&self.path) || name == "mod.rs";
        let stem = name.strip_suffix(".rs").unwrap_or(name);
        let inner = if owns_folder { folder.to_owned() } else { format!("{folder}/{stem}") };
        let mut declared = Vec::new();
        for (offset, _) in words(&self.code).filter(|(_, word)| *word == "mod") {
            let after = &self.code[offset + "mod".len()..];
            let Some((at, name)) = words(after).next() else { continue };
            if !after[at + name.len()..].starts_with(';') {
                continue;
            }
            match self.path_attribute(offset) {
                Some(path) => declared.push(join(folder, path)),
                None => declared
                    .extend([format!("{inner}/{name}.rs"), format!("{inner}/{name}/mod.rs")]),
            }
        }
        declared
    }

    /// The value of a `#[path]` attribute right above the item at `offset`.
    fn path_attribute(&self, offset: usize) -> Option<&str> {
        let line = self.text[..offset].rfind('\n')? + 1;
        let above = self.text[..line].lines().rev();
        let mut attributes = above.take_while(|line| line.trim_start().starts_with("#["));
        attributes.find_map(|line| line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]"))
    }
}

/// Whether cargo itself finds the file: a library, a binary, a test, an example or a bench.
pub(crate) fn is_root(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match folder.rsplit('/').next() {
        Some("src") => matches!(name, "lib.rs" | "main.rs"),
        Some("tests" | "examples" | "benches" | "fuzz_targets") => true,
        _ => name == "main.rs",
    }
}

/// A relative path seen from a folder, with `..` followed.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// Reads one tree of a `use` item, or a plain path, and returns where it ends.
fn use_tree(
    code: &str,
    mut at: usize,
    mut path: Vec<String>,
    leaves: &mut Vec<(Vec<String>, String)>,
) -> usize {
    loop {
        at = skip_space(code, at);
        if code[at..].starts_with('{') {
            return use_group(code, at + 1, &path, leaves);
        }
        let Some((0, name)) = words(&code[at..]).next() else {
            leaves.push((path, String::new()));
            return at + usize::from(code[at..].starts_with('*'));
        };
        at += name.len();
        path.push(name.to_owned());
        let next = skip_space(code, at);
        if code[next..].starts_with("::") {
            at = next + 2;
            continue;
        }
        let alias = code[next..].strip_prefix("as ").and_then(|rest| words(rest).next());
        if let Some((space, alias)) = alias {
            leaves.push((path, alias.to_owned()));
            return next + "as ".len() + space + alias.len();
        }
        leaves.push((path, name.to_owned()));
        return at;
    }
}

fn use_group(
    code: &str,
    mut at: usize,
    path: &[String],
    leaves: &mut Vec<(Vec<String>, String)>,
) -> usize {
    loop {
        at = skip_space(code, at);
        match code.as_bytes().get(at) {
            None => return at,
            Some(b'}') => return at + 1,
            Some(b',') => at += 1,
            Some(_) => at = use_tree(code, at, path.to_vec(), leaves).max(at + 1),
        }
    }
}

fn skip_space(code: &str, at: usize) -> usize {
    code.len() - code[at..].trim_start().len()
}

/// The identifiers and keywords of a text, with their offsets.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(is_part)?;
        let length = text[at..].find(|c| !is_part(c)).unwrap_or(text.len() - at);
        let word = (at, &text[at..at + length]);
        at += length;
        Some(word)
    })
}

/// One past the bracket that closes the one at or after `from`.
pub(crate) fn closing(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Comment,
    Literal,
}

/// The text twice, as long as it was: only its code, and only its comments.
fn separate(text: &str) -> (String, String) {
    let (mut code, mut comments) = (String::new(), String::new());
    let mut at = 0;
    while at < text.len() {
        let (end, part) = next_part(text, at);
        let piece = &text[at..end];
        let keep = |wanted| if part == wanted { piece.to_owned() } else { blank(piece) };
        code.push_str(&keep(Part::Code));
        comments.push_str(&keep(Part::Comment));
        at = end;
    }
    (code, comments)
}

fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// Where the piece of one kind that starts at `at` ends.
fn next_part(text: &str, at: usize) -> (usize, Part) {
    let rest = &text[at..];
    if rest.starts_with("//") {
        return (at + rest.find('\n').unwrap_or(rest.len()), Part::Comment);
    }
    if rest.starts_with("/*") {
        return (at + block_comment(rest), Part::Comment);
    }
    if let Some(length) = string(rest).or_else(|| character(rest)) {
        return (at + length, Part::Literal);
    }
    let word = words(rest).next().filter(|(offset, _)| *offset == 0);
    let length = word.map(|(_, word)| word.len());
    (at + length.or_else(|| rest.chars().next().map(char::len_utf8)).unwrap_or(1), Part::Code)
}

/// The length of a block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a string literal of any form, if one starts here.
fn string(rest: &str) -> Option<usize> {
    let quote = rest.bytes().take(9).position(|byte| byte == b'"')?;
    let prefix = &rest[..quote];
    let (letters, hashes) = prefix.split_at(prefix.find('#').unwrap_or(prefix.len()));
    let is_raw = matches!(letters, "r" | "br" | "cr");
    let is_plain = matches!(letters, "" | "b" | "c") && hashes.is_empty();
    if is_raw && hashes.bytes().all(|byte| byte == b'#') {
        let body = prefix.len() + 1;
        let end = format!("\"{hashes}");
        return Some(rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len()));
    }
    is_plain.then(|| quoted(rest, prefix.len() + 1, '"'))
}

/// The length of a character or byte literal, if one starts here. A lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let start = if rest.starts_with("b'") { 2 } else { 1 };
    let body = rest.strip_prefix("b'").or_else(|| rest.strip_prefix('\''))?;
    let first = body.chars().next()?;
    let is_literal = first == '\\' || body[first.len_utf8()..].starts_with('\'');
    is_literal.then(|| quoted(rest, start, '\''))
}

/// One past the closing quote of a literal whose body starts at `body`.
fn quoted(rest: &str, body: usize, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, c) in rest[body..].char_indices() {
        if !is_escaped && c == quote {
            return body + index + 1;
        }
        is_escaped = !is_escaped && c == '\\';
    }
    rest.len()
}

// ---- reading the tree ---------------------------------------------------------------------

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn rust_files() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in SOURCE_FOLDERS {
        collect(folder, &mut paths);
    }
    paths.retain(|path| is_rust(path));
    paths.iter().map(|path| Source::new(path, &read(path).unwrap_or_default())).collect()
}

/// Every file of the package that is text.
pub(crate) fn text_files() -> Vec<Source> {
    let mut paths = Vec::new();
    collect("", &mut paths);
    paths.retain(|path| path != "Cargo.lock");
    let texts = paths.iter().filter_map(|path| Some((path, read(path)?)));
    texts
        .map(|(path, text)| {
            let make = if is_rust(path) { Source::new } else { Source::plain };
            make(path, &text)
        })
        .collect()
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The text of a file; none if it is not text.
fn read(path: &str) -> Option<String> {
    let bytes = fs::read(package().join(path)).expect("a listed file is readable");
    String::from_utf8(bytes).ok()
}

pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(package().join(folder)) else { return Vec::new() };
    let names = entries.map(|entry| entry.expect("a folder is readable").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Adds the paths of all files under a folder, relative to the package and in order.
fn collect(folder: &str, paths: &mut Vec<String>) {
    for name in names_in(folder) {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if package().join(&path).is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                collect(&path, paths);
            }
        } else {
            paths.push(path);
        }
    }
}
