//! Shortest paths from one node to all: distances, and how many paths of that length there are.

use std::collections::BinaryHeap;

use crate::graph::part::Rows;
use crate::graph::view::Queued;

/// What a search knows of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) distance: f64,
    /// How many shortest paths lead here.
    pub(super) paths: f64,
}

const UNSEEN: Mark = Mark { distance: f64::INFINITY, paths: 0.0 };

/// Space for searches, and the result of the last.
pub(super) struct Search {
    /// By node.
    pub(super) marks: Vec<Mark>,
    /// The nodes reached, nearest first, the source among them.
    pub(super) order: Vec<u32>,
    queue: BinaryHeap<Queued<u32>>,
}

impl Search {
    pub(super) fn over(count: usize) -> Self {
        Self { marks: vec![UNSEEN; count], order: Vec::new(), queue: BinaryHeap::new() }
    }

    /// Searches by number of edges, breadth first. Rows have to be simple.
    pub(super) fn by_hops(&mut self, rows: &Rows<'_>, source: u32) {
        self.start(source);
        self.order.push(source);
        let mut next = 0;
        while let Some(node) = self.order.get(next).copied() {
            next += 1;
            let Mark { distance, paths } = self.marks[node as usize];
            let beyond = distance + 1.0;
            for target in rows.of(node) {
                let mark = &mut self.marks[*target as usize];
                if mark.distance > beyond {
                    *mark = Mark { distance: beyond, paths };
                    self.order.push(*target);
                } else if is_same(mark.distance, beyond) {
                    mark.paths += paths;
                }
            }
        }
    }

    /// Searches by sum of weights (Dijkstra). Rows have to be simple, with weights of 0 or more;
    /// paths are counted right if all are above 0.
    pub(super) fn by_weight(&mut self, rows: &Rows<'_>, source: u32) {
        self.start(source);
        self.queue.push(Queued { cost: 0.0, node: source });
        while let Some(Queued { cost, node }) = self.queue.pop() {
            let Mark { distance, paths } = self.marks[node as usize];
            if cost > distance {
                continue;
            }
            self.order.push(node);
            for (target, weight) in rows.weighted_of(node) {
                let beyond = distance + weight;
                let mark = &mut self.marks[target as usize];
                if mark.distance > beyond {
                    *mark = Mark { distance: beyond, paths };
                    self.queue.push(Queued { cost: beyond, node: target });
                } else if is_same(mark.distance, beyond) {
                    mark.paths += paths;
                }
            }
        }
    }

    fn start(&mut self, source: u32) {
        for node in self.order.drain(..) {
            self.marks[node as usize] = UNSEEN;
        }
        self.marks[source as usize] = Mark { distance: 0.0, paths: 1.0 };
    }
}

/// Whether two ways are equally long. Both are sums of the same kind, so that equal lengths of
/// whole numbers are equal bits; others compare as networkx compares them.
#[expect(clippy::float_cmp, reason = "ties between paths are what this asks for")]
pub(super) fn is_same(a: f64, b: f64) -> bool {
    a == b
}
