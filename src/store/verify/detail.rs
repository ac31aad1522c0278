//! The second pass, for kinds whose rows differ: names the rows that are missing and those that
//! nothing implies.

use std::cell::RefCell;
use std::ops::ControlFlow;

use super::super::entry::{Adjacent, Implied, UniqueRow};
use super::VerifyReport;
use super::fingerprint::entries_of;
use super::log::Log;
use super::tables::{Differing, EDGES, owner_of};
use super::view::{Owner, View};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::storage::adjacency::{self, Direction, Entry};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, TableId, check, edges, index};

/// Names what differs.
pub(super) fn name_differences(
    view: &View<'_>,
    log: &Log,
    differing: &Differing,
    report: &mut VerifyReport,
) -> Result<()> {
    for kind in &differing.unique {
        let named = missing_unique(view, log, *kind, report);
        report.absorb(named)?;
        let named = surplus_unique(view, *kind, report);
        report.absorb(named)?;
    }
    for kind in &differing.index {
        let named = missing_index(view, *kind, report);
        report.absorb(named)?;
        let named = surplus_index(view, *kind, report);
        report.absorb(named)?;
    }
    for kind in &differing.adjacency {
        let named = if *kind == EDGES {
            missing_ends(view, report)
        } else {
            missing_links(view, *kind, report)
        };
        report.absorb(named)?;
    }
    if !differing.adjacency.is_empty() || differing.weights {
        let named = surplus_entries(view, differing, report);
        report.absorb(named)?;
    }
    Ok(())
}

/// Hands every readable record of a kind and what it implies to `take`.
fn each_record(
    view: &View<'_>,
    kind: Kind,
    take: &mut dyn FnMut(NodeId, &Implied) -> Result<()>,
) -> Result<()> {
    for row in view.rows.range(TableId::records(kind), KeyRange::all())? {
        let (key, value) = row?;
        let Some(id) = NodeId::new(kind, record_key_from(&key)) else { continue };
        match view.implied(id, &value) {
            Ok(implied) => take(id, &implied)?,
            // Said by the first pass.
            Err(Error::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

// ---- natural keys -------------------------------------------------------------------------

fn missing_unique(view: &View<'_>, log: &Log, kind: Kind, report: &mut VerifyReport) -> Result<()> {
    let may_be_free = log.may_be_touched(kind);
    each_record(view, kind, &mut |id, implied| {
        for unique in &implied.unique {
            match unique_fault(view, id, unique)? {
                KeyState::Held => {}
                KeyState::Duplicate => report.duplicate_keys += 1,
                // The record that held it may have gone, or have another key now.
                KeyState::Free if may_be_free && view.is_imported(id) => report.duplicate_keys += 1,
                KeyState::Free => {
                    let (name, label) = (unique.name, view.label(id));
                    report.add("table unique", format!("row of index {name} is missing: {label}"));
                }
                KeyState::Wrong(fault) => report.add("table unique", fault),
            }
        }
        Ok(())
    })
}

/// How a record stands to a natural key that it states.
enum KeyState {
    Held,
    /// Imported, and kept without the key, which another record has.
    Duplicate,
    /// No record has it.
    Free,
    Wrong(String),
}

fn unique_fault(view: &View<'_>, id: NodeId, unique: &UniqueRow) -> Result<KeyState> {
    let wrong = |what: String| {
        Ok(KeyState::Wrong(format!("row of index {} {what}: {}", unique.name, view.label(id))))
    };
    let Some(value) = view.rows.get(TableId::UNIQUE, &unique.row)? else {
        return Ok(KeyState::Free);
    };
    // A value that does not decode was named by the first pass.
    let Ok(holder) = index::unique_id(id.kind(), &value) else { return Ok(KeyState::Held) };
    if holder == id {
        return Ok(KeyState::Held);
    }
    let shares = match view.owner(holder)? {
        Owner::Implies(implied) => implied.unique.iter().any(|other| other.row == unique.row),
        Owner::Absent | Owner::Unreadable => false,
    };
    if !shares {
        return wrong(format!("points to {holder} instead"));
    }
    if view.is_imported(id) {
        return Ok(KeyState::Duplicate);
    }
    wrong(format!("is held by {holder}, which has the same key"))
}

fn surplus_unique(view: &View<'_>, kind: Kind, report: &mut VerifyReport) -> Result<()> {
    for row in view.rows.range(TableId::UNIQUE, KeyRange::prefix(&[kind.0]))? {
        let (key, value) = row?;
        let Ok(id) = index::unique_id(kind, &value) else { continue };
        let owner = view.owner(id)?;
        let implies = |implied: &Implied| implied.unique.iter().any(|unique| unique.row == *key);
        if let Some(fault) = row_fault(view, &key, (id, &owner), &implies) {
            report.add("table unique", fault);
        }
    }
    Ok(())
}

/// What is wrong with a row that belongs to a record, if anything.
fn row_fault(
    view: &View<'_>,
    row: &[u8],
    (id, owner): (NodeId, &Owner),
    has_row: &dyn Fn(&Implied) -> bool,
) -> Option<String> {
    let reason = match owner {
        Owner::Absent => "which is not there",
        Owner::Implies(implied) if !has_row(implied) => "which does not have that key",
        Owner::Implies(_) | Owner::Unreadable => return None,
    };
    Some(format!("row of index {} belongs to {}, {reason}", view.index_name(row), view.label(id)))
}

// ---- ordered indexes ----------------------------------------------------------------------

fn missing_index(view: &View<'_>, kind: Kind, report: &mut VerifyReport) -> Result<()> {
    each_record(view, kind, &mut |id, implied| {
        for row in &implied.indexes {
            if view.rows.get(TableId::INDEX, row)?.is_none() {
                let (name, label) = (view.index_name(row), view.label(id));
                report.add("table index", format!("row of index {name} is missing: {label}"));
            }
        }
        Ok(())
    })
}

fn surplus_index(view: &View<'_>, kind: Kind, report: &mut VerifyReport) -> Result<()> {
    for row in view.rows.range(TableId::INDEX, KeyRange::prefix(&[kind.0]))? {
        let (key, _) = row?;
        let id = match index::index_id(kind, &key) {
            Ok(id) => id,
            Err(error) => {
                report.add_corrupt(error)?;
                continue;
            }
        };
        let owner = view.owner(id)?;
        let implies = |implied: &Implied| implied.indexes.iter().any(|implied| **implied == *key);
        if let Some(fault) = row_fault(view, &key, (id, &owner), &implies) {
            report.add("table index", fault);
        }
    }
    Ok(())
}

// ---- adjacency ----------------------------------------------------------------------------

fn entry_label(view: &View<'_>, node: NodeId, direction: Direction, entry: &Entry) -> String {
    let (source, target) = match direction {
        Direction::Out => (node, entry.neighbor),
        Direction::In => (entry.neighbor, node),
    };
    let name = view.edge_type(entry.edge_type);
    format!("{name} from {source} to {target} in the {direction:?} list of {node}")
}

/// The stored entry of that place. A list that does not decode was named by the first pass.
fn stored(
    view: &View<'_>,
    node: NodeId,
    direction: Direction,
    entry: &Entry,
) -> Result<Option<Entry>> {
    match adjacency::get(view.rows, node, direction, entry.key()) {
        Err(Error::Corrupt { .. }) => Ok(None),
        other => other,
    }
}

fn missing_links(view: &View<'_>, kind: Kind, report: &mut VerifyReport) -> Result<()> {
    const PLACE: &str = "table adjacency";
    each_record(view, kind, &mut |id, implied| {
        for Adjacent { node, direction, entry } in &implied.adjacent {
            let what = || {
                let label = entry_label(view, *node, *direction, entry);
                format!("{label}, stated by {}", view.label(id))
            };
            match stored(view, *node, *direction, entry)? {
                None => report.add(PLACE, format!("entry is missing: {}", what())),
                Some(found) if is_other_weight(&found, entry) => {
                    let (has, must) = (found.weight, entry.weight);
                    report.add(PLACE, format!("weight is {has} instead of {must}: {}", what()));
                }
                Some(_) => {}
            }
        }
        Ok(())
    })
}

fn is_other_weight(a: &Entry, b: &Entry) -> bool {
    (a.weight + 0.0).to_bits() != (b.weight + 0.0).to_bits()
}

/// Entries that edges made by themselves must have at both ends.
fn missing_ends(view: &View<'_>, report: &mut VerifyReport) -> Result<()> {
    let mut outcome = Ok(());
    edges::for_each_edge(view.rows, EdgeId::LINK, &mut |edge| {
        for (node, direction, entry) in entries_of(&edge) {
            match stored(view, node, direction, &entry) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let label = entry_label(view, node, direction, &entry);
                    let detail = format!("entry of edge {} is missing: {label}", edge.id);
                    report.add("table adjacency", detail);
                }
                Err(error) => {
                    outcome = Err(error);
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    outcome
}

fn surplus_entries(
    view: &View<'_>,
    differing: &Differing,
    report: &mut VerifyReport,
) -> Result<()> {
    let report = RefCell::new(report);
    // Entries of one record stand together in the outward lists.
    let mut last: Option<(NodeId, Owner)> = None;
    let mut visit = |node: NodeId, direction: Direction, entries: &[Entry]| {
        for entry in entries {
            let owner = owner_of(node, direction, entry);
            let fault = if owner.kind() == EDGES {
                edge_fault(view, node, direction, entry, differing)?
            } else if differing.adjacency.contains(&owner.kind()) {
                if last.as_ref().is_none_or(|(id, _)| *id != owner) {
                    last = Some((owner, view.owner(owner)?));
                }
                link_fault(node, direction, entry, last.as_ref().map(|(_, owner)| owner))
            } else {
                None
            };
            if let Some(fault) = fault {
                let label = entry_label(view, node, direction, entry);
                report.borrow_mut().add("table adjacency", format!("{fault}: {label}"));
            }
        }
        Ok(())
    };
    // Broken blocks were named by the first pass.
    check::adjacency(view.rows, &mut visit, &mut |_, _| {})
}

fn link_fault(
    node: NodeId,
    direction: Direction,
    entry: &Entry,
    owner: Option<&Owner>,
) -> Option<&'static str> {
    match owner? {
        Owner::Unreadable => None,
        Owner::Absent => Some("entry of a record that is not there"),
        Owner::Implies(implied) => {
            let stated = implied.adjacent.iter().any(|it| {
                it.node == node && it.direction == direction && it.entry.key() == entry.key()
            });
            (!stated).then_some("entry that no record states")
        }
    }
}

/// What is wrong with an entry of an edge that was made by itself, if anything.
fn edge_fault(
    view: &View<'_>,
    node: NodeId,
    direction: Direction,
    entry: &Entry,
    differing: &Differing,
) -> Result<Option<&'static str>> {
    let edge = match edges::get_edge(view.rows, entry.edge) {
        Ok(Some(edge)) => edge,
        Ok(None) => return Ok(Some("entry of an edge that is not there")),
        // Its outward entry is missing, which is said there.
        Err(Error::Corrupt { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let ends = match direction {
        Direction::Out => (edge.source, edge.target),
        Direction::In => (edge.target, edge.source),
    };
    if ends != (node, entry.neighbor) || edge.edge_type != entry.edge_type {
        return Ok(Some("entry of an edge that lies elsewhere"));
    }
    let other = Entry { weight: edge.weight, ..*entry };
    Ok((differing.weights && is_other_weight(entry, &other))
        .then_some("the ends of an edge have different weights"))
}
