//! The search index itself: built anew, looked at; and what a text may become.

use std::path::Path;

use engraph::{Completions, SearchReport, SearchStats, Store};
use serde::Serialize;

use super::super::failure::{Answer, Failure};
use super::super::output::{Output, Rows};
use super::super::progress::Progress;
use super::super::{place, text};
use super::open_to_write;

pub(super) fn complete(
    store: &Store,
    typed: &str,
    limit: usize,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let found = store.complete(typed, limit)?;
    let Completions { words, titles, keywords } = &found;
    let answer = Answer::yes_if(!(words.is_empty() && titles.is_empty() && keywords.is_empty()));
    if output.is_json() {
        output.json(&found)?;
        return Ok(answer);
    }
    if answer == Answer::No {
        output.note("nothing begins like this")?;
        return Ok(answer);
    }
    let mut rows = Rows::new(["what", "text", "#records"]);
    for word in words {
        rows.push(["word", &word.word, &word.records.to_string()]);
    }
    for title in titles {
        rows.push(["title", title, ""]);
    }
    for keyword in keywords {
        rows.push([&keyword.field, &keyword.word, &keyword.records.to_string()]);
    }
    output.table(&rows)?;
    Ok(answer)
}

pub(super) fn rebuild(store: &Path, output: &mut Output) -> Result<Answer, Failure> {
    let store = Store::open(store)?;
    place::closing(&store, |store| {
        let progress = Progress::new(output.form(), "building the search index");
        let stats = store.rebuild_search()?;
        progress.finish();
        if output.is_json() {
            output.json(&stats)?;
        } else {
            let (records, bytes) = (stats.documents, text::bytes(stats.bytes_on_disk));
            output.line(format_args!("{} in {bytes}", text::counted(records, "record")))?;
        }
        Ok(Answer::Yes)
    })
}

pub(super) fn index_vectors(
    store: &Path,
    model: &str,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let store = Store::open(store)?;
    place::closing(&store, |store| {
        let progress = Progress::new(output.form(), "indexing vectors");
        store.index_vectors(model)?;
        progress.finish();
        let stats = store.vector_stats();
        let stats: Vec<_> = stats.iter().filter(|stats| stats.model == model).collect();
        if output.is_json() {
            output.json(&stats.first())?;
        } else {
            for stats in stats {
                let vectors = text::counted(stats.indexed.unwrap_or_default(), "vector");
                output.line(format_args!("{vectors} of {} values", stats.dimension))?;
            }
        }
        Ok(Answer::Yes)
    })
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    stats: &'a SearchStats,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a SearchReport>,
}

pub(super) fn stats(store: &Path, check: bool, output: &mut Output) -> Result<Answer, Failure> {
    let store = if check { open_to_write(store)? } else { place::open_to_read(store)? };
    place::closing(&store, |store| {
        let check = check.then(|| store.check_search()).transpose()?;
        let stats = store.search_stats();
        let is_ok = check.as_ref().is_none_or(SearchReport::is_ok);
        if output.is_json() {
            output.json(&Shown { stats: &stats, check: check.as_ref() })?;
        } else {
            show(&stats, check.as_ref(), output)?;
        }
        Ok(if is_ok { Answer::Yes } else { Answer::Damaged })
    })
}

fn show(
    stats: &SearchStats,
    check: Option<&SearchReport>,
    output: &mut Output,
) -> Result<(), Failure> {
    let Some(watermark) = stats.watermark else {
        return output.line("no index yet: the first search builds it");
    };
    output.line(format_args!("records    {}", text::count(stats.documents)))?;
    output.line(format_args!("segments   {}", stats.segments))?;
    output.line(format_args!("on disk    {}", text::bytes(stats.bytes_on_disk)))?;
    output.line(format_args!("seen       write {watermark}, {} behind", stats.behind))?;
    if stats.rebuilding {
        output.line("rebuilding another one takes its place when it is ready")?;
    }
    let Some(check) = check else { return Ok(()) };
    for file in &check.damaged_files {
        let file = file.display().to_string();
        output.line(format_args!("damaged    {}: its checksum differs", text::escaped(&file)))?;
    }
    for id in &check.differing {
        output.line(format_args!("differs    {id}"))?;
    }
    if check.more_differing > 0 {
        output.line(format_args!("differs    {} more", text::count(check.more_differing)))?;
    }
    let verdict = if check.is_ok() { "ok  " } else { "read" };
    output.line(format_args!("{verdict}       {}", text::counted(check.records, "record")))?;
    if !check.is_ok() {
        output.note("nothing is lost: `engraph search rebuild STORE` builds the index anew")?;
    }
    Ok(())
}
