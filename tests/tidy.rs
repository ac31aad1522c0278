//! Rules of the source tree that neither the compiler nor clippy checks.
//!
//! Every rule is one function from files to a list of violations, and one test that says what to
//! do about them. Code, comments and literals are told apart by a small scanner: it knows enough
//! of the language to find names and matching braces in formatted source, and no more. The unit
//! tests at the end show each rule failing.

#![expect(clippy::expect_used, reason = "a file that cannot be read is a failed check")]

#[path = "tidy/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{Source, closing, is_root, names_in, rust_files, text_files, words};

/// The layers, bottom to top. A layer imports from lower ranks and from itself only.
const LAYERS: &[(&str, u8)] = &[
    ("base", 1),
    ("config", 2),
    ("storage", 2),
    ("record", 3),
    ("graph", 4),
    ("search", 4),
    ("store", 5),
    ("family", 6),
    ("transfer", 7),
    ("legacy", 7),
    ("async_store", 7),
    ("log", 7),
    ("testing", 8),
];

/// Pairs (user, used) of families that may know each other. Must stay without a cycle.
const FAMILY_PAIRS: &[(&str, &str)] = &[
    ("analysis", "provenance"),
    ("analyzer", "file"),
    ("document", "tag"),
    ("file", "tag"),
    ("knowledge", "entity"),
    ("memory", "knowledge"),
    ("memory", "provenance"),
    ("organization", "provenance"),
    ("review", "quality"),
    ("scan", "file"),
    ("schedule", "job"),
];

/// Modules of `record` that are not a family: every layer above may name them.
const RECORD_SHARED: &[&str] = &["registry", "text_enum", "stated", "vocabulary"];

/// External crates and the only places whose code may name them.
const ENGINE_HOMES: &[(&str, &[&str])] = &[
    ("redb", &["src/storage/"]),
    ("petgraph", &["src/graph/"]),
    ("tantivy", &["src/search/"]),
    ("rusqlite", &["src/legacy/"]),
    ("rmp_serde", &["src/base/codec.rs"]),
    ("sha2", &["src/base/digest.rs"]),
    ("wide", &["src/search/vector/"]),
    ("usearch", &["src/search/vector/approximate.rs"]),
    ("gix", &["src/family/git/"]),
    ("tokio", &["src/async_store.rs"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("comfy_table", &["src/cli/"]),
    ("indicatif", &["src/cli/"]),
    ("anstream", &["src/cli/", "src/main.rs"]),
    ("tracing_subscriber", &["src/log/", "src/cli/", "src/main.rs"]),
    ("ctrlc", &["src/cli/", "src/main.rs"]),
    ("ureq", &["src/family/analyzer/http.rs"]),
    ("quick_xml", &["src/transfer/"]),
    ("regex", &["src/family/tag/", "src/config/schema.rs"]),
    ("globset", &["src/family/tag/"]),
    ("ignore", &["src/family/scan/"]),
    ("fs4", &["src/storage/place.rs"]),
    ("toml_edit", &["src/config/parse.rs"]),
    ("serde_norway", &["src/config/parse.rs"]),
    ("ini", &["src/config/parse.rs"]),
];

/// The register of the old application's defects, and the number of the last one.
const REGISTER: &str = "docs/defects.md";
const DEFECTS: u32 = 28;

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

/// Violations, one text each: `path:line: what is wrong`.
type Violations = Vec<String>;

#[test]
fn layers_import_only_downwards() {
    let files = rust_files();
    report(
        &layers(&files),
        "move the code to the layer that owns it, or hand the value down as a parameter; \
         the ranks are LAYERS in tests/tidy.rs",
    );
}

#[test]
fn the_allowed_family_pairs_have_no_cycle() {
    report(&cycles(FAMILY_PAIRS), "break the cycle in FAMILY_PAIRS");
}

#[test]
fn the_command_uses_only_the_public_interface() {
    report(
        &command_imports(&rust_files()),
        "import from `engraph::`, as any user of the crate would; what is missing there is missing \
         for users too",
    );
}

#[test]
fn each_engine_is_named_only_in_its_home() {
    report(
        &engines(&rust_files()),
        "call the layer that wraps the crate; the homes are ENGINE_HOMES in tests/tidy.rs",
    );
}

#[test]
fn every_module_starts_with_its_documentation() {
    report(
        &module_docs(&rust_files()),
        "begin the file with `//!`: what the module is, what it is not, its invariants",
    );
}

#[test]
fn files_are_short() {
    report(&file_lengths(&rust_files()), "split the file where its second idea begins");
}

#[test]
fn functions_fit_a_screen() {
    report(
        &function_lengths(&rust_files()),
        "keep the branches here and move the computation to helpers",
    );
}

#[test]
fn lines_are_short_and_ascii() {
    report(
        &lines(&rust_files()),
        "wrap the line; write other characters as escapes such as \\u{e9}",
    );
}

#[test]
fn nothing_unfinished_or_forbidden_is_called() {
    report(
        &banned_calls(&rust_files()),
        "return an error, wait on a channel or a condition instead of sleeping, assert the whole \
         expectation, let the caller pass the clock and the environment in, and print only in cli",
    );
}

#[test]
fn to_dos_name_a_decision_record() {
    let records = names_in("docs/decisions");
    report(
        &to_dos(&rust_files(), &records),
        "do it now, or write docs/decisions/NNN-title.md and name `decisions/NNN` in the comment",
    );
}

#[test]
fn no_source_file_is_forgotten() {
    report(
        &forgotten(&rust_files()),
        "declare the file with a `mod` line in its parent, or delete it",
    );
}

#[test]
fn no_text_names_a_path_of_one_machine() {
    report(
        &machine_paths(&text_files()),
        "use a relative path, a temporary folder or a parameter instead",
    );
}

#[test]
fn every_defect_of_the_register_names_tests_that_are_there() {
    report(
        &defects(&text_files(), DEFECTS),
        "write the test that states the behaviour here, and name it in the last column of the \
         defect's row: `file::name` under tests/it/, or `path.rs::name`",
    );
}

/// Fails with every violation and the way out.
#[track_caller]
fn report(violations: &[String], advice: &str) {
    let count = violations.len();
    assert!(violations.is_empty(), "{count} found:\n  {}\n{advice}", violations.join("\n  "));
}

// ---- layers -------------------------------------------------------------------------------

fn layers(files: &[Source]) -> Violations {
    let exports = Exports::of(files);
    let mut found = Violations::new();
    for file in files.iter().filter(|file| file.is_library() && file.path != "src/lib.rs") {
        let home = file.module();
        if rank(&home[0]).is_none() {
            found.push(format!("{}:1: layer `{}` has no rank in LAYERS", file.path, home[0]));
            continue;
        }
        for (offset, path) in exports.resolved_paths(file) {
            let in_tests = offset >= file.tail;
            if let Some(fault) = layer_fault(&home, &path, in_tests, &exports) {
                found.push(file.fault(offset, &format!("`{}` {fault}", path.join("::"))));
            }
        }
    }
    found
}

fn rank(layer: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == layer).map(|(_, rank)| *rank)
}

/// Why code in module `home` must not name `path`, if it must not.
fn layer_fault(
    home: &[String],
    path: &[String],
    in_tests: bool,
    exports: &Exports,
) -> Option<String> {
    let (layer, target) = (home[0].as_str(), path.first()?.as_str());
    if target == "cli" {
        return Some("belongs to the binary".to_owned());
    }
    let target_rank = rank(target)?;
    if layer == target {
        return match layer {
            "family" => family_fault(home, path, exports),
            "record" if !in_tests => record_fault(home, path, exports),
            _ => None,
        };
    }
    let layer_rank = rank(layer)?;
    if target_rank > layer_rank {
        return Some(format!("lies above `{layer}`"));
    }
    if target_rank == layer_rank {
        return Some(format!("lies beside `{layer}`"));
    }
    let last = path.last()?;
    if layer == "record" && target == "storage" && !last.ends_with("Id") {
        return Some("is not an id: `record` knows only ids of `storage`".to_owned());
    }
    let by_name = target == "record" && matches!(layer, "graph" | "search" | "store");
    if by_name && !in_tests && exports.record_family(path).is_some() {
        return Some(format!("is a record type by name: `{layer}` knows only the trait"));
    }
    None
}

fn family_fault(home: &[String], path: &[String], exports: &Exports) -> Option<String> {
    let (own, other) = (home.get(1)?, path.get(1)?);
    let is_allowed = own == other
        || !exports.families.contains(other)
        || FAMILY_PAIRS.contains(&(own.as_str(), other.as_str()));
    (!is_allowed).then(|| format!("is another family: ({own}, {other}) is not in FAMILY_PAIRS"))
}

fn record_fault(home: &[String], path: &[String], exports: &Exports) -> Option<String> {
    let own = home.get(1).filter(|own| !RECORD_SHARED.contains(&own.as_str()))?;
    let other = exports.record_family(path).filter(|other| other != own)?;
    Some(format!("is of another family: `record/{own}` must not name `record/{other}`"))
}

fn cycles(pairs: &[(&str, &str)]) -> Violations {
    let mut found = Violations::new();
    for (start, _) in pairs {
        let mut reached = BTreeSet::new();
        let mut open = vec![*start];
        while let Some(user) = open.pop() {
            let used = pairs.iter().filter(|pair| pair.0 == user).map(|pair| pair.1);
            open.extend(used.filter(|used| reached.insert(*used)));
        }
        if reached.contains(start) {
            found.push(format!("`{start}` reaches itself"));
        }
    }
    found
}

fn command_imports(files: &[Source]) -> Violations {
    let mut found = Violations::new();
    for file in files.iter().filter(|file| file.is_command()) {
        for (offset, path) in file.paths() {
            if path.first().is_some_and(|first| first != "cli" && rank(first).is_some()) {
                found.push(file.fault(offset, &format!("`crate::{}`", path.join("::"))));
            }
        }
        for (offset, word) in words(&file.code) {
            if word == "engraph" && file.code[offset..].starts_with("engraph::testing") {
                found.push(file.fault(offset, "`engraph::testing` is for the test suites"));
            }
        }
    }
    found
}

/// What the library root and `record` re-export, so that a short name is judged by its home.
#[derive(Default)]
struct Exports {
    root: BTreeMap<String, Vec<String>>,
    record: BTreeMap<String, Vec<String>>,
    record_families: BTreeSet<String>,
    families: BTreeSet<String>,
}

impl Exports {
    fn of(files: &[Source]) -> Self {
        let names_of = |path: &str| {
            let file = files.iter().find(|file| file.path == path);
            file.map(Source::exports).unwrap_or_default()
        };
        let modules_of = |layer: &str| -> BTreeSet<String> {
            let homes = files.iter().filter(|file| file.is_library()).map(Source::module);
            homes.filter(|home| home.len() > 1 && home[0] == layer).map(|h| h[1].clone()).collect()
        };
        let mut record_families = modules_of("record");
        record_families.retain(|name| !RECORD_SHARED.contains(&name.as_str()));
        Self {
            root: names_of("src/lib.rs"),
            record: names_of("src/record/mod.rs"),
            record_families,
            families: modules_of("family"),
        }
    }

    /// The paths a file names inside the crate, with re-exports of the root followed.
    fn resolved_paths(&self, file: &Source) -> Vec<(usize, Vec<String>)> {
        let mut paths = file.paths();
        for (_, path) in &mut paths {
            if let Some(home) = path.first().and_then(|first| self.root.get(first)) {
                let rest = path.split_off(1);
                path.clone_from(home);
                path.extend(rest);
            }
        }
        paths
    }

    /// The family of a path into `record`, also when it goes through a re-export.
    fn record_family(&self, path: &[String]) -> Option<String> {
        let name = path.get(1)?;
        let family = self.record.get(name).and_then(|home| home.first()).unwrap_or(name);
        self.record_families.get(family).cloned()
    }
}

// ---- the other rules ----------------------------------------------------------------------

fn engines(files: &[Source]) -> Violations {
    let mut found = Violations::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/")) {
        for (offset, word) in words(&file.code) {
            let Some((_, homes)) = ENGINE_HOMES.iter().find(|(name, _)| *name == word) else {
                continue;
            };
            let before = file.code[..offset].trim_end();
            let after = file.code[offset + word.len()..].trim_start();
            let is_path = after.starts_with("::") && !before.ends_with("::");
            let is_import = before.ends_with("use") || before.ends_with("extern crate");
            let at_home = homes.iter().any(|home| file.path.starts_with(home));
            if (is_path || is_import) && !at_home {
                found.push(file.fault(offset, &format!("`{word}` lives in {}", homes.join(", "))));
            }
        }
    }
    found
}

fn module_docs(files: &[Source]) -> Violations {
    let bare = files.iter().filter(|file| !file.text.starts_with("//! "));
    bare.map(|file| file.fault(0, "does not start with `//! `")).collect()
}

fn file_lengths(files: &[Source]) -> Violations {
    let lengths = files.iter().map(|file| (file, file.text[..file.tail].lines().count()));
    let long = lengths.filter(|(_, count)| *count > FILE_LINES_MAX);
    long.map(|(file, count)| {
        file.fault(0, &format!("{count} lines without tests, {FILE_LINES_MAX} are allowed"))
    })
    .collect()
}

fn function_lengths(files: &[Source]) -> Violations {
    let mut found = Violations::new();
    for file in files {
        for (offset, word) in words(&file.code).filter(|(_, word)| *word == "fn") {
            let after = offset + word.len();
            let name = words(&file.code[after..]).next().map_or("", |(_, name)| name);
            let Some(end) = function_end(&file.code, after) else { continue };
            let count = file.code[offset..end].matches('\n').count() + 1;
            if count > FUNCTION_LINES_MAX {
                let what = format!("`{name}` has {count} lines, {FUNCTION_LINES_MAX} are allowed");
                found.push(file.fault(offset, &what));
            }
        }
    }
    found
}

/// Where the body ends of a function whose `fn` ends at `at`; none for a type or a declaration.
fn function_end(code: &str, at: usize) -> Option<usize> {
    if !code[at..].trim_start().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let mut depth = 0_usize;
    for (index, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => return closing(code, index),
            _ => {}
        }
    }
    None
}

fn lines(files: &[Source]) -> Violations {
    let mut found = Violations::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let (at, columns) = (index + 1, line.chars().count());
            if columns > COLUMNS_MAX {
                found.push(format!("{}:{at}: {columns} columns", file.path));
            }
            if let Some(odd) = line.chars().find(|c| !c.is_ascii()) {
                found.push(format!("{}:{at}: {} is not ASCII", file.path, odd.escape_unicode()));
            }
        }
    }
    found
}

fn banned_calls(files: &[Source]) -> Violations {
    let mut found = Violations::new();
    for file in files {
        for (offset, word) in words(&file.code) {
            if let Some(fault) = banned_call(file, offset, word) {
                found.push(file.fault(offset, &fault));
            }
        }
    }
    found
}

fn banned_call(file: &Source, offset: usize, word: &str) -> Option<String> {
    let (before, after) = (&file.code[..offset], &file.code[offset + word.len()..]);
    let in_tests = offset >= file.tail || file.path.starts_with("tests/");
    let in_library = file.is_library() && !in_tests;
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    let fault = match word {
        "todo" | "unimplemented" | "dbg" => after.starts_with('!'),
        "println" | "print" => file.is_library() && after.starts_with('!'),
        // A test that is skipped says so.
        "eprintln" | "eprint" => in_library && after.starts_with('!'),
        "ignore" | "should_panic" => line.starts_with("#["),
        "sleep" => in_tests && after.starts_with('('),
        "matches" => in_tests && is_bare_statement(before, after),
        "SystemTime" => in_library && after.starts_with("::now") && file.path != "src/base/time.rs",
        "env" => in_library && (after.starts_with("::var") || after.starts_with("::args")),
        "fn" => in_tests && after.starts_with(" test_"),
        _ => false,
    };
    fault.then(|| match word {
        "matches" => "a bare `matches!` asserts nothing".to_owned(),
        "fn" => "a test's name is a claim and has no `test_` prefix".to_owned(),
        word => format!("`{word}` is banned here"),
    })
}

/// Whether a macro call stands alone as a statement.
fn is_bare_statement(before: &str, after: &str) -> bool {
    let starts = before.trim_end().ends_with(['{', '}', ';']);
    let Some(arguments) = after.strip_prefix('!') else { return false };
    let end = closing(arguments, 0);
    starts && end.is_some_and(|end| arguments[end..].starts_with(';'))
}

fn to_dos(files: &[Source], records: &[String]) -> Violations {
    let mut found = Violations::new();
    for file in files {
        for (index, line) in file.comments.lines().enumerate() {
            if !words(line).any(|(_, word)| matches!(word, "TODO" | "FIXME" | "XXX")) {
                continue;
            }
            let number = line.split("decisions/").nth(1).map(|rest| rest.get(..3).unwrap_or(""));
            let is_known = number.is_some_and(|number| {
                number.bytes().all(|byte| byte.is_ascii_digit())
                    && number.len() == 3
                    && records.iter().any(|record| record.starts_with(number))
            });
            if !is_known {
                let line = line.trim();
                found.push(format!("{}:{}: {line}", file.path, index + 1));
            }
        }
    }
    found
}

fn forgotten(files: &[Source]) -> Violations {
    let known: BTreeMap<&str, &Source> =
        files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = known.keys().copied().filter(|path| is_root(path)).collect();
    while let Some(path) = open.pop() {
        if reached.insert(path) {
            let declared = known[path].declared_modules();
            open.extend(
                declared
                    .iter()
                    .filter_map(|path| known.get_key_value(path.as_str()))
                    .map(|(path, _)| *path),
            );
        }
    }
    let lost = known.iter().filter(|(path, _)| !reached.contains(*path));
    lost.map(|(_, file)| file.fault(0, "no `mod` line leads here")).collect()
}

fn machine_paths(files: &[Source]) -> Violations {
    // Put together here, so that this file does not name them either.
    let needles = [["/", "work/"], ["/", "root/"], ["/", "tmp/"]].map(|parts| parts.concat());
    let mut found = Violations::new();
    for file in files {
        for (needle, tests_may) in needles.iter().zip([false, false, true]) {
            for (offset, _) in file.text.match_indices(needle) {
                let is_absolute = !file.text[..offset].ends_with(|c: char| {
                    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | '~')
                });
                let in_tests = offset >= file.tail || file.path.starts_with("tests/");
                if is_absolute && !(tests_may && in_tests) {
                    found.push(file.fault(offset, &format!("names `{needle}`")));
                }
            }
        }
    }
    found
}

fn defects(files: &[Source], count: u32) -> Violations {
    let Some(register) = files.iter().find(|file| file.path == REGISTER) else {
        return vec![format!("{REGISTER}:1: it is not there")];
    };
    let (mut found, mut listed) = (Violations::new(), BTreeSet::new());
    let mut offset = 0;
    for line in register.text.split_inclusive('\n') {
        let cells: Vec<&str> = line.split('|').collect();
        if let [_, defect, _, shown_by, ..] = cells[..]
            && defect.starts_with(" D")
        {
            let numbers =
                words(defect).filter_map(|(_, word)| word.strip_prefix('D')?.parse::<u32>().ok());
            listed.extend(numbers);
            let tests: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
            if tests.is_empty() {
                found.push(register.fault(offset, "no test is named"));
            }
            for test in tests.into_iter().filter(|test| !is_test(files, test)) {
                found.push(register.fault(offset, &format!("there is no test `{test}`")));
            }
        }
        offset += line.len();
    }
    let missing = (1..=count).filter(|number| !listed.contains(number));
    found.extend(missing.map(|number| format!("{REGISTER}:1: D{number} is missing")));
    found
}

/// Whether `file::name` is a test.
fn is_test(files: &[Source], test: &str) -> bool {
    let Some((home, name)) = test.rsplit_once("::") else { return false };
    let path = if home.contains('/') { home.to_owned() } else { format!("tests/it/{home}.rs") };
    let Some(file) = files.iter().find(|file| file.path == path) else { return false };
    words(&file.code).any(|(offset, word)| {
        let before = file.code[..offset].trim_end();
        word == name
            && before.strip_suffix("fn").is_some_and(|it| it.trim_end().ends_with("#[test]"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines at which a rule finds fault with the files, as `path:line`.
    #[track_caller]
    fn check(rule: impl Fn(&[Source]) -> Violations, files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        let found = rule(&files);
        let places: Vec<String> =
            found.iter().map(|fault| fault.split(": ").next().unwrap().to_owned()).collect();
        assert_eq!(places, expected, "{found:?}");
    }

    /// The same for a rule that looks at one file at a time.
    #[track_caller]
    fn check_one(rule: fn(&[Source]) -> Violations, path: &str, text: &str, lines: &[usize]) {
        let expected: Vec<String> = lines.iter().map(|line| format!("{path}:{line}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(rule, &[(path, text)], &expected);
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        let text = "a /* b /* c */ d */ \"e \\\" f\" r#\"g \" h\"# 'i' '\\'' b'j' &'k l // m\nn";
        let file = Source::new("src/base/x.rs", text);
        let code: Vec<&str> = words(&file.code).map(|(_, word)| word).collect();
        let comments: Vec<&str> = words(&file.comments).map(|(_, word)| word).collect();
        assert_eq!(code, ["a", "k", "l", "n"]);
        assert_eq!(comments, ["b", "c", "d", "m"]);
        assert_eq!(file.code.len(), text.len());
    }

    #[test]
    fn an_import_from_above_or_beside_is_found() {
        let rule = layers;
        check_one(rule, "src/storage/x.rs", "use crate::base::Error;\n", &[]);
        check_one(rule, "src/storage/x.rs", "\nuse crate::store::Store;\n", &[2]);
        check_one(rule, "src/storage/x.rs", "use crate::{base::A, graph::B};\n", &[1]);
        check_one(rule, "src/graph/x.rs", "fn f() { crate::search::g() }\n", &[1]);
        check_one(rule, "src/legacy/mod.rs", "use super::transfer::A;\n", &[1]);
        check_one(rule, "src/legacy/x.rs", "use super::transfer::A;\n", &[]);
        check_one(rule, "src/legacy/x.rs", "use super::super::transfer::A;\n", &[1]);
        check_one(rule, "src/store/x.rs", "use crate::cli::A;\n", &[1]);
        check_one(rule, "src/store/x.rs", "// crate::cli::A\n", &[]);
        check_one(rule, "src/attic/x.rs", "", &[1]);
    }

    #[test]
    fn unit_tests_see_their_own_file_as_super() {
        let tail = "#[cfg(test)]\nmod tests {\n    use super::*;\n    use super::super::A;\n";
        check_one(layers, "src/graph/x.rs", tail, &[]);
        let climbing = format!("{tail}    use super::super::super::search::B;\n");
        check_one(layers, "src/graph/x.rs", &climbing, &[5]);
    }

    #[test]
    fn a_short_name_is_judged_by_its_home() {
        let root = ("src/lib.rs", "pub use base::error::Error;\npub use store::Store as Db;\n");
        let user = ("src/graph/x.rs", "use crate::Error;\nuse crate::Db;\n");
        check(layers, &[root, user], &["src/graph/x.rs:2"]);
    }

    #[test]
    fn records_know_ids_of_storage_and_no_other_family() {
        let task = ("src/record/task.rs", "use crate::storage::names::NameId;\n");
        let tag = ("src/record/tag.rs", "use crate::storage::rows::Rows;\nuse super::task::A;\n");
        check(layers, &[task, tag], &["src/record/tag.rs:1", "src/record/tag.rs:2"]);
    }

    #[test]
    fn derived_views_name_no_record_type() {
        let record = ("src/record/mod.rs", "pub use task::Task;\n");
        let task = ("src/record/task.rs", "");
        let view = ("src/search/x.rs", "use crate::record::{Record, Task};\n");
        check(layers, &[record, task, view], &["src/search/x.rs:1"]);
    }

    #[test]
    fn a_family_uses_another_only_where_listed() {
        let task = ("src/family/task.rs", "use crate::family::shared;\n");
        let tag = ("src/family/tag.rs", "use super::task::claim;\nuse crate::family::tag::A;\n");
        check(layers, &[task, tag], &["src/family/tag.rs:1"]);
        assert_eq!(cycles(&[("a", "b"), ("b", "c")]), Violations::new());
        assert_eq!(cycles(&[("a", "b"), ("b", "a")]).len(), 2);
    }

    #[test]
    fn the_command_may_not_reach_into_the_library() {
        let rule = command_imports;
        check_one(rule, "src/cli/get.rs", "use crate::cli::output;\nuse engraph::Store;\n", &[]);
        check_one(rule, "src/cli/get.rs", "use crate::store::Store;\n", &[1]);
        check_one(rule, "src/main.rs", "\nuse engraph::testing::Disk;\n", &[2]);
    }

    #[test]
    fn an_engine_outside_its_home_is_found() {
        check_one(engines, "src/storage/rows.rs", "use redb::Database;\n", &[]);
        check_one(engines, "src/store/tx.rs", "use redb::Database;\n", &[1]);
        check_one(engines, "src/store/tx.rs", "fn f() -> petgraph::Graph {}\n", &[1]);
        check_one(engines, "src/store/tx.rs", "fn f(redb: u8) { \"redb::x\" } // redb::x\n", &[]);
        check_one(engines, "src/legacy/row.rs", "use rmp_serde as codec;\n", &[1]);
        check_one(engines, "tests/it/main.rs", "use rusqlite::Connection;\n", &[]);
    }

    #[test]
    fn a_file_without_module_docs_is_found() {
        check_one(module_docs, "src/base/x.rs", "//! Text.\n", &[]);
        check_one(module_docs, "src/base/x.rs", "// Text.\n//! Text.\n", &[1]);
    }

    #[test]
    fn length_counts_lines_before_the_unit_tests() {
        let tail = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "//\n".repeat(FILE_LINES_MAX));
        let body = "//\n".repeat(FILE_LINES_MAX);
        check_one(file_lengths, "src/base/x.rs", &format!("{body}{tail}"), &[]);
        check_one(file_lengths, "src/base/x.rs", &format!("//\n{body}{tail}"), &[1]);
    }

    #[test]
    fn a_function_ends_at_its_closing_brace() {
        let function = |lines: usize| {
            let body = "    '{'; \"}\"; // }\n".repeat(lines - 3);
            format!("\nfn f(\n    a: [u8; 2]) {{\n{body}}}\n")
        };
        let declaration = format!("fn g();\n{}", "//\n".repeat(FUNCTION_LINES_MAX));
        let rule = function_lengths;
        check_one(rule, "src/base/x.rs", &function(FUNCTION_LINES_MAX), &[]);
        check_one(rule, "src/base/x.rs", &function(FUNCTION_LINES_MAX + 1), &[2]);
        check_one(rule, "src/base/x.rs", &declaration, &[]);
        check_one(rule, "src/base/x.rs", "type F = fn(u8) -> u8;\n", &[]);
    }

    #[test]
    fn long_lines_and_foreign_characters_are_found() {
        check_one(lines, "src/base/x.rs", &"x".repeat(COLUMNS_MAX), &[]);
        check_one(lines, "src/base/x.rs", &"x".repeat(COLUMNS_MAX + 1), &[1]);
        check_one(lines, "src/base/x.rs", "\n// \u{e9}\n", &[2]);
    }

    #[test]
    fn each_banned_call_is_found() {
        let rule = banned_calls;
        let tail = |line: &str| format!("#[cfg(test)]\nmod tests {{\n    {line}\n}}\n");
        for call in ["todo!()", "unimplemented!()", "dbg!(1)", "println!()", "eprintln!()"] {
            check_one(rule, "src/store/x.rs", &format!("fn f() {{\n    {call}\n}}\n"), &[2]);
        }
        for call in ["SystemTime::now()", "std::env::var(NAME)"] {
            check_one(rule, "src/store/x.rs", &format!("fn f() {{\n    {call}\n}}\n"), &[2]);
        }
        for line in ["#[ignore]", "#[should_panic]", "sleep(time);", "matches!(a, B { .. });"] {
            check_one(rule, "src/store/x.rs", &tail(line), &[3]);
        }
        check_one(rule, "tests/it/x.rs", "fn test_it() {}\n", &[1]);
    }

    #[test]
    fn what_only_looks_banned_is_allowed() {
        let rule = banned_calls;
        check_one(rule, "src/cli/x.rs", "fn f() { println!() }\n", &[]);
        check_one(rule, "src/base/time.rs", "fn f() { SystemTime::now() }\n", &[]);
        check_one(rule, "src/store/worker.rs", "fn f() { thread::sleep(pause) }\n", &[]);
        check_one(rule, "tests/it/x.rs", "fn f() { assert!(matches!(a, B)); }\n", &[]);
        check_one(rule, "tests/it/x.rs", "fn f() { ignore(\"#[ignore]\") } // todo!()\n", &[]);
    }

    #[test]
    fn a_to_do_needs_a_decision_record_that_exists() {
        let rule = |files: &[Source]| to_dos(files, &["007-trim.md".to_owned()]);
        let text = "// TODO: later\n// TODO decisions/007: trim\n// FIXME decisions/008\n\"TODO\"";
        let expected = ["src/base/x.rs:1", "src/base/x.rs:3"];
        check(rule, &[("src/base/x.rs", text)], &expected);
    }

    #[test]
    fn a_file_that_no_mod_line_names_is_found() {
        let tree = [
            ("src/lib.rs", "pub mod base;\nmod inline { }\n"),
            ("src/base/mod.rs", "mod id;\n// mod time;\n"),
            ("src/base/id.rs", ""),
            ("src/base/time.rs", ""),
            ("tests/it/main.rs", "#[path = \"../support/mod.rs\"]\nmod support;\nmod task;\n"),
            ("tests/it/task.rs", ""),
            ("tests/it/tag.rs", ""),
            ("tests/support/mod.rs", ""),
            ("tests/tidy.rs", ""),
        ];
        check(forgotten, &tree, &["src/base/time.rs:1", "tests/it/tag.rs:1"]);
    }

    #[test]
    fn a_defect_without_a_test_that_is_there_is_found() {
        let suite = ("tests/it/task.rs", "#[test]\nfn one() {}\nfn two() {}\n");
        let unit = ("src/base/x.rs", "mod tests {\n    #[test]\n    fn three() {}\n}\n");
        let register = |rows: &str| format!("| defect | here | shown by |\n|---|---|---|\n{rows}");
        let good = register(
            "| D1 a | b | `task::one` |\n| D2, D3 c | d | `src/base/x.rs::three`, `task::one` |\n",
        );
        let rule = |files: &[Source]| defects(files, 3);
        check(rule, &[suite, unit, (REGISTER, &good)], &[]);
        let bad = register("| D1 a | b | `task::two`, `x::one` |\n| D3 c | d | by hand |\n");
        let expected = [3, 3, 4, 1].map(|line| format!("{REGISTER}:{line}"));
        check(rule, &[suite, unit, (REGISTER, &bad)], &expected.each_ref().map(String::as_str));
        check(rule, &[suite], &["docs/defects.md:1"]);
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found() {
        let text = ["fn f() { open(\"/wo", "rk/x\"); open(\"/t", "mp/x\") }\n"].concat();
        check_one(machine_paths, "src/base/x.rs", &text, &[1, 1]);
        check_one(machine_paths, "tests/it/x.rs", &text, &[1]);
        check_one(machine_paths, "src/base/x.rs", "// frame/wo rk and net/work/x\n", &[]);
    }
}
