//! Patterns of several steps: from a node over one kind of edges, then over another, and so on.
//!
//! A step is a relation between nodes, so that a pattern is a join: the nodes at its end are found
//! by sets, one step after the other, in time linear in the edges of each step's repetitions; rows
//! are listed one by one, depth first with a stack.

use std::fmt;
use std::ops::RangeBounds;

use super::budget::{Budget, End, Meter, Outcome, budget_methods};
use super::follow::{Edge, Follow, KindFilter, NodeFilter, Way};
use super::traverse::least_and_most;
use super::view::{GraphView, NodeMap as _};
use super::{Direction, Graph, on_view};
use crate::Timestamp;
use crate::base::error::Result;
use crate::base::id::{Kind, NodeId};
use crate::record::Record;

/// A pattern of steps from one node. Made by [`Graph::pattern`].
///
/// Each of `out`, `incoming`, `both` and `any` begins a step; what follows it is about that step,
/// up to the next one. Without a step the pattern is its start.
///
/// ```
/// use engraph::record::{Document, Memory};
/// use engraph::Store;
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("case.engraph"))?;
/// let (memo, fact, draft) = store.write(|tx| {
///     let memo = tx.insert(&Document { file_name: "memo.txt".into(), ..Document::default() })?;
///     let draft = tx.insert(&Document { file_name: "draft.txt".into(), ..Document::default() })?;
///     let fact = tx.insert(&Memory { key: "deadline".into(), ..Memory::default() })?;
///     tx.link(memo, "cites", fact)?;
///     tx.link(draft, "mentions", fact)?;
///     Ok((memo, fact, draft))
/// })?;
/// let graph = store.graph()?;
/// let pattern = || graph.pattern(memo).out("cites").incoming("mentions").of::<Document>();
/// assert_eq!(pattern().nodes()?, [draft]);
/// assert_eq!(pattern().rows()?.items, [[memo, fact, draft]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a pattern does nothing until its nodes or rows are asked for"]
pub struct Pattern<'g> {
    graph: &'g Graph,
    start: NodeId,
    steps: Vec<OneStep<'g>>,
    limit: usize,
    budget: Budget,
}

/// One step: edges, how often, and which nodes may stand at its end.
struct OneStep<'g> {
    follow: Follow<'g>,
    repeat: (usize, usize),
    kinds: KindFilter,
    filter: Option<NodeFilter<'g>>,
}

impl OneStep<'_> {
    fn keeps(&self, node: NodeId) -> bool {
        self.kinds.keeps(node) && self.filter.as_ref().is_none_or(|keep| keep(node))
    }
}

impl<'g> Pattern<'g> {
    pub(super) fn new(graph: &'g Graph, start: NodeId) -> Self {
        let (steps, budget) = (Vec::new(), Budget::default());
        Self { graph, start, steps, limit: usize::MAX, budget }
    }

    budget_methods!();

    /// Then goes over edges of this type along their direction.
    pub fn out(self, edge_type: &str) -> Self {
        self.begin(|graph, follow| follow.rules.add(graph, Direction::Out, edge_type))
    }

    /// Then goes over edges of this type against their direction.
    pub fn incoming(self, edge_type: &str) -> Self {
        self.begin(|graph, follow| follow.rules.add(graph, Direction::In, edge_type))
    }

    /// Then goes over edges of this type either way.
    pub fn both(self, edge_type: &str) -> Self {
        self.begin(|graph, follow| follow.rules.add(graph, Direction::Both, edge_type))
    }

    /// Then goes over edges of any type.
    pub fn any(self, direction: Direction) -> Self {
        self.begin(|_, follow| follow.rules.add_any(direction))
    }

    /// The step can also take edges of this type along their direction.
    pub fn or_out(self, edge_type: &str) -> Self {
        self.also(Direction::Out, edge_type)
    }

    /// The step can also take edges of this type against their direction.
    pub fn or_incoming(self, edge_type: &str) -> Self {
        self.also(Direction::In, edge_type)
    }

    /// The step is taken so many times in a row, through any nodes: `1..=3`, `2..`, `0..=1`.
    pub fn repeat(self, times: impl RangeBounds<usize>) -> Self {
        self.change(|step| step.repeat = least_and_most(&times))
    }

    /// The step ends only at nodes of these kinds; more calls add kinds.
    pub fn of_kinds(self, kinds: &[Kind]) -> Self {
        self.change(|step| step.kinds.add(kinds))
    }

    /// The step ends only at records of this type; more calls add types.
    pub fn of<T: Record>(self) -> Self {
        let graph = self.graph;
        self.change(|step| step.kinds.add_type::<T>(graph))
    }

    /// The step ends only at nodes for which `keep` is true. A second filter replaces the first.
    pub fn filter(self, keep: impl Fn(NodeId) -> bool + 'g) -> Self {
        self.change(|step| step.filter = Some(Box::new(keep)))
    }

    /// The step takes only edges whose weight lies in the range.
    pub fn weights(self, range: impl RangeBounds<f32>) -> Self {
        self.change(|step| step.follow.set_weights(&range))
    }

    /// The step takes only edges that are valid at this time.
    pub fn valid_at(self, time: Timestamp) -> Self {
        self.change(|step| step.follow.set_valid_at(time))
    }

    /// The step takes only edges for which `keep` is true; each call adds a condition.
    pub fn edge_filter(self, keep: impl Fn(&Edge<'_>) -> Result<bool> + 'g) -> Self {
        self.change(|step| step.follow.add_filter(keep))
    }

    /// Stops after so many nodes or rows.
    pub fn limit(mut self, items_max: usize) -> Self {
        self.limit = items_max;
        self
    }

    /// The nodes at the end of the pattern, each once, in the order in which they are found. A
    /// limit does not make the search shorter.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged;
    /// [`Error::Limit`](crate::Error::Limit) when a budget is spent;
    /// [`Error::NotFound`](crate::Error::NotFound) when a type is not registered; what an edge
    /// filter fails with.
    pub fn nodes(self) -> Result<Vec<NodeId>> {
        self.check()?;
        let meter = self.budget.meter();
        let mut nodes = vec![self.start];
        for step in &self.steps {
            nodes = on_view!(self.graph, view => take(view, step, &nodes, &meter))?;
        }
        self.budget.check(meter.end())?;
        nodes.truncate(self.limit);
        Ok(nodes)
    }

    /// The rows of the pattern: the start, then the node at the end of each step. Every row once,
    /// whatever the number of ways; rows that begin alike stand together.
    ///
    /// # Errors
    /// As [`Pattern::nodes`], [`Error::Limit`](crate::Error::Limit) apart.
    pub fn rows(self) -> Result<Outcome<Vec<NodeId>>> {
        self.check()?;
        let meter = self.budget.meter();
        let mut rows = Vec::new();
        let mut row: Vec<NodeId> = Vec::new();
        // What may stand at each place of the row, the next last.
        let mut stack = vec![vec![self.start]];
        while rows.len() < self.limit {
            row.truncate(stack.len().saturating_sub(1));
            let Some(choices) = stack.last_mut() else {
                return Ok(Outcome::new(rows, End::Complete));
            };
            let Some(node) = choices.pop() else {
                stack.pop();
                continue;
            };
            row.push(node);
            let Some(step) = self.steps.get(stack.len() - 1) else {
                rows.push(row.clone());
                continue;
            };
            let mut next = on_view!(self.graph, view => take(view, step, &[node], &meter))?;
            if meter.is_stopped() {
                break;
            }
            next.reverse();
            stack.push(next);
        }
        let end = if meter.is_stopped() { meter.end() } else { End::Limit };
        Ok(Outcome::new(rows, end))
    }

    fn check(&self) -> Result<()> {
        self.steps.iter().try_for_each(|step| step.kinds.check())
    }

    fn begin(mut self, set: impl FnOnce(&'g Graph, &mut Follow<'g>)) -> Self {
        let mut follow = Follow::new(self.graph);
        set(self.graph, &mut follow);
        let kinds = KindFilter::default();
        self.steps.push(OneStep { follow, repeat: (1, 1), kinds, filter: None });
        self
    }

    fn also(self, direction: Direction, edge_type: &str) -> Self {
        let graph = self.graph;
        self.change(|step| step.follow.rules.add(graph, direction, edge_type))
    }

    fn change(mut self, change: impl FnOnce(&mut OneStep<'g>)) -> Self {
        if let Some(step) = self.steps.last_mut() {
            change(step);
        }
        self
    }
}

impl fmt::Debug for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|step| (&step.follow, step.repeat));
        f.debug_struct("Pattern")
            .field("start", &self.start)
            .field("steps", &steps.collect::<Vec<_>>())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The nodes that a step leads to from any of `sources`, each once, in the order of finding.
///
/// Below the least number of repetitions every level is a set of its own, since a way may come to a
/// node again; from there on a node that was reached once leads no further the second time.
fn take<V: GraphView>(
    view: &V,
    step: &OneStep<'_>,
    sources: &[NodeId],
    meter: &Meter,
) -> Result<Vec<NodeId>> {
    let (least, most) = step.repeat;
    if least > most {
        return Ok(Vec::new());
    }
    // A start without edges may not be in the view; it still stands for itself.
    let mut lone = Vec::new();
    let found = view.with_scratch(|scratch| -> Result<Vec<V::Node>> {
        let (seen, frontier) = (&mut scratch.seen, &mut scratch.frontier);
        let next = &mut scratch.next;
        frontier.clear();
        seen.reset(view.node_bound());
        for id in sources {
            match view.find(*id) {
                Some(node) if seen.insert(node, ()) => frontier.push(node),
                Some(_) => {}
                None => lone.push(*id),
            }
        }
        let mut found = if least == 0 { frontier.clone() } else { Vec::new() };
        let mut times = 0;
        while times < most && !frontier.is_empty() {
            times += 1;
            next.clear();
            if times <= least {
                seen.reset(view.node_bound());
            }
            for node in &*frontier {
                if meter.expand().is_break() {
                    return Ok(found);
                }
                step.follow.try_hops(view, (*node, Way::Forward), meter, |hop, _| {
                    if seen.insert(hop.node, ()) {
                        next.push(hop.node);
                    }
                    Ok(())
                })?;
            }
            if times >= least {
                found.extend_from_slice(next);
            }
            std::mem::swap(frontier, next);
        }
        Ok(found)
    })?;
    let mut nodes: Vec<NodeId> = found.into_iter().map(|node| view.id(node)).collect();
    if least == 0 {
        nodes.extend(lone);
    }
    nodes.retain(|node| step.keeps(*node));
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::super::BlocksView;
    use super::super::follow::Rule;
    use super::super::model::{Model, any_rules, node};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The pairs of a step by taking it again and again, up to more times than there are nodes.
    fn relation(
        model: &Model,
        rules: &[Rule],
        (least, most): (usize, usize),
    ) -> BTreeSet<(NodeId, NodeId)> {
        let mut all = BTreeSet::new();
        for start in (0..8).map(node) {
            let mut level = BTreeSet::from([start]);
            for times in 0..=most.min(least + 9) {
                if times >= least {
                    all.extend(level.iter().map(|end| (start, *end)));
                }
                let next = level
                    .iter()
                    .flat_map(|from| rules.iter().flat_map(|rule| model.edges_of(*from, *rule)));
                level = next.map(|(_, to, _, _)| to).collect();
            }
        }
        all
    }

    fn step<'g>(graph: &'g Graph, rules: &[Rule], repeat: (usize, usize)) -> OneStep<'g> {
        let kinds = KindFilter::default();
        OneStep { follow: Follow::of_rules(graph, rules), repeat, kinds, filter: None }
    }

    fn any_repeat() -> impl Strategy<Value = (usize, usize)> {
        prop_oneof![
            2 => Just((1, 1)),
            2 => (0_usize..4, 0_usize..3).prop_map(|(least, more)| (least, least + more)),
            1 => (0_usize..4).prop_map(|least| (least, usize::MAX)),
        ]
    }

    proptest! {
        #[test]
        fn a_pattern_is_the_join_of_its_steps(
            model in Model::any(8, 25), start in 0_u64..8, limit in 1_usize..40,
            steps in prop::collection::vec((any_rules(), any_repeat(), any::<bool>()), 0..4),
        ) {
            let graph = model.graph();
            let pattern = || {
                let mut pattern = Pattern::new(&graph, node(start));
                for (rules, repeat, odd) in &steps {
                    pattern.steps.push(step(&graph, rules, *repeat));
                    if *odd {
                        pattern = pattern.filter(|id| id.key() % 3 > 0);
                    }
                }
                pattern
            };
            let mut expected = BTreeSet::from([vec![node(start)]]);
            for (rules, repeat, odd) in &steps {
                let pairs = relation(&model, rules, *repeat);
                let longer = expected.iter().flat_map(|row| {
                    let last = row[row.len() - 1];
                    let ends = pairs.iter().filter(move |pair| pair.0 == last);
                    ends.map(|pair| [&row[..], &[pair.1]].concat())
                });
                expected = longer.filter(|row| !odd || row[row.len() - 1].key() % 3 > 0).collect();
            }
            let ends: BTreeSet<_> = expected.iter().map(|row| row[row.len() - 1]).collect();
            let nodes = pattern().nodes().unwrap();
            prop_assert_eq!(nodes.len(), ends.len(), "each once");
            prop_assert_eq!(nodes.into_iter().collect::<BTreeSet<_>>(), ends);
            let rows = pattern().rows().unwrap();
            prop_assert_eq!(rows.end, End::Complete);
            prop_assert_eq!(rows.items.len(), expected.len(), "each once");
            prop_assert_eq!(rows.items.iter().cloned().collect::<BTreeSet<_>>(), expected);
            let some = pattern().limit(limit).rows().unwrap();
            prop_assert_eq!(&some.items[..], &rows.items[..limit.min(rows.items.len())]);
        }

        #[test]
        fn both_views_take_a_step_alike(
            model in Model::any(8, 25), rules in any_rules(), repeat in any_repeat(),
        ) {
            let (graph, rows, meter) = (model.graph(), model.rows(), Budget::default().meter());
            let sources: Vec<NodeId> = (0..4).map(node).collect();
            let step = step(&graph, &rules, repeat);
            let on = |nodes: Result<Vec<NodeId>>| nodes.unwrap();
            let mut blocks = on(take(&BlocksView::new(&rows), &step, &sources, &meter));
            let mut memory = on(take(&model.snapshot(), &step, &sources, &meter));
            if repeat.0 == 0 {
                // Nodes without edges stand last in the snapshot, which does not have them.
                blocks.sort_unstable();
                memory.sort_unstable();
            }
            prop_assert_eq!(blocks, memory);
        }
    }

    #[test]
    fn a_budget_marks_rows_and_fails_nodes() {
        let graph = Model::of(&[(0, 1), (0, 2), (1, 3), (2, 3)]).graph();
        let pattern = || graph.pattern(node(0)).out("t0").out("t0").nodes_max(2);
        let rows = pattern().rows().unwrap();
        assert_eq!((rows.items.len(), rows.end), (1, End::Nodes));
        let nodes = pattern().nodes();
        assert!(matches!(nodes, Err(crate::Error::Limit { .. })), "{nodes:?}");
    }
}
