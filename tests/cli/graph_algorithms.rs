//! `engraph graph`: the algorithms on a graph small enough to know their answers by hand.
//!
//! ```text
//! a -> b -> c -> a (weight 2)   knows
//! c -> d -> e -> f, d -> f (3)  meets
//! g -> h -> j, g -> i -> j -> k likes
//! ```

use std::fs;

use engraph::record::{Document, Entity};
use engraph::{NewEdge, Store};
use serde_json::{Value, json};

use crate::session::{Run, Session};

const EDGES: [(usize, &str, usize, f32); 12] = [
    (1, "knows", 2, 1.0),
    (2, "knows", 3, 1.0),
    (3, "knows", 1, 2.0),
    (3, "meets", 4, 1.0),
    (4, "meets", 5, 1.0),
    (5, "meets", 6, 1.0),
    (4, "meets", 6, 3.0),
    (7, "likes", 8, 1.0),
    (7, "likes", 9, 1.0),
    (8, "likes", 10, 1.0),
    (9, "likes", 10, 1.0),
    (10, "likes", 11, 1.0),
];

/// A session with the graph of this module as store `s`.
fn known() -> Session {
    let session = Session::new();
    let store = Store::create(session.path("s")).unwrap();
    store
        .write(|tx| {
            let nodes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
                .map(|name| tx.entities().create(&Entity::named(name, "Thing")));
            let nodes = nodes.into_iter().collect::<engraph::Result<Vec<_>>>()?;
            for (source, edge_type, target, weight) in EDGES {
                let (source, target) = (nodes[source - 1], nodes[target - 1]);
                tx.add_edge(&NewEdge::new(source, edge_type, target).weight(weight))?;
            }
            Ok(())
        })
        .unwrap();
    store.close().unwrap();
    session
}

/// Runs a question with `--json`, and gives its lines.
#[track_caller]
fn asked(session: &Session, question: &str) -> Vec<Value> {
    let run = ask(session, &format!("{question} --json"));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{question}: {}", run.stdout);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ask(session: &Session, question: &str) -> Run {
    let arguments: Vec<&str> = ["graph", "s"].into_iter().chain(question.split(' ')).collect();
    session.run(&arguments)
}

/// The name of a record in an answer.
fn name(node: &Value) -> &str {
    node["label"].as_str().unwrap()
}

/// The names of several, one after the other.
fn names(nodes: &Value) -> String {
    nodes.as_array().unwrap().iter().map(name).collect()
}

#[track_caller]
fn check_close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

/// The question ranks these records first, with these values.
#[track_caller]
fn check_ranks(session: &Session, question: &str, expected: &[(&str, f64)]) {
    let found = asked(session, question);
    for (found, (expected, value)) in found.iter().zip(expected) {
        assert_eq!(name(found), *expected, "{question}: {found}");
        check_close(&found["value"], *value);
    }
    assert!(found.len() >= expected.len(), "{question}: {found:?}");
}

#[test]
fn every_algorithm_is_answered() {
    let mut session = known();
    session
        .say("graph s centrality --by betweenness --top 4")
        .say("graph s centrality --by degree --top 2 --json")
        .say("graph s centrality --by closeness --top 3 --type likes")
        .say("graph s communities --unweighted")
        .say("graph s communities --method labels --type knows --json")
        .say("graph s cores --top 3")
        .say("graph s cores --k 2 --type likes --dot")
        .say("graph s triangles --top 2")
        .say("graph s triangles --type likes")
        .say("graph s bridges")
        .say("graph s bridges --type likes --json")
        .say("graph s cycles")
        .say("graph s cycles --dot")
        .say("graph s cycles --length 2")
        .say("graph s similar entity:8")
        .say("graph s similar entity:8 --simrank")
        .say("graph s links --top 2")
        .say("graph s links --by jaccard --top 1 --json")
        .say("graph s paths entity:7 entity:10 --all-shortest")
        .say("graph s paths entity:4 entity:6 --weighted --k 1 --json")
        .say("graph s paths entity:4 entity:6 --direction out --all-simple --limit 1")
        .say("graph s paths entity:7 entity:10 --all-shortest --dot")
        .say("graph s paths entity:1 entity:11")
        .say("graph s match entity:7 out:likes out:likes")
        .say("graph s match entity:7 out times:1..2 is:entity --ends")
        .say("graph s match entity:7 --along likes{2,3} --json")
        .say("graph s match entity:7 --along likes/^likes")
        .say("graph s flow entity:4 entity:6")
        .say("graph s flow entity:4 entity:6 --unit --json")
        .say("graph s flow entity:6 entity:4")
        .say("graph s forest --type meets")
        .say("graph s forest --limit 2 --json")
        .say("graph s distances entity:1 --direction out --weighted")
        .say("graph s distances entity:1 --limit 2 --json")
        .say("graph s timed entity:1 entity:3 --direction out --at 2024-05-01")
        .say("graph s timed entity:1 --direction out --at 2024-05-01T08:00:00Z --limit 3 --json")
        .say("graph s timed entity:1 entity:3 --at 2024-05-01 --by 2024-04-01")
        .say("graph s timed entity:1 --at noon")
        .say("graph s pagerank --seed entity:1 --local 1e-6 --top 3")
        .say("graph s pagerank --local 1e-6")
        .say("graph s random-walk entity:10 --steps 5")
        .say("graph s random-walk entity:10 --walks 2 --steps 1 --json")
        .say("graph s dominators entity:1")
        .say("graph s dominators entity:1 --of entity:6 --json")
        .say("graph s dominators entity:11")
        .check("graph_algorithms.txt");
}

#[test]
fn scores_are_those_of_the_definitions() {
    let session = known();
    for (question, expected) in [
        ("centrality --by degree", &[("c", 3.0), ("d", 3.0), ("j", 3.0), ("a", 2.0)][..]),
        ("centrality --by degree --weighted", &[("d", 5.0), ("c", 4.0), ("f", 4.0), ("a", 3.0)]),
        ("centrality --by degree --direction in --normalized", &[("f", 0.2), ("j", 0.2)]),
        ("centrality --by betweenness", &[("c", 7.0), ("d", 6.0), ("b", 4.0), ("j", 3.0)]),
        ("centrality --by betweenness --normalized", &[("c", 7.0 / 90.0), ("d", 6.0 / 90.0)]),
        // As many as there are: the estimate is exact.
        ("centrality --by betweenness --sample 11 --seed 9", &[("c", 7.0), ("d", 6.0)]),
        ("centrality --by closeness", &[("f", 25.0 / 110.0), ("j", 0.225), ("k", 0.2)]),
        ("centrality --by harmonic", &[("f", 37.0 / 12.0), ("j", 2.5), ("k", 7.0 / 3.0)]),
        ("centrality --by eigenvector --type knows", &[("a", 3.0_f64.sqrt() / 3.0)]),
        ("centrality --by katz --type knows --attenuation 0.5", &[("a", 3.0_f64.sqrt() / 3.0)]),
        ("cores --top 11", &[("a", 2.0), ("b", 2.0), ("c", 2.0), ("d", 2.0)]),
        ("similar entity:8", &[("i", 1.0), ("k", 0.5)]),
        ("similar entity:8 --by common", &[("i", 2.0), ("k", 1.0)]),
        ("similar entity:8 --by adamic-adar", &[("i", 1.0 / 2.0_f64.ln() + 1.0 / 3.0_f64.ln())]),
        ("similar entity:8 --direction in --by resource", &[("i", 0.5)]),
        ("similar entity:8 --by preferential", &[("i", 4.0), ("k", 2.0)]),
        ("similar entity:8 --simrank", &[("i", 0.8)]),
    ] {
        check_ranks(&session, question, expected);
    }
    let cores = asked(&session, "cores");
    assert_eq!((name(&cores[10]), &cores[10]["value"]), ("k", &json!(1)));
    let estimate =
        |seed| asked(&session, &format!("similar entity:8 --simrank --sample 500 --seed {seed}"));
    assert_eq!(estimate(1), estimate(1));
    assert_eq!(name(&estimate(1)[0]), "i");
}

#[test]
fn parts_and_what_holds_them_together_are_found() {
    let session = known();
    for method in ["louvain", "leiden"] {
        let found =
            &asked(&session, &format!("communities --unweighted --method {method} --seed 5"))[0];
        assert_eq!(found["count"], 3);
        // Three times inside / 12 - (degrees / 24)^2.
        check_close(&found["modularity"], 11.0 / 12.0 - (49.0 + 49.0 + 100.0) / 576.0);
        let sizes: Vec<_> = found["communities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["nodes"].clone())
            .collect();
        assert_eq!(sizes, [5, 3, 3]);
    }
    let found = &asked(&session, "triangles")[0];
    assert_eq!((&found["triangles"], names(&found["nodes"])), (&json!(2), "abcdef".to_owned()));
    check_close(&found["clustering"], 14.0 / 3.0 / 11.0);
    check_close(&found["transitivity"], 6.0 / 16.0);
    check_close(&found["nodes"][2]["clustering"], 1.0 / 3.0);
    let found = &asked(&session, "bridges")[0];
    let ends = |edge: &Value| (edge["source"].clone(), edge["target"].clone());
    let bridges: Vec<_> = found["bridges"].as_array().unwrap().iter().map(ends).collect();
    assert_eq!(bridges, [(json!("46:3"), json!("46:4")), (json!("46:10"), json!("46:11"))]);
    assert_eq!(names(&found["articulation_points"]), "cdj");
    assert_eq!(asked(&session, "cycles")[0]["members"], json!(["46:1", "46:2", "46:3"]));
    let found = &asked(&session, "forest")[0];
    assert_eq!(
        (&found["trees"], &found["weight"], &found["count"]),
        (&json!(2), &json!(9.0), &json!(9))
    );
    let found = asked(&session, "dominators entity:7");
    let pairs: Vec<_> = found.iter().map(|pair| (name(pair), &pair["dominator"])).collect();
    let (g, j) = (json!("46:7"), json!("46:10"));
    assert_eq!(pairs, [("h", &g), ("i", &g), ("j", &g), ("k", &j)]);
    let found = asked(&session, "dominators entity:1 --of entity:6");
    assert_eq!(names(&found.into()), "dcba");
    let found = asked(&session, "links --top 2");
    let pairs: Vec<_> = found.iter().map(|link| names(&link["nodes"])).collect();
    assert_eq!(pairs, ["gj", "hi"]);
    check_close(&found[0]["score"], 2.0 / 2.0_f64.ln());
}

#[test]
fn ways_are_all_that_there_are() {
    let session = known();
    for (question, expected) in [
        ("paths entity:7 entity:10 --all-shortest", &["ghj", "gij"][..]),
        ("paths entity:4 entity:6 --direction out", &["df", "def"]),
        ("paths entity:4 entity:6 --weighted --k 2", &["def", "df"]),
        ("paths entity:4 entity:6 --k 1 --type meets", &["df"]),
        ("paths entity:1 entity:4 --all-simple", &["abcd", "acd"]),
        ("paths entity:1 entity:4 --all-simple --hops 2", &["acd"]),
        ("paths entity:1 entity:1", &["a"]),
        ("match entity:7 out:likes out:likes", &["ghj", "gij"]),
        ("match entity:8 in:likes out times:2", &["hgj"]),
        ("match entity:3 out:knows or-out:meets", &["ca", "cd"]),
        ("match entity:4 both:meets or-in:likes is:entity", &["de", "df", "dc"]),
        ("match entity:7 --along likes+", &["gh", "gi", "ghj", "ghjk"]),
        ("match entity:1 --along knows*/meets", &["abcd"]),
        ("match entity:7 out --at 2024-01-01T00:00:00Z", &["gh", "gi"]),
        ("random-walk entity:1 --type knows --steps 4", &["abcab"]),
        ("random-walk entity:11 --direction in --steps 1 --weighted", &["kj"]),
    ] {
        let found: Vec<_> =
            asked(&session, question).iter().map(|way| names(&way["nodes"])).collect();
        assert_eq!(found, expected, "{question}");
    }
    let found = asked(&session, "paths entity:4 entity:6 --weighted");
    assert_eq!((&found[0]["weight"], &found[0]["edges"]), (&json!(2.0), &json!(["5", "6"])));
    let ends = |question: &str| names(&asked(&session, question).into());
    assert_eq!(ends("match entity:7 out times:0.. --ends"), "ghijk");
    assert_eq!(ends("match entity:7 --along likes{2} --ends"), "j");
    let found = asked(&session, "distances entity:1 --direction out --weighted");
    let found: Vec<_> = found.iter().map(|node| (name(node), node["distance"].clone())).collect();
    let expected = [("b", 1.0), ("c", 2.0), ("d", 3.0), ("e", 4.0), ("f", 5.0)];
    assert_eq!(found, expected.map(|(name, distance)| (name, json!(distance))));
    let found = asked(&session, "distances entity:6 --type meets --direction in");
    assert_eq!(found.len(), 3);
    let exact = asked(&session, "pagerank --seed entity:1 --top 50");
    let local = asked(&session, "pagerank --seed entity:1 --local 1e-9 --top 50");
    for (node, near) in local.iter().map(|near| (name(near), near)) {
        let exact = exact.iter().find(|other| name(other) == node).unwrap();
        let missing = exact["value"].as_f64().unwrap() - near["value"].as_f64().unwrap();
        assert!((0.0..1e-6).contains(&(missing + 1e-9)), "{node} lacks {missing}");
    }
    let walk = "random-walk entity:7 --steps 3 --walks 20 --return 4 --in-out 0.5 --seed";
    let walks = asked(&session, &format!("{walk} 4"));
    assert_eq!(walks, asked(&session, &format!("{walk} 4")));
    assert!(walks.iter().all(|way| ["ghjk", "gijk"].contains(&names(&way["nodes"]).as_str())));
}

#[test]
fn a_flow_says_what_it_fills_and_what_stops_it() {
    let session = known();
    let found = &asked(&session, "flow entity:4 entity:6")[0];
    assert_eq!(found["value"], 4.0);
    let parts = |key: &str| -> Vec<(Value, Value)> {
        let parts = found[key].as_array().unwrap();
        parts.iter().map(|part| (part["edge"].clone(), part["flow"].clone())).collect()
    };
    let part = |edge: &str, flow: f64| (json!(edge), json!(flow));
    assert_eq!(parts("edges"), [part("5", 1.0), part("7", 3.0), part("6", 1.0)]);
    assert_eq!(parts("cut"), [part("5", 1.0), part("7", 3.0)]);
    assert_eq!(asked(&session, "flow entity:4 entity:6 --unit")[0]["value"], 2.0);
    assert_eq!(asked(&session, "flow entity:7 entity:11 --type likes")[0]["value"], 1.0);
    session.run(&["graph", "s", "flow", "entity:1", "entity:11"]).check(1, "", "nothing flows");
    let json = ["graph", "s", "flow", "entity:1", "entity:11", "--json"];
    session.run(&json).check(1, "{\"value\":0.0,\"edges\":[],\"cut\":[]}", "");
}

#[test]
fn answers_that_are_a_part_of_the_graph_are_drawn() {
    let session = known();
    for (question, nodes, edges) in [
        ("paths entity:7 entity:10 --all-shortest", 4, 4),
        ("paths entity:4 entity:6 --all-simple --limit 1 --direction out", 3, 2),
        ("cycles", 3, 3),
        ("cores --k 2", 10, 11),
        ("cores --k 2 --type likes", 4, 4),
        ("flow entity:4 entity:6", 3, 3),
        ("forest", 11, 9),
        ("match entity:7 --along likes{3}", 4, 3),
    ] {
        let arguments: Vec<&str> = ["graph", "s"].into_iter().chain(question.split(' ')).collect();
        let svg = [&arguments[..], &["--svg", "p.svg", "--force"]].concat();
        session.run(&svg).check(0, "", &format!("{nodes} nodes, {edges} edges"));
        let svg = fs::read_to_string(session.path("p.svg")).unwrap();
        assert_eq!(svg.matches("<circle").count(), nodes, "{question}: {svg}");
        assert_eq!(svg.matches("marker-end").count(), edges, "{question}: {svg}");
        let dot = session.run(&[&arguments[..], &["--dot"]].concat());
        assert_eq!((dot.code, dot.stdout.matches(" -> ").count()), (0, edges), "{question}");
        let to_file = [&arguments[..], &["--out", "p.graphml", "--force"]].concat();
        session.run(&to_file).check(0, &format!("{nodes} nodes, {edges} edges"), "");
        let file = fs::read_to_string(session.path("p.graphml")).unwrap();
        assert_eq!(file.matches("<edge ").count(), edges, "{question}");
        let both = [&arguments[..], &["--svg", "p.svg", "--force", "--json"]].concat();
        let run = session.run(&both);
        assert!(run.code == 0 && run.stdout.starts_with('{'), "{question}: {}", run.stdout);
    }
    let cycles = ["graph", "s", "cycles"];
    session.run(&[&cycles[..], &["--svg", "p.svg"]].concat()).check(3, "", "--force");
    session.run(&[&cycles[..], &["--out", "p"]].concat()).check(2, "", "no format");
    session.run(&[&cycles[..], &["--dot", "--graphml"]].concat()).check(2, "", "cannot be used");
    let chain = ["graph", "s", "match", "entity:7", "out", "--dot"];
    session.run(&chain).check(2, "", "--along");
}

#[test]
fn what_is_not_there_is_no() {
    let session = known();
    for question in [
        "similar entity:99",
        "paths entity:99 entity:1",
        "paths entity:1 entity:99",
        "match entity:99 out",
        "flow entity:99 entity:1",
        "flow entity:1 entity:99",
        "distances entity:99",
        "random-walk entity:99",
        "dominators entity:99",
        "dominators entity:1 --of entity:99",
    ] {
        ask(&session, question).check(1, "", "there is no record 46:99");
    }
    for question in [
        "centrality --by degree --type never_used",
        "centrality --by katz --type never_used",
        "communities --type never_used",
        "cores --type never_used",
        "triangles --type never_used",
        "bridges --type never_used",
        "cycles --type never_used",
        "similar entity:1 --type never_used",
        "links --type never_used",
        "match entity:1 out:never_used",
        "match entity:1 --along never_used",
        "match entity:1 out:knows is:document",
        "forest --type never_used",
        "distances entity:1 --type never_used",
        "random-walk entity:1 --type never_used",
        "dominators entity:1 --type never_used",
        "cycles --limit 0 --length 1",
        "cores --k 3",
    ] {
        ask(&session, question).check(1, "", "there are none");
    }
    ask(&session, "paths entity:1 entity:2 --type never_used").check(1, "", "no way leads");
    ask(&session, "flow entity:1 entity:2 --type never_used").check(1, "", "nothing flows");
}

#[test]
fn what_cannot_be_is_refused() {
    let session = known();
    for (question, why) in [
        ("centrality", "--by"),
        ("centrality --by nonsense", "nonsense"),
        ("centrality --by betweenness --sample 0", "pivots"),
        ("centrality --by betweenness --sample x", "invalid value"),
        ("centrality --by degree --sample 5", "--sample is for betweenness"),
        ("centrality --by katz --normalized", "--normalized is for"),
        ("centrality --by katz --attenuation 0", "attenuation"),
        ("centrality --by degree --top -1", "unexpected argument"),
        ("communities --resolution=-1", "resolution"),
        ("communities --resolution=NaN", "resolution"),
        ("communities --method nonsense", "nonsense"),
        ("cores --k x", "invalid value"),
        ("similar seventeen", "no id of a record"),
        ("similar entity:8 --simrank --by jaccard", "cannot be used with"),
        ("similar entity:8 --sample 5", "--simrank"),
        ("paths entity:1 entity:2 --k 0", "--k 0"),
        ("paths entity:1 entity:2 --k 2 --all-simple", "cannot be used with"),
        ("paths entity:1 entity:2 --weighted --all-shortest", "cannot be used with"),
        ("paths entity:1 entity:2 --weighted --hops 3", "cannot be used with"),
        ("match entity:1", "STEP"),
        ("match entity:1 out --along .", "cannot be used with"),
        ("match entity:1 sideways:knows", "no step"),
        ("match entity:1 times:2", "no step"),
        ("match entity:1 out times:3..1", "3 is behind 1"),
        ("match entity:1 out times", "no step"),
        ("match entity:1 out is:no_such_kind", "no kind of records"),
        ("match entity:1 --along (knows", "expected"),
        ("match entity:1 out --at yesterday", "yesterday"),
        ("flow entity:1 entity:1", "ends of a flow"),
        ("random-walk entity:1 --return 0", "return_parameter"),
        ("random-walk entity:1 --in-out=-1", "in_out_parameter"),
        ("random-walk entity:1 --steps 18446744073709551615", "random walks"),
        ("random-walk entity:1 --seed=-1", "invalid value"),
        ("dominators entity:1 --of x", "no id of a record"),
    ] {
        let run = ask(&session, question);
        run.check(2, "", why);
        assert_eq!(run.stdout, "", "{question}");
    }
    ask(&session, "centrality --by katz --attenuation 5 --top 1").check(0, "", "have not settled");
}

#[test]
fn nothing_that_a_terminal_obeys_gets_out() {
    let hostile = "memo\u{1b}[2J\u{1b}[31m\u{9b}1m\u{202e}\u{7}\r\nforged line <&\">";
    let session = Session::new();
    let store = Store::create(session.path("s")).unwrap();
    store
        .write(|tx| {
            let memo = tx.insert(&Document { file_name: hostile.into(), ..Document::default() })?;
            let mut nodes = vec![memo];
            for number in 0..3 {
                let name = format!("{hostile}{number}");
                nodes.push(tx.entities().create(&Entity::named(name, hostile))?);
            }
            for (source, target) in [(0, 1), (1, 2), (2, 0), (2, 3)] {
                tx.add_edge(&NewEdge::new(nodes[source], hostile, nodes[target]))?;
            }
            Ok(())
        })
        .unwrap();
    store.close().unwrap();
    for question in [
        &["centrality", "--by", "degree"][..],
        &["communities"],
        &["cores"],
        &["cores", "--dot"],
        &["triangles"],
        &["bridges"],
        &["cycles"],
        &["cycles", "--dot", "--full"],
        &["similar", "document:1"],
        &["links"],
        &["paths", "document:1", "entity:3"],
        &["paths", "document:1", "entity:3", "--graphml"],
        &["match", "document:1", "out"],
        &["match", "document:1", "--along", "."],
        &["match", "document:1", hostile],
        &["match", "document:1", "out", "is:\u{1b}[2J"],
        &["match", "document:1", "--along", hostile],
        &["match", "document:1", "out", "--at", hostile],
        &["flow", "document:1", "entity:3"],
        &["flow", "document:1", "entity:3", "--svg", "p.svg", "--force"],
        &["forest"],
        &["distances", "document:1"],
        &["random-walk", "document:1"],
        &["dominators", "document:1"],
        &["dominators", "document:1", "--of", "entity:3"],
    ] {
        for form in [&[][..], &["--json"]] {
            let run = session.run(&[&["graph", "s"], question, form].concat());
            assert!(run.code < 3, "{question:?}: {}", run.stderr);
            let shown = format!("{}{}", run.stdout, run.stderr);
            let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!shown.contains(bad), "{question:?} {form:?}: {shown:?}");
            assert!(!shown.lines().any(|line| line.trim_start().starts_with("forged line")));
        }
    }
    let svg = fs::read_to_string(session.path("p.svg")).unwrap();
    assert!(!svg.contains(|c: char| c.is_control() && c != '\n') && !svg.contains("<&"), "{svg}");
}
