//! Versions of analyses, and the learning paths drawn from them.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::text_enum::text_enum;
use super::{Facts, Json, Record};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;

text_enum! {
    /// State of a learning path.
    PathStatus {
        /// Steps are left.
        Active = "active",
        /// Every step is done.
        Completed = "completed",
    }
}

/// One version of the analysis of a file.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnalysisVersion {
    /// Its name; the natural key.
    pub analysis_id: String,
    /// The file.
    pub artifact: Option<NodeId>,
    /// Number, from 1.
    pub version: i64,
    /// Number of the version it comes from.
    pub parent_version: Option<i64>,
    /// State, by default `draft`.
    pub status: String,
    /// Object with the result.
    pub payload: Option<Json>,
    /// Array of what changed: field, old and new value, why.
    pub audit_deltas: Option<Json>,
    /// Where it comes from.
    pub provenance: Option<NodeId>,
    /// When it was made or last changed.
    pub created_at: Option<Timestamp>,
}

impl Record for AnalysisVersion {
    const NAME: &'static str = "analysis_version";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("analysis_id", &self.analysis_id);
        facts.index("artifact", (self.artifact, self.version));
        facts.index("status", (&self.status, self.created_at));
        facts.index("created", self.created_at);
        facts.link("artifact", self.artifact);
        facts.link("provenance", self.provenance);
        facts.text("name", self.analysis_id.as_str());
        facts.keyword("status", self.status.as_str());
        facts.time("created", self.created_at);
    }
}

/// Steps that lead a person to an objective.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearningPath {
    /// Its name; the natural key.
    pub path_id: String,
    /// Who walks it.
    pub user_id: String,
    /// The objective.
    pub objective_id: String,
    /// State.
    pub status: PathStatus,
    /// Version of the ontology it was made with.
    pub ontology_version: i64,
    /// Array of the heuristics it was made with.
    pub heuristic_snapshot: Option<Json>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record for LearningPath {
    const NAME: &'static str = "learning_path";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique_text("path_id", &self.path_id);
        facts.index("user", (&self.user_id, self.updated_at));
        facts.index("status", (&self.status, self.updated_at));
        facts.text("name", self.path_id.as_str());
        facts.text("objective", self.objective_id.as_str());
        facts.keyword("status", self.status.as_str());
        facts.keyword("user", self.user_id.as_str());
        facts.time("created", self.created_at);
        facts.time("updated", self.updated_at);
    }
}

/// One step of a learning path.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearningStep {
    /// Name of the path.
    pub path_id: String,
    /// The path, where it exists.
    pub path: Option<NodeId>,
    /// Its name within the path.
    pub step_id: String,
    /// Heading.
    pub title: String,
    /// What to do.
    pub instruction: String,
    /// The objective.
    pub objective_id: String,
    /// Array of heuristics.
    pub heuristic_ids: Option<Json>,
    /// Array of passages: artifact, first and last character, words.
    pub evidence_spans: Option<Json>,
    /// How hard it is, 1 to 5.
    pub difficulty: i64,
    /// Whether it is done.
    pub completed: bool,
    /// Position in the path, from 1.
    pub step_order: i64,
}

impl Record for LearningStep {
    const NAME: &'static str = "learning_step";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("path_step", (&self.path_id, &self.step_id));
        facts.index("path_order", (&self.path_id, self.step_order));
        facts.index("path_completed", (&self.path_id, self.completed, self.step_order));
        facts.link("path", self.path);
        facts.text("title", self.title.as_str());
        facts.text("instruction", self.instruction.as_str());
    }
}
