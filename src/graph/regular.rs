//! Searches along regular path expressions, breadth first over pairs of node and state.
//!
//! Every pair is come to once, so that a search ends on any graph, in time linear in edges times
//! states.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

use super::budget::{Budget, End, Meter, Outcome, budget_methods};
use super::expression::{Automaton, Letter};
use super::follow::{Follow, KindFilter, NodeFilter, Rule, Way, condition_methods};
use super::path::{Give, Links, Path};
use super::view::GraphView;
use super::{Graph, on_view};
use crate::base::error::Result;
use crate::base::id::{Kind, NodeId};
use crate::record::Record;

/// A node to which a path of the expression leads, with a shortest one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Matched {
    /// The node.
    pub node: NodeId,
    /// A path with the fewest edges of those that the expression takes. Nodes may come twice.
    pub path: Path,
}

/// A search along a regular path expression from one node. Made by [`Graph::regular`].
///
/// | expression | takes |
/// |---|---|
/// | `cites`, `"derived from"` | an edge of that type, along its direction |
/// | `.` | any edge |
/// | `^cites`, `^(a/b)` | the same against the direction |
/// | `a/b` | one, then the other |
/// | <code>a&#124;b</code> | either |
/// | `a*`, `a+`, `a?` | any number of times, at least once, at most once |
/// | `a{2}`, `a{2,}`, `a{1,3}` | so many times |
///
/// ```no_run
/// # fn show(graph: &engraph::graph::Graph, a: engraph::NodeId, b: engraph::NodeId)
/// # -> engraph::Result<()> {
/// let ends = graph.regular(a, "cites+/^mentions")?.nodes()?;
/// let witness = graph.regular(a, "(cites|mentions){1,4}")?.path_to(b)?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a search does nothing until its nodes are asked for"]
pub struct RegularPath<'g> {
    follow: Follow<'g>,
    start: NodeId,
    automaton: Automaton,
    /// By state less one.
    letters: Vec<Option<Rule>>,
    kinds: KindFilter,
    filter: Option<NodeFilter<'g>>,
    limit: usize,
    budget: Budget,
}

impl<'g> RegularPath<'g> {
    pub(super) fn new(graph: &'g Graph, start: NodeId, expression: &str) -> Result<Self> {
        let automaton = Automaton::of(expression)?;
        // A type that was never used is the letter of no edge.
        let rule = |letter: &Letter| match &letter.name {
            None => Some(Rule { side: letter.side, edge_type: None }),
            Some(name) => {
                let number = graph.names.number(name)?;
                Some(Rule { side: letter.side, edge_type: Some(number) })
            }
        };
        let letters = automaton.letters.iter().map(rule).collect();
        Ok(Self {
            follow: Follow::new(graph),
            start,
            automaton,
            letters,
            kinds: KindFilter::default(),
            filter: None,
            limit: usize::MAX,
            budget: Budget::default(),
        })
    }

    condition_methods!('g);
    budget_methods!();

    /// Hands out only nodes of these kinds; others are gone through. More calls add kinds.
    pub fn of_kinds(mut self, kinds: &[Kind]) -> Self {
        self.kinds.add(kinds);
        self
    }

    /// Hands out only records of this type, as [`RegularPath::of_kinds`] does.
    pub fn of<T: Record>(mut self) -> Self {
        self.kinds.add_type::<T>(self.follow.graph);
        self
    }

    /// Goes only through nodes for which `keep` is true. The start is not asked about.
    pub fn filter(mut self, keep: impl Fn(NodeId) -> bool + 'g) -> Self {
        self.filter = Some(Box::new(keep));
        self
    }

    /// Stops after so many nodes.
    pub fn limit(mut self, nodes_max: usize) -> Self {
        self.limit = nodes_max;
        self
    }

    /// The nodes to which paths of the expression lead, each once, nearest first. The start is one
    /// of them where the expression takes the empty path.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when adjacency blocks are damaged;
    /// [`Error::Limit`](crate::Error::Limit) when a budget is spent;
    /// [`Error::NotFound`](crate::Error::NotFound) when a type is not registered; what an edge
    /// filter fails with.
    pub fn nodes(self) -> Result<Vec<NodeId>> {
        let (mut nodes, budget) = (Vec::new(), self.budget);
        let end = self.run(&mut |node, _| nodes.push(node))?;
        Outcome::new(nodes, end).whole(&budget)
    }

    /// The same nodes, each with a shortest path to it.
    ///
    /// # Errors
    /// As [`RegularPath::nodes`], [`Error::Limit`](crate::Error::Limit) apart.
    pub fn matches(self) -> Result<Outcome<Matched>> {
        let mut found = Vec::new();
        let end = self.run(&mut |node, path| found.push(Matched { node, path: path() }))?;
        Ok(Outcome::new(found, end))
    }

    /// A shortest path of the expression to one node, searched from both ends. `None` when there is
    /// none. The goal is asked neither about its kind nor by the filter.
    ///
    /// # Errors
    /// As [`RegularPath::nodes`].
    pub fn path_to(self, goal: NodeId) -> Result<Option<Path>> {
        if goal == self.start && self.automaton.accepts[0] {
            return Ok(Some(Path::of_node(goal)));
        }
        let meter = self.budget.meter();
        let found = on_view!(self.follow.graph, view => {
            match (view.find(self.start), view.find(goal)) {
                (Some(start), Some(goal)) => {
                    let keeps = |node| node == start || node == goal || self.goes(view.id(node));
                    Meet::new(view, &self, &meter, (start, goal)).run(&keeps)
                }
                _ => Ok(None),
            }
        })?;
        self.budget.check(meter.end())?;
        Ok(found)
    }

    fn goes(&self, node: NodeId) -> bool {
        self.filter.as_ref().is_none_or(|keep| keep(node))
    }

    fn run(self, each: &mut dyn FnMut(NodeId, &dyn Fn() -> Path)) -> Result<End> {
        self.kinds.check()?;
        let (start, meter, mut left) = (self.start, self.budget.meter(), self.limit);
        let mut hand = |node: NodeId, path: &dyn Fn() -> Path| {
            if left > 0 && self.kinds.keeps(node) {
                left -= 1;
                each(node, path);
            }
            if left == 0 { meter.stop(End::Limit) } else { ControlFlow::Continue(()) }
        };
        on_view!(self.follow.graph, view => match view.find(start) {
            Some(root) => all(view, &self, root, &meter, &mut hand)?,
            None => {
                if self.automaton.accepts[0] {
                    let _nothing_follows = hand(start, &|| Path::of_node(start));
                }
            }
        });
        Ok(meter.end())
    }

    /// The rule by which a state is entered.
    fn rule(&self, state: usize) -> &[Rule] {
        self.letters[state - 1].as_slice()
    }
}

impl fmt::Debug for RegularPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegularPath")
            .field("start", &self.start)
            .field("letters", &self.letters)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Breadth first over the pairs, handing out each node at which the expression may end.
fn all<V: GraphView>(
    view: &V,
    asked: &RegularPath<'_>,
    start: V::Node,
    meter: &Meter,
    hand: Give<'_, NodeId, Path>,
) -> Result<()> {
    let automaton = &asked.automaton;
    let mut links = Links::default();
    let (mut states, mut seen) = (vec![0], HashSet::from([(start, 0)]));
    let mut handed = HashSet::new();
    links.push(start, None);
    if automaton.accepts[0] && handed.insert(start) {
        let stop = hand(view.id(start), &|| links.path(view, 0)).is_break();
        if stop {
            return Ok(());
        }
    }
    let mut at = 0;
    while at < links.len() {
        if meter.expand().is_break() {
            return Ok(());
        }
        let node = links.node(at);
        for state in &automaton.next[states[at]] {
            let way = (node, Way::Forward);
            let flow = asked.follow.hops_of(asked.rule(*state), view, way, meter, |hop, _| {
                let is_new = seen.insert((hop.node, *state));
                if !is_new || !asked.goes(view.id(hop.node)) {
                    return ControlFlow::Continue(());
                }
                links.push(hop.node, Some((at, hop.via)));
                states.push(*state);
                if automaton.accepts[*state] && handed.insert(hop.node) {
                    return hand(view.id(hop.node), &|| links.path(view, links.len() - 1));
                }
                ControlFlow::Continue(())
            })?;
            if flow.is_break() {
                return Ok(());
            }
        }
        at += 1;
    }
    Ok(())
}

/// A node in a state, and how a search came to it.
type Pair<V> = (<V as GraphView>::Node, usize);
type Steps<V> = HashMap<Pair<V>, Option<(Pair<V>, <V as GraphView>::Via)>>;

/// A search from both ends. A pair of the backward side stands for what is left behind its state.
struct Meet<'a, 'g, V: GraphView> {
    view: &'a V,
    asked: &'a RegularPath<'g>,
    meter: &'a Meter,
    /// From the start, from the goal.
    steps: [Steps<V>; 2],
    frontiers: [Vec<Pair<V>>; 2],
}

impl<'a, 'g, V: GraphView> Meet<'a, 'g, V> {
    fn new(
        view: &'a V,
        asked: &'a RegularPath<'g>,
        meter: &'a Meter,
        (start, goal): (V::Node, V::Node),
    ) -> Self {
        let accepts = asked.automaton.accepts.iter().enumerate().skip(1);
        let ends = accepts.filter(|(_, accepts)| **accepts).map(|(state, _)| (goal, state));
        let frontiers = [vec![(start, 0)], ends.collect()];
        let steps =
            frontiers.each_ref().map(|pairs| pairs.iter().map(|pair| (*pair, None)).collect());
        Self { view, asked, meter, steps, frontiers }
    }

    fn run(mut self, keeps: &dyn Fn(V::Node) -> bool) -> Result<Option<Path>> {
        while !self.frontiers.iter().any(Vec::is_empty) {
            let smaller = usize::from(self.frontiers[1].len() < self.frontiers[0].len());
            let meeting = self.level(Way::BOTH[smaller], keeps)?;
            if self.meter.is_stopped() {
                return Ok(None);
            }
            if let Some(pair) = meeting {
                return Ok(Some(self.path(pair)));
            }
        }
        Ok(None)
    }

    /// Expands one end by one level. Returns the first pair that the other end has come to, too.
    fn level(&mut self, way: Way, keeps: &dyn Fn(V::Node) -> bool) -> Result<Option<Pair<V>>> {
        let Self { view, asked, meter, steps: [first, second], frontiers } = self;
        let (own, other) = if way == Way::Forward { (first, second) } else { (second, first) };
        let frontier = std::mem::take(&mut frontiers[way.index()]);
        let mut meeting = None;
        for (node, state) in frontier {
            if meter.expand().is_break() {
                return Ok(None);
            }
            let next = match way {
                Way::Forward => &asked.automaton.next[state],
                Way::Backward => &asked.automaton.before[state],
            };
            for to in next {
                // Backward the edge is that of the state which is left.
                let letter = if way == Way::Forward { *to } else { state };
                let rule = asked.rule(letter);
                let flow = asked.follow.hops_of(rule, *view, (node, way), meter, |hop, _| {
                    let pair = (hop.node, *to);
                    if own.contains_key(&pair) || !keeps(hop.node) {
                        return ControlFlow::Continue(());
                    }
                    own.insert(pair, Some(((node, state), hop.via)));
                    if other.contains_key(&pair) {
                        meeting = Some(pair);
                        return ControlFlow::Break(());
                    }
                    frontiers[way.index()].push(pair);
                    ControlFlow::Continue(())
                })?;
                if flow.is_break() {
                    return Ok(meeting);
                }
            }
        }
        Ok(None)
    }

    fn path(&self, meeting: Pair<V>) -> Path {
        let (mut nodes, mut edges) = (vec![self.view.id(meeting.0)], Vec::new());
        for (end, steps) in self.steps.iter().enumerate() {
            let mut pair = meeting;
            while let Some(Some((before, via))) = steps.get(&pair) {
                nodes.push(self.view.id(before.0));
                edges.push(self.view.edge(*via));
                pair = *before;
            }
            if end == 0 {
                nodes.reverse();
                edges.reverse();
            }
        }
        Path::along(nodes, &edges)
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::super::view::Side;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// An expression as relations are made from it.
    #[derive(Clone, Debug)]
    enum Expression {
        Edge(Option<u32>),
        Turned(Box<Self>),
        Then(Box<Self>, Box<Self>),
        Either(Box<Self>, Box<Self>),
        Repeat(Box<Self>, usize, Option<usize>),
    }

    impl Expression {
        fn text(&self) -> String {
            match self {
                Self::Edge(None) => ".".into(),
                Self::Edge(Some(number)) => format!("t{number}"),
                Self::Turned(inner) => format!("^({})", inner.text()),
                Self::Then(a, b) => format!("({})/({})", a.text(), b.text()),
                Self::Either(a, b) => format!("{} | {}", a.text(), b.text()),
                Self::Repeat(a, 0, None) => format!("({})*", a.text()),
                Self::Repeat(a, least, None) => format!("({}){{{least},}}", a.text()),
                Self::Repeat(a, least, Some(most)) => format!("({}){{{least},{most}}}", a.text()),
            }
        }

        /// The pairs of nodes between which it leads.
        fn pairs(&self, model: &Model) -> BTreeSet<(NodeId, NodeId)> {
            let join = |a: &BTreeSet<(NodeId, NodeId)>, b: &BTreeSet<(NodeId, NodeId)>| {
                let pairs = a.iter().flat_map(|one| {
                    b.iter().filter(|two| one.1 == two.0).map(|two| (one.0, two.1))
                });
                pairs.collect::<BTreeSet<_>>()
            };
            match self {
                Self::Edge(edge_type) => (0..6)
                    .map(node)
                    .flat_map(|from| {
                        let rule = Rule { side: Side::Out, edge_type: *edge_type };
                        let ends = model.edges_of(from, rule).into_iter();
                        ends.map(move |(_, to, _, _)| (from, to))
                    })
                    .collect(),
                Self::Turned(inner) => {
                    inner.pairs(model).into_iter().map(|(from, to)| (to, from)).collect()
                }
                Self::Then(a, b) => join(&a.pairs(model), &b.pairs(model)),
                Self::Either(a, b) => &a.pairs(model) | &b.pairs(model),
                Self::Repeat(a, least, most) => {
                    let once = a.pairs(model);
                    let mut level: BTreeSet<_> = (0..6).map(|at| (node(at), node(at))).collect();
                    let mut all = BTreeSet::new();
                    for times in 0..=most.unwrap_or(least + 40) {
                        if times >= *least {
                            all.extend(level.iter().copied());
                        }
                        level = join(&level, &once);
                    }
                    all
                }
            }
        }
    }

    fn any_expression() -> impl Strategy<Value = Expression> {
        let leaf = prop::option::of(0_u32..3).prop_map(Expression::Edge);
        leaf.prop_recursive(3, 8, 2, |inner| {
            let two = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
            let one = || inner.clone().prop_map(Box::new);
            let repeat = (one(), 0_usize..3, prop::option::of(0_usize..3));
            prop_oneof![
                one().prop_map(Expression::Turned),
                two().prop_map(|(a, b)| Expression::Then(a, b)),
                two().prop_map(|(a, b)| Expression::Either(a, b)),
                repeat.prop_map(|(a, least, more)| {
                    Expression::Repeat(a, least, more.map(|more| least + more))
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn an_expression_leads_where_its_relation_does(
            model in Model::any(6, 16), expression in any_expression(), start in 0_u64..6,
        ) {
            let (graph, text, start) = (model.graph(), expression.text(), node(start));
            let pairs = expression.pairs(&model);
            let expected: BTreeSet<NodeId> =
                pairs.iter().filter(|pair| pair.0 == start).map(|pair| pair.1).collect();
            let asked = || graph.regular(start, &text).unwrap();
            let found = asked().matches().unwrap();
            prop_assert!(found.items.is_sorted_by_key(|found| found.path.edges.len()));
            let nodes = asked().nodes().unwrap();
            prop_assert_eq!(nodes.len(), expected.len(), "each once");
            prop_assert_eq!(nodes.into_iter().collect::<BTreeSet<_>>(), expected);
            for goal in (0..6).map(node) {
                let one = found.items.iter().find(|found| found.node == goal);
                let path = asked().path_to(goal).unwrap();
                let length = |path: &Path| path.edges.len();
                prop_assert_eq!(path.as_ref().map(length), one.map(|one| length(&one.path)));
                if let Some(path) = path {
                    let ends = (path.nodes[0], path.nodes[length(&path)]);
                    prop_assert_eq!(ends, (start, goal));
                }
            }
            let rows = model.rows();
            let (blocks, meter) = (super::super::BlocksView::new(&rows), Budget::default().meter());
            let mut again = Vec::new();
            all(&blocks, &asked(), start, &meter, &mut |node, path| {
                again.push(Matched { node, path: path() });
                ControlFlow::Continue(())
            }).unwrap();
            prop_assert_eq!(again, found.items);
        }
    }

    #[test]
    fn budgets_limits_and_filters_hold() {
        let graph = Model::of(&[(0, 1), (1, 2), (2, 3), (3, 0)]).graph();
        let asked = || graph.regular(node(0), "t0*").unwrap();
        assert_eq!(asked().nodes().unwrap(), [0, 1, 2, 3].map(node));
        assert_eq!(asked().limit(2).nodes().unwrap(), [0, 1].map(node));
        assert_eq!(asked().filter(|id| id != node(2)).nodes().unwrap(), [0, 1].map(node));
        assert_eq!(asked().of_kinds(&[Kind(1)]).nodes().unwrap(), [0, 2].map(node));
        assert_eq!(graph.regular(node(0), "unknown?").unwrap().nodes().unwrap(), [node(0)]);
        let short = asked().nodes_max(2).nodes();
        assert!(matches!(short, Err(crate::Error::Limit { .. })), "{short:?}");
        let short = asked().nodes_max(2).matches().unwrap();
        assert_eq!((short.items.len(), short.end), (3, End::Nodes));
        let bad = graph.regular(node(0), "t0//t1").map(|_| ());
        assert!(matches!(bad, Err(crate::Error::Query { offset: 3, .. })), "{bad:?}");
    }
}
