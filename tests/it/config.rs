//! Settings: which layer wins, types, checks, listeners, and what is kept in a store.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use engraph::config::{Change, KeySpec, Layer, Schema, SettingType, Settings, Tree, UnknownKeys};
use engraph::record::{ConfigValue, ValueType};
use engraph::{Error, ManualClock, Store, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A bound on hanging, not on speed.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// A value, or null, which hides what is below it.
fn nothing_or_value() -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 5 => value()]
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
        layers in prop::collection::vec(
            prop::collection::vec((key(), nothing_or_value()), 0..4), 0..4,
        ),
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
        let expected = model(&trees, &parts).filter(|value| !value.is_null());
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
    fn listeners_hear_of_every_change_of_their_key_once_and_of_no_other(
        steps in prop::collection::vec((key(), prop::option::of(value()), any::<bool>()), 1..12),
        asked in key(),
    ) {
        let settings = Settings::new(Schema::new());
        let heard = Arc::new(Mutex::new(Vec::<Change>::new()));
        let to = Arc::clone(&heard);
        let listener = settings.listen(&asked, move |change| {
            to.lock().unwrap().push(change.clone());
        });
        let mut expected = Vec::new();
        for (key, value, is_loaded) in &steps {
            let before = settings.find::<Value>(&asked).unwrap();
            let value = value.clone().unwrap_or_default();
            if *is_loaded {
                settings.load([Layer::default().with(key, value).unwrap()]);
            } else {
                settings.set(key, value).unwrap();
            }
            let now = settings.find::<Value>(&asked).unwrap();
            if before != now {
                expected.push((asked.clone(), before, now));
            }
        }
        let all: Vec<_> = heard
            .lock()
            .unwrap()
            .iter()
            .map(|it| (it.key.clone(), it.before.clone(), it.now.clone()))
            .collect();
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
fn what_variables_say_does_not_grow_without_end() {
    let settings = Settings::with_variables(Schema::new(), [("LONG", "x".repeat(10_000))]);
    settings.load([layer("file", &json!({ "a": "${LONG}".repeat(10_000), "b": "${LONG}" }))]);
    let text = settings.get::<String>("a").unwrap();
    assert!((1 << 20) - 10_000 <= text.len() && text.len() < 2 << 20, "{}", text.len());
    assert!(text.ends_with("${LONG}"), "what does not fit stays as it was");
    assert_eq!(settings.get::<String>("b").unwrap().len(), 10_000);
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
fn changes_of_two_threads_are_told_in_their_order() {
    let settings = Settings::new(Schema::new());
    let (began, begins) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let _first = settings.listen("n", move |change| {
        if change.now == Some(json!(1)) {
            began.send(()).unwrap();
            held.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
    });
    let heard = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&heard);
    let _second = settings.listen("n", move |change| {
        to.lock().unwrap().push((change.before.clone(), change.now.clone()));
    });
    std::thread::scope(|scope| {
        scope.spawn(|| settings.set("n", 1).unwrap());
        begins.recv_timeout(PATIENCE).unwrap();
        // The first change is still being told, and is not overtaken.
        settings.set("n", 2).unwrap();
        release.send(()).unwrap();
    });
    let one = (None, Some(json!(1)));
    assert_eq!(*heard.lock().unwrap(), [one, (Some(json!(1)), Some(json!(2)))]);
}

#[test]
fn many_threads_that_set_are_heard_as_one_chain_of_changes() {
    let settings = Settings::new(Schema::new());
    let heard = Arc::new(Mutex::new(Vec::<Change>::new()));
    let to = Arc::clone(&heard);
    let _listener = settings.listen("n", move |change| to.lock().unwrap().push(change.clone()));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let settings = &settings;
            scope.spawn(move || {
                (0..200).for_each(|n| settings.set("n", thread * 1_000 + n).unwrap());
            });
        }
    });
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 800, "each value is another one");
    assert!(heard.windows(2).all(|pair| pair[0].now == pair[1].before));
    assert_eq!(heard.last().unwrap().now, settings.find("n").unwrap());
}

#[test]
fn a_listener_that_panics_or_owns_another_holds_nobody_up() {
    let settings = Settings::new(Schema::new());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let panics = settings.listen("a", |_| std::panic::resume_unwind(Box::new("on purpose")));
    let to = Arc::clone(&heard);
    let second = settings.listen("a", move |change| to.lock().unwrap().push(change.now.clone()));
    let inner = settings.clone();
    let set = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inner.set("a", 1)));
    assert!(set.is_err(), "whoever sets second of the panic");
    drop(panics);
    settings.set("a", 2).unwrap();
    assert_eq!(*heard.lock().unwrap(), [Some(json!(1)), Some(json!(2))]);
    // Dropping it drops another one with it.
    let owner = settings.listen("b", move |_| assert!(format!("{second:?}").contains("\"a\"")));
    drop(owner);
    settings.set("a", 3).unwrap();
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[test]
fn a_listener_hears_of_what_it_sets_itself_after_it_has_ended() {
    let settings = Settings::new(Schema::new());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (inner, to) = (settings.clone(), Arc::clone(&heard));
    let _listener = settings.listen("n", move |change| {
        let now = change.now.as_ref().and_then(Value::as_i64).unwrap();
        to.lock().unwrap().push(now);
        if now < 3 {
            inner.set("n", now + 1).unwrap();
            assert_eq!(inner.get::<i64>("n").unwrap(), now + 1, "it is set at once");
        }
    });
    settings.set("n", 1).unwrap();
    assert_eq!(*heard.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn a_bad_value_is_told_with_its_key_and_its_layer() {
    let count = KeySpec::new("deep.count", SettingType::Integer).range(1.0, 9.0).default(5);
    let token = KeySpec::new("deep.token", SettingType::Integer).secret();
    let settings = Settings::new(Schema::new().key(count).key(token));
    let told = |settings: &Settings, key: &str| {
        let error = settings.find_checked::<u64>(key).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        error.to_string()
    };
    settings.load([
        layer("file low.toml", &json!({ "deep": { "count": "many" } })),
        layer("file high.toml", &json!({ "deep": { "token": "Zq7planted9" } })),
    ]);
    for (key, parts) in [
        ("deep.count", ["deep.count", "\"many\" is not a whole number", "from file low.toml"]),
        ("deep.token", ["deep.token", "the value is not", "from file high.toml"]),
    ] {
        for error in [told(&settings, key), settings.get::<u64>(key).unwrap_err().to_string()] {
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
            assert!(!error.contains("Zq7planted9"), "{error}");
        }
    }
    settings.load([layer("file low.toml", &json!({ "deep": { "count": 10 } }))]);
    assert_eq!(settings.get::<u64>("deep.count").unwrap(), 10, "as it stands");
    assert!(told(&settings, "deep.count").contains("10 is not in 1 to 9 (from file low.toml)"));
    settings.load([]);
    assert_eq!(settings.find_checked::<u64>("deep.count").unwrap(), Some(5));
    assert_eq!(settings.find_checked::<u64>("deep.absent").unwrap(), None);
}

#[test]
fn a_value_that_hides_a_section_is_wrong_and_a_section_is_checked_as_a_whole() {
    let level = KeySpec::new("log.level", SettingType::Text).choices(["info", "off"]);
    let settings = Settings::new(Schema::new().key(level).unknown(UnknownKeys::Refused));
    settings.load([
        layer("low", &json!({ "log": { "level": "info" } })),
        layer("high", &json!({ "log": 5 })),
    ]);
    assert_eq!(settings.find::<String>("log.level").unwrap(), None, "it is hidden");
    let problems = settings.check();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!((&*problem.key, problem.layer.as_deref()), ("log", Some("high")));
    for (key, value) in [
        ("log", json!(5)),
        ("log", json!({ "level": "loud" })),
        ("log", json!({ "levle": "info" })),
        ("log.level.x", json!(1)),
    ] {
        let refused = settings.set(key, value.clone());
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{key} {value}: {refused:?}");
    }
    assert_eq!(settings.set_by_hand(), Tree::new());
    settings.set("log", json!({ "level": "off" })).unwrap();
    assert_eq!(settings.get::<String>("log.level").unwrap(), "off");
}

#[test]
fn a_key_of_many_parts_is_refused_wherever_it_comes_from() {
    let key = vec!["a"; 100_000].join(".");
    let settings = Settings::new(Schema::new());
    assert!(matches!(settings.set(&key, 1), Err(Error::Limit { .. })));
    assert!(matches!(settings.get::<Value>(&key), Err(Error::Limit { .. })));
    assert!(matches!(Layer::default().with(&key, 1), Err(Error::Limit { .. })));
    let name = format!("APP_{}", key.replace('.', "_"));
    let layer = Layer::environment("APP_", [(&*name, "1"), ("APP_B", "2")], &Schema::new());
    assert_eq!(Value::Object(layer.tree().clone()), json!({ "b": 2 }));
    let deepest = vec!["a"; 64].join(".");
    settings.set(&deepest, 1).unwrap();
    assert_eq!(settings.get::<i64>(&deepest).unwrap(), 1);
}

/// Settings of every type, as one format says them.
#[cfg(feature = "config")]
mod formats {
    use engraph::config::{Format, parse, render};

    use super::*;

    const ALL: [Format; 4] = [Format::Toml, Format::Yaml, Format::Json, Format::Ini];

    proptest! {
        #[test]
        fn every_format_gives_the_same_typed_values(
            on: bool, whole: i64, size: u32, share in -1e9..1e9_f64, wait in 0..100_000_u64,
            text in "[A-Za-z\u{e9}\u{6771}][A-Za-z0-9 /:=#;,\u{e9}\u{6771}]{0,20}[a-z]",
            list in prop::collection::vec("[a-z][a-z0-9 ]{0,8}[a-z]", 1..4),
        ) {
            let tree = json!({
                "on": on,
                "a": { "whole": whole, "size": size, "deep": { "share": share, "text": text } },
                "b": { "wait": format!("{wait}ms"), "list": list },
            });
            let tree = tree.as_object().unwrap();
            for format in ALL {
                let file = render(tree, format).unwrap();
                let settings = Settings::new(Schema::new());
                settings.load([Layer::new("file", parse(&file, format).unwrap())]);
                prop_assert_eq!(settings.get::<bool>("on").unwrap(), on, "{:?} {}", format, file);
                prop_assert_eq!(settings.get::<i64>("a.whole").unwrap(), whole);
                prop_assert_eq!(settings.get::<u64>("a.size").unwrap(), u64::from(size));
                let found = settings.get::<f64>("a.deep.share").unwrap();
                prop_assert_eq!(found.to_bits(), share.to_bits(), "{:?} {}", format, file);
                prop_assert_eq!(&settings.get::<String>("a.deep.text").unwrap(), &text);
                let found = settings.get::<Duration>("b.wait").unwrap();
                prop_assert_eq!(found, Duration::from_millis(wait));
                prop_assert_eq!(&settings.get::<Vec<String>>("b.list").unwrap(), &list);
                prop_assert_eq!(settings.section("a").unwrap().len(), 3);
            }
        }
    }
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
