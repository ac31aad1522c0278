//! Walks, patterns and paths as users see them: validity and properties of stored edges, types.

use std::time::Instant;

use engraph::graph::{Direction, End, Graph};
use engraph::record::{Document, Memory};
use engraph::{Error, Json, NewEdge, NodeId, Store, Timestamp};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A memo, a draft and a note, and a fact that all of them are about.
struct Case {
    _folder: tempfile::TempDir,
    store: Store,
    memo: NodeId,
    draft: NodeId,
    note: NodeId,
    fact: NodeId,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(folder.path().join("case.engraph")).unwrap();
        let nodes = store.write(|tx| {
            let document = |name: &str| Document { file_name: name.into(), ..Document::default() };
            let memo = tx.insert(&document("memo.txt"))?;
            let draft = tx.insert(&document("draft.txt"))?;
            let note = tx.insert(&document("note.txt"))?;
            let fact = tx.insert(&Memory { key: "deadline".into(), ..Memory::default() })?;
            let state = |state: &str| Json::of(&serde_json::json!({ "state": state }));
            tx.add_edge(
                &NewEdge::new(memo, "cites", draft)
                    .valid_from(at(10))
                    .valid_to(at(20))
                    .properties(state("approved")?),
            )?;
            tx.add_edge(
                &NewEdge::new(draft, "cites", note)
                    .weight(3.0)
                    .valid_from(at(5))
                    .properties(state("open")?),
            )?;
            tx.add_edge(&NewEdge::new(memo, "cites", note).weight(9.0).valid_to(at(3)))?;
            tx.link(note, "mentions", fact)?;
            tx.link(draft, "mentions", fact)?;
            Ok([memo, draft, note, fact])
        });
        let [memo, draft, note, fact] = nodes.unwrap();
        Self { _folder: folder, store, memo, draft, note, fact }
    }

    /// The graph as it is read from blocks, and as it is in memory.
    fn graphs(&self) -> [Graph; 2] {
        let blocks = self.store.graph().unwrap();
        self.store.write(|tx| tx.insert(&Document::default())).unwrap();
        let memory = self.store.graph().unwrap();
        memory.snapshot().unwrap();
        [blocks, memory]
    }
}

#[test]
fn edges_are_followed_while_they_are_valid() {
    let case = Case::new();
    for graph in case.graphs() {
        let cited = |time| {
            graph.from(case.memo).out("cites").depth(1..).valid_at(at(time)).nodes().unwrap()
        };
        assert_eq!(cited(2), [case.note]);
        assert_eq!(cited(3), []);
        assert_eq!(cited(10), [case.draft, case.note]);
        assert_eq!(cited(20), []);
    }
}

#[test]
fn properties_are_read_where_a_condition_asks() {
    let case = Case::new();
    for graph in case.graphs() {
        let is_approved = |edge: &engraph::graph::Edge<'_>| {
            let Some(properties) = edge.properties()? else { return Ok(false) };
            Ok(properties.to_value()?["state"] == "approved")
        };
        let approved = graph.from(case.memo).depth(1..).edge_filter(is_approved);
        assert_eq!(approved.nodes().unwrap(), [case.draft]);
        let heavy = graph.from(case.memo).weights(2.0..).nodes().unwrap();
        assert_eq!(heavy, [case.note]);
        let named = graph.from(case.note).edge_filter(|edge| Ok(&*edge.edge_type()? == "mentions"));
        assert_eq!(named.nodes().unwrap(), [case.fact]);
    }
}

#[test]
fn patterns_and_expressions_agree_on_the_way() {
    let case = Case::new();
    for graph in case.graphs() {
        let pattern =
            || graph.pattern(case.memo).out("cites").repeat(1..).out("mentions").of::<Memory>();
        assert_eq!(pattern().nodes().unwrap(), [case.fact]);
        let rows = pattern().rows().unwrap().items;
        let through = |node| vec![case.memo, node, case.fact];
        assert_eq!(rows, [through(case.draft), through(case.note)]);
        let regular = || graph.regular(case.memo, "cites+/mentions").unwrap();
        assert_eq!(regular().of::<Memory>().nodes().unwrap(), [case.fact]);
        assert_eq!(regular().of::<Document>().nodes().unwrap(), []);
        let around = graph.regular(case.draft, "mentions/^mentions").unwrap().nodes().unwrap();
        assert_eq!(around, [case.draft, case.note]);
        let then = graph.regular(case.memo, "cites{2}").unwrap().valid_at(at(12));
        assert_eq!(then.path_to(case.note).unwrap().unwrap().nodes[1], case.draft);
    }
    let bad = case.store.graph().unwrap().regular(case.memo, "cites/(mentions").map(|_| ());
    assert!(matches!(bad, Err(Error::Query { offset: 15, .. })), "{bad:?}");
}

#[test]
fn news_travels_no_faster_than_its_edges() {
    let case = Case::new();
    for graph in case.graphs() {
        let told = |time| graph.timed(case.memo, at(time)).earliest(case.fact).unwrap();
        // Straight to the note before it ends; then only by the draft, once that begins.
        let early = told(2).unwrap();
        assert_eq!(early.path.nodes, [case.memo, case.note, case.fact]);
        assert_eq!(early.times, [at(2); 3]);
        let late = told(4).unwrap();
        assert_eq!(late.path.nodes, [case.memo, case.draft, case.fact]);
        assert_eq!(late.times, [at(4), at(10), at(10)]);
        assert!(told(20).is_none());
        let by = graph.timed(case.memo, at(4)).arrive_by(at(9)).arrivals().unwrap();
        assert_eq!(by.items.len(), 1);
    }
}

#[test]
fn the_ways_between_two_records_can_all_be_listed() {
    let case = Case::new();
    for graph in case.graphs() {
        let search = || graph.path(case.memo, case.fact);
        let short = search().all_shortest(10).unwrap();
        let through = |nodes: &[NodeId]| [&[case.memo], nodes, &[case.fact]].concat();
        let found: Vec<_> = short.items.into_iter().map(|path| path.nodes).collect();
        assert_eq!(found, [through(&[case.draft]), through(&[case.note])]);
        let best = search().weighted().k_shortest(3).unwrap();
        let costs: Vec<f64> = best.items.iter().map(|path| path.cost).collect();
        assert_eq!((costs, best.end), (vec![2.0, 5.0, 10.0], End::Limit));
        assert_eq!(search().all_simple(9).unwrap().items.len(), 3);
        let doubled = search().cost(|edge| Ok(2.0 * f64::from(edge.weight()))).find().unwrap();
        assert_eq!(doubled.map(|path| (path.cost, path.weight)), Some((4.0, 2.0)));
        let all = graph.distances(case.fact).any(Direction::In).weighted().find().unwrap();
        assert_eq!((all.of(case.memo), all.of(case.note)), (Some(2.0), Some(1.0)));
    }
}

#[test]
fn pages_go_on_after_a_write_that_does_not_concern_them() {
    let case = Case::new();
    let page = |token: Option<String>| {
        let graph = case.store.graph().unwrap();
        let walk = graph.from(case.memo).depth(1..).limit(2);
        if let Some(token) = token { walk.after(token) } else { walk }.page().unwrap()
    };
    let first = page(None);
    case.store.write(|tx| tx.insert(&Document::default())).unwrap();
    let second = page(first.next.clone());
    let nodes = |page: &engraph::graph::Page| -> Vec<NodeId> {
        page.items.iter().map(|reached| reached.node).collect()
    };
    assert_eq!([nodes(&first), nodes(&second)].concat(), [case.draft, case.note, case.fact]);
    assert_eq!(second.next, None);
    case.store.write(|tx| tx.delete(case.note)).unwrap();
    let graph = case.store.graph().unwrap();
    let lost = graph.from(case.memo).depth(1..).limit(2).after(first.next.unwrap()).page();
    assert!(matches!(lost, Err(Error::Conflict { .. })), "{lost:?}");
}

#[test]
fn a_deadline_in_the_past_finds_nothing_and_says_so() {
    let case = Case::new();
    let graph = case.store.graph().unwrap();
    let late = Instant::now();
    let page = graph.from(case.memo).deadline(late).page().unwrap();
    assert_eq!((page.items.len(), page.end), (0, End::Deadline));
    let nodes = graph.pattern(case.memo).out("cites").deadline(late).nodes();
    assert!(matches!(nodes, Err(Error::Limit { .. })), "{nodes:?}");
}
