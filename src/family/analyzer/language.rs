//! The languages that the built-in analyzer reads, as data.

/// How much of a language's grammar the analyzer needs.
#[derive(Debug)]
pub(super) struct Language {
    /// Type of the file, as the records name it.
    pub(super) file_type: &'static str,
    /// Name of the language.
    pub(super) name: &'static str,
    extensions: &'static [&'static str],
    /// Programs of a `#!` line.
    programs: &'static [&'static str],
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comment: Option<(&'static str, &'static str)>,
    /// Whether comments lie within comments.
    pub(super) nests: bool,
    pub(super) quotes: &'static [u8],
    pub(super) imports: Imports,
    /// Words that decide something.
    pub(super) decisions: &'static [&'static str],
    /// Other signs that do.
    pub(super) signs: &'static [&'static str],
    /// Words before the name of a function, and of a type.
    pub(super) functions: &'static [&'static str],
    pub(super) types: &'static [&'static str],
}

/// How a language says what it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Imports {
    None,
    Rust,
    Python,
    Script,
    Go,
    Java,
    Include,
    Shell,
    Markdown,
}

const PLAIN: Language = Language {
    file_type: "unknown",
    name: "Unknown",
    extensions: &[],
    programs: &[],
    line_comments: &[],
    block_comment: None,
    nests: false,
    quotes: &[],
    imports: Imports::None,
    decisions: &[],
    signs: &[],
    functions: &[],
    types: &[],
};

const C_LIKE: Language = Language {
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    quotes: b"\"'",
    decisions: &["if", "for", "while", "case", "catch"],
    signs: &["&&", "||", " ? "],
    ..PLAIN
};

const SCRIPT: Language = Language {
    programs: &["node", "deno", "bun"],
    quotes: b"\"'`",
    imports: Imports::Script,
    functions: &["function"],
    types: &["class", "interface", "enum"],
    ..C_LIKE
};

const LANGUAGES: &[Language] = &[
    Language {
        file_type: "rust",
        name: "Rust",
        extensions: &["rs"],
        nests: true,
        quotes: b"\"",
        imports: Imports::Rust,
        decisions: &["if", "for", "while", "loop"],
        signs: &["=>", "&&", "||"],
        functions: &["fn"],
        types: &["struct", "enum", "trait", "union"],
        ..C_LIKE
    },
    Language {
        file_type: "python",
        name: "Python",
        extensions: &["py", "pyi", "pyw"],
        programs: &["python"],
        line_comments: &["#"],
        quotes: b"\"'",
        imports: Imports::Python,
        decisions: &["if", "elif", "for", "while", "except", "and", "or", "case"],
        functions: &["def"],
        types: &["class"],
        ..PLAIN
    },
    Language {
        file_type: "javascript",
        name: "JavaScript",
        extensions: &["js", "jsx", "mjs", "cjs"],
        ..SCRIPT
    },
    Language {
        file_type: "typescript",
        name: "TypeScript",
        extensions: &["ts", "tsx", "mts", "cts"],
        programs: &["ts-node", "tsx"],
        ..SCRIPT
    },
    Language {
        file_type: "go",
        name: "Go",
        extensions: &["go"],
        quotes: b"\"'`",
        imports: Imports::Go,
        decisions: &["if", "for", "case"],
        signs: &["&&", "||"],
        functions: &["func"],
        types: &["type"],
        ..C_LIKE
    },
    Language {
        file_type: "java",
        name: "Java",
        extensions: &["java"],
        imports: Imports::Java,
        types: &["class", "interface", "enum", "record"],
        ..C_LIKE
    },
    Language {
        file_type: "c",
        name: "C",
        extensions: &["c", "h"],
        imports: Imports::Include,
        types: &["struct", "enum", "union"],
        ..C_LIKE
    },
    Language {
        file_type: "cpp",
        name: "C++",
        extensions: &["cc", "cpp", "cxx", "hh", "hpp", "hxx"],
        imports: Imports::Include,
        types: &["class", "struct", "enum", "union"],
        ..C_LIKE
    },
    Language {
        file_type: "shell",
        name: "Shell",
        extensions: &["sh", "bash", "zsh"],
        programs: &["sh", "bash", "dash", "zsh", "ksh"],
        line_comments: &["#"],
        quotes: b"\"'",
        imports: Imports::Shell,
        decisions: &["if", "elif", "for", "while", "until"],
        signs: &["&&", "||", ";;"],
        functions: &["function"],
        ..PLAIN
    },
    Language {
        file_type: "markdown",
        name: "Markdown",
        extensions: &["md", "markdown"],
        imports: Imports::Markdown,
        ..PLAIN
    },
    Language { file_type: "json", name: "JSON", extensions: &["json"], ..PLAIN },
    Language {
        file_type: "yaml",
        name: "YAML",
        extensions: &["yaml", "yml"],
        line_comments: &["#"],
        quotes: b"\"'",
        ..PLAIN
    },
    Language {
        file_type: "toml",
        name: "TOML",
        extensions: &["toml"],
        line_comments: &["#"],
        quotes: b"\"'",
        ..PLAIN
    },
    Language {
        file_type: "sql",
        name: "SQL",
        extensions: &["sql"],
        line_comments: &["--"],
        block_comment: Some(("/*", "*/")),
        quotes: b"'\"",
        ..PLAIN
    },
    Language {
        file_type: "html",
        name: "HTML",
        extensions: &["html", "htm"],
        block_comment: Some(("<!--", "-->")),
        ..PLAIN
    },
    Language {
        file_type: "css",
        name: "CSS",
        extensions: &["css"],
        block_comment: Some(("/*", "*/")),
        quotes: b"\"'",
        ..PLAIN
    },
    Language { file_type: "text", name: "Text", extensions: &["txt", "log"], ..PLAIN },
];

/// The language of a file: by its extension, else by its `#!` line.
pub(super) fn of(path: &str, text: &str) -> &'static Language {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let by_extension = extension.and_then(|extension| {
        LANGUAGES.iter().find(|language| language.extensions.contains(&extension.as_str()))
    });
    by_extension.or_else(|| by_program(text)).unwrap_or(&PLAIN)
}

fn by_program(text: &str) -> Option<&'static Language> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = words.find(|word| *word != "env" && !word.starts_with('-'))?;
    // `python3.12` is Python.
    let program = program.trim_end_matches(|end: char| end.is_ascii_digit() || end == '.');
    LANGUAGES.iter().find(|language| language.programs.contains(&program))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn extensions_and_shebangs_tell_the_language() {
        for (path, text, expected) in [
            ("a/b.rs", "", "rust"),
            ("A.PY", "", "python"),
            ("a.d.ts", "", "typescript"),
            ("run", "#!/usr/bin/env python3.12\n", "python"),
            ("run", "#!/bin/bash -e\n", "shell"),
            ("run", "#!/usr/bin/env -S node --x\n", "javascript"),
            ("run", "#!", "unknown"),
            ("run", "#!/usr/bin/env", "unknown"),
            (".rs", "", "rust"),
            ("", "", "unknown"),
        ] {
            assert_eq!(of(path, text).file_type, expected, "{path:?} {text:?}");
        }
    }
}
