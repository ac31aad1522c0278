//! Runs the command in a folder of its own, and writes down what happens.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use engraph::Store;
use engraph::record::Record;
use tempfile::TempDir;

/// A folder to run the command in. Paths on the command line are relative to it.
pub(crate) struct Session {
    folder: TempDir,
    transcript: String,
}

/// What one run of the command did.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), transcript: String::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, ready to run here, without anything that this terminal or user has set.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engraph"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RUST_LOG", "COLUMNS"] {
            command.env_remove(variable);
        }
        // Settings of this machine and user are not the test's.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("ENGRAPH_") {
                command.env_remove(variable);
            }
        }
        command.env("XDG_CONFIG_DIRS", self.folder.path().join("machine"));
        command.env("XDG_CONFIG_HOME", self.folder.path().join("user"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Runs a command line without quotes, and adds it and what it did to the transcript.
    pub(crate) fn say(&mut self, line: &str) -> &mut Self {
        let arguments: Vec<&str> = line.split(' ').collect();
        let run = self.run(&arguments);
        let transcript = &mut self.transcript;
        writeln!(transcript, "$ engraph {line}").unwrap();
        transcript.push_str(&settled(&run.stdout));
        for line in settled(&run.stderr).lines() {
            writeln!(transcript, "! {line}").unwrap();
        }
        writeln!(transcript, "-> {}\n", run.code).unwrap();
        self
    }

    /// Compares the transcript with the golden one.
    #[track_caller]
    pub(crate) fn check(&self, name: &str) {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden").join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, &self.transcript).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default().replace("\r\n", "\n");
        let first = self.transcript.lines().zip(expected.lines()).find(|(found, old)| found != old);
        assert!(
            self.transcript == expected,
            "{name} differs, first at {first:?}; UPDATE_GOLDEN=1 accepts this:\n{}",
            self.transcript
        );
    }

    /// Makes a store with these records.
    pub(crate) fn store_with<T: Record>(&self, name: &str, records: &[T]) {
        let store = Store::create(self.path(name)).unwrap();
        store
            .write(|tx| records.iter().try_for_each(|record| tx.insert(record).map(drop)))
            .unwrap();
        store.close().unwrap();
    }

    /// Writes the databases of a small old installation into a folder.
    pub(crate) fn old_installation(&self, name: &str, documents: u32) {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        engraph::legacy::sample::write(&folder, documents).unwrap();
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Fails unless the run ended so, with this in what it said.
    #[track_caller]
    pub(crate) fn check(&self, code: i32, in_stdout: &str, in_stderr: &str) {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "{all}");
        assert!(self.stdout.contains(in_stdout), "{in_stdout:?} is not in: {}", self.stdout);
        assert!(self.stderr.contains(in_stderr), "{in_stderr:?} is not in: {}", self.stderr);
    }
}

/// The text without what differs from run to run or is no promise: seconds, sizes on disk, times of
/// the clock, scores.
fn settled(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut line = without_measures(line);
        for key in ["elapsed", "data_bytes_on_disk", "search_bytes_on_disk", "bytes", "score"] {
            line = without_value(&line, &format!("\"{key}\":"), |c| !matches!(c, ',' | '}'));
        }
        for key in ["\"last_write_time\":\"", "\"next\":\"", "last write    "] {
            line = without_value(&line, key, |c| c != '"');
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The line with `N` for numbers before a unit, and for the score that a hit begins with.
fn without_measures(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    for at in 1..words.len() {
        let is_number = words[at - 1].parse::<f64>().is_ok();
        match words[at] {
            "s" | "ms" | "us" if is_number => words[at - 1] = "N",
            "B" | "kB" | "MB" if is_number => (words[at - 1], words[at]) = ("N", "bytes"),
            _ => {}
        }
    }
    let first = words.iter().position(|word| !word.is_empty());
    if let Some(score) = first.filter(|first| (1..=4).contains(first))
        && words[score].contains('.')
        && words[score].parse::<f64>().is_ok()
    {
        words.drain(1..score);
        words[1] = "N";
    }
    words.join(" ")
}

/// The line with `N` for what follows every `key`, as long as `belongs` says so.
fn without_value(line: &str, key: &str, belongs: impl Fn(char) -> bool) -> String {
    let mut parts = line.split(key);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(key);
        out.push('N');
        out.push_str(part.trim_start_matches(&belongs));
    }
    out
}
