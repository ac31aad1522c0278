//! Personas and skills: who does a task, what they can do, and what came of it.
//!
//! A persona is chosen by mode and content type: the first active one by name that is for either,
//! else the first active one. Names are natural keys; writing one of a name replaces the one that
//! is there.

mod seed;

use std::ops::Deref;

use serde::Deserialize;

use super::{Reader, existing, named, object_or_empty};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{Persona, PersonaSkill, Skill, SkillResult, TaskRun};
use crate::store::{ReadTx, WriteTx};
pub use seed::Seeded;

/// A persona to be written.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewPersona(Persona);

impl NewPersona {
    /// An active persona of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(Persona { name: name.into(), active: true, ..Persona::default() })
    }

    /// Sets what it does.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.0.role = Some(role.into());
        self
    }

    /// Sets the prompt.
    pub fn system_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.0.system_prompt = Some(prompt.into());
        self
    }

    /// Sets what it is for: a JSON object with arrays `modes` and `content_types`.
    pub fn activation_rules(mut self, rules: Json) -> Self {
        self.0.activation_rules = Some(rules);
        self
    }

    /// Sets settings, a JSON object, for example with the temperature.
    pub fn settings(mut self, settings: Json) -> Self {
        self.0.settings = Some(settings);
        self
    }

    /// It cannot be chosen.
    pub fn inactive(mut self) -> Self {
        self.0.active = false;
        self
    }
}

/// A skill to be written.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewSkill(Skill);

impl NewSkill {
    /// An enabled skill of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(Skill { name: name.into(), enabled: true, ..Skill::default() })
    }

    /// Sets what it does.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.0.description = Some(description.into());
        self
    }

    /// Sets settings, a JSON object.
    pub fn config(mut self, config: Json) -> Self {
        self.0.config = Some(config);
        self
    }

    /// It cannot be used.
    pub fn disabled(mut self) -> Self {
        self.0.enabled = false;
        self
    }
}

/// Which personas or skills to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PersonaFilter {
    /// Those that can be chosen or used.
    Active,
    /// All.
    #[default]
    All,
}

/// Personas and skills of a transaction. Made by [`ReadTx::personas`] and [`WriteTx::personas`].
///
/// ```
/// use engraph::family::{NewPersona, NewSkill};
/// use engraph::{Json, Store};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// store.write(|tx| {
///     let rules = Json::from_text(r#"{"modes": ["analysis"], "content_types": []}"#)?;
///     let critic = tx.personas().upsert(NewPersona::new("Critic").activation_rules(rules))?;
///     let scan = tx.personas().upsert_skill(NewSkill::new("Fallacy scan"))?;
///     tx.personas().attach(critic, scan)
/// })?;
/// let tx = store.read()?;
/// let (critic, _) = tx.personas().resolve(Some("analysis"), None)?.unwrap();
/// assert_eq!(tx.personas().skills_of(critic)?[0].1.name, "Fallacy scan");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Personas<T> {
    tx: T,
}

impl ReadTx {
    /// Personas and skills, to look at.
    pub fn personas(&self) -> Personas<&Self> {
        Personas { tx: self }
    }
}

impl WriteTx<'_> {
    /// Personas and skills.
    pub fn personas(&mut self) -> Personas<&mut Self> {
        Personas { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Personas<T> {
    /// The persona of that name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, name: &str) -> Result<Option<(NodeId, Persona)>> {
        self.tx.find("name", name.trim())
    }

    /// The skill of that name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get_skill(&self, name: &str) -> Result<Option<(NodeId, Skill)>> {
        self.tx.find("name", name.trim())
    }

    /// Personas by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, which: PersonaFilter) -> Result<Vec<(NodeId, Persona)>> {
        let mut found: Vec<(NodeId, Persona)> =
            self.tx.index("active", (true,))?.collect::<Result<_>>()?;
        if which == PersonaFilter::All {
            for row in self.tx.index("active", (false,))? {
                found.push(row?);
            }
            found.sort_by(|(a, one), (b, other)| (&one.name, a).cmp(&(&other.name, b)));
        }
        Ok(found)
    }

    /// Skills by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list_skills(&self, which: PersonaFilter) -> Result<Vec<(NodeId, Skill)>> {
        let mut found = self.tx.index("enabled", (true,))?.collect::<Result<Vec<_>>>()?;
        if which == PersonaFilter::All {
            for row in self.tx.index("enabled", (false,))? {
                found.push(row?);
            }
            sort_skills(&mut found);
        }
        Ok(found)
    }

    /// The skills of a persona by name, disabled ones included.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn skills_of(&self, persona: NodeId) -> Result<Vec<(NodeId, Skill)>> {
        let mut found = Vec::new();
        for row in self.tx.index::<PersonaSkill>("persona", Some(persona))? {
            if let Some(id) = row?.1.skill {
                found.extend(self.tx.get(id)?.map(|skill| (id, skill)));
            }
        }
        sort_skills(&mut found);
        Ok(found)
    }

    /// The persona for a mode and a content type: of the active ones, by name, the first that is
    /// for the mode or for the type; where none is, the first; `None` when none is active.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn resolve(
        &self,
        mode: Option<&str>,
        content_type: Option<&str>,
    ) -> Result<Option<(NodeId, Persona)>> {
        let mut first = None;
        for row in self.tx.index::<Persona>("active", (true,))? {
            let (id, persona) = row?;
            if Rules::of(&persona).are_for(mode, content_type) {
                return Ok(Some((id, persona)));
            }
            first.get_or_insert((id, persona));
        }
        Ok(first)
    }

    /// What skills gave in a run, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn results(&self, run: NodeId) -> Result<Vec<(NodeId, SkillResult)>> {
        self.tx.index("run", Some(run))?.collect()
    }

    fn attachment(&self, persona: NodeId, skill: NodeId) -> Result<Option<NodeId>> {
        let found = self.tx.find::<PersonaSkill>("persona_skill", (persona, skill))?;
        Ok(found.map(|(id, _)| id))
    }
}

impl Personas<&mut WriteTx<'_>> {
    /// Writes a persona in place of the one of that name, which keeps only the time when it was
    /// made and its skills. Returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a name, for rules whose `modes` or `content_types` are no arrays
    /// of texts, or settings that are no object.
    pub fn upsert(&mut self, new: NewPersona) -> Result<NodeId> {
        let mut persona = new.0;
        named("name", &persona.name)?;
        persona.name = persona.name.trim().to_owned();
        persona.activation_rules = object_or_empty("activation_rules", persona.activation_rules)?;
        if let Some(rules) = &persona.activation_rules {
            rules.parse::<Rules>().map_err(|error| {
                Error::invalid("activation_rules", format!("they cannot be read: {error}"))
            })?;
        }
        persona.settings = object_or_empty("settings", persona.settings)?;
        let now = Some(self.tx.now());
        let Some((id, old)) = self.get(&persona.name)? else {
            persona.created_at = now;
            return self.tx.insert(&persona);
        };
        persona.created_at = old.created_at;
        persona.updated_at = now;
        self.tx.put(id, &persona)?;
        Ok(id)
    }

    /// Writes a skill in place of the one of that name, which keeps only the time when it was made
    /// and its personas. Returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a name, or for settings that are no object.
    pub fn upsert_skill(&mut self, new: NewSkill) -> Result<NodeId> {
        let mut skill = new.0;
        named("name", &skill.name)?;
        skill.name = skill.name.trim().to_owned();
        skill.config = object_or_empty("config", skill.config)?;
        let now = Some(self.tx.now());
        let Some((id, old)) = self.get_skill(&skill.name)? else {
            skill.created_at = now;
            return self.tx.insert(&skill);
        };
        skill.created_at = old.created_at;
        skill.updated_at = now;
        self.tx.put(id, &skill)?;
        Ok(id)
    }

    /// Gives a skill to a persona. Tells whether it did not have it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the persona or the skill is absent.
    pub fn attach(&mut self, persona: NodeId, skill: NodeId) -> Result<bool> {
        existing::<Persona>(&*self.tx, persona)?;
        existing::<Skill>(&*self.tx, skill)?;
        if self.attachment(persona, skill)?.is_some() {
            return Ok(false);
        }
        let created_at = Some(self.tx.now());
        let (persona, skill) = (Some(persona), Some(skill));
        self.tx.insert(&PersonaSkill { persona, skill, created_at })?;
        Ok(true)
    }

    /// Takes a skill from a persona. Tells whether it had it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the attachment does not decode.
    pub fn detach(&mut self, persona: NodeId, skill: NodeId) -> Result<bool> {
        match self.attachment(persona, skill)? {
            Some(id) => self.tx.delete(id),
            None => Ok(false),
        }
    }

    /// Deletes a persona; its skills and results stay. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn delete(&mut self, name: &str) -> Result<bool> {
        let Some((id, _)) = self.get(name)? else { return Ok(false) };
        let rows = self.tx.index::<PersonaSkill>("persona", Some(id))?;
        let attached = rows.map(|row| row.map(|(id, _)| id)).collect::<Result<Vec<_>>>()?;
        for row in attached {
            self.tx.delete(row)?;
        }
        for (row, mut result) in self.results_of(id)? {
            result.persona = None;
            self.tx.put(row, &result)?;
        }
        self.tx.delete(id)
    }

    /// Deletes a skill, also from the personas that have it. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn delete_skill(&mut self, name: &str) -> Result<bool> {
        let Some((id, _)) = self.get_skill(name)? else { return Ok(false) };
        let rows = self.tx.index::<PersonaSkill>("skill", Some(id))?;
        let attached = rows.map(|row| row.map(|(id, _)| id)).collect::<Result<Vec<_>>>()?;
        for row in attached {
            self.tx.delete(row)?;
        }
        self.tx.delete(id)
    }

    /// Keeps what a skill gave in a run, a JSON object. Returns its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the run or the persona is absent; [`Error::Invalid`] for a skill
    /// without a name, or an output that is no object.
    pub fn add_result(
        &mut self,
        run: NodeId,
        skill_name: &str,
        output: Json,
        persona: Option<NodeId>,
    ) -> Result<NodeId> {
        named("skill_name", skill_name)?;
        existing::<TaskRun>(&*self.tx, run)?;
        if let Some(persona) = persona {
            existing::<Persona>(&*self.tx, persona)?;
        }
        self.tx.insert(&SkillResult {
            run: Some(run),
            persona,
            skill_name: skill_name.to_owned(),
            output: object_or_empty("output", Some(output))?,
            created_at: Some(self.tx.now()),
        })
    }

    /// Results that name a persona. There is no index of them: deleting a persona is rare.
    fn results_of(&self, persona: NodeId) -> Result<Vec<(NodeId, SkillResult)>> {
        let rows = self.tx.iter::<SkillResult>()?;
        let is_of = |result: &SkillResult| result.persona == Some(persona);
        rows.filter(|row| row.as_ref().map_or(true, |(_, result)| is_of(result))).collect()
    }
}

/// What a persona is for. Rules that cannot be read are for nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Rules {
    modes: Vec<String>,
    content_types: Vec<String>,
}

impl Rules {
    fn of(persona: &Persona) -> Self {
        let rules = persona.activation_rules.as_ref();
        rules.and_then(|rules| rules.parse().ok()).unwrap_or_default()
    }

    fn are_for(&self, mode: Option<&str>, content_type: Option<&str>) -> bool {
        let names = |list: &[String], word: Option<&str>| {
            word.is_some_and(|word| list.iter().any(|listed| listed == word))
        };
        names(&self.modes, mode) || names(&self.content_types, content_type)
    }
}

fn sort_skills(skills: &mut [(NodeId, Skill)]) {
    skills.sort_by(|(a, one), (b, other)| (&one.name, a).cmp(&(&other.name, b)));
}
