//! `engraph similar`: finds records by their vectors.

use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::styling::Style;
use clap::{Args, ValueEnum};
use engraph::search::{Metric, Scan};
use engraph::{NodeId, ReadTx, SimilarHit, SimilarResults, Store};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::Output;
use super::{place, shown, text};

/// Longest label of a hit, in characters.
const LABEL_MAX: usize = 60;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// The record whose neighbours are wanted, for example 1:17 or document:17
    #[arg(required_unless_present = "vector", conflicts_with = "vector")]
    id: Option<String>,

    /// A file with a vector instead: a JSON array of numbers
    #[arg(long, value_name = "FILE")]
    vector: Option<PathBuf>,

    /// The model whose vectors are compared
    #[arg(long, value_name = "MODEL")]
    model: String,

    /// How nearness is measured
    #[arg(long, value_enum, default_value_t = By::Cosine)]
    metric: By,

    /// Only records of these kinds
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,

    /// Hits to show at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Look only at what the approximate index names, where there is one: some may be missed
    #[arg(long)]
    approximate: bool,

    /// How many it names: more find more, and take longer
    #[arg(long, value_name = "N", requires = "approximate")]
    candidates: Option<usize>,
}

/// The metrics by their names here.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Cosine,
    Dot,
    Euclidean,
}

impl From<By> for Metric {
    fn from(by: By) -> Self {
        match by {
            By::Cosine => Self::Cosine,
            By::Dot => Self::Dot,
            By::Euclidean => Self::Euclidean,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store| find(store, arguments, output))
}

fn find(store: &Store, arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    let tx = store.read()?;
    let model = &arguments.model;
    let mut similar = if let Some(file) = &arguments.vector {
        tx.similar(model, &read_vector(file)?)
    } else {
        let id = shown::id_named(&tx, arguments.id.as_deref().unwrap_or_default())?;
        if tx.get_vector(id, model)?.is_none() {
            let failure = Failure::no(format!("{id} has no vector of model {model:?}"));
            return Err(failure.hint(models(&tx)?));
        }
        tx.similar_to(id, model)
    };
    for name in &arguments.kind {
        similar = similar.kind(shown::kind_named(&tx, name)?);
    }
    if arguments.approximate {
        similar = similar.scan(Scan::Approximate);
        if let Some(count) = arguments.candidates {
            similar = similar.candidates(count);
        }
    }
    let found = similar.metric(arguments.metric.into()).top(arguments.limit).run()?;
    show(&tx, &found, output)?;
    Ok(Answer::yes_if(!found.hits.is_empty()))
}

/// Which models there are, as a hint.
fn models(tx: &ReadTx) -> Result<String, Failure> {
    let models = tx.vector_models()?;
    if models.is_empty() {
        return Ok("no vectors were written beside records here".to_owned());
    }
    let names = models.iter().map(|model| format!("{} ({} values)", model.name, model.dimension));
    Ok(format!("models with vectors beside records: {}", names.collect::<Vec<_>>().join(", ")))
}

fn read_vector(file: &Path) -> Result<Vec<f32>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{} holds no vector: {error}", file.display()))
            .hint("a vector is a JSON array of numbers, for example [0.6, 0.8]")
    })
}

#[derive(Serialize)]
struct Found {
    hits: Vec<ShownHit>,
    seq: u64,
}

#[derive(Serialize)]
struct ShownHit {
    id: NodeId,
    kind: String,
    score: f32,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<NodeId>,
}

impl ShownHit {
    fn new(tx: &ReadTx, hit: &SimilarHit) -> Result<Self, Failure> {
        let label = tx.get_json(hit.id)?.as_ref().map(shown::label).unwrap_or_default();
        let kind = shown::kind_of(tx, hit.id);
        Ok(Self { id: hit.id, kind, score: hit.score, label, carrier: hit.carrier })
    }
}

fn show(tx: &ReadTx, found: &SimilarResults, output: &mut Output) -> Result<(), Failure> {
    let hits =
        found.hits.iter().map(|hit| ShownHit::new(tx, hit)).collect::<Result<Vec<_>, _>>()?;
    if output.is_json() {
        return output.json(&Found { hits, seq: found.seq.0 });
    }
    if hits.is_empty() {
        output.note("nothing was found")?;
    }
    let bold = output.style(Style::new().bold());
    for ShownHit { id, kind, score, label, .. } in hits {
        let (kind, label) = (text::escaped(&kind), text::shortened(&label, LABEL_MAX));
        output.line(format_args!("{score:7.4}  {bold}{kind} {id}{bold:#}  {label}"))?;
    }
    Ok(())
}
