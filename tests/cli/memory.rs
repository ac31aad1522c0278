//! Transcripts of `engraph memory`.

use std::fs;

use crate::session::Session;

#[test]
fn memories_are_remembered_superseded_linked_and_deleted() {
    let mut session = Session::new();
    session
        .say("init s")
        .say("memory add s case-7 deadline 14-March --agent clerk --tag urgent --pin")
        .say("memory add s case-7 deadline 14-March --agent clerk")
        .say("memory add s case-7 deadline 21-March --agent clerk")
        .say("memory add s case-7 judge Ada --importance 0.5 --ttl 3600 --json")
        .say("memory add s case-7 judge Bob --importance 1.5")
        .say("memory add s case-7 judge Bob --valid-from yesterday")
        .say("memory add s case-7 judge Bob --metadata {")
        .say("memory add s case-7 judge Bob --same-key add")
        .say("memory outdated s --namespace case-7")
        .say("memory outdated s --agent clerk")
        .say("memory retire s memory:3 --by memory:4")
        .say("memory retire s memory:3")
        .say("memory retire s memory:3 --undo")
        .say("memory retire s memory:3 --undo")
        .say("memory link s memory:2 src/a.rs --confidence 0.9")
        .say("memory link s memory:2 src/a.rs --remove")
        .say("memory link s memory:2 src/a.rs --remove")
        .say("memory share s memory:2 bob --relevance 0.7")
        .say("memory share s memory:2 clerk")
        .say("memory update s memory:4 --content Bobby --pin")
        .say("memory update s no-such --content x")
        .say("memory stats s")
        .say("memory share s memory:2 bob --remove")
        .say("memory delete s memory:4 memory:9")
        .say("memory delete s memory:4")
        .say("memory stats s --json")
        .check("memory.txt");
    let listed = session.run(&["memory", "list", "s"]);
    listed.check(0, "21-March", "");
    assert!(!listed.stdout.contains("14-March"), "{}", listed.stdout);
    session.run(&["memory", "list", "s", "--all", "--json"]).check(
        0,
        r#""content":"14-March""#,
        "",
    );
    session.run(&["memory", "list", "s", "--tag", "none"]).check(0, "", "there are none");
    let long_ago = ["memory", "list", "s", "--at", "2001-01-01T00:00:00Z"];
    session.run(&long_ago).check(0, "", "there are none");
    let shown = session.run(&["memory", "show", "s", "memory:2"]);
    shown.check(0, "supersedes", "");
    assert!(shown.stdout.trim_end().ends_with("21-March"), "{}", shown.stdout);
    let history = session.run(&["memory", "history", "s", "memory:2"]);
    let states: Vec<_> =
        history.stdout.lines().filter_map(|line| line.split_whitespace().rev().nth(1)).collect();
    assert_eq!(states, ["state", "present", "retired", "present"], "{}", history.stdout);
}

#[test]
fn nearly_the_same_is_linked_or_merged() {
    let session = Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    let add = |key: &str, content: &str, near: &str| {
        session.run(&["memory", "add", "s", "n", key, content, "--near", near])
    };
    let text = "The reply is due on 14 March at the registry of the court";
    add("a", text, "link").check(0, "added", "");
    add("b", &text.to_uppercase(), "link").check(0, "added", "says nearly the same (1.00)");
    add("c", &text.replace("The reply", "Reply"), "merge").check(0, "merged", "");
    add("d", &text.replace("14", "21"), "merge").check(0, "added", "");
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    let session = Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    let content = "red \u{1b}[31m\u{202e}text";
    session.run(&["memory", "add", "s", "n", "k", content]).check(0, "added", "");
    for command in ["list", "export"] {
        let run = session.run(&["memory", command, "s"]);
        assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{}", run.stdout);
    }
    let run = session.run(&["memory", "show", "s", "memory:1"]);
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{}", run.stdout);
}

#[test]
fn proposals_are_reviewed() {
    let mut session = Session::new();
    session
        .say("init s")
        .say("memory review list s")
        .say("memory review propose s legal party Ada --importance 0.5 --agent scan")
        .say("memory review propose s legal file sealed --confidence 0.3 --json")
        .say("memory review propose s legal claim x --type analysis")
        .say(
            "memory review propose s a claim x --type fact --without-provenance --approve-from 0.9",
        )
        .say("memory review list s")
        .say("memory review list s --flag sensitive")
        .say("memory review list s --all --flagged --limit 1")
        .say("memory review approve s memory_proposal:1 --metadata {\"page\":3} --jurisdiction UK")
        .say("memory review approve s memory_proposal:1 --json")
        .say("memory review reject s memory_proposal:2")
        .say("memory review reject s memory_proposal:9")
        .say("memory review stats s")
        .say("memory review delete s memory_proposal:1 --with-memory")
        .say("memory review delete s memory_proposal:1")
        .say("knowledge list s")
        .check("memory_review.txt");
}

#[test]
fn entities_are_named_related_observed_merged_and_split() {
    let mut session = Session::new();
    session
        .say("init s")
        .say("memory entity add s Ada Person --alias Countess --description mathematician")
        .say("memory entity add s countess person --alias A.L. --metadata {\"born\":1815}")
        .say("memory entity add s Turin City")
        .say("memory entity add s London City --json")
        .say("memory entity add s Babbage Person --confidence 1.5")
        .say("memory entity add s Babbage Person --metadata [1]")
        .say("memory entity add s Babbage Person --metadata {")
        .say("memory entity add s  Person")
        .say("memory entity list s")
        .say("memory entity list s --type City --limit 1")
        .say("memory entity list s --after entity:1 --limit 1")
        .say("memory entity list s --type Court")
        .say("memory entity relate s Ada lives_in Turin --valid-from 1830-01-01T00:00:00Z")
        .say("memory entity relate s Ada lives_in London --valid-from 1840-01-01T00:00:00Z --only")
        .say("memory entity relate s A.L. lives_in London --valid-from 1840-01-01T00:00:00Z --json")
        .say("memory entity relate s Ada lives_in Atlantis")
        .say("memory entity relate s Ada lives_in London --valid-from then")
        .say("memory entity relate s Ada knows Turin --confidence 2")
        .say("memory entity facts s Ada --at 1835-06-01T00:00:00Z")
        .say("memory entity facts s ada --json")
        .say("memory entity facts s Ada --all --predicate lives_in")
        .say("memory entity facts s Ada --predicate knows")
        .say("memory entity facts s Ada --all --at 1835-06-01T00:00:00Z")
        .say("memory entity observe s Ada notes engine wrote-notes --tag diary")
        .say("memory entity observe s Nobody notes engine wrote-notes")
        .say("memory entity observe s Ada notes engine x --importance 7")
        .say("memory entity suggest s")
        .say("memory entity add s Lady-Ada-Lovelace Person")
        .say("memory entity add s Ada-Lovelace Person")
        .say("memory entity relate s Ada-Lovelace lives_in London")
        .say("memory entity suggest s --min 0.6")
        .say("memory entity suggest s --min 0.2")
        .say("memory entity merge s Lady-Ada-Lovelace Ada-Lovelace")
        .say("memory entity merge s Lady-Ada-Lovelace Ada-Lovelace")
        .say("memory entity merge s Ada Ada")
        .say("memory entity facts s Ada-Lovelace")
        .say("memory entity suggest s --min 0.6")
        .say("memory entity split s Ada-Lovelace --json")
        .say("memory entity split s Ada-Lovelace")
        .say("memory entity apart s Ada-Lovelace Lady-Ada-Lovelace")
        .say("memory entity suggest s --min 0.6 --json")
        .say("memory entity unrelate s relation:1")
        .say("memory entity unrelate s relation:1")
        .say("memory entity unrelate s entity:1")
        .say("memory entity delete s Ada-Lovelace")
        .say("memory entity delete s Ada-Lovelace")
        .say("memory entity stats s")
        .say("memory entity stats s --json")
        .check("memory_entity.txt");
    let shown = session.run(&["memory", "entity", "show", "s", "A.L."]);
    shown.check(0, "wrote-notes", "");
    for part in [r#"["Countess","A.L."]"#, "lives_in", "London", "mathematician", "1815"] {
        assert!(shown.stdout.contains(part), "{part:?} is not in {}", shown.stdout);
    }
    let shown = session.run(&["memory", "entity", "show", "s", "entity:1", "--json"]);
    shown.check(0, r#""observations":[{"id":"48:1""#, "");
    session.run(&["memory", "entity", "show", "s", "memory:1"]).check(1, "", "no entity");
}

#[test]
fn memories_that_say_alike_are_summed_up() {
    let mut session = Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    let texts = [
        "The reply in the Smith case is due on 14 March",
        "The reply in the Smith case is due at the registry",
        "Lunch is at noon",
    ];
    for (key, text) in ["a", "b", "c"].into_iter().zip(texts) {
        session.run(&["memory", "add", "s", "n", key, text]).check(0, "added", "");
    }
    session
        .say("memory summarise s --namespace none")
        .say("memory summarise s --size-min 3")
        .say("memory summarise s --words-min 2")
        .say("memory summarise s --vectors-min -1.5")
        .say("memory summarise s memory:1 --namespace n")
        .say("memory summarise s memory:1 memory:9")
        .say("memory summarise s --length 0")
        .say("memory summarise s --namespace n")
        .say("memory summarise s --namespace n --json")
        .say("memory summarize s memory:3 memory:1 --method concatenation --length 20")
        .check("memory_summarise.txt");
    let shown = session.run(&["memory", "show", "s", "memory:5"]);
    shown.check(0, "Lunch is at noon The reply in the Smith", "");
    let around = session.run(&["graph", "s", "neighbors", "memory:4", "--direction", "out"]);
    around.check(0, "summarises", "");
}

#[test]
fn memories_are_shown_in_clusters() {
    let mut session = Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    session.run(&["memory", "clusters", "s"]).check(0, "", "no memories say alike");
    let texts = [
        "The reply in the Smith case is due on 14 March",
        "The reply in the Smith case is due on 21 March",
        "Lunch is at \u{1b}[31mnoon",
    ];
    for (key, text) in ["a", "b", "c"].into_iter().zip(texts) {
        session.run(&["memory", "add", "s", "n", key, text]).check(0, "added", "");
    }
    session
        .say("memory clusters s")
        .say("memory clusters s --size-min 1 --words-min 0.9")
        .say("memory clusters s --count 2")
        .say("memory clusters s --count 9 --namespace none")
        .say("memory clusters s --count 0")
        .say("memory clusters s --count 2 --words-min 0.5")
        .check("memory_clusters.txt");
    let json = session.run(&["memory", "clusters", "s", "--json"]);
    json.check(0, r#"{"center":"48:1","likeness":0."#, "");
    json.check(0, r#""members":[{"id":"48:1","likeness":1.0},{"id":"48:2","likeness":0."#, "");
}

#[test]
fn what_seems_out_of_date_is_suggested_until_both_are_kept() {
    let mut session = Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    for (key, day) in [("a", "14"), ("b", "21")] {
        let text = format!("The reply is due on {day} March");
        session.run(&["memory", "add", "s", "n", key, &text]).check(0, "added", "");
    }
    session
        .say("memory review suggest s")
        .say("memory review suggest s --namespace none --json")
        .say("memory review keep s memory:1 memory:9")
        .say("memory review keep s memory:1 memory:2")
        .say("memory review suggest s")
        .check("memory_suggest.txt");
}

#[test]
fn memories_go_from_store_to_store_as_json() {
    let session = Session::new();
    for store in ["s", "t"] {
        session.run(&["init", store]).check(0, "", "");
    }
    for (key, content) in [("a", "tea"), ("a", "milk"), ("b", "\u{8336}")] {
        session.run(&["memory", "add", "s", "n", key, content]).check(0, "added", "");
    }
    let export = ["memory", "export", "s", "--all", "--out", "m.json"];
    session.run(&export).check(0, "exported 3 memories\n", "");
    session.run(&["memory", "import", "t", "m.json"]).check(0, "imported 3 memories\n", "");
    session.run(&["memory", "import", "t", "m.json", "--json"]).check(0, r#""memories":3"#, "");
    let given = |store: &str| session.run(&["memory", "export", store, "--all"]).stdout;
    assert_eq!(given("s"), given("t"));
    assert!(given("t").contains("\u{8336}"));
    fs::write(session.path("bad.json"), r#"[{"content": 1}, {"content": ""}]"#).unwrap();
    session.run(&["memory", "import", "t", "bad.json"]).check(2, "", "memory 2");
    session.run(&["memory", "import", "t", "none.json"]).check(3, "", "none.json");
    fs::write(session.path("bytes.json"), b"[\xff]").unwrap();
    session.run(&["memory", "import", "t", "bytes.json"]).check(3, "", "bytes.json");
    let stats = session.run(&["memory", "stats", "t", "--json"]);
    stats.check(0, r#""memories":3"#, "");
}
