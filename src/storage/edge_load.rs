//! Many new edges at once: every list of neighbours and every run of numbers is written in one
//! pass, in the order of its key.

use std::iter::Peekable;
use std::slice::ChunkBy;

use super::adjacency::{self, Direction, Entry};
use super::edges::{self, Ends};
use super::rows::RowsMut;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, NodeId};

/// Edges from which a second thread sorts one of the directions.
const PARALLEL_EDGES_MIN: usize = 1 << 15;

/// A new edge without its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrow {
    pub(crate) source: NodeId,
    pub(crate) target: NodeId,
    pub(crate) edge_type: u32,
    pub(crate) weight: f32,
}

/// An edge as seen from one end, in the order in which lists lie.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Half {
    node: NodeId,
    edge_type: u32,
    neighbor: NodeId,
    /// The place of the arrow, which orders as its number does.
    place: u32,
}

/// The halves of one direction, list by list.
type Lists<'a> = Peekable<ChunkBy<'a, Half, fn(&Half, &Half) -> bool>>;

/// Writes edges whose numbers follow each other from `first`, which is behind all that are there.
///
/// # Errors
/// [`Error::NotFound`] when `has` says no of an end, before anything is written; [`Error::Limit`]
/// for more than 2^32 edges.
pub(crate) fn add_edges<R: RowsMut + ?Sized>(
    rows: &mut R,
    first: EdgeId,
    arrows: &[Arrow],
    has: impl Fn(&R, NodeId) -> Result<bool>,
) -> Result<()> {
    if u32::try_from(arrows.len()).is_err() {
        let (max, found) = (u32::MAX.into(), arrows.len() as u64);
        return Err(Error::Limit { what: "edges of one call".into(), max, found });
    }
    let (out, inward) = sorted(arrows);
    let mut newest = None;
    each_list(&out, &inward, &mut |list, _| {
        let node = list[0].node;
        // Both lists of a node come one after the other.
        if newest != Some(node) && !has(rows, node)? {
            return Err(Error::not_found("node", node));
        }
        newest = Some(node);
        Ok(())
    })?;
    edges::append_ends(
        rows,
        arrows.iter().zip(first.as_u64()..).map(|(arrow, number)| {
            let Arrow { source, target, edge_type, .. } = *arrow;
            Ends { id: EdgeId::from_u64(number), source, edge_type, target }
        }),
    )?;
    let mut entries = Vec::new();
    each_list(&out, &inward, &mut |list, direction| {
        entries.clear();
        entries.extend(list.iter().map(|half| Entry {
            edge_type: half.edge_type,
            neighbor: half.neighbor,
            edge: EdgeId::from_u64(first.as_u64() + u64::from(half.place)),
            weight: arrows[half.place as usize].weight,
        }));
        adjacency::insert_sorted(rows, list[0].node, direction, &entries).map(drop)
    })
}

/// Both directions of the arrows in the order of their lists.
fn sorted(arrows: &[Arrow]) -> (Vec<Half>, Vec<Half>) {
    let sort = |direction| {
        let half = |(arrow, place): (&Arrow, u32)| {
            let Arrow { source, target, edge_type, .. } = *arrow;
            let (node, neighbor) = match direction {
                Direction::Out => (source, target),
                Direction::In => (target, source),
            };
            Half { node, edge_type, neighbor, place }
        };
        let mut halves: Vec<Half> = arrows.iter().zip(0..).map(half).collect();
        halves.sort_unstable();
        halves
    };
    if arrows.len() < PARALLEL_EDGES_MIN {
        return (sort(Direction::Out), sort(Direction::In));
    }
    std::thread::scope(|scope| {
        let inward = scope.spawn(|| sort(Direction::In));
        let out = sort(Direction::Out);
        // Sorting does not panic; if it did, so should this.
        (out, inward.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Hands every list to `visit` in the order of nodes, outward before inward.
fn each_list(
    out: &[Half],
    inward: &[Half],
    visit: &mut dyn FnMut(&[Half], Direction) -> Result<()>,
) -> Result<()> {
    let lists = |halves| -> Lists<'_> {
        let same: fn(&Half, &Half) -> bool = |a, b| a.node == b.node;
        <[Half]>::chunk_by(halves, same).peekable()
    };
    let (mut out, mut inward) = (lists(out), lists(inward));
    loop {
        let node = |lists: &mut Lists<'_>| lists.peek().map(|list| list[0].node);
        let direction = match (node(&mut out), node(&mut inward)) {
            (None, None) => return Ok(()),
            (Some(source), target) if target.is_none_or(|target| source <= target) => {
                Direction::Out
            }
            _ => Direction::In,
        };
        let next = if direction == Direction::Out { out.next() } else { inward.next() };
        next.map_or(Ok(()), |list| visit(list, direction))?;
    }
}
