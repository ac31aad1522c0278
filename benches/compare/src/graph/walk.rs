//! Breadth first over anything that lists neighbours: the plain loop, with visited nodes known by
//! a stamp, so that nothing is cleared between calls.

use crate::Outcome;

/// Something that lists neighbours by dense numbers.
pub trait Adjacent {
    /// One more than the greatest dense number.
    fn bound(&self) -> usize;
    /// The id behind a dense number.
    fn id(&self, node: u32) -> u64;
    /// Calls `visit` for each neighbour, against the edges' direction if `backward`.
    fn each(&self, node: u32, backward: bool, kind: Option<u8>, visit: impl FnMut(u32)) -> Outcome;
}

/// What is kept from call to call.
#[derive(Debug, Default)]
pub struct Scratch {
    generation: u32,
    stamps: [Vec<u32>; 2],
    frontiers: [Vec<u32>; 2],
    next: Vec<u32>,
}

impl Scratch {
    fn start(&mut self, bound: usize) -> u32 {
        if self.stamps[0].len() < bound || self.generation == u32::MAX {
            self.generation = 0;
            self.stamps = [vec![0; bound], vec![0; bound]];
        }
        self.generation += 1;
        self.frontiers.iter_mut().for_each(Vec::clear);
        self.generation
    }
}

/// The ids of the distinct nodes within so many hops.
pub fn reach<G: Adjacent>(
    graph: &G,
    scratch: &mut Scratch,
    (from, hops): (u32, usize),
    kind: Option<u8>,
    into: &mut Vec<u64>,
) -> Outcome {
    let stamp = scratch.start(graph.bound());
    let Scratch { stamps: [seen, _], frontiers: [frontier, _], next, .. } = scratch;
    seen[from as usize] = stamp;
    frontier.push(from);
    for hop in 1..=hops {
        next.clear();
        for node in frontier.iter() {
            graph.each(*node, false, kind, |other| {
                let mark = &mut seen[other as usize];
                if *mark != stamp {
                    *mark = stamp;
                    into.push(graph.id(other));
                    if hop < hops {
                        next.push(other);
                    }
                }
            })?;
        }
        std::mem::swap(frontier, next);
    }
    Ok(())
}

/// The fewest edges between two nodes, searched from both ends, the smaller frontier first.
pub fn hops<G: Adjacent>(graph: &G, scratch: &mut Scratch, (from, to): (u32, u32)) -> Outcome<u64> {
    if from == to {
        return Ok(0);
    }
    let stamp = scratch.start(graph.bound());
    for (end, node) in [from, to].into_iter().enumerate() {
        scratch.stamps[end][node as usize] = stamp;
        scratch.frontiers[end].push(node);
    }
    for hops in 1.. {
        if scratch.frontiers.iter().any(Vec::is_empty) {
            break;
        }
        let end = usize::from(scratch.frontiers[1].len() < scratch.frontiers[0].len());
        let [first, second] = &mut scratch.stamps;
        let (own, other) = if end == 0 { (first, second) } else { (second, first) };
        let next = &mut scratch.next;
        next.clear();
        let mut met = false;
        for node in &scratch.frontiers[end] {
            graph.each(*node, end == 1, None, |neighbor| {
                let mark = &mut own[neighbor as usize];
                if *mark != stamp {
                    *mark = stamp;
                    met |= other[neighbor as usize] == stamp;
                    next.push(neighbor);
                }
            })?;
            if met {
                return Ok(hops);
            }
        }
        std::mem::swap(&mut scratch.frontiers[end], next);
    }
    Err("a pair has no path".into())
}
