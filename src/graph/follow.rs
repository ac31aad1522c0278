//! Which edges a search follows: their types and directions, weights, validity, and conditions of
//! the caller. Shared by all builders of searches.
//!
//! Type, ends and weight lie in the lists that a search reads anyway. Validity and properties lie
//! in a row of the edge, where it has any; that row is read only when a condition asks for it.

use std::cell::OnceCell;
use std::fmt;
use std::ops::{Bound, ControlFlow, RangeBounds};
use std::sync::Arc;

use super::budget::Meter;
use super::view::{GraphView, Hop, Side};
use super::{Direction, Graph};
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId};
use crate::base::json::Json;
use crate::base::time::Timestamp;
use crate::record::Record;
use crate::storage::Rows;
use crate::storage::edges::{self, Details};

/// Where validity and properties of edges are read.
pub(crate) trait EdgeDetails: Send + Sync {
    /// What an edge has besides ends, type and weight.
    fn details(&self, edge: EdgeId) -> Result<Details>;
}

impl<R: Rows + Send + Sync> EdgeDetails for R {
    fn details(&self, edge: EdgeId) -> Result<Details> {
        edges::details_of(self, edge)
    }
}

/// Edges of one type, or of any, on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) side: Side,
    pub(super) edge_type: Option<u32>,
}

const OUTWARD: &[Rule] = &[Rule { side: Side::Out, edge_type: None }];

/// Which edges may be followed: any that one of the rules allows. None given means every edge
/// outwards. No edge is allowed by two of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    given: bool,
    rules: Vec<Rule>,
}

impl Rules {
    /// Adds edges of a type. A type that was never used allows nothing.
    pub(super) fn add(&mut self, graph: &Graph, direction: Direction, edge_type: &str) {
        self.given = true;
        if let Some(number) = graph.names.number(edge_type) {
            self.extend(direction, Some(number));
        }
    }

    /// Adds edges of any type.
    pub(super) fn add_any(&mut self, direction: Direction) {
        self.given = true;
        self.extend(direction, None);
    }

    fn extend(&mut self, direction: Direction, edge_type: Option<u32>) {
        for side in direction.sides() {
            let rule = Rule { side: *side, edge_type };
            let all = Rule { edge_type: None, ..rule };
            if self.rules.contains(&rule) || self.rules.contains(&all) {
                continue;
            }
            if rule == all {
                self.rules.retain(|other| other.side != *side);
            }
            self.rules.push(rule);
        }
    }

    /// The numbers of the edge types that some rule names, sorted; `None` means all.
    pub(super) fn edge_types(&self) -> Option<Vec<u32>> {
        let types: Option<Vec<u32>> = self.as_slice().iter().map(|rule| rule.edge_type).collect();
        types.map(|mut types| {
            types.sort_unstable();
            types.dedup();
            types
        })
    }

    fn as_slice(&self) -> &[Rule] {
        if self.given { &self.rules } else { OUTWARD }
    }

    /// Text that tells rules apart.
    pub(super) fn mark(&self) -> String {
        let rules = self.as_slice().iter().map(|rule| {
            let side = if rule.side == Side::Out { 'o' } else { 'i' };
            rule.edge_type.map_or_else(|| format!("{side}*"), |number| format!("{side}{number}"))
        });
        rules.collect::<Vec<_>>().join(" ")
    }
}

/// From which end a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the start onwards.
    Forward,
    /// From the goal back to where one can come from.
    Backward,
}

impl Way {
    pub(super) const BOTH: [Self; 2] = [Self::Forward, Self::Backward];

    pub(super) fn index(self) -> usize {
        match self {
            Self::Forward => 0,
            Self::Backward => 1,
        }
    }
}

/// An edge as a search comes upon it, for conditions and costs.
///
/// What is not in the lists of edges is read when it is asked for, once.
pub struct Edge<'a> {
    graph: &'a Graph,
    id: EdgeId,
    ends: (NodeId, NodeId),
    type_number: u32,
    is_along: bool,
    weight: f32,
    details: OnceCell<Details>,
}

impl Edge<'_> {
    /// The edge; [`EdgeId::LINK`] for a link.
    pub fn id(&self) -> EdgeId {
        self.id
    }

    /// The node that the edge is followed from.
    pub fn from(&self) -> NodeId {
        self.ends.0
    }

    /// The node that it is followed to.
    pub fn to(&self) -> NodeId {
        self.ends.1
    }

    /// Whether it is followed along its direction.
    pub fn is_along(&self) -> bool {
        self.is_along
    }

    /// The name of its type.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the type has no name.
    pub fn edge_type(&self) -> Result<Arc<str>> {
        super::name_of(&*self.graph.names, self.type_number)
    }

    /// The weight; 1 where none was given.
    pub fn weight(&self) -> f32 {
        self.weight
    }

    /// The time from which it is valid; `None` where it always was.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the row of the edge cannot be read.
    pub fn valid_from(&self) -> Result<Option<Timestamp>> {
        Ok(self.details()?.valid_from)
    }

    /// The time until which it is valid, itself excluded; `None` where no end is known.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the row of the edge cannot be read.
    pub fn valid_to(&self) -> Result<Option<Timestamp>> {
        Ok(self.details()?.valid_to)
    }

    /// Whether it is valid at a time. Links and edges that records state always are.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the row of the edge cannot be read.
    pub fn is_valid_at(&self, time: Timestamp) -> Result<bool> {
        let details = self.details()?;
        let begun = details.valid_from.is_none_or(|from| from <= time);
        Ok(begun && details.valid_to.is_none_or(|to| time < to))
    }

    /// The first time not before `time` at which it can be taken. `None` when its end is past.
    pub(super) fn takeable_from(&self, time: Timestamp) -> Result<Option<Timestamp>> {
        let details = self.details()?;
        let first = details.valid_from.map_or(time, |from| from.max(time));
        Ok(Some(first).filter(|first| details.valid_to.is_none_or(|to| *first < to)))
    }

    /// The properties; `None` where it has none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the row of the edge cannot be read.
    pub fn properties(&self) -> Result<Option<&Json>> {
        Ok(self.details()?.properties.as_ref())
    }

    fn details(&self) -> Result<&Details> {
        if let Some(details) = self.details.get() {
            return Ok(details);
        }
        let details = self.graph.details.details(self.id)?;
        Ok(self.details.get_or_init(|| details))
    }
}

impl fmt::Debug for Edge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("id", &self.id)
            .field("from", &self.ends.0)
            .field("to", &self.ends.1)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// The kinds of which nodes are wanted; all, where none was named.
#[derive(Clone, Debug, Default)]
pub(super) struct KindFilter {
    kinds: Option<Vec<Kind>>,
    unknown: Option<&'static str>,
}

impl KindFilter {
    pub(super) fn add(&mut self, kinds: &[Kind]) {
        self.kinds.get_or_insert_default().extend_from_slice(kinds);
    }

    pub(super) fn add_type<T: Record>(&mut self, graph: &Graph) {
        match graph.names.kind(T::NAME) {
            Some(kind) => self.add(&[kind]),
            None => self.unknown = Some(T::NAME),
        }
    }

    /// Whether every node is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_none() && self.unknown.is_none()
    }

    pub(super) fn keeps(&self, node: NodeId) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&node.kind()))
    }

    /// Fails where a type has no kind in this store.
    pub(super) fn check(&self) -> Result<()> {
        match self.unknown {
            Some(name) => Err(Error::not_found("registered record type", name)),
            None => Ok(()),
        }
    }

    /// Text that tells filters apart.
    pub(super) fn mark(&self) -> String {
        self.kinds.as_ref().map_or_else(String::new, |kinds| {
            kinds.iter().map(|kind| kind.0.to_string()).collect::<Vec<_>>().join(" ")
        })
    }
}

/// Says whether a node may be part of a walk or path.
pub(super) type NodeFilter<'g> = Box<dyn Fn(NodeId) -> bool + 'g>;
/// Says whether an edge may be followed.
type EdgeFilter<'g> = Box<dyn Fn(&Edge<'_>) -> Result<bool> + 'g>;

/// What is handed edges one by one.
type Visit<'a, V> =
    &'a mut dyn FnMut(Hop<<V as GraphView>::Node, <V as GraphView>::Via>) -> ControlFlow<()>;

/// The edges that a search follows.
pub(super) struct Follow<'g> {
    pub(super) graph: &'g Graph,
    pub(super) rules: Rules,
    weights: Option<(Bound<f32>, Bound<f32>)>,
    valid_at: Option<Timestamp>,
    filters: Vec<EdgeFilter<'g>>,
}

impl<'g> Follow<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let rules = Rules::default();
        Self { graph, rules, weights: None, valid_at: None, filters: Vec::new() }
    }

    /// Follows what these rules allow.
    #[cfg(test)]
    pub(super) fn of_rules(graph: &'g Graph, rules: &[Rule]) -> Self {
        let rules = Rules { given: true, rules: rules.to_vec() };
        Self { rules, ..Self::new(graph) }
    }

    pub(super) fn set_weights(&mut self, range: &impl RangeBounds<f32>) {
        self.weights = Some((range.start_bound().cloned(), range.end_bound().cloned()));
    }

    pub(super) fn set_valid_at(&mut self, time: Timestamp) {
        self.valid_at = Some(time);
    }

    pub(super) fn add_filter(&mut self, keep: impl Fn(&Edge<'_>) -> Result<bool> + 'g) {
        self.filters.push(Box::new(keep));
    }

    /// The side, where every edge of one side is followed and nothing else.
    pub(super) fn whole_side(&self) -> Option<Side> {
        match self.rules.as_slice() {
            [Rule { side, edge_type: None }] if self.is_plain() => Some(*side),
            _ => None,
        }
    }

    /// The rule, where it is the only one and nothing else says what is followed.
    pub(super) fn only_rule(&self) -> Option<Rule> {
        match self.rules.as_slice() {
            [rule] if self.is_plain() => Some(*rule),
            _ => None,
        }
    }

    /// Whether rules alone say what is followed.
    fn is_plain(&self) -> bool {
        self.weights.is_none() && self.valid_at.is_none() && self.filters.is_empty()
    }

    /// Hands the edges that are followed from a node to `visit`, with the side of the rule that
    /// allows them, until it says stop. Backward, those by which it can be come to.
    #[inline]
    pub(super) fn hops<V: GraphView>(
        &self,
        view: &V,
        (node, way): (V::Node, Way),
        meter: &Meter,
        visit: impl FnMut(Hop<V::Node, V::Via>, Side) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        self.hops_of(self.rules.as_slice(), view, (node, way), meter, visit)
    }

    /// As [`Follow::hops`], to the end or the first error.
    #[inline]
    pub(super) fn try_hops<V: GraphView>(
        &self,
        view: &V,
        way: (V::Node, Way),
        meter: &Meter,
        mut visit: impl FnMut(Hop<V::Node, V::Via>, Side) -> Result<()>,
    ) -> Result<()> {
        let mut failed = None;
        let flow = self.hops(view, way, meter, |hop, side| match visit(hop, side) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        debug_assert!(flow.is_continue() || failed.is_some() || meter.is_stopped());
        failed.map_or(Ok(()), Err)
    }

    /// As [`Follow::hops`], by rules of the caller instead of its own.
    #[inline]
    pub(super) fn hops_of<V: GraphView>(
        &self,
        rules: &[Rule],
        view: &V,
        (node, way): (V::Node, Way),
        meter: &Meter,
        mut visit: impl FnMut(Hop<V::Node, V::Via>, Side) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let is_plain = self.is_plain();
        for rule in rules {
            let side = match way {
                Way::Forward => rule.side,
                Way::Backward => rule.side.reversed(),
            };
            let flow = if is_plain {
                view.for_each(node, side, rule.edge_type, |hop| visit(hop, rule.side))?
            } else {
                let mut visit = |hop| visit(hop, rule.side);
                self.filtered(view, (node, way), (*rule, side), (meter, &mut visit))?
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn filtered<V: GraphView>(
        &self,
        view: &V,
        (node, way): (V::Node, Way),
        (rule, side): (Rule, Side),
        (meter, visit): (&Meter, Visit<'_, V>),
    ) -> Result<ControlFlow<()>> {
        let mut failed = None;
        let flow = view.for_each(node, side, rule.edge_type, |hop| {
            meter.tick()?;
            let edge = self.edge(view, (node, way), rule.side, hop);
            match self.keeps(&edge) {
                Ok(true) => visit(hop),
                Ok(false) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(flow), Err)
    }

    fn keeps(&self, edge: &Edge<'_>) -> Result<bool> {
        if self.weights.is_some_and(|weights| !weights.contains(&edge.weight)) {
            return Ok(false);
        }
        if let Some(time) = self.valid_at
            && !edge.is_valid_at(time)?
        {
            return Ok(false);
        }
        for keep in &self.filters {
            if !keep(edge)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// An edge found from `node`, as conditions and costs see it; `side` is that of its rule.
    pub(super) fn edge<V: GraphView>(
        &self,
        view: &V,
        (node, way): (V::Node, Way),
        side: Side,
        hop: Hop<V::Node, V::Via>,
    ) -> Edge<'g> {
        let (id, weight) = view.edge(hop.via);
        let (near, far) = (view.id(node), view.id(hop.node));
        let ends = match way {
            Way::Forward => (near, far),
            Way::Backward => (far, near),
        };
        let (type_number, is_along) = (hop.edge_type, side == Side::Out);
        let details = OnceCell::new();
        Edge { graph: self.graph, id, ends, type_number, is_along, weight, details }
    }
}

impl fmt::Debug for Follow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("rules", &self.rules)
            .field("weights", &self.weights)
            .field("valid_at", &self.valid_at)
            .field("filters", &self.filters.len())
            .finish_non_exhaustive()
    }
}

/// The methods that choose the edges of a builder whose field `follow` holds them.
macro_rules! follow_methods {
    ($lifetime:lifetime) => {
        /// Also follows edges of this type along their direction. Without any such call every edge
        /// is followed along its direction.
        pub fn out(mut self, edge_type: &str) -> Self {
            self.follow.rules.add(self.follow.graph, $crate::graph::Direction::Out, edge_type);
            self
        }

        /// Also follows edges of this type against their direction.
        pub fn incoming(mut self, edge_type: &str) -> Self {
            self.follow.rules.add(self.follow.graph, $crate::graph::Direction::In, edge_type);
            self
        }

        /// Also follows edges of this type both ways.
        pub fn both(mut self, edge_type: &str) -> Self {
            self.follow.rules.add(self.follow.graph, $crate::graph::Direction::Both, edge_type);
            self
        }

        /// Also follows edges of every type.
        pub fn any(mut self, direction: $crate::graph::Direction) -> Self {
            self.follow.rules.add_any(direction);
            self
        }

        $crate::graph::follow::condition_methods!($lifetime);
    };
}
pub(super) use follow_methods;

/// The methods that set conditions on the edges of a builder whose field `follow` holds them.
macro_rules! condition_methods {
    ($lifetime:lifetime) => {
        /// Follows only edges whose weight lies in the range.
        pub fn weights(mut self, range: impl std::ops::RangeBounds<f32>) -> Self {
            self.follow.set_weights(&range);
            self
        }

        /// Follows only edges that are valid at this time. Reads the row of every edge looked at
        /// that was made by itself; links and edges that records state are always valid.
        pub fn valid_at(mut self, time: $crate::Timestamp) -> Self {
            self.follow.set_valid_at(time);
            self
        }

        /// Follows only edges for which `keep` is true; each call adds a condition. An error of it
        /// ends the search.
        pub fn edge_filter(
            mut self,
            keep: impl Fn(&$crate::graph::Edge<'_>) -> $crate::Result<bool> + $lifetime,
        ) -> Self {
            self.follow.add_filter(keep);
            self
        }
    };
}
pub(super) use condition_methods;

#[cfg(test)]
mod tests {
    use super::super::model::{Model, node};
    use super::*;
    use proptest::prelude::*;

    fn time(micros: u64) -> Timestamp {
        Timestamp::from_micros(micros.cast_signed())
    }

    /// Validity that follows from the number, so that models need no rows for it.
    struct ByNumber;

    impl EdgeDetails for ByNumber {
        fn details(&self, edge: EdgeId) -> Result<Details> {
            let number = edge.as_u64();
            let valid_from = (!number.is_multiple_of(3)).then(|| time(number % 7));
            let valid_to = (!number.is_multiple_of(4)).then(|| time(number % 7 + number % 5));
            Ok(Details { valid_from, valid_to, properties: None })
        }
    }

    fn is_valid(edge: EdgeId, at: Timestamp) -> bool {
        let details = ByNumber.details(edge).unwrap();
        details.valid_from.is_none_or(|from| from <= at)
            && details.valid_to.is_none_or(|to| to > at)
    }

    proptest! {
        #[test]
        fn conditions_leave_out_the_edges_that_do_not_hold(
            model in Model::any(8, 40), at in 0_u64..10, most in 0_u8..5, odd: bool,
        ) {
            let at = time(at);
            let mut kept = model.clone();
            kept.edges.retain(|edge| {
                is_valid(edge.id, at) && edge.weight < f32::from(most)
                    && (!odd || edge.target.key() % 2 == 1)
            });
            let mut graph = model.graph();
            graph.details = Arc::new(ByNumber);
            let less = kept.graph();
            for start in (0..8).map(node) {
                for direction in [Direction::Out, Direction::In, Direction::Both] {
                    let walk = graph.from(start).any(direction).depth(..).valid_at(at);
                    let walk = walk.weights(..f32::from(most)).edge_filter(move |edge| {
                        let target = if edge.is_along() { edge.to() } else { edge.from() };
                        Ok(!odd || target.key() % 2 == 1)
                    });
                    let expected = less.from(start).any(direction).depth(..).reached().unwrap();
                    prop_assert_eq!(walk.reached().unwrap(), expected);
                    let path = graph.path(start, node(5)).any(direction).valid_at(at);
                    let path = path.weights(..f32::from(most)).edge_filter(move |edge| {
                        let target = if edge.is_along() { edge.to() } else { edge.from() };
                        Ok(!odd || target.key() % 2 == 1)
                    });
                    let expected = less.path(start, node(5)).any(direction).find().unwrap();
                    prop_assert_eq!(path.find().unwrap(), expected);
                }
            }
        }

        #[test]
        fn arrivals_are_as_early_as_they_can_be(
            model in Model::any(8, 40), start in 0_u64..9, depart in 0_u64..8, by in 0_u64..12,
        ) {
            let mut graph = model.graph();
            graph.details = Arc::new(ByNumber);
            let start = node(start);
            let mut expected = std::collections::BTreeMap::new();
            if depart <= by {
                expected.insert(start, time(depart));
            }
            // Relaxes every edge until nothing changes.
            for _ in 0..8 {
                for edge in &model.edges {
                    let Some(at) = expected.get(&edge.source).copied() else { continue };
                    let details = ByNumber.details(edge.id).unwrap();
                    let later = details.valid_from.map_or(at, |from| from.max(at));
                    let open = details.valid_to.is_none_or(|to| later < to) && later <= time(by);
                    let better = expected.get(&edge.target).is_none_or(|known| later < *known);
                    if open && better {
                        expected.insert(edge.target, later);
                    }
                }
            }
            let search = || graph.timed(start, time(depart)).arrive_by(time(by));
            let found = search().arrivals().unwrap();
            prop_assert!(found.items.is_sorted_by_key(|arrival| arrival.time));
            let arrivals: std::collections::BTreeMap<_, _> =
                found.items.iter().map(|arrival| (arrival.node, arrival.time)).collect();
            prop_assert_eq!(&arrivals, &expected);
            for arrival in found.items {
                let TimedPath { path, times } = search().earliest(arrival.node).unwrap().unwrap();
                prop_assert_eq!(times.last(), Some(&arrival.time));
                prop_assert_eq!(path.edges.len(), arrival.hops);
                prop_assert!(times.is_sorted());
                for (edge, at) in path.edges.iter().zip(&times[1..]) {
                    prop_assert!(is_valid(*edge, *at));
                }
            }
        }
    }

    use super::super::TimedPath;

    #[test]
    fn an_error_of_a_condition_ends_the_search() {
        let graph = Model::of(&[(0, 1), (1, 2)]).graph();
        let fails = |_: &Edge<'_>| Err(Error::Closed);
        let found = graph.from(node(0)).edge_filter(fails).nodes();
        assert!(matches!(found, Err(Error::Closed)), "{found:?}");
        let found = graph.distances(node(0)).edge_filter(fails).find();
        assert!(matches!(found, Err(Error::Closed)));
    }

    #[test]
    fn no_edge_is_allowed_twice() {
        let graph = Model::of(&[(0, 1)]).graph();
        let mut rules = Rules::default();
        rules.add(&graph, Direction::Both, "t0");
        rules.add_any(Direction::Out);
        rules.add(&graph, Direction::Out, "t1");
        let side = |side, edge_type| Rule { side, edge_type };
        assert_eq!(rules.as_slice(), [side(Side::In, Some(0)), side(Side::Out, None)]);
    }
}
