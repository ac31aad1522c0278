//! `engraph knowledge`: curated terms and open questions.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use engraph::family::{Reviewed, TermQuery, Verdict};
use engraph::record::{KnowledgeTerm, ProposalStatus, QuestionStatus, TermStatus};
use engraph::{NodeId, ReadTx};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::records::{changing, done, looking, show};
use super::shown;

/// Columns of a list of terms.
const FIELDS: &[&str] = &["term", "category", "canonical_value", "status", "verified_by"];

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List terms, oldest first
    List {
        /// The store's directory
        store: PathBuf,
        /// Only terms in this state
        #[arg(long, value_name = "STATE")]
        status: Option<Status>,
        /// Only terms of this category, in any spelling
        #[arg(long, value_name = "NAME")]
        category: Option<String>,
        /// Only terms with this text in themselves, their canonical value or their notes
        #[arg(long, value_name = "TEXT")]
        containing: Option<String>,
        /// Terms to list at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Add a term, or add to one that is there; what is not given stays
    Add(Add),
    /// Say that a term is right
    Verify(Judged),
    /// Say that a term is wrong
    Reject(Judged),
    /// List questions, newest first
    Questions {
        /// The store's directory
        store: PathBuf,
        /// Only questions that are open
        #[arg(long)]
        open: bool,
        /// Questions to list at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Answer a question
    Answer {
        /// The store's directory
        store: PathBuf,
        /// The question, for example `knowledge_question:3`
        question: String,
        /// The answer
        answer: String,
    },
    /// List proposed changes of the knowledge graph, newest first
    Proposals {
        /// The store's directory
        store: PathBuf,
        /// Also those that were decided
        #[arg(long)]
        all: bool,
        /// Proposals to list at most
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: usize,
    },
    /// Approve a proposed change and apply it
    Approve {
        /// The store's directory
        store: PathBuf,
        /// The proposal, for example `knowledge_proposal:3`
        proposal: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

#[derive(Args, Debug)]
struct Add {
    /// The store's directory
    store: PathBuf,
    /// The term
    term: String,
    /// Its category
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
    /// The spelling to use
    #[arg(long, value_name = "TEXT")]
    canonical: Option<String>,
    /// What it means
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Notes
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
    /// How sure it is, 0 to 1
    #[arg(long, value_name = "SHARE")]
    confidence: Option<f64>,
    /// Start the term anew instead of adding to it
    #[arg(long)]
    replace: bool,
}

#[derive(Args, Debug)]
struct Judged {
    /// The store's directory
    store: PathBuf,
    /// The term, for example `knowledge_term:3`
    term: String,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Notes
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
}

/// State of a term, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Proposed,
    Verified,
    Rejected,
    Curated,
    Approved,
}

impl From<Status> for TermStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Proposed => Self::Proposed,
            Status::Verified => Self::Verified,
            Status::Rejected => Self::Rejected,
            Status::Curated => Self::Curated,
            Status::Approved => Self::Approved,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::List { store, status, category, containing, limit } => {
            let mut query = TermQuery::new().limit(*limit);
            if let Some(status) = status {
                query = query.status((*status).into());
            }
            if let Some(category) = category {
                query = query.category(category);
            }
            if let Some(text) = containing {
                query = query.containing(text);
            }
            looking(store, |tx| show(tx, &tx.knowledge().list(&query)?, FIELDS, output))
        }
        Action::Add(add) => add_term(add, output),
        Action::Verify(judged) => judge(judged, Verdict::Verified, output),
        Action::Reject(judged) => judge(judged, Verdict::Rejected, output),
        Action::Questions { store, open, limit } => looking(store, |tx| {
            const FIELDS: &[&str] = &["created_at", "status", "linked_term", "question", "answer"];
            let status = open.then_some(&QuestionStatus::Open);
            show(tx, &tx.knowledge().questions(status, 0, *limit)?, FIELDS, output)
        }),
        Action::Answer { store, question, answer } => changing(store, |store| {
            let id = shown::id_named(&store.read()?, question)?;
            store.write(|tx| tx.knowledge().answer(id, answer))?;
            done(output, "answered", id)
        }),
        Action::Proposals { store, all, limit } => looking(store, |tx| {
            const FIELDS: &[&str] =
                &["created_at", "status", "proposal_type", "confidence", "source", "payload"];
            let status = (!all).then_some(&ProposalStatus::Proposed);
            show(tx, &tx.knowledge().proposals(status, 0, *limit)?, FIELDS, output)
        }),
        Action::Approve { store, proposal, note } => changing(store, |store| {
            let id = shown::id_named(&store.read()?, proposal)?;
            match store.write(|tx| tx.knowledge().approve(id, note.as_deref()))? {
                Reviewed::Applied(made) => done(output, "made", made),
                Reviewed::Rejected(reason) => {
                    Err(Failure::no(format!("{id} cannot be applied and was rejected: {reason}")))
                }
            }
        }),
    }
}

fn add_term(add: &Add, output: &mut Output) -> Result<Answer, Failure> {
    let term = KnowledgeTerm {
        category: add.category.clone(),
        canonical_value: add.canonical.clone(),
        description: add.description.clone(),
        notes: add.notes.clone(),
        confidence: add.confidence,
        ..KnowledgeTerm::named(&*add.term)
    };
    changing(&add.store, |store| {
        let id = store.write(|tx| {
            if add.replace { tx.knowledge().replace(&term) } else { tx.knowledge().upsert(&term) }
        })?;
        done(output, "kept", id)
    })
}

fn judge(judged: &Judged, verdict: Verdict, output: &mut Output) -> Result<Answer, Failure> {
    changing(&judged.store, |store| {
        let id = found(&store.read()?, &judged.term)?;
        let (by, notes) = (judged.by.as_deref(), judged.notes.as_deref());
        store.write(|tx| tx.knowledge().verify(id, verdict, by, notes))?;
        let what = if verdict == Verdict::Verified { "verified" } else { "rejected" };
        done(output, what, id)
    })
}

/// The term that the user names, which must be there.
fn found(tx: &ReadTx, name: &str) -> Result<NodeId, Failure> {
    let id = shown::id_named(tx, name)?;
    match tx.get::<KnowledgeTerm>(id)? {
        Some(_) => Ok(id),
        None => Err(Failure::no(format!("there is no term {name}"))),
    }
}
