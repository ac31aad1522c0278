//! Proof that the audit chain is whole: nothing altered, removed, added or put in another order.
//!
//! The chain alone cannot show that its newest entries are gone: for that there are the change log,
//! which names every write, the records, whose newest audited value is known, and a digest that
//! somebody noted elsewhere.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use serde::Serialize;

use super::{AuditHead, AuditTrail, noted};
use crate::base::digest::{Digest, Hasher};
use crate::base::error::Result;
use crate::base::id::{NodeId, Seq};
use crate::storage::audit::{self, Act, Head, Item};
use crate::storage::changes::{self, Operation};
use crate::storage::tables::record_key;
use crate::storage::{Rows as _, TableId};
use crate::store::{ReadTx, audit as store_audit};

/// Problems that a report names one by one; more are only counted.
const NAMED_MAX: usize = 100;

/// What verifying the chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditReport {
    /// Entries read.
    pub entries: u64,
    /// Changes in them.
    pub changes: u64,
    /// Changes whose values were erased, as a later entry says.
    pub erased: u64,
    /// The newest entry; none where there is none.
    pub head: Option<AuditHead>,
    /// The entry that has the digest which was asked for.
    pub noted_entry: Option<u64>,
    /// The first problems, in the order of the entries.
    pub problems: Vec<AuditProblem>,
    /// How many more there are.
    pub more_problems: u64,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditProblem {
    /// Number of the entry; none where no entry is meant.
    pub entry: Option<u64>,
    /// What is wrong.
    pub detail: String,
}

impl AuditReport {
    /// Whether the chain is whole.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, entry: impl Into<Option<u64>>, detail: impl Into<String>) {
        if self.problems.len() < NAMED_MAX {
            self.problems.push(AuditProblem { entry: entry.into(), detail: detail.into() });
        } else {
            self.more_problems += 1;
        }
    }
}

impl AuditTrail<&ReadTx> {
    /// Verifies the chain from its first entry to its newest, its payloads, and that it agrees with
    /// the change log and the records. With `digest`, one that [`AuditTrail::head`] gave some time,
    /// also that the chain still holds that entry. Reads the whole chain.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a digest that is none;
    /// [`Error::Corrupt`](crate::Error::Corrupt) when a key of the chain's table does not decode.
    /// A chain that is not whole is no error: the report says so.
    pub fn verify(&self, digest: Option<&str>) -> Result<AuditReport> {
        let noted = digest.map(noted).transpose()?;
        let mut check = Check::new(self.tx);
        check.entries(noted)?;
        check.scope()?;
        check.places()?;
        check.log()?;
        check.records()?;
        let mut report = check.report;
        report.head = self.head().ok().flatten();
        if noted.is_some() && report.noted_entry.is_none() {
            report.add(None, "no entry has the digest that was noted");
        }
        Ok(report)
    }
}

struct Check<'a> {
    tx: &'a ReadTx,
    report: AuditReport,
    /// Writes that have an entry.
    seqs: HashSet<Seq>,
    /// Items without payload, by record, until an entry says that they were erased.
    without_payload: HashMap<u64, Vec<(u64, u32)>>,
    /// The newest entry that changed what is audited.
    scope: Option<(u64, Seq)>,
    /// What it says, unless that was removed.
    scope_payload: Option<Vec<u8>>,
}

impl<'a> Check<'a> {
    fn new(tx: &'a ReadTx) -> Self {
        Self {
            tx,
            report: AuditReport::default(),
            seqs: HashSet::new(),
            without_payload: HashMap::new(),
            scope: None,
            scope_payload: None,
        }
    }

    /// Heads and items, in order.
    fn entries(&mut self, noted: Option<Digest>) -> Result<()> {
        let mut before: Option<Head> = None;
        let mut newest = 0_u64;
        for row in audit::heads(self.tx.rows(), 0)? {
            let (number, head) = row?;
            let next = newest.saturating_add(1);
            for missing in next..number.min(next.saturating_add(NAMED_MAX as u64)) {
                self.report.add(missing, "the entry is missing");
            }
            newest = number;
            self.report.entries += 1;
            let Some(head) = head else {
                self.report.add(number, "the entry was altered: it does not decode");
                before = None;
                continue;
            };
            self.head(number, &head, before.as_ref());
            self.items(number, &head)?;
            if noted == Some(head.digest) {
                self.report.noted_entry = Some(number);
            }
            self.seqs.insert(head.seq);
            before = Some(head);
        }
        self.strays(newest)?;
        let mut lost: Vec<(u64, u32)> =
            std::mem::take(&mut self.without_payload).into_values().flatten().collect();
        lost.sort_unstable();
        for (number, place) in lost {
            self.report.add(number, format!("the payload of change {place} was removed"));
        }
        Ok(())
    }

    /// Items of entries without a head, where that does not show in the numbers of the others.
    fn strays(&mut self, newest: u64) -> Result<()> {
        let mut last = None;
        for number in audit::strays(self.tx.rows(), newest)? {
            let number = number?;
            if last.replace(number) != Some(number) {
                self.report.add(number, "the entry is missing");
            }
        }
        Ok(())
    }

    fn head(&mut self, number: u64, head: &Head, before: Option<&Head>) {
        if head.number != number {
            let detail = format!("entry {} lies in its place", head.number);
            self.report.add(number, detail);
        } else if head.digest != head.computed_digest() {
            self.report.add(number, "the entry was altered");
        }
        let expected = match before {
            Some(before) => before.digest,
            None if number == 1 => Digest::from_bytes([0; 32]),
            // The one before is missing or broken, which is said already.
            None => return,
        };
        let is_gap = |before: &Head| before.number < number && before.number + 1 != number;
        if before.is_some_and(is_gap) {
            return;
        }
        if head.previous != expected {
            let detail = "it does not follow the entry before it, one of the two was altered";
            self.report.add(number, detail);
        }
        if before.is_some_and(|before| before.seq >= head.seq || before.time >= head.time) {
            self.report.add(number, "it is older than the entry before it");
        }
    }

    fn items(&mut self, number: u64, head: &Head) -> Result<()> {
        let mut hasher = Hasher::default();
        let mut expected = 1_u32;
        for row in audit::items(self.tx.rows(), Some(number))? {
            let (_, place, item) = row?;
            if place != expected {
                self.report.add(number, format!("change {expected} is missing"));
            }
            expected = place.saturating_add(1);
            let Some(item) = item else {
                self.report.add(number, format!("change {place} was altered: it does not decode"));
                continue;
            };
            item.hash_into(&mut hasher);
            self.item(number, place, &item)?;
            self.report.changes += u64::from(item.act != Act::Author);
            if item.act == Act::Scope {
                self.scope = Some((number, head.seq));
                self.scope_payload = item.secret.map(|(_, payload)| payload);
            }
        }
        if u64::from(expected) - 1 != head.items {
            let detail = format!("it has {} changes instead of {}", expected - 1, head.items);
            self.report.add(number, detail);
        } else if hasher.digest() != head.items_digest {
            self.report.add(number, "its changes were altered or put in another order");
        }
        Ok(())
    }

    fn item(&mut self, number: u64, place: u32, item: &Item) -> Result<()> {
        // First, since an erasure explains what is gone before it, and not what it holds itself.
        if item.act == Act::Erase
            && let Some(erased) = self.without_payload.remove(&item.id)
        {
            self.report.erased += erased.len() as u64;
        }
        match &item.secret {
            Some((salt, payload)) if Item::digest_of(salt, payload) != item.digest => {
                self.report.add(number, format!("the payload of change {place} was altered"));
            }
            Some(_) => {}
            None => self.without_payload.entry(item.id).or_default().push((number, place)),
        }
        let key = audit::by_id_key(item.id, number, place);
        if item.act.is_of_record() && self.tx.rows().get(TableId::AUDIT, &key)?.is_none() {
            let id = NodeId::from_u64(item.id);
            self.report.add(number, format!("change {place} is not among those of record {id}"));
        }
        Ok(())
    }

    /// What is audited is what the newest change of that says.
    fn scope(&mut self) -> Result<()> {
        let remembered = store_audit::remembered(self.tx.rows())?;
        match (self.scope, &self.scope_payload) {
            (None, _) if remembered.is_some() => {
                self.report.add(None, "no entry says what is audited, and something is");
            }
            (Some((number, _)), Some(said)) if remembered.as_deref() != Some(said) => {
                self.report.add(number, "what is audited was changed, and no entry says so");
            }
            _ => {}
        }
        Ok(())
    }

    /// Whatever is said to be a change of a record is one.
    fn places(&mut self) -> Result<()> {
        for row in audit::places(self.tx.rows(), None)? {
            let (id, number, place) = row?;
            let item = audit::item(self.tx.rows(), number, place).ok().flatten();
            if item.is_none_or(|item| item.id != id || !item.act.is_of_record()) {
                let id = NodeId::from_u64(id);
                self.report.add(number, format!("record {id} has no change {place} in it"));
            }
        }
        Ok(())
    }

    /// Every write that changed something audited has its entry, as far back as the change log
    /// reaches and the scope is as it is now.
    fn log(&mut self) -> Result<()> {
        let Some((_, since)) = self.scope else { return Ok(()) };
        let scope = &self.tx.core().audit;
        let mut missing = Vec::new();
        changes::read_after(self.tx.rows(), since, &mut |change| {
            // Vectors beside records are no part of them, and are not audited.
            if change.operation == Operation::Embed {
                return ControlFlow::Continue(());
            }
            let is_audited = match change.nodes().next() {
                Some(id) => scope.covers(id.kind()),
                None => scope.covers_edges(),
            };
            if is_audited && !self.seqs.contains(&change.seq) && missing.last() != Some(&change.seq)
            {
                missing.push(change.seq);
            }
            ControlFlow::Continue(())
        })?;
        for seq in missing {
            self.report.add(None, format!("write {seq} has no entry"));
        }
        Ok(())
    }

    /// Every record is as its newest change left it, where that is audited since.
    fn records(&mut self) -> Result<()> {
        let Some((since, _)) = self.scope else { return Ok(()) };
        let mut last: Option<(u64, u64, u32)> = None;
        for row in audit::places(self.tx.rows(), None)? {
            let row = row?;
            if let Some(done) = last.filter(|last| last.0 != row.0) {
                self.record(done, since)?;
            }
            last = Some(row);
        }
        if let Some(done) = last {
            self.record(done, since)?;
        }
        Ok(())
    }

    fn record(&mut self, (id, number, place): (u64, u64, u32), since: u64) -> Result<()> {
        let node = NodeId::from_u64(id);
        if number < since || !self.tx.core().audit.covers(node.kind()) {
            return Ok(());
        }
        let rows = self.tx.rows();
        let Some(item) = audit::item(rows, number, place).ok().flatten() else { return Ok(()) };
        let value = rows.get(TableId::records(node.kind()), &record_key(node.key()))?;
        let fault = match (&item.secret, value) {
            (_, None) if item.act == Act::Put => "is gone, and no entry says so",
            (Some((_, payload)), Some(value)) if item.act == Act::Put && *value != **payload => {
                "is not as the entry says"
            }
            (_, Some(_)) if item.act != Act::Put => "is there, and the entry says it is gone",
            _ => return Ok(()),
        };
        self.report.add(number, format!("record {node} {fault}"));
        Ok(())
    }
}
