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

/// Bits of a number of 128 for a node, less the least one, and for a type; 32 are for the place.
const NODE_BITS: u32 = 40;
const TYPE_BITS: u32 = 16;

/// An edge as seen from one end, in the order in which lists lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    // Lists ask for arrows in no order: what they ask for should lie close together.
    let weights: Vec<f32> = arrows.iter().map(|arrow| arrow.weight).collect();
    let mut entries = Vec::new();
    each_list(&out, &inward, &mut |list, direction| {
        entries.clear();
        entries.extend(list.iter().map(|half| Entry {
            edge_type: half.edge_type,
            neighbor: half.neighbor,
            edge: EdgeId::from_u64(first.as_u64() + u64::from(half.place)),
            weight: weights[half.place as usize],
        }));
        adjacency::insert_sorted(rows, list[0].node, direction, &entries).map(drop)
    })
}

impl Half {
    fn of(arrow: &Arrow, place: u32, direction: Direction) -> Self {
        let Arrow { source, target, edge_type, .. } = *arrow;
        let (node, neighbor) = match direction {
            Direction::Out => (source, target),
            Direction::In => (target, source),
        };
        Self { node, edge_type, neighbor, place }
    }
}

/// Halves as numbers in the same order, which takes half the time to sort.
#[derive(Clone, Copy)]
struct Packing {
    least: u64,
}

impl Packing {
    /// `None` where nodes lie too far apart or types are too many.
    fn of(arrows: &[Arrow]) -> Option<Self> {
        let ends = || arrows.iter().flat_map(|arrow| [arrow.source, arrow.target]);
        let (least, most) = (ends().min()?.as_u64(), ends().max()?.as_u64());
        let types = arrows.iter().map(|arrow| arrow.edge_type).max()?;
        let fits = (most - least) >> NODE_BITS == 0 && types >> TYPE_BITS == 0;
        fits.then_some(Self { least })
    }

    fn pack(self, half: &Half) -> u128 {
        let node = |node: NodeId| u128::from(node.as_u64() - self.least);
        let list = node(half.node) << TYPE_BITS | u128::from(half.edge_type);
        (list << NODE_BITS | node(half.neighbor)) << u32::BITS | u128::from(half.place)
    }

    fn unpack(self, number: u128) -> Half {
        // Each part is cut to its bits, so that it fits.
        let part = |shift: u32, bits: u32| ((number >> shift) & ((1 << bits) - 1)) as u64;
        let node = |shift| NodeId::from_u64(self.least + part(shift, NODE_BITS));
        Half {
            node: node(u32::BITS + NODE_BITS + TYPE_BITS),
            edge_type: part(u32::BITS + NODE_BITS, TYPE_BITS) as u32,
            neighbor: node(u32::BITS),
            place: part(0, u32::BITS) as u32,
        }
    }
}

/// Both directions of the arrows in the order of their lists.
fn sorted(arrows: &[Arrow]) -> (Vec<Half>, Vec<Half>) {
    let packing = Packing::of(arrows);
    let sort = |direction| {
        let halves = arrows.iter().zip(0..).map(|(arrow, place)| Half::of(arrow, place, direction));
        if let Some(packing) = packing {
            let mut numbers: Vec<u128> = halves.map(|half| packing.pack(&half)).collect();
            numbers.sort_unstable();
            return numbers.into_iter().map(|number| packing.unpack(number)).collect();
        }
        let mut halves: Vec<Half> = halves.collect();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_arrow(nodes: u64, types: u32) -> impl Strategy<Value = Arrow> {
        let (source, target) = (0..=nodes, 0..=nodes);
        (source, target, 0..=types).prop_map(|(source, target, edge_type)| Arrow {
            source: NodeId::from_u64(u64::MAX - source),
            target: NodeId::from_u64(u64::MAX - target),
            edge_type,
            weight: 1.0,
        })
    }

    fn check(arrows: &[Arrow]) {
        let (out, inward) = sorted(arrows);
        for (found, direction) in [(out, Direction::Out), (inward, Direction::In)] {
            let half = |(arrow, place)| Half::of(arrow, place, direction);
            let mut expected: Vec<Half> = arrows.iter().zip(0..).map(half).collect();
            expected.sort();
            assert_eq!(found, expected);
        }
    }

    proptest! {
        #[test]
        fn lists_are_in_order_whether_they_fit_into_numbers_or_not(
            small in prop::collection::vec(any_arrow(5, 2), 0..40),
            full in prop::collection::vec(any_arrow((1 << NODE_BITS) - 1, u16::MAX.into()), 0..40),
            wide in prop::collection::vec(any_arrow(u64::MAX, u32::MAX), 0..40),
        ) {
            prop_assert!(Packing::of(&small).is_some() || small.is_empty());
            prop_assert!(Packing::of(&full).is_some() || full.is_empty());
            for arrows in [small, full, wide] {
                check(&arrows);
            }
        }
    }

    #[test]
    fn the_first_that_does_not_fit_is_not_packed() {
        let arrow = |source, target, edge_type| Arrow {
            source: NodeId::from_u64(source),
            target: NodeId::from_u64(target),
            edge_type,
            weight: 1.0,
        };
        let most = (1 << NODE_BITS) - 1;
        for (arrows, fits) in [
            ([arrow(7, 7 + most, 0), arrow(7 + most, 7, 65_535)], true),
            ([arrow(7, 8 + most, 0), arrow(8 + most, 7, 1)], false),
            ([arrow(7, 8, 65_536), arrow(8, 7, 1)], false),
        ] {
            assert_eq!(Packing::of(&arrows).is_some(), fits);
            check(&arrows);
        }
    }
}
