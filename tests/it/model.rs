//! Random operations against the store and against plain maps, compared after every step and
//! after reopening.

use std::collections::{BTreeMap, BTreeSet};

use engraph::{EdgeId, Error, NewEdge, NodeId, Operation, Result, Seq, Store, WriteTx};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::check::{Cards as _, Ends, same_cards, same_edges, sound, whole_feed};
use crate::workload::{Card, Home};

/// One operation inside a write. Names are few, so that natural keys are often taken.
#[derive(Clone, Debug)]
enum Step {
    Insert(Card),
    Put(Index, Card),
    Rank(Index, i64),
    Delete(Index),
    Link(Index, Index, u8),
    RemoveEdge(Index),
}

/// One write, or what else happens to a store.
#[derive(Clone, Debug)]
enum Act {
    Write(Vec<Step>),
    Bulk(Vec<Step>),
    Fail(Vec<Step>),
    FailBulk(Vec<Step>),
    Reopen,
}

/// What the store has to hold.
#[derive(Clone, Debug, Default)]
struct Model {
    cards: BTreeMap<NodeId, Card>,
    edges: BTreeMap<EdgeId, Ends>,
    /// Every id that was ever given, also to what is gone.
    given: Vec<NodeId>,
    given_edges: Vec<EdgeId>,
}

impl Model {
    fn taken(&self, id: Option<NodeId>, card: &Card) -> bool {
        self.cards.iter().any(|(other, taken)| {
            let same_alias = taken.alias.is_some() && taken.alias == card.alias;
            Some(*other) != id && (taken.code == card.code || same_alias)
        })
    }

    fn pick(&self, index: Index) -> Option<NodeId> {
        (!self.given.is_empty()).then(|| *index.get(&self.given))
    }
}

fn any_card() -> impl Strategy<Value = Card> {
    let code = prop_oneof!["[a-f]", "[a-c\0]{0,3}", "k{500,520}"];
    (code, proptest::option::of("[xyz]"), "[st\0]{0,2}", -3..4_i64, "[ -~]{0,40}").prop_map(
        |(code, alias, shelf, rank, text)| Card { code, alias, shelf, rank, next: None, text },
    )
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => any_card().prop_map(Step::Insert),
        3 => (any::<Index>(), any_card()).prop_map(|(id, card)| Step::Put(id, card)),
        2 => (any::<Index>(), -3..4_i64).prop_map(|(id, rank)| Step::Rank(id, rank)),
        3 => any::<Index>().prop_map(Step::Delete),
        4 => (any::<Index>(), any::<Index>(), 0..3_u8)
            .prop_map(|(source, target, edge_type)| Step::Link(source, target, edge_type)),
        2 => any::<Index>().prop_map(Step::RemoveEdge),
    ];
    prop::collection::vec(step, 0..7)
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => any_steps().prop_map(Act::Write),
        3 => any_steps().prop_map(Act::Bulk),
        2 => any_steps().prop_map(Act::Fail),
        1 => any_steps().prop_map(Act::FailBulk),
        1 => Just(Act::Reopen),
    ]
}

/// Does one step on both sides and compares what they say of it.
fn apply(tx: &mut WriteTx<'_>, model: &mut Model, step: &Step) -> Result<()> {
    match step {
        Step::Insert(card) => {
            // Every third card links to the one before it.
            let next = model.given.last().filter(|last| last.key() % 3 == 0).copied();
            let card = Card { next, ..card.clone() };
            let inserted = tx.insert(&card);
            if model.taken(None, &card) {
                assert!(matches!(inserted, Err(Error::AlreadyExists { .. })), "{inserted:?}");
            } else {
                let id = inserted?;
                assert!(!model.given.contains(&id), "{id} was given before");
                model.given.push(id);
                model.cards.insert(id, card);
            }
        }
        Step::Put(index, card) => {
            let Some(id) = model.pick(*index) else { return Ok(()) };
            let put = tx.put(id, card);
            if model.taken(Some(id), card) {
                assert!(matches!(put, Err(Error::AlreadyExists { .. })), "{put:?}");
            } else {
                put?;
                model.cards.insert(id, card.clone());
            }
        }
        Step::Rank(index, rank) => {
            let Some(id) = model.pick(*index) else { return Ok(()) };
            let updated = tx.update(id, |card: &mut Card| {
                card.rank = *rank;
                Ok(())
            });
            match model.cards.get_mut(&id) {
                None => assert!(matches!(updated, Err(Error::NotFound { .. })), "{updated:?}"),
                Some(card) => {
                    card.rank = *rank;
                    assert_eq!(updated?, *card);
                }
            }
        }
        Step::Delete(index) => {
            let Some(id) = model.pick(*index) else { return Ok(()) };
            assert_eq!(tx.delete(id)?, model.cards.remove(&id).is_some());
            model.edges.retain(|_, (source, _, target, _)| *source != id && *target != id);
        }
        Step::Link(source, target, edge_type) => link(tx, model, (*source, *target), *edge_type)?,
        Step::RemoveEdge(index) => {
            if !model.given_edges.is_empty() {
                let id = *index.get(&model.given_edges);
                assert_eq!(tx.remove_edge(id)?, model.edges.remove(&id).is_some(), "edge {id}");
            }
        }
    }
    Ok(())
}

fn link(
    tx: &mut WriteTx<'_>,
    model: &mut Model,
    (source, target): (Index, Index),
    edge_type: u8,
) -> Result<()> {
    let (Some(source), Some(target)) = (model.pick(source), model.pick(target)) else {
        return Ok(());
    };
    let name = format!("type {edge_type}");
    let weight = f32::from(edge_type) / 2.0;
    let linked = tx.add_edge(&NewEdge::new(source, name.clone(), target).weight(weight));
    if [source, target].iter().all(|end| model.cards.contains_key(end)) {
        let id = linked?;
        assert!(!model.given_edges.contains(&id), "edge {id} was given before");
        model.given_edges.push(id);
        model.edges.insert(id, (source, name, target, weight));
    } else {
        assert!(matches!(linked, Err(Error::NotFound { .. })), "{linked:?}");
    }
    Ok(())
}

/// A store beside its model, and every state that the model ever had.
struct Pair {
    home: Home,
    store: Store,
    model: Model,
    /// By the number of the write after which it was so.
    past: BTreeMap<Seq, BTreeMap<NodeId, Card>>,
}

impl Pair {
    fn new() -> Self {
        let home = Home::new();
        let store = home.create();
        let past = BTreeMap::from([(Seq(0), BTreeMap::new())]);
        Self { home, store, model: Model::default(), past }
    }

    fn act(&mut self, act: &Act) {
        let mut after = self.model.clone();
        let mut run = |tx: &mut WriteTx<'_>, steps: &[Step]| {
            for step in steps {
                apply(tx, &mut after, step)?;
                same_cards(tx, &after.cards);
                same_edges(&after.given, (&after.cards, &after.edges), |node, direction| {
                    tx.neighbors(node, direction).unwrap()
                });
            }
            Ok(())
        };
        let refuse = |()| Err::<(), _>(Error::Closed);
        match act {
            Act::Write(steps) => self.store.write(|tx| run(tx, steps)).unwrap(),
            Act::Bulk(steps) => self.store.bulk(|tx| run(tx, steps)).unwrap(),
            Act::Fail(steps) => {
                self.store.write(|tx| run(tx, steps).and_then(refuse)).unwrap_err();
                return self.check();
            }
            Act::FailBulk(steps) => {
                self.store.bulk(|tx| run(tx, steps).and_then(refuse)).unwrap_err();
                return self.check();
            }
            Act::Reopen => {
                self.store.close().unwrap();
                self.store = self.home.open();
            }
        }
        self.model = after;
        self.past.insert(self.store.seq(), self.model.cards.clone());
        self.check();
    }

    fn check(&self) {
        let tx = self.store.read().unwrap();
        same_cards(&tx, &self.model.cards);
        let (graph, model) = (tx.graph(), &self.model);
        same_edges(&model.given, (&model.cards, &model.edges), |node, direction| {
            graph.neighbors(node, direction).unwrap()
        });
        for code in ["a", "b", "c", "d", "e", "f", "nowhere"] {
            let expected = self.model.cards.iter().find(|(_, card)| card.code == code);
            assert_eq!(tx.by_code(code), expected.map(|(id, card)| (*id, card.clone())));
        }
        for alias in ["x", "y", "z"] {
            let has = |card: &Card| card.alias.as_deref() == Some(alias);
            let expected = self.model.cards.iter().find(|(_, card)| has(card));
            assert_eq!(tx.by_alias(alias).map(|(id, _)| id), expected.map(|(id, _)| *id));
        }
    }

    /// What takes longer: the feed, the past, the edges.
    fn check_all(&self) {
        self.check();
        sound(&self.store);
        let tx = self.store.read().unwrap();
        for (at, cards) in &self.past {
            for id in &self.model.given {
                let found = tx.get_as_of::<Card>(*id, *at).unwrap();
                assert_eq!(found.as_ref(), cards.get(id), "{id} as of {at}");
            }
        }
        let (mut records, mut edges) = (BTreeSet::<NodeId>::new(), BTreeSet::<EdgeId>::new());
        for change in whole_feed(&self.store) {
            match change.operation {
                Operation::Put => records.extend(change.nodes()),
                Operation::Delete => records.retain(|id| !change.nodes().any(|gone| gone == *id)),
                Operation::Link => edges.extend(change.edges()),
                Operation::Unlink => edges.retain(|id| !change.edges().any(|gone| gone == *id)),
                other => unreachable!("{other:?}"),
            }
        }
        assert!(records.iter().eq(self.model.cards.keys()), "records by the feed");
        assert!(edges.iter().eq(self.model.edges.keys()), "edges by the feed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]
    #[test]
    fn a_store_behaves_like_plain_maps(acts in prop::collection::vec(any_act(), 1..24)) {
        let mut pair = Pair::new();
        for act in &acts {
            pair.act(act);
        }
        pair.check_all();
        pair.act(&Act::Reopen);
        pair.check_all();
        // Every edge that should be there can be removed, once, and no other.
        let edges = pair.model.edges.clone();
        let removed: Vec<EdgeId> = pair.store.write(|tx| {
            let mut removed = Vec::new();
            for id in &pair.model.given_edges {
                if tx.remove_edge(*id)? {
                    removed.push(*id);
                }
            }
            Ok(removed)
        }).unwrap();
        prop_assert!(removed.iter().eq(edges.keys()));
    }
}
