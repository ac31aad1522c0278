//! Erasing: whom it is about, whether it may be done, and the receipt.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::Value;

use super::hold::{Held, InForce};
use crate::base::codec;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::family::named;
use crate::record::{
    DraftMemory, EraseReceipt, IdRun, LegalHold, Memory, MemoryProposal, MemorySharing, Record,
};
use crate::storage::adjacency::{self, Direction};
use crate::storage::tables::{record_key, record_key_from};
use crate::storage::{KeyRange, Rows as _, TableId, audit};
use crate::store::{ErasedCounts, Store, WriteTx, erase};

/// Links by which a record says that it is a part of another, or was made from it.
const PART_LINKS: [&str; 4] = ["document", "file", "memory", "taken_from"];
/// Records that a refusal names one by one.
const NAMED_MAX: usize = 5;

/// Whom an erasure is about.
#[derive(Clone, Debug)]
enum Subject {
    Agent(String),
    Namespace(String),
    Document(NodeId),
    Source(u32),
}

/// What is to be erased, by whom, and why. Handed to [`Store::erase`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::Erase;
/// use engraph::record::Memory;
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::create(dir.path().join("s"))?;
/// let fact = store.write(|tx| {
///     let content = "Mr Vanterpool owes 300".to_owned();
///     tx.insert(&Memory { content, agent_id: Some("clerk".into()), ..Memory::default() })
/// })?;
/// let erase = Erase::of_agent("clerk").author("anna").reason("asked for by the subject");
/// let erased = store.erase(&erase)?;
/// assert_eq!(erased.counts.records, 1);
/// assert!(erased.receipt.ids[0].contains(fact));
/// store.compact()?; // Until then the bytes lie in free pages of the data file.
/// assert!(store.verify()?.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Erase {
    records: BTreeSet<NodeId>,
    subjects: Vec<Subject>,
    with_parts: bool,
    author: String,
    reason: String,
}

impl Erase {
    /// These records, and nothing that hangs on them unless [`Erase::with_parts`] says so.
    #[must_use]
    pub fn records(ids: impl IntoIterator<Item = NodeId>) -> Self {
        Self { records: ids.into_iter().collect(), ..Self::default() }
    }

    fn subject(subject: Subject) -> Self {
        Self { subjects: vec![subject], with_parts: true, ..Self::default() }
    }

    /// Everything of an agent: its memories, proposals, and what was shared with it, with their
    /// parts.
    #[must_use]
    pub fn of_agent(agent_id: impl Into<String>) -> Self {
        Self::subject(Subject::Agent(agent_id.into()))
    }

    /// The memories and proposals of a namespace, with their parts.
    #[must_use]
    pub fn of_namespace(namespace: impl Into<String>) -> Self {
        Self::subject(Subject::Namespace(namespace.into()))
    }

    /// A document or file, with its parts and what was remembered of it.
    #[must_use]
    pub fn of_document(document: NodeId) -> Self {
        Self::subject(Subject::Document(document))
    }

    /// An imported database: every record and every row of it, by the number of the source. A newer
    /// version of it that is imported later comes in without its cells.
    #[must_use]
    pub fn of_source(source: u32) -> Self {
        Self::subject(Subject::Source(source))
    }

    /// Also the records that say of themselves that they are parts of those, or were made from
    /// them.
    #[must_use]
    pub fn with_parts(mut self) -> Self {
        self.with_parts = true;
        self
    }

    /// Says who does it. Needed.
    #[must_use]
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = author.into();
        self
    }

    /// Says why. Needed; the receipt keeps it, so it must not quote what is erased.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    fn sources(&self) -> BTreeSet<u32> {
        let of = |subject: &Subject| match subject {
            Subject::Source(number) => Some(*number),
            _ => None,
        };
        self.subjects.iter().filter_map(of).collect()
    }
}

/// What an erasure would take, and what forbids it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// The records, those that are only remembered included.
    pub ids: Vec<NodeId>,
    /// Those of them that may not go.
    pub held: Vec<Held>,
}

/// What was erased.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Erased {
    /// The record that proves it.
    pub id: NodeId,
    /// What it says.
    pub receipt: EraseReceipt,
    /// How much it was.
    pub counts: ErasedCounts,
}

impl Store {
    /// Erases for good: the records with their edges, vectors, matches and earlier values, the
    /// payloads that the audit chain holds of them, and the cells of the rows that they were
    /// imported from; then the search index is built anew. One write; a receipt is left.
    ///
    /// The bytes lie in free pages of the data file until [`Store::compact`]. Backups, exports, and
    /// other records that quote what was erased are not reached.
    ///
    /// Reads the audit chain and the verbatim rows of the tables concerned once, and every record
    /// for the search index, where there is one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a legal hold keeps one of the records: nothing is erased then;
    /// [`Error::NotFound`] when there is nothing to erase, or nothing is known of a record;
    /// [`Error::Invalid`] without author or reason, and for holds and receipts.
    pub fn erase(&self, erase: &Erase) -> Result<Erased> {
        named("author", &erase.author)?;
        named("reason", &erase.reason)?;
        let erased = self.bulk(|tx| tx.erase_selected(erase))?;
        erase::renew_search(self.shared())?;
        Ok(erased)
    }

    /// What [`Store::erase`] would erase.
    ///
    /// # Errors
    /// As there, holds apart.
    pub fn erase_selects(&self, erase: &Erase) -> Result<Selected> {
        self.write(|tx| {
            let ids = tx.selected(erase)?;
            let held = tx.held(&ids)?;
            Ok(Selected { ids: ids.into_iter().collect(), held })
        })
    }
}

impl WriteTx<'_> {
    fn erase_selected(&mut self, erase: &Erase) -> Result<Erased> {
        self.set_author(&erase.author)?;
        let (ids, sources) = (self.selected(erase)?, erase.sources());
        let held = self.held(&ids)?;
        if !held.is_empty() {
            return Err(refused(&held));
        }
        if ids.is_empty() && sources.is_empty() {
            return Err(Error::not_found("record to erase", "what was asked for"));
        }
        let counts = self.erase_records(&ids, &sources)?;
        let receipt = EraseReceipt {
            author: erase.author.clone(),
            reason: erase.reason.clone(),
            erased_at: Some(self.now()),
            ids: IdRun::of(ids),
            sources: sources.into_iter().map(u64::from).collect(),
            records: counts.records,
            versions: counts.versions,
            edges: counts.edges,
            vectors: counts.vectors,
            payloads: counts.payloads,
            rows: counts.rows,
            cells: counts.cells,
        };
        let id = self.insert(&receipt)?;
        Ok(Erased { id, receipt, counts })
    }

    fn held(&self, ids: &BTreeSet<NodeId>) -> Result<Vec<Held>> {
        let holds = InForce::load(self)?;
        let mut held = Vec::new();
        if !holds.is_empty() {
            for id in ids {
                held.extend(holds.on_value(*id, &self.last_known(*id)?));
            }
        }
        Ok(held)
    }

    /// A record as JSON, or as it was before it was deleted: a hold keeps that too.
    fn last_known(&self, id: NodeId) -> Result<Value> {
        if let Some(value) = self.get_json(id)? {
            return Ok(value);
        }
        let of_record = KeyRange::prefix(&id.as_u64().to_be_bytes()).descending();
        let newest = self.rows().first(TableId::HISTORY, of_record)?;
        let record_type = self.core().kinds.record_type(id.kind());
        match newest.zip(record_type) {
            Some(((_, bytes), record_type)) => (record_type.to_json)(&bytes),
            None => Ok(Value::Null),
        }
    }

    fn selected(&self, erase: &Erase) -> Result<BTreeSet<NodeId>> {
        let mut ids = erase.records.clone();
        for subject in &erase.subjects {
            match subject {
                Subject::Agent(name) => self.of_agent(name, &mut ids)?,
                Subject::Namespace(name) => self.of_namespace(name, &mut ids)?,
                Subject::Document(id) => {
                    ids.insert(*id);
                }
                Subject::Source(number) => self.of_source(*number, &mut ids)?,
            }
        }
        if erase.with_parts {
            self.add_parts(&mut ids)?;
        }
        let proofs = [self.kind_of::<EraseReceipt>()?, self.kind_of::<LegalHold>()?];
        if let Some(id) = erase.records.iter().find(|id| proofs.contains(&id.kind())) {
            let reason = format!("{id} is a receipt or a hold, which are not erased");
            return Err(Error::invalid("record", reason));
        }
        ids.retain(|id| !proofs.contains(&id.kind()));
        Ok(ids)
    }

    fn take<T: Record>(&self, index: &str, key: &str, ids: &mut BTreeSet<NodeId>) -> Result<()> {
        for row in self.index::<T>(index, (key,))? {
            ids.insert(row?.0);
        }
        Ok(())
    }

    fn of_agent(&self, name: &str, ids: &mut BTreeSet<NodeId>) -> Result<()> {
        self.take::<Memory>("agent", name, ids)?;
        self.take::<MemorySharing>("agent", name, ids)?;
        for row in self.iter::<MemoryProposal>()? {
            let (id, proposal) = row?;
            if proposal.agent_id.as_deref() == Some(name) {
                ids.insert(id);
            }
        }
        self.of_drafts(&|memory| memory.agent_id.as_deref() == Some(name), ids)
    }

    fn of_namespace(&self, name: &str, ids: &mut BTreeSet<NodeId>) -> Result<()> {
        self.take::<Memory>("namespace", name, ids)?;
        self.take::<MemoryProposal>("namespace_key", name, ids)?;
        self.of_drafts(&|memory| memory.namespace == name, ids)
    }

    /// The changes of drafts that hold such a memory.
    fn of_drafts(&self, is: &dyn Fn(&Memory) -> bool, ids: &mut BTreeSet<NodeId>) -> Result<()> {
        for row in self.iter::<DraftMemory>()? {
            let (id, item) = row?;
            for held in [&item.before, &item.after] {
                if !held.is_empty() && is(&codec::decode(held)?) {
                    ids.insert(id);
                }
            }
        }
        Ok(())
    }

    /// The records of a source, and those that only the history or the audit chain remembers.
    fn of_source(&self, number: u32, ids: &mut BTreeSet<NodeId>) -> Result<()> {
        let source = self.core().sources.all().into_iter().find(|one| one.number == number);
        let source = source.ok_or_else(|| Error::not_found("source", number))?;
        let is_of_source = |id: NodeId| self.core().sources.source_of(id) == number;
        for table in source.tables.iter().filter(|table| table.kind != 0) {
            let kind = crate::Kind(table.kind);
            for run in &table.runs {
                let range = KeyRange::all().starting_at(&record_key(run.key));
                let range = range.before(&record_key(run.key + run.count));
                for row in self.rows().range(TableId::records(kind), range)? {
                    ids.insert(NodeId::from_parts(kind, record_key_from(&row?.0)));
                }
            }
        }
        for row in self.rows().range(TableId::HISTORY, KeyRange::all())? {
            let (key, _) = row?;
            let id = key.first_chunk::<8>().map(|id| NodeId::from_u64(u64::from_be_bytes(*id)));
            ids.extend(id.filter(|id| is_of_source(*id)));
        }
        for row in audit::places(self.rows(), None)? {
            let id = NodeId::from_u64(row?.0);
            ids.extend(Some(id).filter(|id| is_of_source(*id)));
        }
        Ok(())
    }

    /// Adds the records that say of themselves that they are parts, and the parts of those.
    fn add_parts(&self, ids: &mut BTreeSet<NodeId>) -> Result<()> {
        let links = PART_LINKS.map(|name| self.name_number(name));
        let mut waiting: Vec<NodeId> = ids.iter().copied().collect();
        while let Some(id) = waiting.pop() {
            for link in links.iter().flatten() {
                adjacency::for_each(self.rows(), id, Direction::In, Some(*link), &mut |entry| {
                    if entry.edge.is_link() && ids.insert(entry.neighbor) {
                        waiting.push(entry.neighbor);
                    }
                    ControlFlow::Continue(())
                })?;
            }
        }
        Ok(())
    }
}

fn refused(held: &[Held]) -> Error {
    let reasons = held.iter().take(NAMED_MAX);
    let mut reasons: Vec<String> =
        reasons.map(|held| format!("{}: {}", held.id, held.reason)).collect();
    if held.len() > NAMED_MAX {
        reasons.push(format!("and {} more", held.len() - NAMED_MAX));
    }
    Error::conflict("erase", reasons.join("; "))
}
