//! The analyzer that needs no network: it reads the text alone.

use super::language::{self, Language};
use super::text::{Parts, cut};
use super::{Analysis, Analyzer, Source, imports, purpose};
use crate::base::error::Result;

const FUNCTIONALITY_MAX: usize = 150;
const NOTES_MAX: usize = 200;
/// Names of types and functions that are kept of one file, each.
const NAMES_MAX: usize = 200;
/// Bytes at the head of a file in which a zero makes it no text.
const BINARY_HEAD_BYTES: usize = 8 << 10;

/// Analyzes a file by its text, without any model: the same bytes under the same path give the
/// same analysis, on every machine.
///
/// The complexity is `1 + log2(1 + d)`, cut at 10 and rounded to a tenth, with `d` the decisions:
/// branches, loops, cases and handlers by their words, and the language's short-circuit and
/// choice operators. `1 + d` of one function is its cyclomatic number (`McCabe` 1976); here it is
/// that of the file, so 1 stands for none, 4 for 7 and 10 for 511 decisions and more.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltInAnalyzer;

impl BuiltInAnalyzer {
    /// The analyzer.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Analyzer for BuiltInAnalyzer {
    fn name(&self) -> &'static str {
        "built-in"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn analyze(&self, source: &Source<'_>) -> Result<Option<Analysis>> {
        let head = &source.bytes[..source.bytes.len().min(BINARY_HEAD_BYTES)];
        if head.contains(&0) {
            return Ok(Some(Analysis {
                file_type: "binary".to_owned(),
                language: "Unknown".to_owned(),
                complexity: 1.0,
                notes: "no text".to_owned(),
                ..Analysis::default()
            }));
        }
        let text = String::from_utf8_lossy(source.bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let language = language::of(source.path, text);
        Ok(Some(read(source.path, text, language)))
    }
}

fn read(path: &str, text: &str, language: &Language) -> Analysis {
    let parts = Parts::of(text, language);
    let decisions = decisions(&parts, language);
    let functions = named(&parts, language.functions);
    let types = named(&parts, language.types);
    let counts = Counts::of(text, &parts);
    let notes = format!(
        "{} lines: {} of code, {} of comments, {} blank; {decisions} decisions",
        counts.lines, counts.code, counts.comments, counts.blank
    );
    let filled = counts.code + counts.comments;
    Analysis {
        file_type: language.file_type.to_owned(),
        language: language.name.to_owned(),
        purpose: purpose::of(text, &parts, language),
        functionality: functionality(&types, &functions),
        imports: imports::of(path, text, &parts, language),
        complexity: complexity(decisions),
        comment_share: (filled > 0).then(|| counts.comments as f64 / filled as f64),
        lines: counts.lines,
        notes: cut(&notes, NOTES_MAX),
        types,
        functions,
        answer: None,
    }
}

fn complexity(decisions: u64) -> f64 {
    let score = 1.0 + (1.0 + decisions as f64).log2();
    (score.min(10.0) * 10.0).round() / 10.0
}

fn decisions(parts: &Parts, language: &Language) -> u64 {
    let words = parts.words().filter(|(_, word)| language.decisions.contains(word)).count();
    let signs = language.signs.iter().map(|sign| {
        parts.code.windows(sign.len()).filter(|window| *window == sign.as_bytes()).count()
    });
    (words + signs.sum::<usize>()) as u64
}

/// The names that follow one of the words, each once, in their order.
fn named(parts: &Parts, words: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    let mut before: Option<usize> = None;
    for (at, word) in parts.words() {
        let gap = before.take().and_then(|end| parts.code.get(end..at));
        // `func (r *Reader) Read` is not followed by its name.
        let is_name =
            gap.is_some_and(|gap| gap.iter().all(|b| b" *".contains(b)) && !gap.is_empty());
        if is_name && !word.starts_with(|c: char| c.is_ascii_digit()) && known.insert(word) {
            names.push(word.to_owned());
        }
        if names.len() >= NAMES_MAX {
            break;
        }
        before = words.contains(&word).then(|| at + word.len());
    }
    names
}

fn functionality(types: &[String], functions: &[String]) -> String {
    let part = |names: &[String], noun: &str| {
        (!names.is_empty()).then(|| format!("{} {noun}: {}", names.len(), names.join(", ")))
    };
    let parts: Vec<String> =
        [part(types, "types"), part(functions, "functions")].into_iter().flatten().collect();
    cut(&parts.join("; "), FUNCTIONALITY_MAX)
}

/// Lines by what is on them; one with code and a comment is code.
#[derive(Debug, Default)]
struct Counts {
    lines: u64,
    code: u64,
    comments: u64,
    blank: u64,
}

impl Counts {
    fn of(text: &str, parts: &Parts) -> Self {
        let mut counts = Self::default();
        let mut at = 0;
        for line in text.lines() {
            // `lines` takes the line end away, of one byte or two.
            let start = at;
            at += line.len();
            at += usize::from(text.as_bytes().get(at) == Some(&b'\r'));
            at += 1;
            counts.lines += 1;
            if line.trim().is_empty() {
                counts.blank += 1;
            } else if parts.code[start..start + line.len()].iter().all(u8::is_ascii_whitespace)
                && !parts.literals.iter().any(|it| it.0 <= start && start < it.1)
            {
                counts.comments += 1;
            } else {
                counts.code += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn analyze(path: &str, text: &str) -> Analysis {
        let source = Source { path, bytes: text.as_bytes() };
        BuiltInAnalyzer::new().analyze(&source).unwrap().unwrap()
    }

    #[track_caller]
    fn check(path: &str, text: &str, purpose: &str, imports: &[&str], decisions: u64) {
        let analysis = analyze(path, text);
        let names: Vec<&str> = analysis.imports.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(analysis.purpose, purpose);
        assert_eq!(names, imports);
        let count = format!("; {decisions} decisions");
        assert!(analysis.notes.ends_with(&count), "{}", analysis.notes);
        assert!((analysis.complexity - complexity(decisions)).abs() < 1e-9);
    }

    #[test]
    fn rust_is_read() {
        let text = "//! Reads cases. And more.\n\nuse std::{fs, io};\npub(crate) mod date;\n\
            // use no::thing;\nconst A: &str = r#\"use x::y; if \"#;\nfn f(c: char) -> bool {\n\
            if c == '\"' && true { match c { 'a' => true, _ => false } } else { false }\n}\n\
            struct Case;\n";
        check("src/lib.rs", text, "Reads cases", &["date", "std"], 4);
        let analysis = analyze("src/lib.rs", text);
        assert_eq!((analysis.types, analysis.functions), (vec!["Case".into()], vec!["f".into()]));
        let date = &analysis.imports[0];
        assert_eq!((date.line, date.paths.len()), (4, 2));
        assert_eq!(date.paths[0], "src/date.rs");
    }

    #[test]
    fn python_is_read() {
        let text = "#!/usr/bin/env python3\n\"\"\"Sorts letters.\n\nif x and y\n\"\"\"\n\
            import os, sys as s\n\
            from .mail import box\ndef run(a):\n    if a or 'if':\n        return 1 # if\n";
        check("a/b.py", text, "Sorts letters", &[".mail", "os", "sys"], 2);
        assert_eq!(analyze("a/b.py", text).imports[0].paths[0], "a/mail.py");
    }

    #[test]
    fn scripts_are_read() {
        let text = "/**\n * Draws the page.\n */\nimport { a } from './a';\n\
            const b = require(\"b\");\n\
            export class Page {}\nfunction draw() { return a ? `if ${b}` : a || b; }\n";
        check("web/page.ts", text, "Draws the page", &["./a", "b"], 2);
        let imports = analyze("web/page.ts", text).imports;
        assert!(imports[0].paths.contains(&"web/a.ts".to_owned()));
        assert!(imports[1].paths.is_empty());
    }

    #[test]
    fn go_java_and_c_are_read() {
        let go = "// Package mail sends.\npackage mail\nimport (\n\t\"fmt\"\n\tx \"net/mail\"\n)\n\
            func Send() { if true { fmt.Print(\"no\") } }\n";
        check("m.go", go, "Package mail sends", &["fmt", "net/mail"], 1);
        let java = "// Copyright 2020\n\n/* Counts. */\nimport java.util.List;\n\
            import static a.B.c;\n\
            class Count { void f() { for (;;) {} } }\n";
        check("Count.java", java, "Counts", &["a.B.c", "java.util.List"], 1);
        let c =
            "/* Sums up. */\n#include <stdio.h>\n# include \"sum.h\"\nint f() { while (1) {} }\n";
        check("lib/sum.c", c, "Sums up", &["stdio.h", "sum.h"], 1);
        assert_eq!(analyze("lib/sum.c", c).imports[1].paths, ["lib/sum.h"]);
    }

    #[test]
    fn shells_and_markdown_are_read() {
        let shell =
            "#!/bin/sh\n# Builds it all.\n. ./env.sh\nif true; then echo \"$#\" && ls; fi\n";
        check("bin/build", shell, "Builds it all", &["./env.sh"], 2);
        let text = "Intro\n\n# The store\n\nKeeps records. Fast.\n\
            See [more](docs/a.md#x) and [w](https://a.b).\n";
        check("README.md", text, "The store: Keeps records", &["docs/a.md"], 0);
    }

    #[test]
    fn what_is_no_text_and_what_is_unknown_is_told() {
        let binary = BuiltInAnalyzer.analyze(&Source { path: "a.py", bytes: b"a\0b" });
        assert_eq!(binary.unwrap().unwrap().file_type, "binary");
        let unknown = analyze("a.xyz", "words");
        assert_eq!((unknown.file_type.as_str(), unknown.complexity), ("unknown", 1.0));
        let empty = analyze("a.rs", "");
        assert_eq!((empty.lines, empty.comment_share), (0, None));
    }

    #[test]
    fn complexity_is_one_to_ten() {
        for (decisions, expected) in [(0, 1.0), (1, 2.0), (7, 4.0), (511, 10.0), (u64::MAX, 10.0)] {
            assert!((complexity(decisions) - expected).abs() < 1e-9, "{decisions}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_under_any_name_are_analyzed_alike(
            pieces in proptest::collection::vec(prop_oneof![
                Just("\"".to_owned()), Just("'".to_owned()), Just("/*".to_owned()),
                Just("*/".to_owned()), Just("//".to_owned()), Just("r#".to_owned()),
                Just("\n".to_owned()), Just("\\".to_owned()), Just("import (".to_owned()),
                Just("from '../..'".to_owned()), Just("](a)".to_owned()), Just("use ".to_owned()),
                Just("\r\n#include <".to_owned()), Just("\"\"\"".to_owned()), ".{0,6}",
            ], 0..40),
            extension in prop_oneof![
                Just("rs"), Just("py"), Just("ts"), Just("go"), Just("java"), Just("c"),
                Just("sh"), Just("md"), Just("html"), Just("x"),
            ],
        ) {
            let (path, text) = (format!("a/b.{extension}"), pieces.concat());
            let first = analyze(&path, &text);
            prop_assert!((1.0..=10.0).contains(&first.complexity));
            prop_assert!(first.purpose.chars().count() <= 100);
            prop_assert!(first.functionality.chars().count() <= FUNCTIONALITY_MAX);
            prop_assert!(first.notes.chars().count() <= NOTES_MAX);
            prop_assert_eq!(first, analyze(&path, &text));
        }

        #[test]
        fn bytes_that_are_no_text_do_not_matter(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let source = Source { path: "a.rs", bytes: &bytes };
            prop_assert!(BuiltInAnalyzer.analyze(&source).unwrap().is_some());
        }
    }
}
