//! The default personas and skills, written only when somebody asks for them.

use serde::Serialize;
use serde_json::json;

use super::{NewPersona, NewSkill, Personas};
use crate::base::error::Result;
use crate::base::json::Json;
use crate::store::WriteTx;

/// How much of the default set was written by one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Seeded {
    /// Personas that were not there.
    pub personas: usize,
    /// Skills that were not there.
    pub skills: usize,
    /// Skills that a persona did not have.
    pub attachments: usize,
}

struct DefaultPersona {
    name: &'static str,
    role: &'static str,
    prompt: &'static str,
    modes: &'static [&'static str],
    content_types: &'static [&'static str],
    temperature: f64,
    skills: &'static [&'static str],
}

const SKILLS: [(&str, &str); 13] = [
    ("Framework Detector & Mapper", "Finds the framework a text argues in, and maps its parts."),
    ("Argument Structure Parser", "Takes an argument apart: claims, grounds, warrants."),
    ("Fallacy & Bias Scanner", "Finds fallacies and biases, each with the passage."),
    ("Issue Tree & MECE Builder", "Splits a problem into issues that do not overlap."),
    ("Salvageability & Fix Planner", "Says what of a broken thing can be saved, and how."),
    ("Self-Referential Analyzer", "Asks what the analysis itself does not know yet."),
    ("Strategic Simulation", "Plays the moves of all sides forward."),
    ("Perspective Switcher", "Looks at a matter from the place of each party."),
    ("Agent Workflow Builder", "Turns a goal into steps for agents."),
    ("Legal Finish Agent", "Checks form, citations and wording of a legal text."),
    ("Provider Template Selector", "Chooses the provider and template for a task."),
    ("Evaluation Harness Planner", "Says how a result is measured."),
    ("Summarization Formatter", "Brings a summary into the form asked for."),
];

const PERSONAS: [DefaultPersona; 9] = [
    DefaultPersona {
        name: "AIAgentExpert",
        role: "Plans work of agents",
        prompt: "Plan the work of agents: which steps, which tools, how each result is checked.",
        modes: &["agents", "workflow"],
        content_types: &["code", "config"],
        temperature: 0.2,
        skills: &[
            "Agent Workflow Builder",
            "Provider Template Selector",
            "Evaluation Harness Planner",
        ],
    },
    DefaultPersona {
        name: "DataAnalysisExpert",
        role: "Reads data and tables",
        prompt: "Read the data, say what it shows and what it cannot show, and give the numbers.",
        modes: &["analysis", "analyze_indexed"],
        content_types: &["table", "data"],
        temperature: 0.1,
        skills: &[
            "Framework Detector & Mapper",
            "Evaluation Harness Planner",
            "Summarization Formatter",
        ],
    },
    DefaultPersona {
        name: "Diagnostician",
        role: "Finds causes of faults",
        prompt: "Find the cause of the fault. Name the evidence for it and against it.",
        modes: &["diagnostics", "index"],
        content_types: &["log"],
        temperature: 0.1,
        skills: &[
            "Salvageability & Fix Planner",
            "Issue Tree & MECE Builder",
            "Self-Referential Analyzer",
        ],
    },
    DefaultPersona {
        name: "Recovery Coordinator",
        role: "Brings broken work back",
        prompt: "Say what can be saved, in which order, and who has to do what.",
        modes: &["recovery", "refresh"],
        content_types: &["backup"],
        temperature: 0.1,
        skills: &[
            "Salvageability & Fix Planner",
            "Agent Workflow Builder",
            "Issue Tree & MECE Builder",
        ],
    },
    DefaultPersona {
        name: "Legal Reasoning Specialist",
        role: "Reasons about law and facts",
        prompt: "Name the issue, the rule, its application to the facts, and the conclusion.",
        modes: &["legal"],
        content_types: &["legal", "contract", "case_law"],
        temperature: 0.1,
        skills: &[
            "Framework Detector & Mapper",
            "Argument Structure Parser",
            "Legal Finish Agent",
            "Perspective Switcher",
        ],
    },
    DefaultPersona {
        name: "Critical Thinker",
        role: "Tests arguments",
        prompt: "Test each claim: what supports it, what contradicts it, what is assumed.",
        modes: &["critique", "review"],
        content_types: &["argument"],
        temperature: 0.2,
        skills: &["Argument Structure Parser", "Fallacy & Bias Scanner", "Perspective Switcher"],
    },
    DefaultPersona {
        name: "Strategic Analyst",
        role: "Weighs courses of action",
        prompt: "Lay out the courses of action, what each costs and risks, and which to take.",
        modes: &["strategy", "organize_indexed"],
        content_types: &["plan"],
        temperature: 0.2,
        skills: &["Strategic Simulation", "Issue Tree & MECE Builder", "Perspective Switcher"],
    },
    DefaultPersona {
        name: "Questioner",
        role: "Asks what is not known",
        prompt: "Ask what has to be known and is not. Ask one thing at a time.",
        modes: &["questions", "watch_refresh"],
        content_types: &["knowledge"],
        temperature: 0.2,
        skills: &[
            "Self-Referential Analyzer",
            "Fallacy & Bias Scanner",
            "Issue Tree & MECE Builder",
        ],
    },
    DefaultPersona {
        name: "Summarizer",
        role: "Says it in short",
        prompt: "Say in short what the text says. Add nothing, and leave no reservation out.",
        modes: &["summary", "summarize"],
        content_types: &["text", "document"],
        temperature: 0.1,
        skills: &[
            "Summarization Formatter",
            "Argument Structure Parser",
            "Framework Detector & Mapper",
        ],
    },
];

impl Personas<&mut WriteTx<'_>> {
    /// Writes the default personas and skills that are not there, and attaches them: 9 personas, 13
    /// skills, 28 attachments. What is there under one of the names stays as it is.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when something that is there does not decode.
    pub fn seed_defaults(&mut self) -> Result<Seeded> {
        let mut seeded = Seeded::default();
        for (name, description) in SKILLS {
            if self.get_skill(name)?.is_none() {
                let config = Json::of(&json!({ "enabled": true, "source": "default" }))?;
                let skill = NewSkill::new(name).description(description).config(config);
                self.upsert_skill(skill)?;
                seeded.skills += 1;
            }
        }
        for persona in &PERSONAS {
            let id = if let Some((id, _)) = self.get(persona.name)? {
                id
            } else {
                seeded.personas += 1;
                self.upsert(persona.to_new()?)?
            };
            for name in persona.skills {
                if let Some((skill, _)) = self.get_skill(name)?
                    && self.attach(id, skill)?
                {
                    seeded.attachments += 1;
                }
            }
        }
        Ok(seeded)
    }
}

impl DefaultPersona {
    fn to_new(&self) -> Result<NewPersona> {
        let rules = json!({ "modes": self.modes, "content_types": self.content_types });
        let settings = json!({ "temperature": self.temperature, "source": "default" });
        Ok(NewPersona::new(self.name)
            .role(self.role)
            .system_prompt(self.prompt)
            .activation_rules(Json::of(&rules)?)
            .settings(Json::of(&settings)?))
    }
}
