//! What a command gives out: data on standard output, everything else on standard error.
//!
//! Data is a table for people or JSON for programs. JSON keys are stable. A reader that goes away
//! ends the command quietly: every write passes through here and tells.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};

use clap::builder::styling::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use super::failure::Failure;
use super::text;

/// Columns of a table where no terminal says how wide it is.
const COLUMNS_DEFAULT: usize = 120;

/// How a command's data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Tables and lines.
    People,
    /// JSON: one object, or one object a line.
    Json,
}

/// Standard output, and notes on standard error.
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    form: Form,
    is_styled: bool,
    columns: usize,
}

impl Output {
    pub(crate) fn new(form: Form) -> Self {
        let stdout = io::stdout();
        let is_styled = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        let columns = terminal_size::terminal_size_of(&stdout)
            .filter(|_| stdout.is_terminal())
            .map_or(COLUMNS_DEFAULT, |(width, _)| usize::from(width.0).max(40));
        Self { out: BufWriter::new(stdout.lock()), form, is_styled, columns }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Width that a table may have.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The style where the terminal shows one, else none.
    pub(crate) fn style(&self, style: Style) -> Style {
        if self.is_styled { style } else { Style::new() }
    }

    /// Writes a line. Stored text in it must be escaped already.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.out, "{line}").map_err(Failure::output)
    }

    /// Writes bytes as they are: scripts for shells.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(Failure::output)
    }

    /// What takes data that a library call writes: escaped there, in the way of its format.
    pub(crate) fn writer(&mut self) -> &mut dyn io::Write {
        &mut self.out
    }

    /// Writes one JSON object as a line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        write_json(&mut self.out, value).map_err(Failure::output)?;
        self.out.write_all(b"\n").map_err(Failure::output)
    }

    /// Writes a table: the heads, then the rows.
    pub(crate) fn table(&mut self, rows: &Rows) -> Result<(), Failure> {
        let head = self.style(Style::new().bold());
        let text = rows.render(self.columns);
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if index == 0 {
                self.line(format_args!("{head}{line}{head:#}"))?;
            } else {
                self.line(line)?;
            }
        }
        Ok(())
    }

    /// Says something beside the data, on standard error. Nobody waits for it.
    pub(crate) fn note(&mut self, note: impl Display) -> Result<(), Failure> {
        self.flush()?;
        let written = writeln!(anstream::stderr(), "{note}");
        // A closed standard error is no reason to fail: the data has its own stream.
        drop(written);
        Ok(())
    }

    /// Drops what is buffered instead of writing it once more at the end.
    pub(crate) fn forget(self) {
        drop(self.out.into_parts());
    }

    /// Hands on what is buffered.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::output)
    }
}

/// Rows of a table. Cells are escaped as they come in.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    heads: Vec<Head>,
    rows: Vec<Vec<String>>,
}

/// The head of a column, and on which side its cells stand.
#[derive(Clone, Debug)]
pub(crate) enum Head {
    Left(String),
    Right(String),
}

impl Head {
    fn name(&self) -> &str {
        match self {
            Self::Left(name) | Self::Right(name) => name,
        }
    }
}

impl Rows {
    /// A table with these heads; those that begin with `#` stand on the right.
    pub(crate) fn new<'a>(heads: impl IntoIterator<Item = &'a str>) -> Self {
        let heads = heads.into_iter().map(|head| match head.strip_prefix('#') {
            Some(name) => Head::Right(text::escaped(name).into_owned()),
            None => Head::Left(text::escaped(head).into_owned()),
        });
        Self { heads: heads.collect(), rows: Vec::new() }
    }

    /// Adds a row. Cells are escaped here.
    pub(crate) fn push<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter();
        self.rows.push(cells.map(|cell| text::escaped(cell.as_ref()).into_owned()).collect());
    }

    fn render(&self, columns: usize) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
        table.set_header(self.heads.iter().map(Head::name));
        for (column, head) in table.column_iter_mut().zip(&self.heads) {
            column.set_padding((0, 2));
            if matches!(head, Head::Right(_)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for row in &self.rows {
            table.add_row(row);
        }
        table.to_string()
    }
}

/// Writes JSON on one line that is safe to show on a terminal.
pub(crate) fn write_json(writer: impl io::Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(writer, SafeJson);
    value.serialize(&mut serializer).map_err(|error| {
        let kind = error.io_error_kind().unwrap_or(io::ErrorKind::InvalidData);
        io::Error::new(kind, error)
    })
}

/// JSON on one line whose texts hold nothing that a terminal would obey: `serde_json` leaves
/// everything above U+001F as it is.
struct SafeJson;

impl serde_json::ser::Formatter for SafeJson {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(text::is_unsafe) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_nothing_that_a_terminal_obeys_and_reads_back_equal() {
        let text = "\u{1b}[1m\u{9b}\u{7f}\u{202e}\u{e0041}\u{e9}\"\\";
        let mut out = Vec::new();
        write_json(&mut out, &text).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert!(!written.contains(text::is_unsafe), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn tables_are_plain_columns_that_fit() {
        let mut rows = Rows::new(["id", "#count", "text"]);
        rows.push(["1:1", "10", "a\u{1b}b"]);
        rows.push(["1:2", "9", &"word ".repeat(40)]);
        let text = rows.render(60);
        assert!(text.lines().all(|line| line.trim_end().chars().count() <= 60), "{text}");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(lines[0], "id   count  text");
        assert_eq!(lines[1], "1:1     10  a\\u{1b}b");
        assert!(lines[2].starts_with("1:2      9  word"));
    }
}
