//! Degree centrality: how many edges a node has, or what they weigh.

use crate::base::error::Result;
use crate::graph::part::Part;
use crate::graph::scores::Scores;
use crate::graph::{Direction, Graph};

/// How [`Graph::degree_centrality`] counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Degree {
    direction: Direction,
    weighted: bool,
    normalized: bool,
}

impl Default for Degree {
    fn default() -> Self {
        Self { direction: Direction::Both, weighted: false, normalized: false }
    }
}

impl Degree {
    /// Counts the edges of both directions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts edges of this direction.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Adds the weights of edges up, instead of counting them: the strength of a node.
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.weighted = true;
        self
    }

    /// Divides by the number of other nodes, so that 1 means an edge with each of them; more than 1
    /// where edges are parallel. In a graph of one node it is 1.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.normalized = true;
        self
    }
}

impl Graph {
    /// How many edges each node has (Freeman: Centrality in social networks, 1978). Parallel edges
    /// count each; a self loop counts once in either direction. Linear in nodes, and in edges where
    /// weights are added.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for weights that are negative or not finite;
    /// otherwise as [`Graph::snapshot`].
    pub fn degree_centrality(&self, edge_types: &[&str], options: &Degree) -> Result<Scores> {
        let snapshot = self.snapshot()?;
        let part = Part::of(&snapshot, self.numbers_of(edge_types));
        let count = part.count();
        let mut values: Vec<f64> = if options.weighted {
            let rows = part.weighted_rows(options.direction)?;
            (0..count as u32).map(|node| rows.strength(node)).collect()
        } else {
            part.degrees(options.direction)
        };
        if options.normalized {
            let others = count.saturating_sub(1) as f64;
            for value in &mut values {
                *value = if count > 1 { *value / others } else { 1.0 };
            }
        }
        let values = part.spread(values);
        drop(part);
        Ok(Scores::new(snapshot, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::model::{Arrow, Model, node};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn degrees_are_counted(model in Model::any(8, 24), typed: bool, weighted: bool) {
            let graph = model.graph();
            let (model, types): (_, &[&str]) =
                if typed { (model.of_type(2), &["t2"]) } else { (model, &[]) };
            let nodes = model.nodes();
            let weight = |edge: &Arrow| if weighted { f64::from(edge.weight) } else { 1.0 };
            for direction in [Direction::Out, Direction::In, Direction::Both] {
                let options = Degree { direction, weighted, normalized: false };
                let found = graph.degree_centrality(types, &options).unwrap();
                let normal = graph.degree_centrality(types, &options.normalized()).unwrap();
                prop_assert_eq!(found.count(), nodes.len());
                for id in &nodes {
                    let sum = |ends: fn(&Arrow) -> crate::NodeId| -> f64 {
                        model.edges.iter().filter(|edge| ends(edge) == *id).map(weight).sum()
                    };
                    let expected = match direction {
                        Direction::Out => sum(|edge| edge.source),
                        Direction::In => sum(|edge| edge.target),
                        Direction::Both => sum(|edge| edge.source) + sum(|edge| edge.target),
                    };
                    prop_assert_eq!(found.of(*id), Some(expected));
                    let others = nodes.len() as f64 - 1.0;
                    let expected = if others > 0.0 { expected / others } else { 1.0 };
                    prop_assert_eq!(normal.of(*id), Some(expected));
                }
            }
        }
    }

    #[test]
    fn a_node_of_other_types_only_has_no_degree() {
        let graph = Model::of(&[(0, 1), (0, 0)]).graph();
        let found = graph.degree_centrality(&[], &Degree::new()).unwrap();
        assert_eq!(found.top(5), [(node(0), 3.0), (node(1), 1.0)]);
        assert_eq!(graph.degree_centrality(&["t1"], &Degree::new()).unwrap().of(node(0)), None);
    }
}
