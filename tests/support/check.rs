//! What has to hold of any store, and short ways to say what a test expects.

use std::collections::BTreeMap;
use std::fmt::Debug;

use engraph::graph::{Direction, Neighbor};
use engraph::{Change, EdgeId, NodeId, ReadTx, Seq, Store, WriteTx};

use crate::workload::Card;

/// Source, type, target and weight of an edge.
pub(crate) type Ends = (NodeId, String, NodeId, f32);

/// The kind of the error that a call ended in.
#[track_caller]
pub(crate) fn fault<T: Debug>(result: engraph::Result<T>) -> &'static str {
    result.unwrap_err().kind()
}

/// The number of the one call that succeeded, where all others found that it had.
#[track_caller]
pub(crate) fn only_winner<T: Debug>(ended: &[Result<T, &'static str>]) -> usize {
    let winners: Vec<usize> = (0..ended.len()).filter(|place| ended[*place].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{ended:?}");
    assert!(ended.iter().all(|end| end.is_ok() || end.as_ref().err() == Some(&"conflict")));
    winners[0]
}

/// The cards of a transaction, by every way to read them.
pub(crate) trait Cards {
    /// In the order of their ids.
    fn cards(&self) -> Vec<(NodeId, Card)>;
    fn card(&self, id: NodeId) -> Option<Card>;
    fn by_code(&self, code: &str) -> Option<(NodeId, Card)>;
    fn by_alias(&self, alias: &str) -> Option<(NodeId, Card)>;
    /// In the order of their rank.
    fn by_rank(&self) -> Vec<(NodeId, Card)>;
    fn by_rank_descending(&self) -> Vec<(NodeId, Card)>;
    /// Those of a shelf, in the order of their rank.
    fn on_shelf(&self, shelf: &str) -> Vec<(NodeId, Card)>;
}

macro_rules! cards {
    ($type:ty) => {
        impl Cards for $type {
            fn cards(&self) -> Vec<(NodeId, Card)> {
                self.iter().unwrap().map(Result::unwrap).collect()
            }

            fn card(&self, id: NodeId) -> Option<Card> {
                self.get(id).unwrap()
            }

            fn by_code(&self, code: &str) -> Option<(NodeId, Card)> {
                self.find("code", code).unwrap()
            }

            fn by_alias(&self, alias: &str) -> Option<(NodeId, Card)> {
                self.find("alias", alias).unwrap()
            }

            fn by_rank(&self) -> Vec<(NodeId, Card)> {
                self.index("rank", ()).unwrap().map(Result::unwrap).collect()
            }

            fn by_rank_descending(&self) -> Vec<(NodeId, Card)> {
                self.index_descending("rank", ()).unwrap().map(Result::unwrap).collect()
            }

            fn on_shelf(&self, shelf: &str) -> Vec<(NodeId, Card)> {
                self.index("shelf", shelf).unwrap().map(Result::unwrap).collect()
            }
        }
    };
}
cards!(ReadTx);
cards!(WriteTx<'_>);

/// Compares every way to read cards with a plain map.
#[track_caller]
pub(crate) fn same_cards(tx: &impl Cards, model: &BTreeMap<NodeId, Card>) {
    let all: Vec<_> = model.iter().map(|(id, card)| (*id, card.clone())).collect();
    assert_eq!(tx.cards(), all, "cards by id");
    let mut ranked = all.clone();
    ranked.sort_by_key(|(id, card)| (card.rank, *id));
    assert_eq!(tx.by_rank(), ranked, "cards by rank");
    ranked.reverse();
    assert_eq!(tx.by_rank_descending(), ranked, "cards by rank, descending");
    ranked.reverse();
    for shelf in all.iter().map(|(_, card)| &card.shelf) {
        let on_shelf: Vec<_> =
            ranked.iter().filter(|(_, card)| card.shelf == *shelf).cloned().collect();
        assert_eq!(tx.on_shelf(shelf), on_shelf, "cards on shelf {shelf:?}");
    }
    for (id, card) in all {
        assert_eq!(tx.card(id).as_ref(), Some(&card), "card {id}");
        if let Some(alias) = &card.alias {
            assert_eq!(tx.by_alias(alias), Some((id, card.clone())), "card of alias {alias:?}");
        }
        assert_eq!(tx.by_code(&card.code), Some((id, card)), "card of its code");
    }
}

/// Type, other end, edge and weight, as seen from a node.
type Seen = (String, NodeId, EdgeId, f32);

/// Compares every node's edges and links, both ways, with plain maps. `neighbors` is how they are
/// read; `nodes` are those to be asked.
#[track_caller]
pub(crate) fn same_edges(
    nodes: &[NodeId],
    (cards, edges): (&BTreeMap<NodeId, Card>, &BTreeMap<EdgeId, Ends>),
    mut neighbors: impl FnMut(NodeId, Direction) -> Vec<Neighbor>,
) {
    let mut expected: BTreeMap<(NodeId, bool), Vec<Seen>> = BTreeMap::new();
    let links = cards
        .iter()
        .filter_map(|(id, card)| Some((EdgeId::LINK, (*id, "next".to_owned(), card.next?, 1.0))));
    let edges = edges.iter().map(|(id, ends)| (*id, ends.clone()));
    for (id, (source, edge_type, target, weight)) in edges.chain(links) {
        let out = expected.entry((source, true)).or_default();
        out.push((edge_type.clone(), target, id, weight));
        expected.entry((target, false)).or_default().push((edge_type, source, id, weight));
    }
    for node in nodes {
        for (direction, out) in [(Direction::Out, true), (Direction::In, false)] {
            let found = neighbors(*node, direction).into_iter();
            let mut found: Vec<_> = found
                .map(|one| (one.edge_type.to_string(), one.node, one.edge, one.weight))
                .collect();
            let mut wanted = expected.remove(&(*node, out)).unwrap_or_default();
            for list in [&mut found, &mut wanted] {
                list.sort_by(|a, b| (&a.0, a.1, a.2).cmp(&(&b.0, b.1, b.2)));
            }
            assert_eq!(found, wanted, "{direction:?} edges of {node}");
        }
    }
    assert!(expected.is_empty(), "edges of nodes that were not asked: {expected:?}");
}

/// Everything that the store derives agrees with its records.
#[track_caller]
pub(crate) fn sound(store: &Store) {
    let report = store.verify().unwrap();
    assert!(report.is_ok(), "{report:#?}");
}

/// The whole change feed: every write is there, in order, and the times only grow.
#[track_caller]
pub(crate) fn whole_feed(store: &Store) -> Vec<Change> {
    let changes = store.changes(Seq(0), usize::MAX).unwrap();
    for pair in changes.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        match after.seq.0 - before.seq.0 {
            0 => assert_eq!(after.time, before.time, "one write has one time"),
            1 => assert!(after.time > before.time, "time of write {}", after.seq),
            _ => unreachable!("write {} follows {}", after.seq, before.seq),
        }
    }
    assert_eq!(changes.first().map_or(Seq(1), |first| first.seq), Seq(1), "the first write");
    assert_eq!(changes.last().map_or(Seq(0), |last| last.seq), store.seq(), "the newest write");
    changes
}
