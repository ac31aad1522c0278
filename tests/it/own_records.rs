//! An application's own record types: registered, carried without registration, registered again.

use engraph::record::{Document, Facts, Record};
use engraph::{Error, Kind, NodeId, Options, Seq, Store};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::check::{Cards as _, fault, sound};
use crate::workload::{Card, Counter, Home};

/// A type of its own for every number.
#[derive(Clone, Debug, Default, PartialEq)]
struct Numbered<const N: usize>(u32);

impl<const N: usize> Serialize for Numbered<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Numbered<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(Self)
    }
}

const NAMES: [&str; 130] = {
    const DIGITS: &[u8; 260] = b"\
        0001020304050607080910111213141516171819202122232425262728293031\
        3233343536373839404142434445464748495051525354555657585960616263\
        6465666768697071727374757677787980818283848586878889909192939495\
        96979899a0a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6b7b8b9c0c1c2c3c4c5c6c7\
        c8c9";
    let mut names = [""; 130];
    let mut number = 0;
    while number < 130 {
        let (_, rest) = DIGITS.split_at(2 * number);
        let (name, _) = rest.split_at(2);
        names[number] = match std::str::from_utf8(name) {
            Ok(name) => name,
            Err(_) => "",
        };
        number += 1;
    }
    names
};

impl<const N: usize> Record for Numbered<N> {
    const NAME: &'static str = NAMES[N];

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.index("number", self.0);
    }
}

/// Registers eight types.
fn eight<const A: usize, const B: usize, const C: usize, const D: usize>(
    options: Options,
) -> Options {
    options
        .register::<Numbered<A>>()
        .register::<Numbered<B>>()
        .register::<Numbered<C>>()
        .register::<Numbered<D>>()
}

macro_rules! register_all {
    ($options:expr; $($a:literal $b:literal $c:literal $d:literal),+) => {{
        let options = $options;
        $(let options = eight::<$a, $b, $c, $d>(options);)+
        options
    }};
}

/// As many types as a store takes.
fn full() -> Options {
    register_all!(Store::builder();
        0 1 2 3, 4 5 6 7, 8 9 10 11, 12 13 14 15, 16 17 18 19, 20 21 22 23, 24 25 26 27,
        28 29 30 31, 32 33 34 35, 36 37 38 39, 40 41 42 43, 44 45 46 47, 48 49 50 51,
        52 53 54 55, 56 57 58 59, 60 61 62 63, 64 65 66 67, 68 69 70 71, 72 73 74 75,
        76 77 78 79, 80 81 82 83, 84 85 86 87, 88 89 90 91, 92 93 94 95, 96 97 98 99,
        100 101 102 103, 104 105 106 107, 108 109 110 111, 112 113 114 115, 116 117 118 119,
        120 121 122 123, 124 125 126 127)
}

#[test]
fn a_type_that_is_not_registered_is_carried_and_not_lost() {
    let home = Home::new();
    let store = home.create();
    let (card, edge) = store
        .write(|tx| {
            let card = tx.insert(&Card::new("a").alias("x").place("s", 4))?;
            let document = tx.insert(&Document::default())?;
            Ok((card, tx.link(document, "about", card)?))
        })
        .unwrap();
    store.close().unwrap();

    let store = Store::open(home.path()).unwrap();
    let tx = store.read().unwrap();
    assert!(tx.contains(card).unwrap());
    assert_eq!(tx.kind_name(card.kind()).as_deref(), Some("card"));
    assert_eq!(tx.kind_named("card"), Some(card.kind()));
    let names_it = |error: Error| {
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
        assert!(error.to_string().contains("card"), "{error}");
    };
    let stats = store.stats().unwrap();
    assert_eq!((stats.records.get("card"), &*stats.unregistered), (Some(&1), &["card".into()][..]));
    let report = store.verify().unwrap();
    assert!(report.is_ok() && report.unchecked_kinds == 1, "{report:#?}");
    names_it(tx.get::<Card>(card).unwrap_err());
    names_it(tx.iter::<Card>().unwrap_err());
    names_it(tx.find::<Card>("code", "a").unwrap_err());
    names_it(tx.index::<Card>("rank", ()).unwrap_err());
    names_it(tx.get_json(card).unwrap_err());
    names_it(store.write(|tx| tx.insert(&Card::new("b"))).unwrap_err());
    names_it(store.write(|tx| tx.put(card, &Card::new("b"))).unwrap_err());
    names_it(store.write(|tx| tx.delete(card)).unwrap_err());
    // A refused deletion leaves the edges where they are, also when the write goes on.
    store
        .write(|tx| {
            names_it(tx.delete(card).unwrap_err());
            tx.insert(&Document::default())
        })
        .unwrap();
    drop(tx);
    store.close().unwrap();

    let store = home.open();
    let tx = store.read().unwrap();
    assert_eq!(tx.by_code("a"), Some((card, Card::new("a").alias("x").place("s", 4))));
    assert_eq!(tx.on_shelf("s").len(), 1);
    sound(&store);
    assert!(store.write(|tx| tx.remove_edge(edge)).unwrap(), "the edge was kept");
    let next = store.write(|tx| tx.insert(&Card::new("b"))).unwrap();
    assert_eq!(next.key(), card.key() + 1);
}

#[test]
fn kinds_keep_their_byte_in_whatever_order_types_are_registered() {
    let home = Home::new();
    let kinds = |options: Options, made: bool| -> (Kind, Kind) {
        let store = if made { options.open(home.path()) } else { options.create(home.path()) };
        let tx = store.unwrap().read().unwrap();
        (tx.kind_of::<Card>().unwrap(), tx.kind_of::<Counter>().unwrap())
    };
    let first = kinds(Store::builder().register::<Card>().register::<Counter>(), false);
    assert_eq!(first, (Kind::FIRST_OWN, Kind(Kind::FIRST_OWN.0 + 1)));
    assert_eq!(kinds(Store::builder().register::<Counter>().register::<Card>(), true), first);

    // A new type gets the next byte, also while an old one is not registered.
    let store =
        Store::builder().register::<Numbered<7>>().register::<Counter>().open(home.path()).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.kind_of::<Numbered<7>>().unwrap(), Kind(Kind::FIRST_OWN.0 + 2));
    assert_eq!(tx.kind_of::<Counter>().unwrap(), first.1);
    drop(tx);
    drop(store);
    assert_eq!(kinds(Store::builder().register::<Card>().register::<Counter>(), true), first);
}

#[test]
fn registering_is_no_write() {
    let home = Home::new();
    Store::create(home.path()).unwrap().close().unwrap();
    let store = home.open();
    assert_eq!(store.seq(), Seq(0));
    assert_eq!(store.changes(Seq(0), 9).unwrap(), []);
}

#[test]
fn a_type_new_to_a_store_can_be_registered_when_it_is_opened_for_reading() {
    let home = Home::new();
    Store::create(home.path()).unwrap().close().unwrap();
    let store = Store::builder().register::<Card>().open_read_only(home.path()).unwrap();
    assert_eq!(store.read().unwrap().cards(), []);
}

#[test]
fn one_hundred_and_twenty_eight_types_fit_and_one_more_does_not() {
    let home = Home::new();
    let store = full().create(home.path()).unwrap();
    let (first, last) = store
        .write(|tx| Ok((tx.insert(&Numbered::<0>(5))?, tx.insert(&Numbered::<127>(6))?)))
        .unwrap();
    assert_eq!((first.kind(), last.kind()), (Kind(128), Kind(255)));
    store.close().unwrap();
    let refused = full().register::<Numbered<128>>().open(home.path());
    assert!(matches!(refused, Err(Error::Limit { max: 128, found: 129, .. })), "{refused:?}");
    let store = full().open(home.path()).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.get(last).unwrap(), Some(Numbered::<127>(6)));
    assert_eq!(tx.index::<Numbered<127>>("number", 6_u32).unwrap().count(), 1);
}

#[test]
fn bad_registrations_are_refused_and_leave_no_store_behind() {
    let home = Home::new();
    let twice = Store::builder().register::<Card>().register::<Card>();
    let same_name = Store::builder().register::<Numbered<3>>().register::<SecondThree>();
    let built_in = Store::builder().register::<SecondDocument>();
    let nameless = Store::builder().register::<Nameless>();
    let too_many = full().register::<Numbered<128>>();
    for (options, expected) in [
        (twice, "already_exists"),
        (same_name, "already_exists"),
        (built_in, "already_exists"),
        (nameless, "invalid"),
        (too_many, "limit"),
    ] {
        assert_eq!(fault(options.create(home.path())), expected);
        assert!(!home.path().exists(), "{expected}");
    }
    home.create();
}

/// Defines types with names that they must not have.
macro_rules! impostors {
    ($($type:ident: $name:expr;)+) => {$(
        #[derive(Serialize, Deserialize)]
        struct $type;

        impl Record for $type {
            const NAME: &'static str = $name;

            fn describe<'a>(&'a self, _facts: &mut Facts<'a>) {}
        }
    )+};
}

impostors! {
    SecondThree: NAMES[3];
    SecondDocument: "document";
    Nameless: "";
}

/// The present shape of [`Card`], a field less and one more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct NewerCard {
    code: String,
    colour: Option<String>,
}

impl Record for NewerCard {
    const NAME: &'static str = "card";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("code", &self.code);
    }
}

#[test]
fn fields_come_and_go_between_openings() {
    let home = Home::new();
    let store = home.create();
    let id = store.write(|tx| tx.insert(&Card::new("a").place("s", 1))).unwrap();
    store.close().unwrap();
    let store = Store::builder().register::<NewerCard>().open(home.path()).unwrap();
    let found: Option<(NodeId, NewerCard)> = store.read().unwrap().find("code", "a").unwrap();
    assert_eq!(found, Some((id, NewerCard { code: "a".to_owned(), colour: None })));
}
