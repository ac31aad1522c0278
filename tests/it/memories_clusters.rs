//! Memories put together by what they say: by their vectors, or their words where there are none.

use engraph::family::{MemoryCluster, MemoryGrouping, MemoryQuery};
use engraph::record::{Memory, Vector};
use engraph::{NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn say(store: &Store, namespace: &str, content: &str, vector: &[f32]) -> NodeId {
    let embedding = (!vector.is_empty()).then(|| Vector::from(vector));
    let (namespace, content) = (namespace.to_owned(), content.to_owned());
    let memory = Memory { namespace, content, embedding, ..Memory::default() };
    store.write(|tx| tx.insert(&memory)).unwrap()
}

/// Clusters by likeness, and so many.
fn clusters(store: &Store, query: &MemoryQuery, grouping: &MemoryGrouping) -> Vec<MemoryCluster> {
    store.read().unwrap().memories().clusters(query, grouping).unwrap()
}

fn partition(store: &Store, count: usize) -> Vec<MemoryCluster> {
    store.read().unwrap().memories().partition(&MemoryQuery::new(), count).unwrap()
}

fn ids(clusters: &[MemoryCluster]) -> Vec<Vec<NodeId>> {
    let ids = |cluster: &MemoryCluster| cluster.members.iter().map(|member| member.id).collect();
    clusters.iter().map(ids).collect()
}

const TOPICS: [&str; 6] = [
    "The reply in the Smith case is due on 14 March",
    "The reply in the Smith case is due on 21 March",
    "The reply in the Jones case is due on 21 March",
    "Lunch is served at noon in the hall",
    "Dinner is served at seven in the hall",
    "Zebras graze",
];

#[test]
fn memories_without_vectors_are_put_together_by_their_words() {
    let (_home, store) = new_store();
    let all: Vec<NodeId> = TOPICS.iter().map(|text| say(&store, "n", text, &[])).collect();
    let grouping = MemoryGrouping::new();
    let found = clusters(&store, &MemoryQuery::new(), &grouping);
    assert_eq!(ids(&found), [vec![all[1], all[0], all[2]], vec![all[3], all[4]]], "{found:?}");
    assert_eq!(found[0].center, all[1], "the one that is most like both");
    assert!(found[0].members[0].likeness > found[0].members[1].likeness);
    assert!(found.iter().all(|cluster| cluster.likeness >= 0.3 && cluster.likeness < 1.0));
    let with_singles = clusters(&store, &MemoryQuery::new(), &grouping.size_min(1));
    assert_eq!(ids(&with_singles)[2], [all[5]]);
    assert!((with_singles[2].likeness - 1.0).abs() < f64::EPSILON);
    let none = clusters(&store, &MemoryQuery::new(), &grouping.words_min(0.99));
    assert_eq!(none, []);
    let one = clusters(&store, &MemoryQuery::new(), &grouping.words_min(0.0));
    assert_eq!((one.len(), one[0].members.len()), (1, 6));
    assert_eq!(ids(&partition(&store, 3)), ids(&with_singles));
    sound(&store);
}

#[test]
fn vectors_count_before_words_and_dimensions_are_not_mixed() {
    let (_home, store) = new_store();
    let same = "The reply is due";
    let near = say(&store, "a", same, &[1.0, 0.0]);
    let far = say(&store, "a", same, &[0.0, 1.0]);
    let as_near = say(&store, "b", "Something else entirely", &[2.0, 0.1]);
    let other = say(&store, "b", same, &[1.0, 0.0, 0.0]);
    let bare = say(&store, "c", same, &[]);
    let found = clusters(&store, &MemoryQuery::new(), &MemoryGrouping::new().size_min(1));
    // Whose vector is of another dimension is compared by its words, and is like most.
    assert_eq!(ids(&found), [vec![other, near, far, bare], vec![as_near]], "{found:?}");
    let asked = MemoryQuery::new().namespace("a");
    assert_eq!(ids(&clusters(&store, &asked, &MemoryGrouping::new())), Vec::<Vec<NodeId>>::new());
    let apart = MemoryGrouping::new().vectors_min(-1.0);
    assert_eq!(ids(&clusters(&store, &asked, &apart)), [vec![near, far]]);
    store
        .write(|tx| [far, other, bare].iter().try_for_each(|id| tx.delete(*id).map(drop)))
        .unwrap();
    let found = clusters(&store, &MemoryQuery::new(), &MemoryGrouping::new());
    assert_eq!(ids(&found), [vec![near, as_near]], "of all namespaces, by vectors alone");
    assert!(found[0].likeness > 0.99);
}

#[test]
fn every_memory_is_in_one_of_so_many_clusters() {
    let (_home, store) = new_store();
    assert_eq!(partition(&store, 3), []);
    let turned = |degrees: f32| {
        let (sin, cos) = degrees.to_radians().sin_cos();
        say(&store, "n", "same", &[cos, sin])
    };
    let crowd: Vec<NodeId> = [0.0, 4.0, 8.0].map(turned).to_vec();
    let pair: Vec<NodeId> = [90.0, 93.0].map(turned).to_vec();
    let alone = turned(180.0);
    let found = partition(&store, 3);
    assert_eq!(found.iter().map(|cluster| cluster.members.len()).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((found[0].center, found[2].center), (crowd[1], alone));
    assert!(found[1].members.iter().all(|member| pair.contains(&member.id)));
    assert_eq!(partition(&store, 3), found, "the same every time");
    assert_eq!(partition(&store, 1)[0].members.len(), 6);
    for count in [6, 7, 1_000] {
        assert_eq!(partition(&store, count).len(), 6, "each is one of its own");
    }
    let tx = store.read().unwrap();
    assert_eq!(fault(tx.memories().partition(&MemoryQuery::new(), 0)), "invalid");
    assert_eq!(store.write(|tx| tx.memories().partition(&MemoryQuery::new(), 3)).unwrap(), found);
}

#[test]
fn the_order_in_which_memories_are_written_makes_no_difference() {
    let contents = |order: &[usize]| -> Vec<Vec<String>> {
        let (_home, store) = new_store();
        for place in order {
            say(&store, "n", TOPICS[*place], &[]);
        }
        let tx = store.read().unwrap();
        let content = |id| tx.memories().get(id).unwrap().unwrap().content;
        let mut found: Vec<Vec<String>> = ids(&partition(&store, 3))
            .into_iter()
            .map(|ids| {
                let mut contents: Vec<String> = ids.into_iter().map(content).collect();
                contents.sort_unstable();
                contents
            })
            .collect();
        found.sort_unstable();
        found
    };
    let expected = contents(&[0, 1, 2, 3, 4, 5]);
    for order in [[5, 4, 3, 2, 1, 0], [3, 0, 5, 2, 4, 1]] {
        assert_eq!(contents(&order), expected);
    }
}
