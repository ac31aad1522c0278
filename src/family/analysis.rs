//! Versions of analyses: each file has a numbered series of them.
//!
//! A version gets the number behind the newest one of its file, and names the version that it comes
//! from. Changes are noted in the version itself, field by field. A provenance that is given with
//! it is written in the same write and goes with it.

use std::ops::Deref;

use serde_json::{Value, json};

use super::provenance::{NewProvenance, Target};
use super::{Reader, existing, named, object, object_or_empty};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{AnalysisVersion, IndexedFile, ProvenanceTarget};
use crate::store::{ReadTx, WriteTx};

const STATUS_DEFAULT: &str = "draft";
/// Versions of a list where nothing is said.
const ANALYSES_DEFAULT: usize = 100;

/// A version of an analysis to be kept.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewAnalysis {
    file: NodeId,
    analysis_id: Option<String>,
    parent: Option<i64>,
    status: String,
    payload: Option<Json>,
    provenance: Option<NewProvenance>,
}

impl NewAnalysis {
    /// A version of the analysis of an indexed file, in state `draft`.
    pub fn new(file: NodeId) -> Self {
        let status = STATUS_DEFAULT.to_owned();
        Self { file, analysis_id: None, parent: None, status, payload: None, provenance: None }
    }

    /// Sets its name; where none is given it gets one that was never given before.
    pub fn analysis_id(mut self, name: impl Into<String>) -> Self {
        self.analysis_id = Some(name.into());
        self
    }

    /// Sets the number of the version that it comes from; the newest one where none is given.
    pub fn parent(mut self, version: i64) -> Self {
        self.parent = Some(version);
        self
    }

    /// Sets the state.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = status.into();
        self
    }

    /// Sets the result, a JSON object; `{}` where none is given.
    pub fn payload(mut self, payload: Json) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Sets what it was taken from.
    pub fn provenance(mut self, provenance: NewProvenance) -> Self {
        self.provenance = Some(provenance);
        self
    }
}

/// What changes in a version; what is not given stays.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AnalysisChange {
    status: Option<String>,
    payload: Option<Json>,
    rationale: Option<String>,
}

impl AnalysisChange {
    /// Changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the state.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// Sets the result, a JSON object.
    pub fn payload(mut self, payload: Json) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Says why.
    pub fn rationale(mut self, rationale: impl Into<String>) -> Self {
        self.rationale = Some(rationale.into());
        self
    }
}

/// Which versions to list.
#[derive(Clone, Debug)]
#[must_use]
pub struct AnalysisQuery {
    file: Option<NodeId>,
    status: Option<String>,
    offset: usize,
    limit: usize,
}

impl Default for AnalysisQuery {
    fn default() -> Self {
        Self { file: None, status: None, offset: 0, limit: ANALYSES_DEFAULT }
    }
}

impl AnalysisQuery {
    /// The 100 newest versions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only versions of a file.
    pub fn file(mut self, file: NodeId) -> Self {
        self.file = Some(file);
        self
    }

    /// Only versions in that state.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, versions: usize) -> Self {
        self.offset = versions;
        self
    }

    /// Sets how many to list at most.
    pub fn limit(mut self, versions: usize) -> Self {
        self.limit = versions;
        self
    }
}

/// Versions of analyses of a transaction. Made by [`ReadTx::analyses`] and [`WriteTx::analyses`].
#[derive(Debug)]
pub struct Analyses<T> {
    tx: T,
}

impl ReadTx {
    /// Versions of analyses, to look at.
    pub fn analyses(&self) -> Analyses<&Self> {
        Analyses { tx: self }
    }
}

impl WriteTx<'_> {
    /// Versions of analyses.
    pub fn analyses(&mut self) -> Analyses<&mut Self> {
        Analyses { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Analyses<T> {
    /// The version of that name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(&self, analysis_id: &str) -> Result<Option<(NodeId, AnalysisVersion)>> {
        self.tx.find("analysis_id", analysis_id)
    }

    /// The version of a file with the greatest number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn newest(&self, file: NodeId) -> Result<Option<(NodeId, AnalysisVersion)>> {
        self.tx.index_descending("artifact", (Some(file),))?.next().transpose()
    }

    /// Versions: those of a file by number, greatest first; else by time, newest first. Reads what
    /// a second filter leaves out too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn list(&self, query: &AnalysisQuery) -> Result<Vec<(NodeId, AnalysisVersion)>> {
        let rows = match (query.file, &query.status) {
            (Some(file), _) => self.tx.index_descending("artifact", (Some(file),))?,
            (None, Some(status)) => self.tx.index_descending("status", (status,))?,
            (None, None) => self.tx.index_descending("created", ())?,
        };
        let is_met = |version: &AnalysisVersion| {
            query.status.as_ref().is_none_or(|status| *status == version.status)
        };
        let met = rows.filter(|row| row.as_ref().map_or(true, |(_, version)| is_met(version)));
        met.skip(query.offset).take(query.limit).collect()
    }

    fn existing(&self, analysis_id: &str) -> Result<(NodeId, AnalysisVersion)> {
        self.get(analysis_id)?.ok_or_else(|| Error::not_found("analysis_version", analysis_id))
    }

    fn has_version(&self, file: NodeId, version: i64) -> Result<bool> {
        let key = (Some(file), version);
        Ok(self.tx.index_count::<AnalysisVersion>("artifact", key, 1)? > 0)
    }
}

impl Analyses<&mut WriteTx<'_>> {
    /// Keeps a version and returns it as written, with its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the file or the parent version is absent;
    /// [`Error::AlreadyExists`] when the name is taken; [`Error::Invalid`] for an empty name or
    /// state, or a result that is no object; what recording the provenance reports.
    pub fn add(&mut self, new: NewAnalysis) -> Result<(NodeId, AnalysisVersion)> {
        named("status", &new.status)?;
        existing::<IndexedFile>(&*self.tx, new.file)?;
        let newest = self.newest(new.file)?.map(|(_, newest)| newest.version);
        if let Some(parent) = new.parent
            && !self.has_version(new.file, parent)?
        {
            let key = format!("{parent} of file {}", new.file);
            return Err(Error::not_found("analysis_version", key));
        }
        if let Some(provenance) = &new.provenance {
            self.tx.provenance().check(provenance)?;
        }
        let chosen = new.analysis_id.map(|name| self.free_name(name)).transpose()?;
        let mut version = AnalysisVersion {
            analysis_id: chosen.unwrap_or_default(),
            artifact: Some(new.file),
            version: newest.unwrap_or(0).max(0).saturating_add(1),
            parent_version: new.parent.or(newest),
            status: new.status,
            payload: object_or_empty("payload", new.payload)?,
            audit_deltas: Some(Json::from_text("[]")?),
            created_at: Some(self.tx.now()),
            ..AnalysisVersion::default()
        };
        let id = self.tx.insert(&version)?;
        if version.analysis_id.is_empty() {
            version.analysis_id = self.made_name(id)?;
            self.tx.put(id, &version)?;
        }
        if let Some(provenance) = new.provenance {
            let target = target_of(id, &version);
            version.provenance = Some(self.tx.provenance().record(provenance, &target)?);
            self.tx.put(id, &version)?;
        }
        Ok((id, version))
    }

    /// Changes a version and notes what changed, field by field, with the old and the new value.
    /// Returns it as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Invalid`] for an empty state, or a result
    /// that is no object.
    pub fn update(&mut self, analysis_id: &str, change: AnalysisChange) -> Result<AnalysisVersion> {
        let (id, mut version) = self.existing(analysis_id)?;
        let mut deltas = match &version.audit_deltas {
            Some(deltas) => deltas.parse().unwrap_or_default(),
            None => Vec::new(),
        };
        let count = deltas.len();
        let mut note = |field: &str, old: Value, new: Value| {
            deltas.push(json!({
                "field_name": field,
                "old_value": old,
                "new_value": new,
                "rationale": change.rationale,
            }));
        };
        if let Some(status) = change.status.filter(|status| *status != version.status) {
            named("status", &status)?;
            note("status", json!(version.status), json!(status));
            version.status = status;
        }
        let payload = object("payload", change.payload)?;
        if let Some(payload) = payload.filter(|payload| Some(payload) != version.payload.as_ref()) {
            note("payload", json!(version.payload), json!(payload));
            version.payload = Some(payload);
        }
        if deltas.len() > count {
            version.audit_deltas = Some(Json::of(&deltas)?);
            self.tx.put(id, &version)?;
        }
        Ok(version)
    }

    /// Deletes a version with its provenance. Tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something of it does not decode.
    pub fn delete(&mut self, analysis_id: &str) -> Result<bool> {
        let Some((id, version)) = self.get(analysis_id)? else { return Ok(false) };
        self.tx.provenance().unlink(&target_of(id, &version))?;
        self.tx.delete(id)
    }

    fn free_name(&self, name: String) -> Result<String> {
        named("analysis_id", &name)?;
        match self.get(&name)? {
            Some(_) => Err(Error::already_exists("analysis_version", name)),
            None => Ok(name),
        }
    }

    /// A name from the key of the record, which is never given twice.
    fn made_name(&self, id: NodeId) -> Result<String> {
        let first = format!("an_{}", id.key());
        let mut name = first.clone();
        let mut number = 1;
        while self.get(&name)?.is_some() {
            number += 1;
            name = format!("{first}_{number}");
        }
        Ok(name)
    }
}

/// A version as what a provenance supports: the old application names it by its name.
fn target_of(id: NodeId, version: &AnalysisVersion) -> Target {
    Target::of(ProvenanceTarget::AnalysisVersion, &version.analysis_id, id)
}
