//! The first pass: one walk over each table, compared by counts and fingerprints for each kind.

use std::cell::RefCell;
use std::ops::ControlFlow;

use super::VerifyReport;
use super::fingerprint::{Fingerprint, RowHash, entries_of};
use super::log::Log;
use super::view::View;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::storage::adjacency::{Direction, Entry};
use crate::storage::tables::record_key_from;
use crate::storage::{KeyRange, Rows as _, TableId, check, edges, index, verbatim};

/// The kind under which edges that were made by themselves are counted.
pub(super) const EDGES: Kind = Kind(0);

/// The rows of one kind outside its own table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Prints {
    unique: Fingerprint,
    index: Fingerprint,
    adjacency: Fingerprint,
}

/// What a kind's records imply, and what the tables hold of it.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    implied: Prints,
    held: Prints,
}

/// The kinds whose rows differ, by table.
#[derive(Debug, Default)]
pub(super) struct Differing {
    pub(super) unique: Vec<Kind>,
    pub(super) index: Vec<Kind>,
    pub(super) adjacency: Vec<Kind>,
    /// Whether the ends of edges disagree about a weight.
    pub(super) weights: bool,
}

/// Whose entry this is: the kind of the record that implies it, or [`EDGES`].
pub(super) fn owner_of(node: NodeId, direction: Direction, entry: &Entry) -> NodeId {
    match (entry.edge.is_link(), direction) {
        (true, Direction::Out) => node,
        (true, Direction::In) => entry.neighbor,
        (false, _) => NodeId::from_u64(entry.edge.as_u64()),
    }
}

/// Walks every table once.
pub(super) fn compare(view: &View<'_>, log: &Log, report: &mut VerifyReport) -> Result<Differing> {
    let mut accounts = vec![Account::default(); 256];
    for kind in (1..=u8::MAX).map(Kind) {
        let walked = walk_records(view, log, kind, &mut accounts, report);
        report.absorb(walked)?;
    }
    let walked = walk_edges(view, log, &mut accounts, report);
    report.absorb(walked)?;
    for table in [TableId::UNIQUE, TableId::INDEX] {
        let walked = walk_index(view, table, &mut accounts, report);
        report.absorb(walked)?;
    }
    let mut differing = Differing::default();
    let walked = walk_adjacency(view, &mut accounts, report);
    let weights = walked.or_else(|error| report.add_corrupt(error).map(|()| true))?;
    differing.weights = weights;
    settle(view, &accounts, &mut differing, report);
    Ok(differing)
}

/// Says which kinds differ, and which cannot be told.
fn settle(
    view: &View<'_>,
    accounts: &[Account],
    differing: &mut Differing,
    report: &mut VerifyReport,
) {
    for (kind, Account { implied, held }) in (0..=u8::MAX).map(Kind).zip(accounts) {
        if kind == EDGES || view.is_registered(kind) {
            let differ = |a: Fingerprint, b: Fingerprint| (a != b).then_some(kind);
            differing.unique.extend(differ(implied.unique, held.unique));
            differing.index.extend(differ(implied.index, held.index));
            differing.adjacency.extend(differ(implied.adjacency, held.adjacency));
        } else if !view.is_named(kind) {
            for (table, print) in [
                (TableId::UNIQUE, held.unique),
                (TableId::INDEX, held.index),
                (TableId::ADJACENCY, held.adjacency),
            ] {
                if print.count() > 0 {
                    let detail =
                        format!("{} rows of kind {}, which has no name", print.count(), kind.0);
                    report.add(format!("table {}", table.name()), detail);
                }
            }
        }
    }
}

fn walk_records(
    view: &View<'_>,
    log: &Log,
    kind: Kind,
    accounts: &mut [Account],
    report: &mut VerifyReport,
) -> Result<()> {
    let registered = view.is_registered(kind);
    let (mut records, mut written) = (0, 0);
    for row in view.rows.range(TableId::records(kind), KeyRange::all())? {
        let (key, value) = row?;
        let key = record_key_from(&key);
        let Some(id) = NodeId::new(kind, key).filter(|id| id.key() > 0) else {
            report.add(format!("table {}", TableId::records(kind).name()), format!("key {key}"));
            continue;
        };
        records += 1;
        written += u64::from(log.was_written(id));
        if let Some(fault) = log.presence_fault(id) {
            report.add(view.label(id), fault);
        }
        if !registered {
            continue;
        }
        match view.implied(id, &value) {
            Ok(implied) => {
                let prints = &mut accounts[kind.index()].implied;
                implied.unique.iter().for_each(|unique| {
                    prints.unique.add(RowHash::of_unique(&unique.row, id));
                });
                implied.indexes.iter().for_each(|row| prints.index.add(RowHash::of_index(row)));
                implied.adjacent.iter().for_each(|it| {
                    prints.adjacency.add(RowHash::of_entry(it.node, it.direction, &it.entry));
                });
            }
            Err(error @ Error::Corrupt { .. }) => report.add(view.label(id), error.to_string()),
            Err(error) => return Err(error),
        }
    }
    report.records += records;
    if records > 0 && !registered {
        if view.is_named(kind) {
            report.unchecked_kinds += 1;
        } else {
            let place = format!("table {}", TableId::records(kind).name());
            report.add(place, format!("{records} records of a kind that has no name"));
        }
    }
    if written != log.written(kind) {
        for id in log.iter_written(kind) {
            if view.raw(id)?.is_none() {
                report.add(view.label(id), "is not there, and no write deleted it");
            }
        }
    }
    Ok(())
}

fn walk_edges(
    view: &View<'_>,
    log: &Log,
    accounts: &mut [Account],
    report: &mut VerifyReport,
) -> Result<()> {
    let prints = &mut accounts[EDGES.index()].implied;
    let (mut last, mut written) = (EdgeId::LINK, 0);
    edges::for_each_edge(view.rows, EdgeId::LINK, &mut |edge| {
        if edge.id <= last {
            report.add("table edge_sources", format!("edge {} comes after {last}", edge.id));
        }
        last = edge.id;
        report.edges += 1;
        let id = NodeId::from_u64(edge.id.as_u64());
        written += u64::from(log.was_written(id));
        if let Some(fault) = log.presence_fault(id) {
            report.add(format!("edge {}", edge.id), fault);
        }
        for (node, direction, entry) in entries_of(&edge) {
            prints.adjacency.add(RowHash::of_place(node, direction, &entry));
        }
        ControlFlow::Continue(())
    })?;
    if written != log.written(EDGES) {
        for id in log.iter_written(EDGES) {
            let edge = EdgeId::from_u64(id.as_u64());
            if matches!(edges::get_edge(view.rows, edge), Ok(None)) {
                report.add(format!("edge {edge}"), "is not there, and no write removed it");
            }
        }
    }
    for row in view.rows.range(TableId::EDGES, KeyRange::all())? {
        let (key, _) = row?;
        let Ok(number) = <[u8; 8]>::try_from(&*key) else {
            report.add("table edges", format!("key {key:02x?} is no edge"));
            continue;
        };
        let edge = EdgeId::from_u64(u64::from_be_bytes(number));
        match edges::get_edge(view.rows, edge) {
            Ok(Some(_)) => {}
            Ok(None) => report.add("table edges", format!("row of edge {edge}, which is none")),
            Err(error) => report.add_corrupt(error)?,
        }
    }
    Ok(())
}

fn walk_index(
    view: &View<'_>,
    table: TableId,
    accounts: &mut [Account],
    report: &mut VerifyReport,
) -> Result<()> {
    let place = || format!("table {}", table.name());
    for row in view.rows.range(table, KeyRange::all())? {
        let (key, value) = row?;
        report.index_rows += 1;
        let Some(kind) = key.first().copied().map(Kind) else {
            report.add(place(), "a row without a key");
            continue;
        };
        let held = &mut accounts[kind.index()].held;
        if table == TableId::INDEX {
            held.index.add(RowHash::of_index(&key));
            if !value.is_empty() {
                report.add(place(), format!("row of index {} has a value", view.index_name(&key)));
            }
            continue;
        }
        match index::unique_id(kind, &value) {
            Ok(id) => held.unique.add(RowHash::of_unique(&key, id)),
            Err(error) => report.add_corrupt(error)?,
        }
    }
    Ok(())
}

/// The node whose lists go by, and whether it is there.
#[derive(Clone, Copy)]
struct Present {
    node: NodeId,
    is_there: bool,
}

/// Walks the blocks. Says whether the ends of edges disagree about a weight.
fn walk_adjacency(
    view: &View<'_>,
    accounts: &mut [Account],
    report: &mut VerifyReport,
) -> Result<bool> {
    let report = RefCell::new(report);
    let mut current: Option<Present> = None;
    let mut weights = [Fingerprint::default(); 2];
    let mut visit = |node: NodeId, direction: Direction, entries: &[Entry]| {
        let present = match current {
            Some(present) if present.node == node => present,
            _ => Present { node, is_there: view.raw(node)?.is_some() },
        };
        current = Some(present);
        for entry in entries {
            let kind = owner_of(node, direction, entry).kind();
            let held = &mut accounts[kind.index()].held;
            if kind == EDGES {
                held.adjacency.add(RowHash::of_place(node, direction, entry));
                let end = usize::from(matches!(direction, Direction::In));
                weights[end].add(RowHash::of_weight(entry));
            } else {
                held.adjacency.add(RowHash::of_entry(node, direction, entry));
            }
            count_entry(present, direction, entry, &mut report.borrow_mut());
        }
        Ok(())
    };
    let mut listener = |place: String, detail: String| report.borrow_mut().add(place, detail);
    check::adjacency(view.rows, &mut visit, &mut listener)?;
    Ok(weights[0] != weights[1])
}

fn count_entry(present: Present, direction: Direction, entry: &Entry, report: &mut VerifyReport) {
    let outward = matches!(direction, Direction::Out);
    if !entry.edge.is_link() && entry.edge.stated_by().is_none() {
        if !present.is_there {
            let detail = format!("its end {} is not there", present.node);
            report.add(format!("edge {}", entry.edge), detail);
        }
        return;
    }
    report.links += u64::from(outward);
    // A link from a record that is not there is a surplus row, not a dangling link.
    if !present.is_there && (!outward || !entry.edge.is_link()) {
        report.dangling_links += 1;
    }
}

/// Checks that the verbatim rows of every source can be put together, and that there are no others.
pub(super) fn check_verbatim(view: &View<'_>, report: &mut VerifyReport) -> Result<()> {
    let sources = view.sources();
    let mut range = KeyRange::all();
    while let Some((key, _)) = view.rows.first(TableId::VERBATIM, range)? {
        let Some(prefix) = key.first_chunk::<8>() else {
            report.add("table verbatim", format!("key {key:02x?} is too short"));
            range = KeyRange::all().after(&key);
            continue;
        };
        let [s0, s1, s2, s3, t0, t1, t2, t3] = *prefix;
        let (source, table) =
            (u32::from_be_bytes([s0, s1, s2, s3]), u32::from_be_bytes([t0, t1, t2, t3]));
        if !sources.iter().any(|known| known.number == source) {
            let detail = format!("rows of source {source}, which is not known");
            report.add("table verbatim", detail);
        }
        let read = verbatim::blocks(view.rows, source, table)
            .and_then(|mut blocks| blocks.try_for_each(|block| block.map(drop)));
        report.absorb(read)?;
        let behind = u64::from_be_bytes(*prefix).checked_add(1);
        let Some(behind) = behind else { break };
        range = KeyRange::all().starting_at(&behind.to_be_bytes());
    }
    Ok(())
}
