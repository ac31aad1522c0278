//! The options that every recall has.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use engraph::family::{NearDuplicates, Recall};
use engraph::record::MemoryType;
use engraph::{Store, Timestamp};

use crate::cli::bench::weights;
use crate::cli::failure::Failure;

#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Only memories of this namespace; every one is asked where none is named
    #[arg(long, value_name = "NAME")]
    namespace: Vec<String>,

    /// Only memories of this agent
    #[arg(long, value_name = "NAME")]
    agent: Vec<String>,

    /// Only memories of this type, for example `episodic`
    #[arg(long = "type", value_name = "TYPE")]
    memory_type: Vec<String>,

    /// Only what was said from this time on
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,

    /// Only what was said before this time
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,

    /// Only what held at this time
    #[arg(long, value_name = "TIME")]
    held_at: Option<Timestamp>,

    /// When the question is asked; now unless said otherwise
    #[arg(long, value_name = "TIME")]
    asked_at: Option<Timestamp>,

    /// The memories as they were at this time
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,

    /// Retired memories too
    #[arg(long)]
    retired: bool,

    /// A file with a vector, a JSON array of numbers, to compare with
    #[arg(long, value_name = "FILE")]
    vector: Option<PathBuf>,

    /// The model of the vectors
    #[arg(long, value_name = "MODEL", default_value = "memory", requires = "vector")]
    model: String,

    /// Weights to begin with: default, legacy or words
    #[arg(long, value_name = "NAME", default_value = "default")]
    preset: String,

    /// Another weight for a signal, for example `vector=0.5`; 0 leaves it out
    #[arg(long, value_name = "SIGNAL=WEIGHT")]
    weight: Vec<String>,

    /// Show memories that say nearly the same one by one
    #[arg(long)]
    near_duplicates: bool,

    /// How much a hit has to say something new, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    diversity: f32,
}

impl Flags {
    /// The recall that they ask for.
    pub(super) fn recall<'s>(
        &self,
        store: &'s Store,
        question: &str,
    ) -> Result<Recall<'s>, Failure> {
        let mut recall = store.recall(question).weights(weights(&self.preset, &self.weight)?);
        for namespace in &self.namespace {
            recall = recall.namespace(namespace.as_str());
        }
        for agent in &self.agent {
            recall = recall.agent(agent.as_str());
        }
        for name in &self.memory_type {
            recall = recall.memory_type(MemoryType::from(name.as_str()));
        }
        if let Some(time) = self.from {
            recall = recall.said_from(time);
        }
        if let Some(time) = self.before {
            recall = recall.said_before(time);
        }
        if let Some(time) = self.held_at {
            recall = recall.held_at(time);
        }
        if let Some(time) = self.asked_at {
            recall = recall.asked_at(time);
        }
        if let Some(time) = self.as_of {
            recall = recall.as_of_time(time);
        }
        if self.retired {
            recall = recall.with_retired();
        }
        if let Some(file) = &self.vector {
            let text =
                fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
            let vector: Vec<f32> = serde_json::from_str(&text).map_err(|error| {
                Failure::usage(format!("{} holds no vector: {error}", file.display()))
            })?;
            recall = recall.vector_of(self.model.as_str(), &vector);
        }
        if self.near_duplicates {
            recall = recall.near_duplicates(NearDuplicates::Show);
        }
        Ok(recall.diversity(self.diversity))
    }
}
