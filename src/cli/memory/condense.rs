//! `engraph memory summarise` and `clusters`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use engraph::family::{Concatenation, Extractive, MemoryGrouping};
use engraph::{NodeId, Result as StoreResult, WriteTx};

use super::found;
use super::look::Asked;
use crate::cli::failure::{Answer, Failure};
use crate::cli::output::{Output, Rows};
use crate::cli::records::{changing, looking};
use crate::cli::text;

#[derive(Args, Debug)]
pub(super) struct Summarise {
    /// The store's directory
    store: PathBuf,
    /// The memories, for example `memory:3`, or their record ids; without any, groups are found
    #[arg(value_name = "MEMORY", conflicts_with_all = ["Asked", "Grouping"])]
    memories: Vec<String>,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    grouping: Grouping,
    /// How the text comes about
    #[arg(long, value_name = "METHOD", default_value = "extractive")]
    method: Method,
    /// Characters that a summary should have; it has at most twice as many
    #[arg(long, value_name = "CHARACTERS", default_value_t = 400)]
    length: usize,
}

/// When memories belong together.
#[derive(Args, Debug)]
pub(super) struct Grouping {
    /// The share of words and pairs of words that memories of a group have in common; 0.3 by
    /// default
    #[arg(long = "words-min", value_name = "SHARE", value_parser = share)]
    words: Option<f64>,
    /// The cosine of their embeddings, where both have one; 0.8 by default
    #[arg(long = "vectors-min", value_name = "COSINE", value_parser = cosine)]
    #[arg(allow_negative_numbers = true)]
    vectors: Option<f64>,
    /// Memories that a group needs; 2 by default
    #[arg(long = "size-min", value_name = "N")]
    size: Option<usize>,
}

impl Grouping {
    pub(super) fn grouping(&self) -> MemoryGrouping {
        let mut grouping = MemoryGrouping::new();
        if let Some(share) = self.words {
            grouping = grouping.words_min(share);
        }
        if let Some(cosine) = self.vectors {
            grouping = grouping.vectors_min(cosine);
        }
        if let Some(memories) = self.size {
            grouping = grouping.size_min(memories);
        }
        grouping
    }
}

#[derive(Args, Debug)]
pub(super) struct Clusters {
    /// The store's directory
    store: PathBuf,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    grouping: Grouping,
    /// Make so many clusters, with every memory in one
    #[arg(long, value_name = "N", conflicts_with = "Grouping")]
    count: Option<usize>,
}

/// Where the text of a summary comes from, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// The sentences whose words come most
    Extractive,
    /// One text after the other, as the old application did it
    Concatenation,
}

/// A number on the command line that must be in a range.
fn within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(format!("it is not in {least} to {most}"))
}

fn share(text: &str) -> Result<f64, String> {
    within(text, 0.0, 1.0)
}

fn cosine(text: &str) -> Result<f64, String> {
    within(text, -1.0, 1.0)
}

pub(super) fn summarise(summarise: &Summarise, output: &mut Output) -> Result<Answer, Failure> {
    changing(&summarise.store, |store| {
        let tx = store.read()?;
        let named = summarise.memories.iter().map(|memory| Ok(found(&tx, memory)?.0));
        let named = named.collect::<Result<Vec<NodeId>, Failure>>()?;
        let query = summarise.asked.query();
        let made = store.write(|tx| {
            let groups = if named.is_empty() {
                tx.memories().groups(&query, &summarise.grouping.grouping())?
            } else {
                vec![named]
            };
            let made =
                groups.into_iter().map(|group| Ok((summed_up(tx, &group, summarise)?, group)));
            made.collect::<StoreResult<Vec<(NodeId, Vec<NodeId>)>>>()
        })?;
        for (summary, of) in &made {
            if output.is_json() {
                let made = serde_json::json!({ "done": "summarised", "id": summary, "of": of });
                output.json(&made)?;
            } else {
                let count = text::counted(of.len() as u64, "memory");
                output.line(format_args!("summarised {count} in {summary}"))?;
            }
        }
        if made.is_empty() {
            output.note("no memories say alike")?;
        }
        Ok(Answer::Yes)
    })
}

fn summed_up(
    tx: &mut WriteTx<'_>,
    memories: &[NodeId],
    summarise: &Summarise,
) -> StoreResult<NodeId> {
    match summarise.method {
        Method::Extractive => tx.memories().summarize(memories, summarise.length, &Extractive),
        Method::Concatenation => {
            tx.memories().summarize(memories, summarise.length, &Concatenation)
        }
    }
}

pub(super) fn clusters(clusters: &Clusters, output: &mut Output) -> Result<Answer, Failure> {
    /// Widest content in a table, in characters.
    const CELL_MAX: usize = 60;
    let query = clusters.asked.query();
    looking(&clusters.store, |tx| {
        let found = match clusters.count {
            Some(count) => tx.memories().partition(&query, count)?,
            None => tx.memories().clusters(&query, &clusters.grouping.grouping())?,
        };
        let mut rows = Rows::new(["center", "#memories", "#likeness", "content of the center"]);
        for cluster in &found {
            if output.is_json() {
                output.json(cluster)?;
                continue;
            }
            let center = tx.memories().get(cluster.center)?;
            let content = center.map(|memory| memory.content).unwrap_or_default();
            rows.push([
                cluster.center.to_string(),
                text::count(cluster.members.len() as u64),
                format!("{:.2}", cluster.likeness),
                text::shortened(&content, CELL_MAX),
            ]);
        }
        if found.is_empty() {
            output.note("no memories say alike")?;
        } else if !output.is_json() {
            output.table(&rows)?;
        }
        Ok(Answer::Yes)
    })
}
