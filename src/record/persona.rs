//! Personas and skills: who does a task and what they can do.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

/// A role that a model takes on.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Persona {
    /// Name; the natural key.
    pub name: String,
    /// What it does.
    pub role: Option<String>,
    /// The prompt.
    pub system_prompt: Option<String>,
    /// Object with the modes and content types that it is for.
    pub activation_rules: Option<Json>,
    /// Object with settings such as the temperature.
    pub settings: Option<Json>,
    /// Whether it can be chosen.
    pub active: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for Persona {
    const NAME: &'static str = "persona";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("name", &self.name);
        facts.index("active", (self.active, &self.name));
        facts.text("name", self.name.as_str());
        facts.text("role", self.role.as_deref());
        facts.text("prompt", self.system_prompt.as_deref());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}

/// Something that a persona can do.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Skill {
    /// Name; the natural key.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// Object with settings.
    pub config: Option<Json>,
    /// Whether it can be used.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for Skill {
    const NAME: &'static str = "skill";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("name", &self.name);
        facts.index("enabled", (self.enabled, &self.name));
        facts.text("name", self.name.as_str());
        facts.text("description", self.description.as_deref());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}

/// A persona has a skill.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonaSkill {
    /// The persona.
    pub persona: Option<NodeId>,
    /// The skill.
    pub skill: Option<NodeId>,
    /// When it was attached.
    pub created_at: Option<Timestamp>,
}

impl Record for PersonaSkill {
    const NAME: &'static str = "persona_skill";
    const VERSION: u16 = 2;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        if let Some(persona) = self.persona
            && let Some(skill) = self.skill
        {
            facts.unique("persona_skill", (persona, skill));
        }
        facts.index("persona", self.persona);
        facts.index("skill", self.skill);
        facts.relation(self.persona, "has_skill", self.skill, None);
    }
}

/// What a skill gave in a run.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SkillResult {
    /// The run.
    pub run: Option<NodeId>,
    /// The persona that used it.
    pub persona: Option<NodeId>,
    /// Name of the skill.
    pub skill_name: String,
    /// Object with the result.
    pub output: Option<Json>,
    /// When it was given.
    pub created_at: Option<Timestamp>,
}

impl Record for SkillResult {
    const NAME: &'static str = "skill_result";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("run", self.run);
        facts.index("skill", (&self.skill_name, self.created_at));
        facts.link("run", self.run);
        facts.link("persona", self.persona);
        facts.text("name", self.skill_name.as_str());
        facts.time("created", self.created_at);
    }
}
