//! Learning paths: steps that lead a person to an objective.
//!
//! A path is completed when it has steps and all are done, and active otherwise; marking a step
//! recomputes it, both ways.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Deref;

use serde_json::{Value, json};

use super::{Reader, named, row_number};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{LearningPath, LearningStep, PathStatus};
use crate::store::{ReadTx, WriteTx};

/// Paths of a list where nothing is said.
const PATHS_DEFAULT: usize = 100;
/// The hardest step that is generated, and the hardest there is.
const DIFFICULTY_MAX: i64 = 5;

/// A passage that a step rests on.
#[derive(Clone, Debug)]
struct Passage {
    artifact: NodeId,
    start: u64,
    end: u64,
    quote: String,
}

impl Passage {
    /// In the form in which the old application keeps it.
    fn to_json(&self, tx: &impl Reader) -> Result<Value> {
        let Self { artifact, start, end, quote } = self;
        if end <= start {
            let reason = format!("a passage from {start} to {end} does not end behind its start");
            return Err(Error::invalid("evidence_spans", reason));
        }
        Ok(json!({
            "artifact_row_id": row_number(tx, *artifact),
            "start_char": start,
            "end_char": end,
            "quote": quote,
        }))
    }
}

/// A step of a path to be written.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewStep {
    step_id: Option<String>,
    title: String,
    instruction: String,
    objective_id: Option<String>,
    heuristics: Vec<String>,
    evidence: Vec<Passage>,
    difficulty: i64,
    state: StepState,
}

/// Whether a step is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepState {
    /// It is not.
    #[default]
    Open,
    /// It is.
    Done,
}

impl NewStep {
    /// An open step of difficulty 1: its heading, and what to do. It needs a passage.
    pub fn new(title: impl Into<String>, instruction: impl Into<String>) -> Self {
        Self {
            step_id: None,
            title: title.into(),
            instruction: instruction.into(),
            objective_id: None,
            heuristics: Vec::new(),
            evidence: Vec::new(),
            difficulty: 1,
            state: StepState::Open,
        }
    }

    /// Sets its name within the path; `PATH::step::N` where none is given.
    pub fn step_id(mut self, name: impl Into<String>) -> Self {
        self.step_id = Some(name.into());
        self
    }

    /// Sets the objective; the path's where none is given.
    pub fn objective(mut self, objective_id: impl Into<String>) -> Self {
        self.objective_id = Some(objective_id.into());
        self
    }

    /// Adds a heuristic that it comes from.
    pub fn heuristic(mut self, heuristic_id: impl Into<String>) -> Self {
        self.heuristics.push(heuristic_id.into());
        self
    }

    /// Adds a passage that it rests on: characters `start` up to, not including, `end` of an
    /// artifact, and their words.
    pub fn evidence(mut self, artifact: NodeId, start: u64, end: u64, quote: &str) -> Self {
        self.evidence.push(Passage { artifact, start, end, quote: quote.to_owned() });
        self
    }

    /// Sets how hard it is, 1 to 5.
    pub fn difficulty(mut self, difficulty: i64) -> Self {
        self.difficulty = difficulty;
        self
    }

    /// Sets whether it is done.
    pub fn state(mut self, state: StepState) -> Self {
        self.state = state;
        self
    }
}

/// A path to be written.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewPath {
    path_id: String,
    user_id: String,
    objective_id: String,
    ontology_version: i64,
    heuristics: Vec<String>,
    steps: Vec<NewStep>,
}

impl NewPath {
    /// A path without steps: its name, who walks it, and where it leads.
    pub fn new(
        path_id: impl Into<String>,
        user_id: impl Into<String>,
        objective_id: impl Into<String>,
    ) -> Self {
        Self {
            path_id: path_id.into(),
            user_id: user_id.into(),
            objective_id: objective_id.into(),
            ontology_version: 1,
            heuristics: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Sets the version of the ontology; 1 where none is given.
    pub fn ontology_version(mut self, version: i64) -> Self {
        self.ontology_version = version;
        self
    }

    /// Adds a heuristic that it is made with.
    pub fn heuristic(mut self, heuristic_id: impl Into<String>) -> Self {
        self.heuristics.push(heuristic_id.into());
        self
    }

    /// Adds a step behind the others.
    pub fn step(mut self, step: NewStep) -> Self {
        self.steps.push(step);
        self
    }

    /// Makes a step for each heuristic, harder from one to the next, or a single one where there
    /// are none. All rest on one passage of an artifact.
    pub fn generated(mut self, artifact: NodeId, start: u64, end: u64, quote: &str) -> Self {
        let steps = self.heuristics.iter().zip(1_i64..).map(|(heuristic, place)| {
            NewStep::new(
                format!("Step {place}: {heuristic}"),
                format!("Apply {heuristic} to the evidence, and say what follows from it."),
            )
            .heuristic(heuristic)
            .difficulty(place.min(DIFFICULTY_MAX))
        });
        let mut steps: Vec<NewStep> = steps.collect();
        if steps.is_empty() {
            let instruction = "Read the evidence, and say what it means for the objective.";
            steps.push(NewStep::new("Step 1: the evidence", instruction));
        }
        let steps = steps.into_iter().map(|step| step.evidence(artifact, start, end, quote));
        self.steps = steps.collect();
        self
    }
}

/// Which paths to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct PathQuery {
    user: Option<String>,
    status: Option<PathStatus>,
    offset: usize,
    limit: usize,
}

impl Default for PathQuery {
    fn default() -> Self {
        Self { user: None, status: None, offset: 0, limit: PATHS_DEFAULT }
    }
}

impl PathQuery {
    /// The 100 paths that were changed last.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only paths of that person.
    pub fn user(mut self, user_id: impl Into<String>) -> Self {
        self.user = Some(user_id.into());
        self
    }

    /// Only paths in that state.
    pub fn status(mut self, status: PathStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, paths: usize) -> Self {
        self.offset = paths;
        self
    }

    /// Sets how many to list at most.
    pub fn limit(mut self, paths: usize) -> Self {
        self.limit = paths;
        self
    }
}

/// A path with its steps.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FullPath {
    /// Which path.
    pub id: NodeId,
    /// The path.
    pub path: LearningPath,
    /// Its steps, in order.
    pub steps: Vec<LearningStep>,
}

/// Learning paths of a transaction. Made by [`ReadTx::learning`] and [`WriteTx::learning`].
#[derive(Debug)]
pub struct Learning<T> {
    tx: T,
}

impl ReadTx {
    /// Learning paths, to look at.
    pub fn learning(&self) -> Learning<&Self> {
        Learning { tx: self }
    }
}

impl WriteTx<'_> {
    /// Learning paths.
    pub fn learning(&mut self) -> Learning<&mut Self> {
        Learning { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Learning<T> {
    /// The path of that name with its steps.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn get(&self, path_id: &str) -> Result<Option<FullPath>> {
        let Some((id, path)) = self.tx.find("path_id", path_id)? else { return Ok(None) };
        let steps = self.steps(id, path_id)?.into_iter().map(|(_, step)| step).collect();
        Ok(Some(FullPath { id, path, steps }))
    }

    /// The steps of a path that are not done, in order.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such path.
    pub fn recommended(&self, path_id: &str) -> Result<Vec<LearningStep>> {
        let (id, _) = self.existing(path_id)?;
        let steps = self.steps(id, path_id)?.into_iter().map(|(_, step)| step);
        Ok(steps.filter(|step| !step.completed).collect())
    }

    /// Paths, changed last first. Reads what a second filter leaves out too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &PathQuery) -> Result<Vec<(NodeId, LearningPath)>> {
        let is_met =
            |path: &LearningPath| query.status.as_ref().is_none_or(|status| *status == path.status);
        let rows = match (&query.user, &query.status) {
            (Some(user), _) => self.tx.index_descending("user", (user,))?,
            (None, Some(status)) => self.tx.index_descending("status", (status,))?,
            (None, None) => {
                // No index holds all of them by time; there are as many as people have objectives.
                let mut paths = self.tx.iter()?.collect::<Result<Vec<(_, LearningPath)>>>()?;
                paths.sort_by_key(|(id, path)| Reverse((path.updated_at, *id)));
                return Ok(paths.into_iter().skip(query.offset).take(query.limit).collect());
            }
        };
        let met = rows.filter(|row| row.as_ref().map_or(true, |(_, path)| is_met(path)));
        met.skip(query.offset).take(query.limit).collect()
    }

    /// The steps of a path. Another one of the same name may have come from another database.
    fn steps(&self, id: NodeId, path_id: &str) -> Result<Vec<(NodeId, LearningStep)>> {
        let rows = self.tx.index::<LearningStep>("path_order", (path_id,))?;
        let is_own = |step: &LearningStep| step.path.is_none_or(|path| path == id);
        rows.filter(|row| row.as_ref().map_or(true, |(_, step)| is_own(step))).collect()
    }

    fn existing(&self, path_id: &str) -> Result<(NodeId, LearningPath)> {
        let found = self.tx.find("path_id", path_id)?;
        found.ok_or_else(|| Error::not_found("learning_path", path_id))
    }
}

impl Learning<&mut WriteTx<'_>> {
    /// Writes a path with its steps in place of the one of that name, which keeps only the time
    /// when it was made. Returns its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a path, person, objective or heading without a name, a step without a
    /// passage or of a difficulty outside 1 to 5, or two steps of one name.
    pub fn put(&mut self, new: NewPath) -> Result<NodeId> {
        named("path_id", &new.path_id)?;
        named("user_id", &new.user_id)?;
        named("objective_id", &new.objective_id)?;
        let steps =
            new.steps.iter().zip(1..).map(|(step, place)| step_of(&*self.tx, &new, step, place));
        let steps = steps.collect::<Result<Vec<LearningStep>>>()?;
        let names: BTreeSet<&str> = steps.iter().map(|step| &*step.step_id).collect();
        if names.len() < steps.len() {
            return Err(Error::invalid("step_id", "two steps of a path have the same name"));
        }
        let now = Some(self.tx.now());
        let heuristics = Json::of(&new.heuristics)?;
        let old = self.tx.find::<LearningPath>("path_id", &new.path_id)?;
        let path = LearningPath {
            status: status_of(steps.iter().map(|step| step.completed)),
            path_id: new.path_id,
            user_id: new.user_id,
            objective_id: new.objective_id,
            ontology_version: new.ontology_version,
            heuristic_snapshot: Some(heuristics),
            created_at: old.as_ref().map_or(now, |(_, old)| old.created_at),
            updated_at: now,
        };
        let id = match old {
            Some((id, _)) => {
                self.tx.put(id, &path)?;
                id
            }
            None => self.tx.insert(&path)?,
        };
        for (step, _) in self.steps(id, &path.path_id)? {
            self.tx.delete(step)?;
        }
        for step in steps {
            self.tx.insert(&LearningStep { path: Some(id), ..step })?;
        }
        Ok(id)
    }

    /// Says whether a step is done, and returns the state of the path that follows.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such path or step.
    pub fn mark(&mut self, path_id: &str, step_id: &str, state: StepState) -> Result<PathStatus> {
        let (id, mut path) = self.existing(path_id)?;
        let mut steps = self.steps(id, path_id)?;
        let found = steps.iter_mut().find(|(_, step)| step.step_id == step_id);
        let (step_row, step) = found.ok_or_else(|| Error::not_found("learning_step", step_id))?;
        step.completed = state == StepState::Done;
        self.tx.put(*step_row, step)?;
        path.status = status_of(steps.iter().map(|(_, step)| step.completed));
        path.updated_at = Some(self.tx.now());
        self.tx.put(id, &path)?;
        Ok(path.status)
    }

    /// Deletes a path with its steps. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn delete(&mut self, path_id: &str) -> Result<bool> {
        let Some((id, _)) = self.tx.find::<LearningPath>("path_id", path_id)? else {
            return Ok(false);
        };
        for (step, _) in self.steps(id, path_id)? {
            self.tx.delete(step)?;
        }
        self.tx.delete(id)
    }
}

fn status_of(mut done: impl ExactSizeIterator<Item = bool>) -> PathStatus {
    if done.len() > 0 && done.all(|is_done| is_done) {
        PathStatus::Completed
    } else {
        PathStatus::Active
    }
}

fn step_of(tx: &impl Reader, path: &NewPath, step: &NewStep, place: i64) -> Result<LearningStep> {
    named("title", &step.title)?;
    if !(1..=DIFFICULTY_MAX).contains(&step.difficulty) {
        let reason = format!("{} is not in 1 to {DIFFICULTY_MAX}", step.difficulty);
        return Err(Error::invalid("difficulty", reason));
    }
    if step.evidence.is_empty() {
        return Err(Error::invalid("evidence_spans", "a step needs at least one passage"));
    }
    let evidence = step.evidence.iter().map(|passage| passage.to_json(tx));
    let evidence = evidence.collect::<Result<Vec<Value>>>()?;
    let step_id = match &step.step_id {
        Some(name) => name.clone(),
        None => format!("{}::step::{place}", path.path_id),
    };
    named("step_id", &step_id)?;
    Ok(LearningStep {
        path_id: path.path_id.clone(),
        path: None,
        step_id,
        title: step.title.clone(),
        instruction: step.instruction.clone(),
        objective_id: step.objective_id.clone().unwrap_or_else(|| path.objective_id.clone()),
        heuristic_ids: Some(Json::of(&step.heuristics)?),
        evidence_spans: Some(Json::of(&evidence)?),
        difficulty: step.difficulty,
        completed: step.state == StepState::Done,
        step_order: place,
    })
}
