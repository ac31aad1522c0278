//! Settings: which layer wins, types, checks, listeners, and what is kept in a store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use engraph::config::{Change, KeySpec, Layer, Schema, SettingType, Settings, Tree, UnknownKeys};
use engraph::record::{ConfigValue, ValueType};
use engraph::{Error, ManualClock, Store, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

fn layer(name: &str, tree: &Value) -> Layer {
    Layer::new(name, tree.as_object().unwrap().clone())
}

/// Settings without a schema, of these layers.
fn settings(layers: &[Value]) -> Settings {
    let settings = Settings::new(Schema::new());
    settings.load(layers.iter().enumerate().map(|(at, tree)| layer(&at.to_string(), tree)));
    settings
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "a.x", "a.y", "a.x.p", "b.x", "c.x.p.q"])
        .prop_map(ToOwned::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..9_i64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(json!([1, 2])),
        Just(json!({ "x": 7 })),
        Just(json!({ "x": { "p": 8 }, "z": 9 })),
    ]
}

/// What a pile of trees says at a place, worked out place by place: the uppermost that has anything
/// there, with what is below it wherever both are mappings.
fn model(trees: &[Value], parts: &[&str]) -> Option<Value> {
    fn over(below: Option<Value>, above: Option<Value>) -> Option<Value> {
        match (below, above) {
            (Some(Value::Object(mut below)), Some(Value::Object(above))) => {
                for (name, value) in above {
                    let merged = over(below.remove(&name), Some(value));
                    below.insert(name, merged.unwrap());
                }
                Some(Value::Object(below))
            }
            (below, above) => above.or(below),
        }
    }
    let whole = trees.iter().fold(None, |below, above| over(below, Some(above.clone())));
    parts.iter().try_fold(whole?, |value, part| value.get(*part).cloned())
}

proptest! {
    #[test]
    fn the_uppermost_layer_wins_and_mappings_are_merged(
        layers in prop::collection::vec(prop::collection::vec((key(), value()), 0..4), 0..4),
        by_hand in prop::collection::vec((key(), value()), 0..3),
        asked in key(),
    ) {
        let pile = |pairs: &[(String, Value)]| {
            let mut layer = Layer::default();
            for (key, value) in pairs {
                layer = layer.with(key, value.clone()).unwrap();
            }
            Value::Object(layer.tree().clone())
        };
        let mut trees: Vec<Value> = layers.iter().map(|pairs| pile(pairs)).collect();
        let settings = settings(&trees);
        for (key, value) in &by_hand {
            settings.set(key, value.clone()).unwrap();
        }
        trees.push(pile(&by_hand));
        let parts: Vec<&str> = asked.split('.').collect();
        let expected = model(&trees, &parts);
        prop_assert_eq!(settings.find::<Value>(&asked).unwrap(), expected.clone());
        prop_assert_eq!(settings.has(&asked), expected.is_some());
        prop_assert_eq!(settings.keys().contains(&asked), expected.is_some());
        // Each source says what it alone says, lowest first.
        let sources: Vec<Value> =
            settings.sources(&asked).unwrap().into_iter().map(|(_, value)| value).collect();
        let alone: Vec<Value> =
            trees.iter().filter_map(|tree| model(std::slice::from_ref(tree), &parts)).collect();
        prop_assert_eq!(sources, alone);
    }

    #[test]
    fn listeners_hear_of_every_change_of_their_key_and_of_no_other(
        steps in prop::collection::vec((key(), prop::option::of(value())), 1..12), asked in key(),
    ) {
        let settings = Settings::new(Schema::new());
        let heard = Arc::new(Mutex::new(Vec::<Change>::new()));
        let to = Arc::clone(&heard);
        let listener = settings.listen(&asked, move |change| {
            to.lock().unwrap().push(change.clone());
        });
        let mut expected = Vec::new();
        for (key, value) in &steps {
            let before = settings.find::<Value>(&asked).unwrap();
            settings.set(key, value.clone().unwrap_or_default()).unwrap();
            let now = settings.find::<Value>(&asked).unwrap();
            if before != now {
                expected.push((before, now));
            }
        }
        let all: Vec<_> =
            heard.lock().unwrap().iter().map(|it| (it.before.clone(), it.now.clone())).collect();
        prop_assert_eq!(&all, &expected);
        drop(listener);
        settings.set(&asked, json!("something new")).unwrap();
        prop_assert_eq!(heard.lock().unwrap().len(), expected.len(), "nobody listens any more");
    }

    #[test]
    fn a_number_is_allowed_exactly_within_its_range(
        number in -20..20_i64, min in -9..0, max in 0..9,
    ) {
        let (low, high) = (f64::from(min), f64::from(max));
        let spec = KeySpec::new("n", SettingType::Integer).range(low, high);
        let settings = Settings::new(Schema::new().key(spec));
        let allowed = (i64::from(min)..=i64::from(max)).contains(&number);
        for value in [json!(number), json!(number.to_string())] {
            prop_assert_eq!(settings.set("n", value.clone()).is_ok(), allowed);
            settings.load([Layer::default().with("n", value).unwrap()]);
            settings.set("n", Value::Null).unwrap();
            prop_assert_eq!(settings.check().is_empty(), allowed);
        }
    }

    #[test]
    fn what_a_variable_says_is_found_under_its_key(
        parts in prop::collection::vec("[a-z]{1,4}(_[a-z]{1,4})?", 1..4), text in "\\PC{0,12}",
    ) {
        let key = parts.join(".");
        let name = format!("APP_{}", key.replace('.', "_").to_uppercase());
        let schema = Schema::new().key(KeySpec::new(&*key, SettingType::Text));
        let layer = Layer::environment("APP_", [(&*name, &*text), ("OTHER", "x")], &schema);
        let settings = Settings::new(schema);
        settings.load([layer]);
        prop_assert_eq!(settings.get::<String>(&key).unwrap(), text);
    }
}

#[test]
fn values_are_read_in_types_and_absent_ones_are_told() {
    let settings = settings(&[json!({
        "on": "yes", "count": "12", "share": 0.5, "list": "a, b", "none": null,
        "wait": "5m", "deep": { "x": 1 }
    })]);
    assert!(settings.get::<bool>("on").unwrap());
    assert_eq!(settings.get::<i64>("count").unwrap(), 12);
    assert_eq!(settings.get::<String>("share").unwrap(), "0.5");
    assert_eq!(settings.get::<Vec<String>>("list").unwrap(), ["a", "b"]);
    assert_eq!(settings.get::<Duration>("wait").unwrap(), Duration::from_secs(300));
    assert!(matches!(settings.get::<i64>("on"), Err(Error::Invalid { .. })));
    for absent in ["none", "absent", "deep.y", "on.x"] {
        assert!(matches!(settings.get::<Value>(absent), Err(Error::NotFound { .. })), "{absent}");
        assert_eq!(settings.get_or(absent, 7_i64).unwrap(), 7);
    }
    assert_eq!(settings.section("deep").unwrap().len(), 1);
    assert_eq!(settings.section("absent").unwrap(), Tree::new());
    assert!(matches!(settings.section("on"), Err(Error::Invalid { .. })));
    for bad in ["", ".", "a..b", "a."] {
        assert!(matches!(settings.get::<Value>(bad), Err(Error::Invalid { .. })), "{bad:?}");
        assert!(settings.set(bad, 1).is_err());
    }
}

#[test]
fn texts_are_filled_from_the_variables_that_are_there() {
    let settings = Settings::with_variables(Schema::new(), [("HOME", "/me"), ("X", "${HOME}")]);
    let tree =
        json!({ "a": "${HOME}/x", "b": "${NONE} ${", "c": ["${X}"], "d": { "e": "${HOME}" } });
    settings.load([layer("file", &tree)]);
    assert_eq!(settings.get::<String>("a").unwrap(), "/me/x");
    assert_eq!(settings.get::<String>("b").unwrap(), "${NONE} ${");
    assert_eq!(settings.get::<Vec<String>>("c").unwrap(), ["${HOME}"]);
    assert_eq!(settings.section("d").unwrap()["e"], "/me");
}

#[test]
fn a_schema_has_defaults_and_says_what_is_wrong_and_where() {
    let port = KeySpec::new("port", SettingType::Integer).default(80).range(1.0, 65_535.0);
    let mode = KeySpec::new("mode", SettingType::Text).choices(["fast", "safe"]);
    let name = KeySpec::new("user.name", SettingType::Text).pattern("[a-z]+$").unwrap().required();
    let key = KeySpec::new("api_key", SettingType::Integer).secret();
    let extra = KeySpec::new("extra", SettingType::Section);
    let schema = Schema::new().key(port).key(mode).key(name).key(key).key(extra);
    let settings = Settings::new(schema.unknown(UnknownKeys::Refused));
    assert_eq!(settings.get::<u64>("port").unwrap(), 80);
    let keys = |settings: &Settings| -> Vec<(String, Option<String>)> {
        settings.check().into_iter().map(|problem| (problem.key, problem.layer)).collect()
    };
    assert_eq!(keys(&settings), [("user.name".to_owned(), None)]);
    settings.load([
        layer("low", &json!({ "port": 0, "mode": "slow", "extra": { "any": 1 } })),
        layer("high", &json!({ "port": 8080, "prot": 1, "api_key": "Zq7planted9" })),
    ]);
    let at = |key: &str, layer: &str| (key.to_owned(), Some(layer.to_owned()));
    let expected = [
        at("port", "low"),
        at("mode", "low"),
        at("api_key", "high"),
        at("prot", "high"),
        ("user.name".to_owned(), None),
    ];
    assert_eq!(keys(&settings), expected);
    assert!(!format!("{:?}", settings.check()).contains("Zq7planted9"));
    for (key, value) in [("port", json!("x")), ("mode", json!("slow")), ("prot", json!(1))] {
        assert!(matches!(settings.set(key, value), Err(Error::Invalid { .. })), "{key}");
    }
    assert!(settings.set("user.name", "Ada").is_err(), "capitals do not match");
    settings.set("user.name", "ada").unwrap();
    assert!(KeySpec::new("x", SettingType::Text).pattern("(").is_err());
}

#[test]
fn what_is_set_by_hand_stays_when_files_are_loaded_again() {
    let settings = settings(&[json!({ "a": 1, "b": 1 })]);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listeners: Vec<_> = ["a", "b"]
        .map(|key| {
            let to = Arc::clone(&heard);
            settings.listen(key, move |change| to.lock().unwrap().push(change.key.clone()))
        })
        .into_iter()
        .collect();
    settings.set("a", 2).unwrap();
    settings.load([layer("file", &json!({ "a": 3, "b": 3 }))]);
    assert_eq!((settings.get::<i64>("a").unwrap(), settings.get::<i64>("b").unwrap()), (2, 3));
    settings.set("a", Value::Null).unwrap();
    assert_eq!(settings.get::<i64>("a").unwrap(), 3);
    assert_eq!(*heard.lock().unwrap(), ["a", "b", "a"]);
    assert_eq!(settings.set_by_hand(), Tree::new());
    drop(listeners);
}

#[test]
fn a_listener_may_set_settings_itself() {
    let settings = Settings::new(Schema::new());
    let inner = settings.clone();
    let _listener = settings.listen("a", move |change| {
        inner.set("b", change.now.clone().unwrap_or_default()).unwrap();
    });
    settings.set("a", 5).unwrap();
    assert_eq!(settings.get::<i64>("b").unwrap(), 5);
}

#[test]
fn a_store_keeps_settings_with_their_types() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let clock = ManualClock::new(Timestamp::from_micros(5));
    let store = Store::builder().clock(clock).create(&path).unwrap();
    let values = [
        ("a.text", json!("12")),
        ("a.whole", json!(12)),
        ("a.number", json!(0.5)),
        ("a.truth", json!(true)),
        ("list", json!(["x", { "y": 1 }])),
        ("none", Value::Null),
    ];
    store
        .write(|tx| {
            for (key, value) in &values {
                tx.config().set(key, value.clone())?;
            }
            let id = tx.config().set("a.text", "12")?;
            assert_eq!(tx.config().set("a.text", "13")?, id);
            assert!(tx.config().describe("a.text", "what it is for")?);
            tx.config().set("a.text", "12").map(drop)
        })
        .unwrap();
    store.close().unwrap();
    let store = Store::open(&path).unwrap();
    let read = store.read().unwrap();
    for (key, value) in &values {
        assert_eq!(read.config().get(key).unwrap().as_ref(), Some(value), "{key}");
    }
    let (_, text) = read.config().find("a.text").unwrap().unwrap();
    assert_eq!(text.description.as_deref(), Some("what it is for"));
    let settings = Settings::new(Schema::new());
    settings.load([read.config().layer().unwrap()]);
    assert_eq!(settings.get::<i64>("a.whole").unwrap(), 12);
    assert_eq!(settings.sources("a.truth").unwrap(), [("store".to_owned(), json!(true))]);
    store
        .write(|tx| {
            assert!(matches!(tx.config().set("a..b", 1), Err(Error::Invalid { .. })));
            assert!(matches!(tx.config().set(&"k".repeat(256), 1), Err(Error::Limit { .. })));
            assert!(tx.config().delete("list")? && !tx.config().delete("list")?);
            assert!(!tx.config().describe("list", "gone")?);
            // A row of the old application that is not what it says.
            let (value, value_type) = (Some("many".to_owned()), Some(ValueType::Int));
            let key = "old".to_owned();
            tx.insert(&ConfigValue { key, value, value_type, ..ConfigValue::default() })
        })
        .unwrap();
    assert_eq!(store.read().unwrap().config().get("old").unwrap(), Some(json!("many")));
}
