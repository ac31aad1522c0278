//! The change log and the history: in order, readable, and of records that were there.

use std::cell::RefCell;

use super::VerifyReport;
use super::given::{Given, LastSeen};
use super::view::View;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId, Seq};
use crate::storage::check::{self, Reach};
use crate::storage::snapshot::Snapshot;
use crate::storage::trim::{Anchor, Limit};
use crate::storage::{KeyRange, Rows as _, TableId, changes, edge_past};

/// What the change log says.
pub(super) struct Log {
    given: Given,
    reach: Option<Reach>,
    /// Up to where the log was trimmed, and nothing must be left.
    swept: Seq,
}

/// Reads the whole change log.
pub(super) fn read(view: &View<'_>, report: &mut VerifyReport) -> Result<Log> {
    let report = RefCell::new(report);
    let mut refused = Vec::new();
    let mut given = Given::load(view.rows, &mut |error| refused.push(error))?;
    for error in refused {
        report.borrow_mut().add_corrupt(error)?;
    }
    let (limit, swept) = trimmed(view.rows, *report.borrow_mut())?;
    let reach = check::change_log(
        view.rows,
        limit,
        &mut |change| {
            if let Some(fault) = given.note(change) {
                report.borrow_mut().add("table changes", fault);
            }
        },
        &mut |place, detail| report.borrow_mut().add(place, detail),
    );
    let reach = reach.or_else(|error| {
        report.borrow_mut().add_corrupt(error)?;
        Ok::<_, Error>(None)
    })?;
    Ok(Log { given, reach, swept })
}

/// The write from which on the log counts, and the one up to which it was swept: that the second
/// does not go beyond the first, and that the log begins where it ends.
fn trimmed(rows: &Snapshot, report: &mut VerifyReport) -> Result<(Seq, Seq)> {
    const PLACE: &str = "table changes";
    let loaded = Limit::load(rows).and_then(|limit| Ok((limit, Anchor::load(rows)?)));
    let (limit, anchor) = match loaded {
        Ok((limit, anchor)) => (limit.map_or(Seq(0), |limit| limit.seq), anchor),
        Err(error) => {
            report.add_corrupt(error)?;
            return Ok((Seq(0), Seq(0)));
        }
    };
    if anchor.seq > limit {
        let fault = format!("swept up to write {}, and trimmed up to {limit} only", anchor.seq);
        report.add(PLACE, fault);
    }
    let first = rows.first(TableId::CHANGES, KeyRange::all())?;
    // Another key is named where the log is read.
    let first = first.and_then(|(key, _)| changes::split_key(&key).ok());
    if let Some((seq, part)) = first.filter(|(seq, part)| !anchor.is_before(*seq, *part)) {
        let begins = format!("begins with write {seq} part {part}");
        let end = format!("write {} part {}", anchor.seq, anchor.part);
        report.add(PLACE, format!("{begins}, and was trimmed up to {end}"));
    }
    // Of a write that is swept in part, some of what it left may still be there.
    let is_within = first.is_some_and(|(seq, _)| seq == anchor.seq);
    let swept = Seq(anchor.seq.0 - u64::from(is_within && anchor.seq > Seq(0)));
    Ok((limit, limit.min(swept)))
}

impl Log {
    /// Whether the log reaches back to the first write, so that it names every record.
    fn is_complete(&self) -> bool {
        self.reach.is_none_or(|reach| reach.oldest == Seq(1))
    }

    /// What is wrong with a record or edge being there, if anything.
    pub(super) fn presence_fault(&self, id: NodeId) -> Option<&'static str> {
        match self.given.last_seen(id) {
            LastSeen::Deleted => Some("is there, and the change log says it was deleted"),
            LastSeen::Never if self.is_complete() => Some("is there, and no write made it"),
            LastSeen::Written | LastSeen::Never | LastSeen::Untracked => None,
        }
    }

    /// Whether the log wrote a record or edge last.
    pub(super) fn was_written(&self, id: NodeId) -> bool {
        self.given.last_seen(id) == LastSeen::Written
    }

    /// Whether any record of a kind may have been deleted or changed after it was made.
    pub(super) fn may_be_touched(&self, kind: Kind) -> bool {
        !self.is_complete() || self.given.is_touched(kind)
    }

    /// How many records of a kind the log wrote last.
    pub(super) fn written(&self, kind: Kind) -> u64 {
        self.given.written(kind)
    }

    /// The records of a kind that the log wrote last.
    pub(super) fn iter_written(&self, kind: Kind) -> impl Iterator<Item = NodeId> {
        self.given.iter_written(kind)
    }
}

/// Checks that earlier values decode, and are of records, edges and writes that were there.
pub(super) fn check_history(view: &View<'_>, log: &Log, report: &mut VerifyReport) -> Result<()> {
    const PLACE: &str = "table history";
    let newest = log.reach.map_or(Seq(0), |reach| reach.newest);
    for row in view.rows.range(TableId::HISTORY, KeyRange::all())? {
        let (key, value) = row?;
        let Some((id, seq)) = split_key(&key) else {
            report.add(PLACE, format!("key {key:02x?} is not a record and a write"));
            continue;
        };
        let is_edge = id.kind() == Kind(0);
        let label = if is_edge { format!("edge {}", id.key()) } else { view.label(id) };
        if seq == Seq(0) || seq > newest {
            report
                .add(PLACE, format!("{label} has a value from before write {seq}, which is none"));
        }
        if seq <= log.swept && seq > Seq(0) {
            report.add(PLACE, format!("{label} has a value from before write {seq}, long trimmed"));
        }
        if !log.given.was_given(id) {
            report.add(PLACE, format!("{label} was never given"));
        }
        if is_edge && let Err(error) = edge_past::decode(EdgeId::from_u64(id.as_u64()), &value) {
            report.add(PLACE, format!("{label} before write {seq}: {error}"));
        }
        if view.is_registered(id.kind())
            && let Err(error) = view.implied(id, &value)
        {
            report.add(PLACE, format!("{label} before write {seq}: {error}"));
        }
    }
    Ok(())
}

fn split_key(key: &[u8]) -> Option<(NodeId, Seq)> {
    let (node, rest) = key.split_first_chunk::<8>()?;
    let seq: [u8; 8] = rest.try_into().ok()?;
    Some((NodeId::from_u64(u64::from_be_bytes(*node)), Seq(u64::from_be_bytes(seq))))
}
