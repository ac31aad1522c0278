//! Walks from a node: neighbourhoods of a depth range, filtered, limited and paged.

use std::fmt;
use std::ops::{Bound, ControlFlow, RangeBounds};

use super::budget::{Budget, End, Meter, Outcome, budget_methods};
use super::follow::{Follow, KindFilter, NodeFilter, Way, follow_methods};
use super::khop::Plain;
use super::page::{Mark, Page};
use super::path::{Links, Path};
use super::view::{GraphView, NodeMap as _};
use super::{Graph, on_view};
use crate::base::error::Result;
use crate::base::id::{Kind, NodeId};
use crate::record::Record;

/// A node that a walk has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reached {
    /// The node.
    pub node: NodeId,
    /// The fewest edges from the start.
    pub depth: usize,
}

/// A walk from one node over the edges that its rules allow.
///
/// Every node is reached once, at its smallest depth, nearest first; nodes of one depth in the
/// order in which their predecessors were reached, then of their edges. Made by [`Graph::from`]:
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, node: engraph::NodeId) -> engraph::Result<()> {
/// let cited = graph.from(node).out("cites").depth(1..=3).limit(100).nodes()?;
/// let around = graph.from(node).any(engraph::graph::Direction::Both).nodes()?;
/// # Ok(())
/// # }
/// ```
///
/// Conditions look at edges as they are come upon; validity and properties are read only then:
///
/// ```
/// use engraph::record::Document;
/// use engraph::{Json, NewEdge, Store, Timestamp};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("case.engraph"))?;
/// let (memo, draft) = store.write(|tx| {
///     let memo = tx.insert(&Document { file_name: "memo.txt".into(), ..Document::default() })?;
///     let draft = tx.insert(&Document { file_name: "draft.txt".into(), ..Document::default() })?;
///     let from = Timestamp::from_micros(1_000);
///     let properties = Json::from_text(r#"{"state": "approved"}"#)?;
///     tx.add_edge(
///         &NewEdge::new(memo, "cites", draft).valid_from(from).properties(properties),
///     )?;
///     Ok((memo, draft))
/// })?;
/// let graph = store.graph()?;
/// let approved = graph.from(memo).out("cites").edge_filter(|edge| {
///     let Some(properties) = edge.properties()? else { return Ok(false) };
///     Ok(properties.to_value()?["state"] == "approved")
/// });
/// assert_eq!(approved.of::<Document>().nodes()?, [draft]);
/// let early = graph.from(memo).valid_at(Timestamp::from_micros(999));
/// assert_eq!(early.nodes()?, []);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a walk does nothing until its nodes are asked for"]
pub struct Walk<'g> {
    follow: Follow<'g>,
    start: NodeId,
    depth: (usize, usize),
    limit: usize,
    filter: Option<NodeFilter<'g>>,
    kinds: KindFilter,
    depth_first: bool,
    budget: Budget,
    after: Option<String>,
}

impl<'g> Walk<'g> {
    pub(super) fn new(graph: &'g Graph, start: NodeId) -> Self {
        Self {
            follow: Follow::new(graph),
            start,
            depth: (1, 1),
            limit: usize::MAX,
            filter: None,
            kinds: KindFilter::default(),
            depth_first: false,
            budget: Budget::default(),
            after: None,
        }
    }

    follow_methods!('g);
    budget_methods!();

    /// The depths of the nodes wanted: `1..=1`, the neighbours, unless said otherwise. Depth 0 is
    /// the start itself; an open end goes on while there are new nodes.
    pub fn depth(mut self, range: impl RangeBounds<usize>) -> Self {
        self.depth = least_and_most(&range);
        self
    }

    /// Stops after so many nodes.
    pub fn limit(mut self, nodes_max: usize) -> Self {
        self.limit = nodes_max;
        self
    }

    /// As [`Walk::limit`], unless a smaller limit was set.
    pub(super) fn limit_below(self, nodes_max: usize) -> Self {
        let least = self.limit.min(nodes_max);
        self.limit(least)
    }

    /// The walk for the quick kernel of `khop`. `None` when it follows several kinds of edges or
    /// has any condition, order, budget or place.
    pub(super) fn plain(&self) -> Option<Plain> {
        let Self { follow, start, depth, limit, filter, kinds, depth_first, budget, after } = self;
        let bare = filter.is_none() && kinds.is_empty() && budget.is_none() && after.is_none();
        if !bare || *depth_first {
            return None;
        }
        let rule = follow.only_rule()?;
        Some(Plain { start: *start, rule, depth: *depth, limit: *limit })
    }

    /// The graph, and the numbers of the edge types that the walk follows; `None` means all.
    pub(super) fn followed(&self) -> (&'g Graph, Option<Vec<u32>>) {
        (self.follow.graph, self.follow.rules.edge_types())
    }

    pub(super) fn graph(&self) -> &'g Graph {
        self.follow.graph
    }

    /// Leaves out nodes for which `keep` is false, and what is reached only through them. The start
    /// is not asked about. A second filter replaces the first.
    pub fn filter(mut self, keep: impl Fn(NodeId) -> bool + 'g) -> Self {
        self.filter = Some(Box::new(keep));
        self
    }

    /// Hands out only nodes of these kinds; others are walked through. More calls add kinds.
    pub fn of_kinds(mut self, kinds: &[Kind]) -> Self {
        self.kinds.add(kinds);
        self
    }

    /// Hands out only records of this type, as [`Walk::of_kinds`] does.
    pub fn of<T: Record>(mut self) -> Self {
        self.kinds.add_type::<T>(self.follow.graph);
        self
    }

    /// Hands out the same nodes at the same depths in another order: each is followed by those that
    /// were reached through it, before its next sibling. The walk is done in whole first and held
    /// in memory, so that a limit does not make it shorter; a budget does.
    pub fn depth_first(mut self) -> Self {
        self.depth_first = true;
        self
    }

    /// Goes on behind the page that gave this token; see [`Walk::page`].
    pub fn after(mut self, token: impl Into<String>) -> Self {
        self.after = Some(token.into());
        self
    }

    /// The nodes reached, nearest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged;
    /// [`Error::Limit`](crate::Error::Limit) when a budget is spent before the walk ends;
    /// [`Error::NotFound`](crate::Error::NotFound) when a type is not registered; what an edge
    /// filter fails with.
    pub fn nodes(self) -> Result<Vec<NodeId>> {
        let mut nodes = Vec::new();
        self.nodes_into(&mut nodes)?;
        Ok(nodes)
    }

    /// The nodes reached with their depths, nearest first.
    ///
    /// # Errors
    /// As [`Walk::nodes`].
    pub fn reached(self) -> Result<Vec<Reached>> {
        let mut nodes = Vec::new();
        self.whole(|reached| nodes.push(reached))?;
        Ok(nodes)
    }

    /// How many nodes are reached.
    ///
    /// # Errors
    /// As [`Walk::nodes`].
    pub fn count(self) -> Result<usize> {
        let mut count = 0;
        self.whole(|_| count += 1)?;
        Ok(count)
    }

    /// Hands the nodes reached to `each` until it says stop. Says why the walk ended; a budget is
    /// no error here.
    ///
    /// # Errors
    /// As [`Walk::nodes`], [`Error::Limit`](crate::Error::Limit) apart.
    pub fn visit(self, each: impl FnMut(Reached) -> ControlFlow<()>) -> Result<End> {
        self.run(each)
    }

    /// For each node reached a shortest path to it, by the edges that reached it first. Where a
    /// budget is spent, what was found until then.
    ///
    /// # Errors
    /// As [`Walk::nodes`], [`Error::Limit`](crate::Error::Limit) apart.
    pub fn paths(self) -> Result<Outcome<Path>> {
        let mut paths = Vec::new();
        let end = self.run_tree(|_, path| {
            paths.push(path());
            ControlFlow::Continue(())
        })?;
        Ok(Outcome::new(paths, end))
    }

    /// The nodes reached, up to the limit, with a token for [`Walk::after`] where there is more.
    ///
    /// The token holds the place, not the state, of the walk: a later page walks again what the
    /// earlier ones did, without handing it out, so that page `n` costs as much as `n` pages. On
    /// the same graph nothing comes twice or is missed. On a newer one nodes that came to stand
    /// before the place are missed, and the call fails where the last node is no longer reached. A
    /// budget counts the way to the place, too.
    ///
    /// # Errors
    /// As [`Walk::nodes`], [`Error::Limit`](crate::Error::Limit) apart;
    /// [`Error::Invalid`](crate::Error::Invalid) for a token that this walk did not give;
    /// [`Error::Conflict`](crate::Error::Conflict) when the walk no longer reaches its place.
    pub fn page(self) -> Result<Page> {
        let (mut items, asked, after) = (Vec::new(), self.mark(), self.after.clone());
        let end = self.run(|reached| {
            items.push(reached);
            ControlFlow::Continue(())
        })?;
        let more = end == End::Limit || end.is_partial();
        let next = items.last().map(|reached: &Reached| asked.token(reached.node)).or(after);
        Ok(Page { items, end, next: next.filter(|_| more) })
    }

    /// What tells this walk from others, closures apart.
    fn mark(&self) -> Mark {
        let (rules, kinds) = (self.follow.rules.mark(), self.kinds.mark());
        let (least, most) = self.depth;
        let order = u8::from(self.depth_first);
        Mark::of(&format!("{} {rules} {least} {most} {order} {kinds}", self.start))
    }

    pub(super) fn whole(self, mut each: impl FnMut(Reached)) -> Result<()> {
        let budget = self.budget;
        let end = self.run(|reached| {
            each(reached);
            ControlFlow::Continue(())
        })?;
        budget.check(end)
    }

    fn run(self, mut each: impl FnMut(Reached) -> ControlFlow<()>) -> Result<End> {
        if self.depth_first {
            return self.run_tree(|reached, _| each(reached));
        }
        let (meter, mut gate) = (self.budget.meter(), Gate::of(&self)?);
        if gate.left > 0 {
            on_view!(self.follow.graph, view => {
                walk(view, self.start, &self.plan(), &meter, |reached| {
                    gate.pass(&meter, reached, &mut each)
                })
            })?;
        }
        gate.end(&meter)
    }

    fn run_tree(
        self,
        mut each: impl FnMut(Reached, &dyn Fn() -> Path) -> ControlFlow<()>,
    ) -> Result<End> {
        let (meter, mut gate) = (self.budget.meter(), Gate::of(&self)?);
        if gate.left > 0 {
            on_view!(self.follow.graph, view => {
                let (plan, links) = (&self.plan(), Links::default());
                let tree = Tree { view, plan, meter: &meter, links };
                tree.grow(self.start, self.depth_first, |reached, path| {
                    gate.pass(&meter, reached, |reached| each(reached, path))
                })
            })?;
        }
        gate.end(&meter)
    }

    fn plan(&self) -> Plan<'_, 'g> {
        Plan { follow: &self.follow, depth: self.depth, filter: self.filter.as_deref() }
    }
}

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk")
            .field("start", &self.start)
            .field("follow", &self.follow)
            .field("depth", &self.depth)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The least and the greatest number in a range. An end that excludes 0 leaves nothing, which
/// least > most says.
pub(super) fn least_and_most(range: &impl RangeBounds<usize>) -> (usize, usize) {
    let least = match range.start_bound() {
        Bound::Included(least) => *least,
        Bound::Excluded(below) => below.saturating_add(1),
        Bound::Unbounded => 0,
    };
    match range.end_bound() {
        Bound::Included(most) => (least, *most),
        Bound::Excluded(0) => (1, 0),
        Bound::Excluded(above) => (least, above - 1),
        Bound::Unbounded => (least, usize::MAX),
    }
}

/// Lets through what is handed out: of the wanted kinds, behind the mark, up to the limit.
struct Gate {
    kinds: KindFilter,
    after: Option<NodeId>,
    left: usize,
}

impl Gate {
    fn of(walk: &Walk<'_>) -> Result<Self> {
        walk.kinds.check()?;
        let after = walk.after.as_deref().map(|token| walk.mark().place(token)).transpose()?;
        Ok(Self { kinds: walk.kinds.clone(), after, left: walk.limit })
    }

    fn pass(
        &mut self,
        meter: &Meter,
        reached: Reached,
        each: impl FnOnce(Reached) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !self.kinds.keeps(reached.node) {
            return ControlFlow::Continue(());
        }
        if let Some(last) = self.after {
            if last == reached.node {
                self.after = None;
            }
            return ControlFlow::Continue(());
        }
        self.left -= 1;
        if each(reached).is_break() {
            return meter.stop(End::Stopped);
        }
        if self.left == 0 { meter.stop(End::Limit) } else { ControlFlow::Continue(()) }
    }

    fn end(self, meter: &Meter) -> Result<End> {
        if self.left == 0 {
            return Ok(End::Limit);
        }
        match self.after.filter(|_| !meter.is_stopped()) {
            Some(last) => Err(super::page::gone(last)),
            None => Ok(meter.end()),
        }
    }
}

/// What a walk does on either view.
pub(super) struct Plan<'a, 'g> {
    pub(super) follow: &'a Follow<'g>,
    /// The least and the greatest depth wanted.
    pub(super) depth: (usize, usize),
    pub(super) filter: Option<&'a (dyn Fn(NodeId) -> bool + 'g)>,
}

/// Breadth first, handing nodes of the wanted depths to `each` until it says stop.
pub(super) fn walk<V: GraphView>(
    view: &V,
    start: NodeId,
    plan: &Plan<'_, '_>,
    meter: &Meter,
    mut each: impl FnMut(Reached) -> ControlFlow<()>,
) -> Result<()> {
    let (least, most) = plan.depth;
    if least > most || (least == 0 && each(Reached { node: start, depth: 0 }).is_break()) {
        return Ok(());
    }
    let Some(start) = view.find(start).filter(|_| most > 0) else { return Ok(()) };
    view.with_scratch(|scratch| {
        scratch.seen.reset(view.node_bound());
        scratch.seen.insert(start, ());
        scratch.frontier.clear();
        scratch.frontier.push(start);
        let mut depth = 0;
        while depth < most && !scratch.frontier.is_empty() {
            depth += 1;
            scratch.next.clear();
            let (seen, next) = (&mut scratch.seen, &mut scratch.next);
            for node in &scratch.frontier {
                if meter.expand().is_break() {
                    return Ok(());
                }
                let flow = plan.follow.hops(view, (*node, Way::Forward), meter, |hop, _| {
                    if !seen.insert(hop.node, ()) {
                        return ControlFlow::Continue(());
                    }
                    let id = view.id(hop.node);
                    if plan.filter.is_some_and(|keep| !keep(id)) {
                        return ControlFlow::Continue(());
                    }
                    if depth < most {
                        next.push(hop.node);
                    }
                    if depth < least {
                        return ControlFlow::Continue(());
                    }
                    each(Reached { node: id, depth })
                })?;
                if flow.is_break() {
                    return Ok(());
                }
            }
            std::mem::swap(&mut scratch.frontier, &mut scratch.next);
        }
        Ok(())
    })
}

/// A walk that remembers how it came to each node.
struct Tree<'a, 'g, V: GraphView> {
    view: &'a V,
    plan: &'a Plan<'a, 'g>,
    meter: &'a Meter,
    links: Links<V::Node, V::Via>,
}

impl<V: GraphView> Tree<'_, '_, V> {
    /// Hands nodes of the wanted depths to `each`, with what gives the path to it.
    fn grow(
        mut self,
        start: NodeId,
        depth_first: bool,
        mut each: impl FnMut(Reached, &dyn Fn() -> Path) -> ControlFlow<()>,
    ) -> Result<()> {
        let (least, most) = self.plan.depth;
        let Some(root) = self.view.find(start).filter(|_| most > 0 && least <= most) else {
            if least == 0 {
                let _nothing_follows =
                    each(Reached { node: start, depth: 0 }, &|| Path::of_node(start));
            }
            return Ok(());
        };
        self.links.push(root, None);
        let mut depths = vec![0_usize];
        let mut hand = |links: &Links<_, _>, view: &V, at: usize, depth: usize| {
            if !(least..=most).contains(&depth) {
                return ControlFlow::Continue(());
            }
            let reached = Reached { node: view.id(links.node(at)), depth };
            each(reached, &|| links.path(view, at))
        };
        if !depth_first && hand(&self.links, self.view, 0, 0).is_break() {
            return Ok(());
        }
        let live = |links: &Links<_, _>, view: &V, at, depth| {
            if depth_first { ControlFlow::Continue(()) } else { hand(links, view, at, depth) }
        };
        self.spread(&mut depths, live)?;
        if depth_first {
            for at in self.links.preorder() {
                if hand(&self.links, self.view, at, depths[at]).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reaches everything, telling `live` each new place.
    fn spread(
        &mut self,
        depths: &mut Vec<usize>,
        mut live: impl FnMut(&Links<V::Node, V::Via>, &V, usize, usize) -> ControlFlow<()>,
    ) -> Result<()> {
        let Self { view, plan, meter, links } = self;
        let mut seen = <V::Node as super::view::NodeNumber>::Map::<()>::default();
        seen.reset(view.node_bound());
        seen.insert(links.node(0), ());
        let mut at = 0;
        while at < links.len() && depths[at] < plan.depth.1 {
            if meter.expand().is_break() {
                return Ok(());
            }
            let depth = depths[at] + 1;
            let flow =
                plan.follow.hops(*view, (links.node(at), Way::Forward), meter, |hop, _| {
                    let is_new = seen.insert(hop.node, ());
                    if !is_new || plan.filter.is_some_and(|keep| !keep(view.id(hop.node))) {
                        return ControlFlow::Continue(());
                    }
                    links.push(hop.node, Some((at, hop.via)));
                    depths.push(depth);
                    live(links, view, links.len() - 1, depth)
                })?;
            if flow.is_break() {
                return Ok(());
            }
            at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "costs of one an edge are small whole numbers"
    )]

    use super::super::follow::Rule;
    use super::super::model::{Model, any_rules, node};
    use super::super::view::Side;
    use super::super::{BlocksView, Direction, Snapshot};
    use super::*;
    use crate::base::error::Error;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn walked<V: GraphView>(
        view: &V,
        start: NodeId,
        plan: &Plan<'_, '_>,
        limit: usize,
    ) -> Vec<Reached> {
        let mut found = Vec::new();
        walk(view, start, plan, &Budget::default().meter(), |reached| {
            found.push(reached);
            if found.len() >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        found
    }

    proptest! {
        #[test]
        fn both_views_walk_alike_and_reach_what_they_should(
            model in Model::any(12, 40), start in 0_u64..13, rules in any_rules(),
            least in 0_usize..3, span in 0_usize..4, limit in 1_usize..30, banned in 0_u64..14,
        ) {
            let keep = |id: NodeId| id != node(banned);
            let graph = model.graph();
            let follow = Follow::of_rules(&graph, &rules);
            let plan = Plan { follow: &follow, depth: (least, least + span), filter: Some(&keep) };
            let rows = model.rows();
            let snapshot = model.snapshot();
            let blocks = BlocksView::new(&rows);
            let all = walked(&blocks, node(start), &plan, usize::MAX);
            prop_assert_eq!(&all, &walked(&snapshot, node(start), &plan, usize::MAX));
            prop_assert!(all.is_sorted_by_key(|reached| reached.depth));

            let expected: BTreeMap<NodeId, usize> = model
                .costs(node(start), &rules, &keep, &|_| 1.0)
                .into_iter()
                .map(|(id, depth)| (id, depth as usize))
                .filter(|(_, depth)| (least..=least + span).contains(depth))
                .collect();
            let found: BTreeMap<NodeId, usize> =
                all.iter().map(|reached| (reached.node, reached.depth)).collect();
            prop_assert_eq!(found.len(), all.len(), "every node once");
            prop_assert_eq!(found, expected);

            let limited = walked(&snapshot, node(start), &plan, limit);
            prop_assert_eq!(&limited[..], &all[..limit.min(all.len())]);
        }

        #[test]
        fn both_views_list_the_same_edges_in_the_same_order(model in Model::any(8, 60)) {
            let (rows, snapshot): (_, Snapshot) = (model.rows(), model.snapshot());
            let blocks = BlocksView::new(&rows);
            for id in (0..8).map(node) {
                for side in [Side::Out, Side::In] {
                    for edge_type in [None, Some(0), Some(1), Some(2), Some(7)] {
                        let expected = model.edges_of(id, Rule { side, edge_type });
                        prop_assert_eq!(&listed(&blocks, id, side, edge_type), &expected);
                        prop_assert_eq!(&listed(&snapshot, id, side, edge_type), &expected);
                        let degree = |count: Result<usize>| count.unwrap();
                        prop_assert_eq!(degree(blocks.degree(id, side, edge_type)), expected.len());
                        if let Some(dense) = snapshot.find(id) {
                            let count = degree(snapshot.degree(dense, side, edge_type));
                            prop_assert_eq!(count, expected.len());
                        }
                    }
                }
            }
        }
    }

    fn listed<V: GraphView>(
        view: &V,
        id: NodeId,
        side: Side,
        edge_type: Option<u32>,
    ) -> Vec<(u32, NodeId, crate::EdgeId, f32)> {
        let mut found = Vec::new();
        let Some(node) = view.find(id) else { return found };
        let flow = view.for_each(node, side, edge_type, |hop| {
            let (edge, weight) = view.edge(hop.via);
            found.push((hop.edge_type, view.id(hop.node), edge, weight));
            ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        found
    }

    #[test]
    fn depths_can_be_any_range() {
        let graph = Model::of(&[(0, 1), (1, 2), (2, 3), (3, 0)]).graph();
        let depths = |walk: Walk<'_>| -> Vec<usize> {
            walk.reached().unwrap().iter().map(|reached| reached.depth).collect()
        };
        let from = || graph.from(node(0)).out("t0");
        assert_eq!(depths(from()), [1]);
        assert_eq!(depths(from().depth(..)), [0, 1, 2, 3]);
        assert_eq!(depths(from().depth(2..)), [2, 3]);
        assert_eq!(depths(from().depth(1..3)), [1, 2]);
        assert_eq!(depths(from().depth(0..0)), [0; 0]);
        assert_eq!(depths(from().depth(..).limit(0)), [0; 0]);
        assert_eq!(from().depth(1..=3).count().unwrap(), 3);
    }

    #[test]
    fn an_unknown_type_leads_nowhere_and_no_rule_leads_everywhere() {
        let graph = Model::of(&[(0, 1), (2, 0)]).graph();
        assert_eq!(graph.from(node(0)).out("never used").nodes().unwrap(), []);
        assert_eq!(graph.from(node(0)).nodes().unwrap(), [node(1)]);
        assert_eq!(graph.from(node(0)).incoming("t0").nodes().unwrap(), [node(2)]);
        let both = graph.from(node(0)).any(Direction::Both).nodes().unwrap();
        assert_eq!(both, [node(1), node(2)]);
    }

    #[test]
    fn a_walk_inside_a_filter_has_scratch_of_its_own() {
        let graph = Model::of(&[(0, 1), (0, 2), (1, 3), (2, 4)]).graph();
        let leads_on = |id| graph.from(id).count().unwrap() > 0;
        let walk = graph.from(node(0)).depth(1..).filter(leads_on);
        assert_eq!(walk.nodes().unwrap(), [node(2), node(1)]);
    }

    #[test]
    fn other_orders_and_paths_reach_the_same_nodes() {
        let edges = [(0, 1), (0, 3), (1, 2), (2, 3), (2, 4), (3, 5), (5, 0)];
        let model = Model::of(&edges);
        let graph = model.graph();
        let walk = || graph.from(node(0)).depth(..);
        let (wide, deep) = (walk().reached().unwrap(), walk().depth_first().reached().unwrap());
        let numbers = |found: &[Reached]| -> Vec<u64> {
            found.iter().map(|reached| reached.node.key() - 10).collect()
        };
        assert_eq!(numbers(&wide), [0, 1, 3, 2, 5, 4]);
        assert_eq!(numbers(&deep), [0, 1, 2, 4, 3, 5]);
        for (found, paths) in
            [(wide, walk().paths().unwrap()), (deep, walk().depth_first().paths().unwrap())]
        {
            assert_eq!(paths.end, End::Complete);
            assert_eq!(found.len(), paths.items.len());
            for (reached, path) in found.iter().zip(&paths.items) {
                assert_eq!(path.edges.len(), reached.depth);
                assert_eq!((path.nodes[0], path.nodes[reached.depth]), (node(0), reached.node));
                let exists = |pair: &[NodeId]| {
                    model.edges.iter().any(|edge| [edge.source, edge.target] == *pair)
                };
                assert!(path.nodes.windows(2).all(exists), "{path:?}");
            }
        }
        let lone = graph.from(node(9)).depth(..).depth_first().paths().unwrap();
        assert_eq!(lone.items, [Path::of_node(node(9))]);
    }

    proptest! {
        #[test]
        fn pages_together_are_the_walk(
            model in Model::any(12, 40), start in 0_u64..13, size in 1_usize..5, deep: bool,
            least in 0_usize..2,
        ) {
            let graph = model.graph();
            let walk = || {
                let walk = graph.from(node(start)).any(Direction::Both).depth(least..);
                let walk = walk.of_kinds(&[Kind(1)]);
                if deep { walk.depth_first() } else { walk }
            };
            let (mut pages, mut next) = (Vec::new(), None);
            loop {
                let walk = walk().limit(size);
                let walk = if let Some(token) = next { walk.after(token) } else { walk };
                let page = walk.page().unwrap();
                prop_assert!(page.items.len() <= size);
                pages.extend(page.items);
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
            prop_assert_eq!(pages, walk().reached().unwrap());
        }
    }

    #[test]
    fn a_token_belongs_to_its_walk() {
        let graph = Model::of(&[(0, 1), (0, 2), (1, 3)]).graph();
        let walk = || graph.from(node(0)).depth(..);
        let token = walk().limit(2).page().unwrap().next.unwrap();
        assert_eq!(walk().after(&*token).page().unwrap().items.len(), 2);
        assert_eq!(walk().after(&*token).count().unwrap(), 2);
        for (walk, token) in [(walk().out("t0"), &*token), (walk(), "zz"), (walk(), "")] {
            let found = walk.after(token).page();
            assert!(matches!(found, Err(Error::Invalid { .. })), "{found:?}");
        }
        let newer = Model::of(&[(0, 1), (1, 3)]).graph();
        let found = newer.from(node(0)).depth(..).after(token).page();
        assert!(matches!(found, Err(Error::Conflict { .. })), "{found:?}");
    }

    #[test]
    fn budgets_and_closures_end_a_walk_early() {
        let edges: Vec<(u64, u64)> = (0..100).map(|number| (number, number + 1)).collect();
        let graph = Model::of(&edges).graph();
        let walk = || graph.from(node(0)).depth(1..);
        let page = walk().nodes_max(10).page().unwrap();
        assert_eq!((page.items.len(), page.end), (10, End::Nodes));
        let rest = walk().after(page.next.unwrap()).page().unwrap();
        assert_eq!((rest.items.len(), rest.next), (90, None));
        let whole = walk().nodes_max(10).nodes();
        assert!(matches!(whole, Err(Error::Limit { .. })), "{whole:?}");
        let late = walk().deadline(std::time::Instant::now()).paths().unwrap();
        assert_eq!((late.items.len(), late.end), (0, End::Deadline));
        let mut seen = 0;
        let end = walk().visit(|reached| {
            seen += 1;
            if reached.depth == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((seen, end.unwrap()), (7, End::Stopped));
    }

    #[test]
    fn a_type_that_is_not_registered_is_refused() {
        let graph = Model::of(&[(0, 1)]).graph();
        let found = graph.from(node(0)).of::<crate::record::Document>().nodes();
        assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
    }
}
