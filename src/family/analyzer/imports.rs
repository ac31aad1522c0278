//! What a file uses, read from its own statements line by line.

use std::collections::BTreeMap;

use super::Import;
use super::language::{Imports, Language};
use super::text::{Parts, line_of};

/// What a file uses, by name; each once, at its first line.
pub(super) fn of(path: &str, text: &str, parts: &Parts, language: &Language) -> Vec<Import> {
    let mut found = Found { path, by_name: BTreeMap::new() };
    match language.imports {
        Imports::None => {}
        Imports::Script => script(text, parts, &mut found),
        Imports::Go => go(text, parts, &mut found),
        form => {
            for (number, line) in code_lines(text, parts, form) {
                let line = line.trim();
                match form {
                    Imports::Rust => rust(line, number, &mut found),
                    Imports::Python => python(line, number, &mut found),
                    Imports::Java => java(line, number, &mut found),
                    Imports::Include => include(line, number, &mut found),
                    Imports::Shell => shell(line, number, &mut found),
                    _ => markdown(line, number, &mut found),
                }
            }
        }
    }
    found.by_name.into_values().collect()
}

struct Found<'a> {
    path: &'a str,
    by_name: BTreeMap<String, Import>,
}

impl Found<'_> {
    fn add(&mut self, name: &str, line: u64, paths: impl IntoIterator<Item = String>) {
        let name = name.trim();
        if !name.is_empty() && !name.contains(char::is_control) {
            let paths = paths.into_iter().filter_map(|path| beside(self.path, &path)).collect();
            let import = Import { name: name.to_owned(), line, paths };
            self.by_name.entry(import.name.clone()).or_insert(import);
        }
    }
}

/// The path that `path` is, seen from the folder of the file `from`.
fn beside(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Lines that are not wholly inside a comment or a literal.
fn code_lines<'a>(
    text: &'a str,
    parts: &'a Parts,
    form: Imports,
) -> impl Iterator<Item = (u64, &'a str)> {
    let mut at = 0;
    text.split('\n').zip(1..).filter_map(move |(line, number)| {
        let code = &parts.code[at..at + line.len()];
        at += line.len() + 1;
        let first = line.len() - line.trim_start().len();
        let is_code = form == Imports::Markdown || code.get(first).is_some_and(|b| *b != b' ');
        is_code.then_some((number, line))
    })
}

fn rust(line: &str, number: u64, found: &mut Found<'_>) {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or("", |(_, rest)| rest),
        Some(rest) => rest,
        None => line,
    };
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("mod ") {
        let Some(name) = rest.trim().strip_suffix(';') else { return };
        let own = found.path.rsplit('/').next().unwrap_or_default();
        let folder = match own {
            "mod.rs" | "lib.rs" | "main.rs" => String::new(),
            own => format!("{}/", own.trim_end_matches(".rs")),
        };
        let paths = [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")];
        found.add(name, number, paths);
    } else if let Some(rest) = line.strip_prefix("use ") {
        let end = rest.find(['{', ';', '*']).unwrap_or(rest.len());
        let name = rest[..end].split(" as ").next().unwrap_or_default();
        found.add(name.trim().trim_start_matches("::").trim_end_matches("::"), number, []);
    } else if let Some(rest) = line.strip_prefix("extern crate ") {
        found.add(rest.split([';', ' ']).next().unwrap_or_default(), number, []);
    }
}

fn python(line: &str, number: u64, found: &mut Found<'_>) {
    let add = |name: &str, found: &mut Found<'_>| {
        let dots = name.len() - name.trim_start_matches('.').len();
        let up = if dots > 1 { "../".repeat(dots - 1) } else { String::new() };
        let place = format!("{up}{}", name.trim_start_matches('.').replace('.', "/"));
        found.add(name, number, [format!("{place}.py"), format!("{place}/__init__.py")]);
    };
    if let Some(rest) = line.strip_prefix("from ") {
        if let Some((name, _)) = rest.split_once(" import") {
            add(name.trim(), found);
        }
    } else if let Some(rest) = line.strip_prefix("import ") {
        let rest = rest.split(['#', ';']).next().unwrap_or_default();
        for name in rest.split(',') {
            add(name.split_whitespace().next().unwrap_or_default(), found);
        }
    }
}

/// Endings that a script's import leaves out.
const SCRIPT_ENDINGS: [&str; 9] =
    ["", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", "/index.ts", "/index.js"];

fn script(text: &str, parts: &Parts, found: &mut Found<'_>) {
    for (start, end) in &parts.literals {
        let Some(name) = text.get(*start..*end) else { continue };
        let code = String::from_utf8_lossy(&parts.code[start.saturating_sub(32)..start - 1]);
        let before = code.trim_end().trim_end_matches('(').trim_end();
        let is_import = ["from", "import", "require"].iter().any(|word| {
            let head = before.strip_suffix(word);
            head.is_some_and(|head| !head.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        if is_import {
            let is_file = name.starts_with('.');
            let endings = SCRIPT_ENDINGS.iter().filter(|_| is_file);
            let paths = endings.map(|ending| format!("{name}{ending}"));
            found.add(name, line_of(text, *start), paths);
        }
    }
}

fn go(text: &str, parts: &Parts, found: &mut Found<'_>) {
    let (mut at, mut in_block) = (0, false);
    for (line, number) in text.split('\n').zip(1..) {
        let (start, end) = (at, at + line.len());
        at = end + 1;
        let code = String::from_utf8_lossy(&parts.code[start..end]);
        let code = code.trim();
        let begins = code
            .strip_prefix("import")
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if begins || in_block {
            let first = parts.literals.partition_point(|literal| literal.0 < start);
            for (from, to) in parts.literals[first..].iter().take_while(|it| it.0 <= end) {
                found.add(text.get(*from..*to).unwrap_or_default(), number, []);
            }
        }
        in_block = (in_block || begins && code.contains('(')) && !code.contains(')');
    }
}

fn java(line: &str, number: u64, found: &mut Found<'_>) {
    if let Some(rest) = line.strip_prefix("import ") {
        let name = rest.trim_start_matches("static ").split(';').next().unwrap_or_default();
        found.add(name, number, []);
    }
}

fn include(line: &str, number: u64, found: &mut Found<'_>) {
    let Some(rest) = line.strip_prefix('#').map(str::trim_start) else { return };
    let Some(rest) = rest.strip_prefix("include").map(str::trim_start) else { return };
    if let Some(name) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
        found.add(name, number, [name.to_owned()]);
    } else if let Some(name) = rest.strip_prefix('<').and_then(|rest| rest.split('>').next()) {
        found.add(name, number, []);
    }
}

fn shell(line: &str, number: u64, found: &mut Found<'_>) {
    let rest = line.strip_prefix("source ").or_else(|| line.strip_prefix(". "));
    if let Some(name) = rest.and_then(|rest| rest.split_whitespace().next()) {
        let name = name.trim_matches(['"', '\'', ';']);
        found.add(name, number, [name.to_owned()]);
    }
}

fn markdown(line: &str, number: u64, found: &mut Found<'_>) {
    for rest in line.split("](").skip(1) {
        let Some((target, _)) = rest.split_once(')') else { continue };
        let file = target.split(['#', ' ']).next().unwrap_or_default();
        if !file.is_empty() && !file.contains("://") && !file.starts_with("mailto:") {
            found.add(file, number, [file.to_owned()]);
        }
    }
}
