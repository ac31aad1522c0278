//! Natural keys and ordered indexes: who has a key, and in which order records come.

use std::collections::BTreeMap;

use engraph::record::{Document, Facts, IndexedFile, Record};
use engraph::{NodeId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::{Cards as _, fault, same_cards};
use crate::workload::{Card, Home, new_store, options};

#[test]
fn a_natural_key_belongs_to_one_record_at_a_time() {
    let (_home, store) = new_store();
    let first = store.write(|tx| tx.insert(&Card::new("a").alias("x"))).unwrap();
    assert_eq!(fault(store.write(|tx| tx.insert(&Card::new("a")))), "already_exists");
    let second = store.write(|tx| tx.insert(&Card::new("b"))).unwrap();
    assert_eq!(fault(store.write(|tx| tx.put(second, &Card::new("a")))), "already_exists");
    let taken = store.write(|tx| {
        tx.update(second, |card: &mut Card| {
            card.alias = Some("x".to_owned());
            Ok(())
        })
    });
    assert_eq!(fault(taken), "already_exists");
    // Given up by a change, it is free for another, in the same write too.
    store
        .write(|tx| {
            tx.put(first, &Card::new("a2"))?;
            tx.put(second, &Card::new("a").alias("x"))
        })
        .unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.by_code("a").unwrap().0, second);
    assert_eq!(tx.by_alias("x").unwrap().0, second);
    assert_eq!(tx.by_code("a2").unwrap().0, first);
    assert_eq!(tx.by_code("b"), None);
    // And so by a deletion.
    store.write(|tx| tx.delete(second)).unwrap();
    assert_eq!(store.read().unwrap().by_code("a"), None);
    let third = store.write(|tx| tx.insert(&Card::new("a").alias("x"))).unwrap();
    assert_eq!(store.read().unwrap().by_alias("x").unwrap().0, third);
    // A deleted record comes back only where its key is still free.
    assert_eq!(fault(store.write(|tx| tx.put(second, &Card::new("a")))), "already_exists");
}

#[test]
fn two_records_swap_their_keys_by_way_of_a_third() {
    let (_home, store) = new_store();
    let (a, b) =
        store.write(|tx| Ok((tx.insert(&Card::new("a"))?, tx.insert(&Card::new("b"))?))).unwrap();
    store
        .write(|tx| {
            tx.put(a, &Card::new("c"))?;
            tx.put(b, &Card::new("a"))?;
            tx.put(a, &Card::new("b"))
        })
        .unwrap();
    let model = BTreeMap::from([(a, Card::new("b")), (b, Card::new("a"))]);
    same_cards(&store.read().unwrap(), &model);
    assert_eq!(store.read().unwrap().by_code("c"), None);
}

#[test]
fn the_message_of_a_taken_key_names_type_index_and_holder() {
    let (_home, store) = new_store();
    let holder = store.write(|tx| tx.insert(&Card::new("a"))).unwrap();
    let message = store.write(|tx| tx.insert(&Card::new("a"))).unwrap_err().to_string();
    for part in ["card", "code", &holder.to_string()] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_index_is_ordered_by_its_key_then_by_id() {
    let (_home, store) = new_store();
    let ranks = [3, i64::MAX, -5, 0, 3, i64::MIN, -1, 3];
    let mut model = BTreeMap::new();
    for (number, rank) in ranks.into_iter().enumerate() {
        let card = Card::new(number.to_string()).place("s", rank);
        model.insert(store.write(|tx| tx.insert(&card)).unwrap(), card);
    }
    same_cards(&store.read().unwrap(), &model);
    let tx = store.read().unwrap();
    let rank_of = |row: engraph::Result<(NodeId, Card)>| row.unwrap().1.rank;
    let from: Vec<_> = tx.index_from::<Card>("rank", 0_i64).unwrap().map(rank_of).collect();
    assert_eq!(from, [0, 3, 3, 3, i64::MAX]);
    let equal: Vec<_> = tx.index::<Card>("shelf", ("s", 3_i64)).unwrap().map(rank_of).collect();
    assert_eq!(equal, [3, 3, 3]);
    assert_eq!(tx.index::<Card>("no such index", ()).unwrap().count(), 0);
}

#[test]
fn a_prefix_is_a_whole_part_of_a_tuple_and_not_a_part_of_a_text() {
    let (_home, store) = new_store();
    // Texts that are beginnings of each other, around the bytes that end a text.
    let shelves = ["", "a", "a\0", "a\0b", "a\0\0", "a\u{1}", "aa", "b", "\0", "\u{10ffff}"];
    let mut model = BTreeMap::new();
    store
        .write(|tx| {
            for (number, shelf) in shelves.iter().enumerate() {
                for rank in [1, -1] {
                    let card = Card::new(format!("{shelf}{number} {rank}")).place(shelf, rank);
                    model.insert(tx.insert(&card)?, card);
                }
            }
            Ok(())
        })
        .unwrap();
    let tx = store.read().unwrap();
    same_cards(&tx, &model);
    let mut ordered: Vec<_> = model.values().map(|card| (card.shelf.clone(), card.rank)).collect();
    ordered.sort();
    let listed: Vec<_> = tx
        .index::<Card>("shelf", ())
        .unwrap()
        .map(|row| row.map(|(_, card)| (card.shelf, card.rank)).unwrap())
        .collect();
    assert_eq!(listed, ordered);
}

#[test]
fn keys_with_nul_and_keys_over_the_limit_stay_apart() {
    let (home, store) = new_store();
    let long = "k".repeat(3_000);
    let codes = [
        String::new(),
        "\0".to_owned(),
        "\0\0".to_owned(),
        "\0\u{ff}".to_owned(),
        "a\0".to_owned(),
        "a".to_owned(),
        "\u{ff}".repeat(400),
        long.clone(),
        format!("{long}x"),
        format!("{long}\0"),
        long[..509].to_owned(),
        long[..510].to_owned(),
        long[..511].to_owned(),
        long[..512].to_owned(),
        long[..513].to_owned(),
    ];
    let mut model = BTreeMap::new();
    for code in &codes {
        let card = Card::new(code);
        let id = store.write(|tx| tx.insert(&card)).unwrap();
        assert_eq!(fault(store.write(|tx| tx.insert(&card))), "already_exists");
        model.insert(id, card);
    }
    same_cards(&store.read().unwrap(), &model);
    store.close().unwrap();
    let store = home.open();
    same_cards(&store.read().unwrap(), &model);
    assert_eq!(store.read().unwrap().by_code(&format!("{long}y")), None);
    for id in model.keys() {
        store.write(|tx| tx.delete(*id)).unwrap();
    }
    let tx = store.read().unwrap();
    assert_eq!(tx.by_rank(), []);
    assert!(codes.iter().all(|code| tx.by_code(code).is_none()));
}

#[test]
fn a_part_over_the_limit_still_lists_its_records() {
    let (_home, store) = new_store();
    let shelf = "s".repeat(900);
    let other = format!("{}t", &shelf[..899]);
    let mut model = BTreeMap::new();
    for (number, shelf) in
        [&*shelf, &*other, &*shelf, &shelf[..478], &shelf[..500]].iter().enumerate()
    {
        let card = Card::new(number.to_string()).place(shelf, 7);
        model.insert(store.write(|tx| tx.insert(&card)).unwrap(), card);
    }
    let tx = store.read().unwrap();
    for shelf in model.values().map(|card| &card.shelf) {
        let expected: Vec<_> =
            model.iter().filter(|(_, card)| card.shelf == *shelf).map(|(id, _)| *id).collect();
        let mut listed: Vec<_> = tx.on_shelf(shelf).into_iter().map(|(id, _)| id).collect();
        listed.sort();
        assert_eq!(listed, expected, "shelf of {} bytes", shelf.len());
    }
}

#[test]
fn records_are_paged_by_the_last_id() {
    let (_home, store) = new_store();
    let ids = store
        .bulk(|tx| {
            (0..25)
                .map(|number| tx.insert(&Card::new(number.to_string())))
                .collect::<engraph::Result<Vec<_>>>()
        })
        .unwrap();
    store.write(|tx| tx.delete(ids[10])).unwrap();
    let tx = store.read().unwrap();
    let mut paged = Vec::new();
    let mut page: Vec<NodeId> =
        tx.iter::<Card>().unwrap().take(10).map(|row| row.unwrap().0).collect();
    while let Some(last) = page.last().copied() {
        paged.append(&mut page);
        page = tx.iter_after::<Card>(last).unwrap().take(10).map(|row| row.unwrap().0).collect();
    }
    let left: Vec<NodeId> = ids.iter().copied().filter(|id| *id != ids[10]).collect();
    assert_eq!(paged, left);
}

#[test]
fn an_absent_part_of_a_key_comes_first() {
    let (_home, store) = new_store();
    let times = [Some(7), None, Some(-3), Some(i64::MAX), None];
    store
        .write(|tx| {
            for time in times {
                let created_at = time.map(Timestamp::from_micros);
                tx.insert(&Document { created_at, ..Document::default() })?;
            }
            Ok(())
        })
        .unwrap();
    let tx = store.read().unwrap();
    let listed: Vec<_> = tx
        .index::<Document>("created", ())
        .unwrap()
        .map(|row| row.unwrap().1.created_at.map(Timestamp::as_micros))
        .collect();
    assert_eq!(listed, [None, None, Some(-3), Some(7), Some(i64::MAX)]);
}

#[test]
fn indexes_of_one_name_in_two_types_are_two() {
    let (_home, store) = new_store();
    store
        .write(|tx| {
            tx.insert(&Document::default())?;
            tx.insert(&IndexedFile::default())
        })
        .unwrap();
    let tx = store.read().unwrap();
    for name in tx.indexes(tx.kind_of::<Document>().unwrap()).unwrap() {
        assert_eq!(tx.index::<Document>(&name, ()).unwrap().count(), 1, "{name}");
    }
}

/// A type with every kind of key part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Parts {
    flag: bool,
    small: u8,
    number: i32,
    float: f64,
    time: Timestamp,
    bytes: Vec<u8>,
    node: Option<NodeId>,
}

impl Record for Parts {
    const NAME: &'static str = "parts";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("mixed", (self.flag, self.number, &self.bytes[..], self.small));
        facts.index("float", self.float);
        facts.index("node", (self.node, self.time));
    }
}

#[test]
fn every_kind_of_key_part_orders_as_its_values_do() {
    let home = Home::new();
    let store = options().register::<Parts>().create(home.path()).unwrap();
    let floats = [0.0, -0.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE];
    let mut all = Vec::new();
    store
        .write(|tx| {
            for (number, float) in floats.into_iter().enumerate() {
                for flag in [true, false] {
                    let number = number as i32 * if flag { -7 } else { 300 };
                    let bytes = number.to_le_bytes()[..number.unsigned_abs() as usize % 4].to_vec();
                    let time = Timestamp::from_micros(i64::from(number) * -9);
                    let node = flag.then(|| NodeId::from_u64(number.unsigned_abs().into()));
                    let small = number as u8;
                    let parts = Parts { flag, small, number: number / 2, float, time, bytes, node };
                    tx.insert(&parts)?;
                    all.push(parts);
                }
            }
            Ok(())
        })
        .unwrap();
    let tx = store.read().unwrap();
    let listed = |index: &str| -> Vec<Parts> {
        tx.index::<Parts>(index, ()).unwrap().map(|row| row.unwrap().1).collect()
    };
    let mut sorted = all.clone();
    sorted.sort_by_key(|parts| (parts.flag, parts.number, parts.bytes.clone(), parts.small));
    assert_eq!(listed("mixed"), sorted);
    sorted.clone_from(&all);
    sorted.sort_by(|a, b| a.float.total_cmp(&b.float));
    assert_eq!(listed("float"), sorted);
    sorted.sort_by_key(|parts| (parts.node, parts.time));
    let times = |parts: &[Parts]| parts.iter().map(|one| (one.node, one.time)).collect::<Vec<_>>();
    assert_eq!(times(&listed("node")), times(&sorted));
}
