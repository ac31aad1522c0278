//! `engraph get`: shows records by their ids.

use std::path::PathBuf;

use clap::Args;
use clap::builder::styling::Style;
use engraph::Store;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::shown::{self, Shown};
use super::{place, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// Ids, for example 1:17 or document:17
    #[arg(required = true)]
    id: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store| show(store, &arguments.id, output))
}

fn show(store: &Store, ids: &[String], output: &mut Output) -> Result<Answer, Failure> {
    let tx = store.read()?;
    let mut answer = Answer::Yes;
    for (index, text) in ids.iter().enumerate() {
        let id = shown::id_named(&tx, text)?;
        match Shown::load(&tx, id)? {
            Some(shown) if output.is_json() => output.json(&shown)?,
            Some(shown) => {
                if index > 0 {
                    output.line("")?;
                }
                show_fields(&shown, output)?;
            }
            None if output.is_json() => {
                answer = Answer::No;
                output.json(&Shown::new(&tx, id, serde_json::Value::Null))?;
            }
            None => {
                answer = Answer::No;
                output.note(format_args!("there is no record {id}"))?;
            }
        }
    }
    Ok(answer)
}

/// A head line, then a line for every field; further lines of a text are indented to its start.
fn show_fields(shown: &Shown, output: &mut Output) -> Result<(), Failure> {
    let bold = output.style(Style::new().bold());
    let head = format!("{bold}{} {}{bold:#}", text::escaped(&shown.kind), shown.id);
    match &shown.origin {
        None => output.line(head)?,
        Some(shown::From { source, table, row }) => {
            let table = text::escaped(table);
            output.line(format_args!("{head}  from {table} row {row} of source {source}"))?;
        }
    }
    let Some(fields) = shown.record.as_object() else {
        return output.line(text::escaped(&shown.record.to_string()));
    };
    let names = fields.keys().map(|name| text::escaped(name).chars().count());
    let width = names.max().unwrap_or(0);
    for (name, value) in fields {
        let value = shown::plain(value);
        let value = text::escaped_lines(&value);
        let mut lines = value.split('\n');
        let first = lines.next().unwrap_or_default();
        output.line(format!("  {:width$}  {first}", text::escaped(name)).trim_end())?;
        for line in lines {
            output.line(format!("  {:width$}  {line}", "").trim_end())?;
        }
    }
    Ok(())
}
