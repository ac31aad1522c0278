//! `engraph memory forget`: lets memories go by rules, and places the holds that forbid it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::Store;
use engraph::family::{ForgetPlan, ForgetPolicy, Forgettable, Forgotten, Held, NewHold};
use engraph::record::MemoryType;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking, show};
use super::{shown, text};

/// Widest cell of a table, in characters.
const CELL_MAX: usize = 60;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Forget what these rules name, or the stored ones where none is given
    Apply {
        /// The store's directory
        store: PathBuf,
        #[command(flatten)]
        rules: Rules,
        /// Who does it
        #[arg(long, value_name = "NAME")]
        author: String,
        /// Show what would go and why, and forget nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Keep rules with the data, in the place of those for the same namespace
    Store {
        /// The store's directory
        store: PathBuf,
        #[command(flatten)]
        rules: Rules,
    },
    /// Show the rules that are kept with the data, as JSON
    Stored {
        /// The store's directory
        store: PathBuf,
    },
    /// Forbid that records are forgotten or erased
    Hold {
        /// The store's directory
        store: PathBuf,
        /// Name of the hold
        name: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who orders it
        #[arg(long, value_name = "NAME")]
        author: Option<String>,
        /// A record to hold, for example `memory:3`; may be given several times
        #[arg(long, value_name = "ID")]
        record: Vec<String>,
        /// Hold the memories and proposals of a namespace
        #[arg(long, value_name = "NAME")]
        namespace: Option<String>,
        /// Hold the memories and proposals of an agent
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
        /// Hold a document with its parts and what was remembered of it
        #[arg(long, value_name = "ID")]
        document: Option<String>,
    },
    /// End a hold
    Release {
        /// The store's directory
        store: PathBuf,
        /// The hold, for example `legal_hold:1`
        hold: String,
    },
    /// List holds
    Holds {
        /// The store's directory
        store: PathBuf,
    },
}

#[derive(Args, Debug)]
struct Rules {
    /// Only memories of this namespace
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Memories whose time to live is over
    #[arg(long)]
    expired: bool,
    /// Of each namespace all but so many of the greatest weight
    #[arg(long, value_name = "N")]
    records_max: Option<u64>,
    /// Memories of a smaller weight, 0 to 1
    #[arg(long, value_name = "WEIGHT")]
    weight_min: Option<f64>,
    /// Days in which the weight of an unread memory halves
    #[arg(long, value_name = "DAYS")]
    half_life: Option<f64>,
    /// Memories that are older, of a type (`episodic=30`) or of all (`365`)
    #[arg(long, value_name = "[TYPE=]DAYS", value_parser = retention)]
    keep_days: Vec<(Option<String>, u32)>,
}

fn retention(text: &str) -> Result<(Option<String>, u32), String> {
    let (of_type, days) = match text.split_once('=') {
        Some((of_type, days)) => (Some(of_type.to_owned()), days),
        None => (None, text),
    };
    let days = days.parse().map_err(|_| format!("{days:?} is no number of days"))?;
    Ok((of_type, days))
}

impl Rules {
    fn policy(&self) -> ForgetPolicy {
        let mut policy = ForgetPolicy::new();
        if let Some(namespace) = &self.namespace {
            policy = policy.namespace(namespace);
        }
        if self.expired {
            policy = policy.expired();
        }
        if let Some(records) = self.records_max {
            policy = policy.records_max(records);
        }
        if let Some(weight) = self.weight_min {
            policy = policy.weight_min(weight);
        }
        if let Some(days) = self.half_life {
            policy = policy.half_life_days(days);
        }
        for (of_type, days) in &self.keep_days {
            policy = policy.keep_days(of_type.as_deref().map(MemoryType::from), *days);
        }
        policy
    }

    /// The rules that are given, or those that are stored.
    fn policies(&self, store: &Store) -> Result<Vec<ForgetPolicy>, Failure> {
        let given = self.policy();
        if given != ForgetPolicy::new() {
            return Ok(vec![given]);
        }
        let stored = store.read()?.forget_policies()?;
        if stored.is_empty() {
            return Err(Failure::usage("no rule is given, and none is stored")
                .hint("for example --expired or --keep-days episodic=30"));
        }
        Ok(stored)
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Apply { store, rules, dry_run: true, .. } => changing(store, |store| {
            let mut all = ForgetPlan::default();
            for policy in rules.policies(store)? {
                let plan = store.plan_forgetting(&policy)?;
                all.going.extend(plan.going);
                all.kept.extend(plan.kept);
            }
            if output.is_json() {
                output.json(&all)?;
                return Ok(Answer::Yes);
            }
            tell("would go", &all.going, &all.kept, output)
        }),
        Action::Apply { store, rules, author, .. } => changing(store, |store| {
            let mut all = Forgotten::default();
            for policy in rules.policies(store)? {
                let done = store.forget(&policy, author)?;
                all.forgotten.extend(done.forgotten);
                all.kept.extend(done.kept);
                all.writes.extend(done.writes);
            }
            if output.is_json() {
                output.json(&all)?;
                return Ok(Answer::Yes);
            }
            tell("gone", &all.forgotten, &all.kept, output)
        }),
        Action::Store { store, rules } => changing(store, |store| {
            store.write(|tx| tx.store_forget_policy(&rules.policy()))?;
            output.line("stored")?;
            Ok(Answer::Yes)
        }),
        Action::Stored { store } => looking(store, |tx| {
            for policy in tx.forget_policies()? {
                output.json(&policy)?;
            }
            Ok(Answer::Yes)
        }),
        Action::Release { store, hold } => changing(store, |store| {
            let id = shown::id_named(&store.read()?, hold)?;
            store.write(|tx| tx.holds().release(id))?;
            done(output, "released", id)
        }),
        Action::Holds { store } => looking(store, |tx| {
            const FIELDS: &[&str] = &["name", "created_at", "released_at", "author", "reason"];
            show(tx, &tx.holds().list()?, FIELDS, output)
        }),
        hold @ Action::Hold { .. } => place_hold(hold, output),
    }
}

fn place_hold(action: &Action, output: &mut Output) -> Result<Answer, Failure> {
    let Action::Hold { store, name, reason, author, record, namespace, agent, document } = action
    else {
        return Ok(Answer::No);
    };
    changing(store, |store| {
        let tx = store.read()?;
        let ids = record.iter().map(|record| shown::id_named(&tx, record));
        let mut hold = NewHold::new(name, reason).records(ids.collect::<Result<Vec<_>, _>>()?);
        if let Some(document) = document {
            hold = hold.document(shown::id_named(&tx, document)?);
        }
        drop(tx);
        if let Some(author) = author {
            hold = hold.author(author);
        }
        if let Some(namespace) = namespace {
            hold = hold.namespace(namespace);
        }
        if let Some(agent) = agent {
            hold = hold.agent(agent);
        }
        let id = store.write(|tx| tx.holds().place(hold))?;
        done(output, "placed", id)
    })
}

fn tell(
    what: &str,
    going: &[Forgettable],
    kept: &[Held],
    output: &mut Output,
) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["id", "what", "namespace", "key", "why"]);
    for one in going {
        rows.push([
            &one.id.to_string(),
            what,
            &text::shortened(&one.namespace, CELL_MAX),
            &text::shortened(&one.key, CELL_MAX),
            &one.reason,
        ]);
    }
    for held in kept {
        rows.push([&held.id.to_string(), "kept", "", "", &held.reason]);
    }
    if going.is_empty() && kept.is_empty() {
        output.note("there are none")?;
    } else {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}
