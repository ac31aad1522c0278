//! `engraph doc`: documents with their texts and tags.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engraph::family::{DocumentQuery, DocumentStats, NewDocument, NewTag};
use engraph::record::Document;
use engraph::{NodeId, ReadTx, Store};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking, show};
use super::shown::{self, Shown};
use super::text;

/// Columns of a list of documents.
const FIELDS: &[&str] = &["file_name", "file_type", "category", "created_at"];
/// Endings of files that name a type; files of others are plain text.
const TYPES: [&str; 6] = ["pdf", "docx", "txt", "doc", "rtf", "odt"];
/// Largest file whose text is taken in, in bytes.
const TEXT_BYTES_MAX: u64 = 64 << 20;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take files in as documents, with their texts where they are plain text
    Add(Add),
    /// Show a document, its tags and its text
    Show {
        #[command(flatten)]
        document: One,
        /// Print the text alone
        #[arg(long)]
        text: bool,
    },
    /// List documents, newest first, or those that have some words, best match first
    List(List),
    /// Give tags to a document, or take them away
    Tag {
        #[command(flatten)]
        document: One,
        /// The tags: NAME or NAME=VALUE
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
        /// Take them away instead
        #[arg(long)]
        remove: bool,
    },
    /// Delete documents with their texts and tags
    Rm {
        /// The store's directory
        store: PathBuf,
        /// The documents, for example `document:3`
        #[arg(required = true, value_name = "DOCUMENT")]
        documents: Vec<String>,
    },
    /// Count documents by category and type
    Stats {
        /// The store's directory
        store: PathBuf,
    },
}

/// A document of a store.
#[derive(Args, Debug)]
struct One {
    /// The store's directory
    store: PathBuf,
    /// The document, for example `document:3`
    document: String,
}

#[derive(Args, Debug)]
struct Add {
    /// The store's directory
    store: PathBuf,
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Their category
    #[arg(long, value_name = "NAME")]
    category: String,
    /// Their type; by default what their endings say, else txt
    #[arg(long = "type", value_name = "TYPE")]
    file_type: Option<String>,
    /// What they are for
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// A tag, NAME or NAME=VALUE; may be given again
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
}

#[derive(Args, Debug)]
struct List {
    /// The store's directory
    store: PathBuf,
    /// Only documents with these words in name, text or tags
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Only documents of this category
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
    /// Only documents of this type
    #[arg(long = "type", value_name = "TYPE")]
    file_type: Option<String>,
    /// Only documents with this tag, or with one of several
    #[arg(long = "tag", value_name = "NAME")]
    tags: Vec<String>,
    /// Documents to leave out at the beginning
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
    /// Documents to list at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Add(add) => changing(&add.store, |store| add_files(store, add, output)),
        Action::Show { document, text } => looking(&document.store, |tx| {
            let id = document.id(tx)?;
            if *text { show_text(tx, id, output) } else { show_document(tx, id, output) }
        }),
        Action::List(list) => list_documents(list, output),
        Action::Tag { document, tags, remove } => changing(&document.store, |store| {
            let id = document.id(&store.read()?)?;
            if *remove { untag(store, id, tags, output) } else { tag(store, id, tags, output) }
        }),
        Action::Rm { store, documents } => changing(store, |store| {
            let tx = store.read()?;
            let ids = documents.iter().map(|document| found(&tx, document));
            let ids = ids.collect::<Result<Vec<NodeId>, Failure>>()?;
            store.write(|tx| tx.documents().delete_many(&ids))?;
            ids.iter().try_for_each(|id| done(output, "deleted", *id).map(drop))?;
            Ok(Answer::Yes)
        }),
        Action::Stats { store } => {
            looking(store, |tx| show_stats(&tx.documents().stats()?, output))
        }
    }
}

impl One {
    fn id(&self, tx: &ReadTx) -> Result<NodeId, Failure> {
        found(tx, &self.document)
    }
}

/// The document that the user names, which must be there.
fn found(tx: &ReadTx, name: &str) -> Result<NodeId, Failure> {
    let id = shown::id_named(tx, name)?;
    match tx.get::<Document>(id)? {
        Some(_) => Ok(id),
        None => Err(Failure::no(format!("there is no document {name}"))),
    }
}

fn new_tag(tag: &str) -> NewTag {
    match tag.split_once('=') {
        Some((name, value)) => NewTag::new(name).value(value),
        None => NewTag::new(tag),
    }
}

fn add_files(store: &Store, add: &Add, output: &mut Output) -> Result<Answer, Failure> {
    let mut new = Vec::with_capacity(add.files.len());
    for file in &add.files {
        new.push(new_document(file, add, output)?);
    }
    for id in store.write(|tx| tx.documents().create_many(new))? {
        done(output, "added", id)?;
    }
    Ok(Answer::Yes)
}

fn new_document(file: &Path, add: &Add, output: &mut Output) -> Result<NewDocument, Failure> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let known = ending.filter(|ending| TYPES.contains(&&**ending));
    let file_type = add.file_type.clone().or(known).unwrap_or_else(|| "txt".to_owned());
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let mut new = NewDocument::new(name, file_type, &*add.category);
    new = new.file_path(file.to_string_lossy());
    if let Some(purpose) = &add.purpose {
        new = new.primary_purpose(purpose);
    }
    for tag in &add.tags {
        new = new.tag(new_tag(tag));
    }
    let failed = |error| Failure::io("read", file, &error);
    let size = fs::metadata(file).map_err(failed)?.len();
    if size > TEXT_BYTES_MAX {
        output.note(format_args!("{}: too large, its text is left out", shown_path(file)))?;
        return Ok(new);
    }
    match String::from_utf8(fs::read(file).map_err(failed)?) {
        Ok(text) if !text.contains('\0') => Ok(new.content(text)),
        _ => {
            output.note(format_args!("{}: no plain text, it is left out", shown_path(file)))?;
            Ok(new)
        }
    }
}

fn shown_path(path: &Path) -> String {
    text::escaped(&path.to_string_lossy()).into_owned()
}

fn show_document(tx: &ReadTx, id: NodeId, output: &mut Output) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Whole {
        #[serde(flatten)]
        document: Shown,
        tags: serde_json::Map<String, serde_json::Value>,
        content: Option<String>,
    }
    let gone = || Failure::no(format!("there is no record {id}"));
    let full = tx.documents().get(id)?.ok_or_else(gone)?;
    let tags = full.tags.into_iter().map(|tag| (tag.tag_name, tag.tag_value.into())).collect();
    let content = full.content.and_then(|content| content.content_text);
    let whole = Whole { document: Shown::load(tx, id)?.ok_or_else(gone)?, tags, content };
    if output.is_json() {
        output.json(&whole)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new([whole.document.kind.as_str(), &id.to_string()]);
    for (field, value) in whole.document.record.as_object().into_iter().flatten() {
        rows.push([field, &shown::plain(value)]);
    }
    for (name, value) in &whole.tags {
        rows.push([&format!("tag {name}"), &shown::plain(value)]);
    }
    if let Some(counts) = tx.documents().analytics(id)? {
        rows.push(["words", &text::count(counts.word_count.unsigned_abs())]);
        rows.push(["sentences", &text::count(counts.sentence_count.unsigned_abs())]);
    }
    output.table(&rows)?;
    if let Some(content) = &whole.content {
        output.line("")?;
        output.line(text::escaped_lines(content.trim_end_matches('\n')))?;
    }
    Ok(Answer::Yes)
}

fn show_text(tx: &ReadTx, id: NodeId, output: &mut Output) -> Result<Answer, Failure> {
    let content = tx.documents().get(id)?.and_then(|full| full.content);
    let Some(content) = content.and_then(|content| content.content_text) else {
        return Err(Failure::no(format!("document {id} has no text")));
    };
    if output.is_json() {
        output.json(&serde_json::json!({ "id": id, "content": content }))?;
    } else {
        output.line(text::escaped_lines(content.trim_end_matches('\n')))?;
    }
    Ok(Answer::Yes)
}

fn list_documents(list: &List, output: &mut Output) -> Result<Answer, Failure> {
    let mut query = DocumentQuery::new().offset(list.offset).limit(list.limit);
    if let Some(category) = &list.category {
        query = query.category(category);
    }
    if let Some(file_type) = &list.file_type {
        query = query.file_type(file_type);
    }
    for tag in &list.tags {
        query = query.tag(tag);
    }
    let Some(words) = &list.search else {
        return looking(&list.store, |tx| show(tx, &tx.documents().list(&query)?, FIELDS, output));
    };
    // Searching brings the index up to date, which needs a store that can be written.
    changing(&list.store, |store| {
        let hits = store.search_documents(words, &query)?.into_iter();
        let found: Vec<_> = hits.map(|hit| (hit.id, hit.document)).collect();
        show(&store.read()?, &found, FIELDS, output)
    })
}

fn tag(store: &Store, id: NodeId, tags: &[String], output: &mut Output) -> Result<Answer, Failure> {
    let tags: Vec<NewTag> = tags.iter().map(|tag| new_tag(tag)).collect();
    let added = store.write(|tx| tx.documents().tag(id, &tags))?;
    if added.is_empty() {
        output.note("it had them all")?;
    } else {
        done(output, "tagged", id)?;
    }
    Ok(Answer::Yes)
}

fn untag(
    store: &Store,
    id: NodeId,
    tags: &[String],
    output: &mut Output,
) -> Result<Answer, Failure> {
    let removed = store.write(|tx| {
        tags.iter().try_fold(false, |any, tag| Ok(tx.documents().untag(id, tag)? || any))
    })?;
    if !removed {
        return Err(Failure::no(format!("document {id} has none of them")));
    }
    done(output, "untagged", id)
}

fn show_stats(stats: &DocumentStats, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(stats)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new(["what", "#count"]);
    for (what, count) in [
        ("documents", stats.documents),
        ("texts", stats.contents),
        ("tags", stats.tags),
        ("distinct tags", stats.unique_tags),
    ] {
        rows.push([what, &text::count(count as u64)]);
    }
    for (what, counts) in [("category", &stats.categories), ("type", &stats.file_types)] {
        for (name, count) in counts {
            rows.push([&format!("{what} {name}"), &text::count(*count as u64)]);
        }
    }
    output.table(&rows)?;
    Ok(Answer::Yes)
}
