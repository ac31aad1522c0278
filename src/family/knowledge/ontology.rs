//! Versions of ontologies, their terms and relations: of each type, one version is in use.

use std::ops::Deref;

use serde_json::json;

use super::{Reader, existing, named, object_or_empty};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::record::{OntologyRelation, OntologyStatus, OntologyTerm, OntologyVersion};
use crate::store::{ReadTx, WriteTx};

/// The types that the old application knows.
const TYPES: [&str; 6] = ["domain", "cognitive", "tool", "objective", "heuristic", "generative"];
const FIRST_VERSION: &str = "1";

/// Versions of ontologies of a transaction. Made by [`ReadTx::ontologies`] and
/// [`WriteTx::ontologies`].
///
/// ```
/// use engraph::Store;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// store.write(|tx| {
///     let version = tx.ontologies().add("domain", "2", None)?;
///     tx.ontologies().add_term(version, "court", "Court", None)?;
///     tx.ontologies().add_term(version, "judge", "Judge", None)?;
///     tx.ontologies().relate(version, "judge", "sits_in", "court", None)?;
///     tx.ontologies().activate(version)
/// })?;
/// let tx = store.read()?;
/// let (active, _) = tx.ontologies().active("domain")?.unwrap();
/// assert_eq!(tx.ontologies().terms(active)?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Ontologies<T> {
    tx: T,
}

impl ReadTx {
    /// Versions of ontologies, to look at.
    pub fn ontologies(&self) -> Ontologies<&Self> {
        Ontologies { tx: self }
    }
}

impl WriteTx<'_> {
    /// Versions of ontologies.
    pub fn ontologies(&mut self) -> Ontologies<&mut Self> {
        Ontologies { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Ontologies<T> {
    /// A version of a type.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn get(
        &self,
        ontology_type: &str,
        version: &str,
    ) -> Result<Option<(NodeId, OntologyVersion)>> {
        self.tx.find("type_version", (ontology_type, version))
    }

    /// The version of a type that is in use.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn active(&self, ontology_type: &str) -> Result<Option<(NodeId, OntologyVersion)>> {
        let key = (ontology_type, OntologyStatus::Active);
        self.tx.index_descending("type_status", key)?.next().transpose()
    }

    /// The versions of a type, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn versions(&self, ontology_type: &str) -> Result<Vec<(NodeId, OntologyVersion)>> {
        let rows = self.tx.index("type_status", (ontology_type,))?;
        let mut found = rows.collect::<Result<Vec<_>>>()?;
        found.sort_by_key(|(id, _)| *id);
        Ok(found)
    }

    /// The terms of a version, by label.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn terms(&self, ontology: NodeId) -> Result<Vec<(NodeId, OntologyTerm)>> {
        self.tx.index("ontology_label", (Some(ontology),))?.collect()
    }

    /// The term of that name in a version.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn term(&self, ontology: NodeId, term_id: &str) -> Result<Option<(NodeId, OntologyTerm)>> {
        self.tx.find("ontology_term", (ontology, term_id))
    }

    /// The relations that start from a term, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn relations_from(
        &self,
        ontology: NodeId,
        term_id: &str,
    ) -> Result<Vec<(NodeId, OntologyRelation)>> {
        self.tx.index("from", (Some(ontology), term_id))?.collect()
    }
}

impl Ontologies<&mut WriteTx<'_>> {
    /// Adds a version that is not in use yet, with its content, a JSON object; `{}` where none is
    /// given. Its lineage names the version in use. Returns its id.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the type has that version; [`Error::Invalid`] for an empty
    /// type or version, or content that is no object.
    pub fn add(
        &mut self,
        ontology_type: &str,
        version: &str,
        schema: Option<Json>,
    ) -> Result<NodeId> {
        named("ontology_type", ontology_type)?;
        named("version", version)?;
        if self.get(ontology_type, version)?.is_some() {
            let key = format!("{ontology_type} {version}");
            return Err(Error::already_exists("ontology_version", key));
        }
        let lineage = match self.active(ontology_type)? {
            Some((_, active)) => json!({ "from": active.version }),
            None => json!({}),
        };
        self.tx.insert(&OntologyVersion {
            ontology_type: ontology_type.to_owned(),
            version: version.to_owned(),
            status: OntologyStatus::Inactive,
            schema: object_or_empty("schema", schema)?,
            lineage: Some(Json::of(&lineage)?),
            created_at: Some(self.tx.now()),
        })
    }

    /// Takes a version into use; the one that was goes out of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it is deprecated.
    pub fn activate(&mut self, id: NodeId) -> Result<()> {
        let version: OntologyVersion = existing(&*self.tx, id)?;
        if version.status == OntologyStatus::Deprecated {
            let reason = "it is deprecated";
            return Err(Error::conflict(format!("ontology_version {id}"), reason));
        }
        for (other, mut old) in self.versions(&version.ontology_type)? {
            if other != id && old.status == OntologyStatus::Active {
                old.status = OntologyStatus::Inactive;
                self.tx.put(other, &old)?;
            }
        }
        self.tx.put(id, &OntologyVersion { status: OntologyStatus::Active, ..version })
    }

    /// Says that a version is not to be used again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it is in use.
    pub fn deprecate(&mut self, id: NodeId) -> Result<()> {
        let version: OntologyVersion = existing(&*self.tx, id)?;
        if version.status == OntologyStatus::Active {
            return Err(Error::conflict(format!("ontology_version {id}"), "it is in use"));
        }
        self.tx.put(id, &OntologyVersion { status: OntologyStatus::Deprecated, ..version })
    }

    /// Adds a term to a version, with what else is known, a JSON object; `{}` where none is given.
    /// Returns its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the version is absent; [`Error::AlreadyExists`] when it has that
    /// term; [`Error::Invalid`] for an empty name or label, or attributes that are no object.
    pub fn add_term(
        &mut self,
        ontology: NodeId,
        term_id: &str,
        label: &str,
        attributes: Option<Json>,
    ) -> Result<NodeId> {
        named("term_id", term_id)?;
        named("label", label)?;
        existing::<OntologyVersion>(&*self.tx, ontology)?;
        if self.term(ontology, term_id)?.is_some() {
            return Err(Error::already_exists("ontology_term", term_id));
        }
        self.tx.insert(&OntologyTerm {
            ontology: Some(ontology),
            term_id: term_id.to_owned(),
            label: label.to_owned(),
            attributes: object_or_empty("attributes", attributes)?,
            status: OntologyStatus::Active,
        })
    }

    /// Relates two terms of a version, with properties, a JSON object; `{}` where none are given.
    /// Returns the relation.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the version or a term is absent; [`Error::Invalid`] for an empty
    /// type, or properties that are no object.
    pub fn relate(
        &mut self,
        ontology: NodeId,
        from: &str,
        rel_type: &str,
        to: &str,
        properties: Option<Json>,
    ) -> Result<NodeId> {
        named("rel_type", rel_type)?;
        existing::<OntologyVersion>(&*self.tx, ontology)?;
        for term_id in [from, to] {
            if self.term(ontology, term_id)?.is_none() {
                return Err(Error::not_found("ontology_term", term_id));
            }
        }
        self.tx.insert(&OntologyRelation {
            ontology: Some(ontology),
            from_term: from.to_owned(),
            to_term: to.to_owned(),
            rel_type: rel_type.to_owned(),
            properties: object_or_empty("properties", properties)?,
        })
    }

    /// Takes version 1 of each type of the old application into use where the type has none.
    /// Tells how many were added.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something that is there does not decode.
    pub fn seed_defaults(&mut self) -> Result<usize> {
        let mut count = 0;
        for ontology_type in TYPES {
            if self.versions(ontology_type)?.is_empty() {
                let id = self.add(ontology_type, FIRST_VERSION, None)?;
                self.activate(id)?;
                count += 1;
            }
        }
        Ok(count)
    }
}
