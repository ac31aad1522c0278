//! `engraph persona`: personas and their skills.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::family::PersonaFilter;
use engraph::record::{Persona, Skill};
use engraph::{NodeId, ReadTx, Result as StoreResult, WriteTx};
use serde::Serialize;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking, show};
use super::shown::{self, Shown};
use super::text;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List personas by name
    List {
        /// The store's directory
        store: PathBuf,
        /// Only those that can be chosen
        #[arg(long)]
        active: bool,
    },
    /// List skills by name
    Skills {
        /// The store's directory
        store: PathBuf,
        /// Only those that can be used
        #[arg(long)]
        active: bool,
    },
    /// Show a persona with its skills
    Show {
        /// The store's directory
        store: PathBuf,
        /// Its name
        name: String,
    },
    /// Say which persona is chosen for a mode and a content type
    Resolve {
        /// The store's directory
        store: PathBuf,
        /// The mode
        #[arg(long, value_name = "NAME")]
        mode: Option<String>,
        /// The content type
        #[arg(long = "type", value_name = "TYPE")]
        content_type: Option<String>,
    },
    /// Give a skill to a persona
    Attach(Pair),
    /// Take a skill from a persona
    Detach(Pair),
    /// Write the default personas and skills that are not there
    Seed {
        /// The store's directory
        store: PathBuf,
    },
}

/// A persona and a skill of a store, by name.
#[derive(Args, Debug)]
struct Pair {
    /// The store's directory
    store: PathBuf,
    /// The persona's name
    persona: String,
    /// The skill's name
    skill: String,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::List { store, active } => looking(store, |tx| {
            const FIELDS: &[&str] = &["name", "role", "active"];
            show(tx, &tx.personas().list(filter(*active))?, FIELDS, output)
        }),
        Action::Skills { store, active } => looking(store, |tx| {
            const FIELDS: &[&str] = &["name", "description", "enabled"];
            show(tx, &tx.personas().list_skills(filter(*active))?, FIELDS, output)
        }),
        Action::Show { store, name } => looking(store, |tx| {
            let (id, _) = persona(tx, name)?;
            show_persona(tx, id, output)
        }),
        Action::Resolve { store, mode, content_type } => looking(store, |tx| {
            let found = tx.personas().resolve(mode.as_deref(), content_type.as_deref())?;
            let (id, _) = found.ok_or_else(|| Failure::no("no persona is active"))?;
            show_persona(tx, id, output)
        }),
        Action::Attach(pair) => change(pair, output, "attached", |tx, persona, skill| {
            tx.personas().attach(persona, skill)
        }),
        Action::Detach(pair) => change(pair, output, "detached", |tx, persona, skill| {
            tx.personas().detach(persona, skill)
        }),
        Action::Seed { store } => changing(store, |store| {
            let seeded = store.write(|tx| tx.personas().seed_defaults())?;
            if output.is_json() {
                output.json(&seeded)?;
            } else {
                let count = |number: usize, noun| text::counted(number as u64, noun);
                let personas = count(seeded.personas, "persona");
                let skills = count(seeded.skills, "skill");
                let attachments = count(seeded.attachments, "attachment");
                output.line(format_args!("added {personas}, {skills}, {attachments}"))?;
            }
            Ok(Answer::Yes)
        }),
    }
}

fn filter(active: bool) -> PersonaFilter {
    if active { PersonaFilter::Active } else { PersonaFilter::All }
}

fn persona(tx: &ReadTx, name: &str) -> Result<(NodeId, Persona), Failure> {
    let found = tx.personas().get(name)?;
    found.ok_or_else(|| Failure::no(format!("there is no persona {name:?}")))
}

fn skill(tx: &ReadTx, name: &str) -> Result<(NodeId, Skill), Failure> {
    let found = tx.personas().get_skill(name)?;
    found.ok_or_else(|| Failure::no(format!("there is no skill {name:?}")))
}

fn change(
    pair: &Pair,
    output: &mut Output,
    what: &str,
    change: impl FnOnce(&mut WriteTx<'_>, NodeId, NodeId) -> StoreResult<bool>,
) -> Result<Answer, Failure> {
    changing(&pair.store, |store| {
        let tx = store.read()?;
        let (persona, _) = persona(&tx, &pair.persona)?;
        let (skill, _) = skill(&tx, &pair.skill)?;
        if store.write(|tx| change(tx, persona, skill))? {
            return done(output, what, skill);
        }
        Err(Failure::no(format!("it was {what} before")))
    })
}

fn show_persona(tx: &ReadTx, id: NodeId, output: &mut Output) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Whole {
        #[serde(flatten)]
        persona: Shown,
        skills: Vec<String>,
    }
    let skills = tx.personas().skills_of(id)?.into_iter().map(|(_, skill)| skill.name).collect();
    let loaded = Shown::load(tx, id)?;
    let persona = loaded.ok_or_else(|| Failure::no(format!("there is no record {id}")))?;
    let whole = Whole { persona, skills };
    if output.is_json() {
        output.json(&whole)?;
        return Ok(Answer::Yes);
    }
    let mut rows = Rows::new([whole.persona.kind.as_str(), &id.to_string()]);
    for (field, value) in whole.persona.record.as_object().into_iter().flatten() {
        rows.push([field, &shown::plain(value)]);
    }
    for skill in &whole.skills {
        rows.push(["skill", skill]);
    }
    output.table(&rows)?;
    Ok(Answer::Yes)
}
