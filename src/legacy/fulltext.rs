//! Full-text tables that index the rows of another table, as their definitions say.
//!
//! A faithful export carries such an index as bytes. Where rows that it covers have changed, the
//! bytes are out of date, and the index is built anew if the definition allows it.

use super::schema::{SchemaText, Storage, definition_of};

/// A full-text table over the rows of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullText {
    /// Its name.
    pub(crate) name: String,
    /// Whether every column that it indexes exists, so that it can be built anew.
    pub(crate) rebuildable: bool,
}

/// The full-text tables over the rows of `table`.
pub(crate) fn full_text_over(schema: &SchemaText, table: &str) -> Vec<FullText> {
    let Some((_, content)) = schema.table(table) else { return Vec::new() };
    let virtual_tables = schema
        .objects
        .iter()
        .filter(|object| object.rows.as_ref().is_some_and(|rows| rows.storage == Storage::Virtual));
    let mut found = Vec::new();
    for object in virtual_tables {
        let Some((module, arguments)) = object.sql.as_deref().and_then(definition_of) else {
            continue;
        };
        if module != "fts5" {
            continue;
        }
        let arguments = split(arguments);
        let over = arguments
            .iter()
            .filter_map(|argument| option(argument))
            .any(|(key, value)| key == "content" && value.eq_ignore_ascii_case(table));
        if over {
            let mut columns = arguments.iter().filter(|argument| option(argument).is_none());
            let exists = |argument: &&str| content.column(&unquoted(argument)).is_some();
            let rebuildable = columns.all(|argument| exists(&first_name(argument)));
            found.push(FullText { name: object.name.clone(), rebuildable });
        }
    }
    found
}

/// Whether the words of a full-text table can be built anew from its rows, or from those of the
/// table that it is over.
pub(crate) fn is_rebuildable(schema: &SchemaText, name: &str) -> bool {
    let object = schema.objects.iter().find(|object| object.name.eq_ignore_ascii_case(name));
    let definition = object.and_then(|object| definition_of(object.sql.as_deref()?));
    let Some((_, arguments)) = definition.filter(|(module, _)| module == "fts5") else {
        return false;
    };
    let content = split(arguments)
        .into_iter()
        .filter_map(option)
        .find(|(key, _)| key == "content")
        .map(|(_, table)| table);
    content.is_none_or(|table| {
        let over = full_text_over(schema, &table);
        over.iter().any(|index| index.rebuildable && index.name.eq_ignore_ascii_case(name))
    })
}

/// The arguments of a module, split at commas outside of quotes.
fn split(arguments: &str) -> Vec<&str> {
    let mut quote = None;
    let at_comma = |character: char| {
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None => return character == ',',
            Some(_) => {}
        }
        false
    };
    arguments.split(at_comma).map(str::trim).filter(|argument| !argument.is_empty()).collect()
}

/// An argument of the form `key = value`.
fn option(argument: &str) -> Option<(String, String)> {
    let (key, value) = argument.split_once('=')?;
    let key = key.trim();
    let plain = key.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    plain.then(|| (key.to_ascii_lowercase(), unquoted(value.trim())))
}

/// The name at the start of a column's argument, quotes included.
fn first_name(argument: &str) -> &str {
    let quote = argument.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'));
    let end = match quote {
        Some(quote) => argument[1..].rfind(quote).map(|end| end + 2),
        None => argument.find(char::is_whitespace),
    };
    &argument[..end.unwrap_or(argument.len())]
}

fn unquoted(text: &str) -> String {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    match ['"', '\'', '`'].into_iter().find_map(|quote| Some((quote, inner(quote)?))) {
        Some((quote, inner)) => inner.replace(&format!("{quote}{quote}"), &quote.to_string()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::fresh::Fresh;

    #[test]
    fn an_index_without_its_columns_cannot_be_rebuilt() {
        let fresh = Fresh::make(
            "CREATE TABLE \"odd, table\"(id INTEGER PRIMARY KEY, title, \"long body\");
             CREATE VIRTUAL TABLE good USING fts5(title, \"long body\" UNINDEXED,
                 content = 'odd, table', content_rowid='id', tokenize=\"unicode61 separators ','\");
             CREATE VIRTUAL TABLE broken USING fts5(title, body, content='odd, table');
             CREATE VIRTUAL TABLE own USING fts5(title);",
            false,
        )
        .unwrap();
        let found = full_text_over(fresh.schema(), "Odd, Table");
        let named = |name: &str, rebuildable| FullText { name: name.to_owned(), rebuildable };
        assert_eq!(found, [named("good", true), named("broken", false)]);
        assert!(full_text_over(fresh.schema(), "none").is_empty());
        let rebuildable = ["good", "own", "broken", "odd, table", "none"]
            .map(|name| is_rebuildable(fresh.schema(), name));
        assert_eq!(rebuildable, [true, true, false, false, false]);
    }
}
