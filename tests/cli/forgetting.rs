//! `engraph erase`, `forget`, `undo` and `draft`, through the binary.

use engraph::record::Memory;
use engraph::{Store, Timestamp};

use crate::session::Session;

fn memories(session: &Session) {
    let memory = |key: &str, content: &str| Memory {
        namespace: "case-7".into(),
        key: key.into(),
        content: content.into(),
        ..Memory::default()
    };
    let expired = Memory { expires_at: Some(Timestamp::from_micros(1)), ..memory("old", "c") };
    let pinned = Memory { pinned: true, ..expired.clone() };
    session.store_with("s", &[memory("debt", "owes 300"), expired, pinned]);
}

#[test]
fn a_record_is_erased_and_a_receipt_is_left() {
    let session = Session::new();
    memories(&session);
    let who = ["--author", "anna", "--reason", "asked for"];
    let erase = |more: &[&str]| session.run(&[&["erase"], more, &who].concat());
    erase(&["records", "s", "memory:1", "--dry-run"]).check(0, "48:1", "");
    erase(&["records", "s", "memory:1"]).check(0, "erased 1 records", "engraph compact");
    erase(&["records", "s", "memory:9"]).check(1, "", "48:9");
    erase(&["agent", "s", "nobody"]).check(1, "", "not");
    erase(&["namespace", "s", "case-7", "--compact", "--json"]).check(0, r#""records":2"#, "");
    session.run(&["erase", "receipts", "s"]).check(0, "asked for", "");
    session.run(&["erase", "receipts", "s", "--json"]).check(0, r#""author":"anna""#, "");
    session.run(&["verify", "s"]).check(0, "", "");
    session.run(&["erase", "records", "s", "memory:1"]).check(2, "", "--author");
}

#[test]
fn memories_are_forgotten_by_rules_and_brought_back() {
    let session = Session::new();
    memories(&session);
    let apply = |more: &[&str]| {
        session.run(&[&["memory", "forget", "apply", "s", "--author", "anna"], more].concat())
    };
    apply(&[]).check(2, "", "no rule is given");
    let plan = apply(&["--expired", "--dry-run"]);
    plan.check(0, "it expired at", "");
    plan.check(0, "it is pinned", "");
    apply(&["--expired", "--dry-run", "--json"]).check(0, r#""cause":"expired""#, "");
    let hold =
        ["memory", "forget", "hold", "s", "order 12", "--reason", "suit", "--record", "memory:2"];
    session.run(&hold).check(0, "placed", "");
    apply(&["--expired"]).check(0, "legal hold", "");
    session.run(&["memory", "forget", "holds", "s"]).check(0, "order 12", "");
    session.run(&["memory", "forget", "release", "s", "legal_hold:1"]).check(0, "released", "");
    session.run(&["memory", "forget", "release", "s", "legal_hold:1"]).check(5, "", "released");
    session.run(&["memory", "forget", "store", "s", "--expired"]).check(0, "stored", "");
    session.run(&["memory", "forget", "stored", "s"]).check(0, r#""expired":true"#, "");
    apply(&["--json"]).check(0, r#""writes":[5]"#, "");
    session.run(&["undo", "write", "s", "5", "--dry-run"]).check(0, "restored", "");
    session.run(&["undo", "write", "s", "5", "--author", "anna"]).check(0, "48:2", "");
    session.run(&["undo", "write", "s", "5"]).check(0, "", "nothing to undo");
    session.run(&["undo", "write", "s", "99"]).check(1, "", "99");
    let since = ["undo", "author", "s", "anna", "--since", "2020-01-01T00:00:00Z"];
    session.run(&since).check(5, "", "nothing was ever audited");
    session
        .run(&["memory", "forget", "apply", "s", "--author", "a", "--keep-days", "x=y"])
        .check(2, "", "days");
}

#[test]
fn a_draft_is_shown_merged_and_dropped() {
    let session = Session::new();
    memories(&session);
    session.run(&["draft", "begin", "s", "review", "--author", "agent"]).check(0, "begun", "");
    session.run(&["draft", "change", "s", "review", "memory:1"]).check(0, "drafted", "");
    session.run(&["draft", "delete", "s", "review", "memory:2"]).check(0, "drafted", "");
    let add = ["draft", "add", "s", "review", "--namespace", "case-7", "--key", "judge"];
    session.run(&add).check(0, "drafted", "");
    let shown = session.run(&["draft", "show", "s", "review"]);
    shown.check(0, "owes 300", "");
    session.run(&["draft", "show", "s", "review", "--json"]).check(0, r#""action":"delete""#, "");
    session.run(&["draft", "show", "s", "absent"]).check(1, "", "absent");
    let decide = |what: &str| session.run(&["draft", what, "s", "review", "--author", "anna"]);
    decide("merge").check(0, "1 added, 1 changed, 1 deleted", "");
    decide("drop").check(5, "", "merged");
    session.run(&["draft", "list", "s"]).check(0, "merged", "");
    let store = Store::open(session.path("s")).unwrap();
    let tx = store.read().unwrap();
    let keys: Vec<String> = tx.iter::<Memory>().unwrap().map(|row| row.unwrap().1.key).collect();
    assert_eq!(keys, ["debt", "old", "judge"]);
    assert_eq!(tx.iter::<Memory>().unwrap().next().unwrap().unwrap().1.content, "");
}

#[test]
fn the_past_is_trimmed_once_or_from_then_on() {
    let session = Session::new();
    memories(&session);
    let trim = |more: &[&str]| session.run(&[&["trim", "s"], more].concat());
    trim(&[]).check(2, "", "keeps its past forever");
    for wrong in ["90", "d", "9y"] {
        trim(&["--older-than", wrong]).check(2, "", "an age is a number");
    }
    trim(&["--older-than", "1d", "--before-write", "1"]).check(2, "", "cannot be used");
    trim(&["--before-write", "99"]).check(2, "", "not there yet");
    trim(&["--older-than", "3650d"]).check(0, "forgot 0 writes", "");
    let all = ["--older-than", "0s"];
    trim(&[&all[..], &["--dry-run"]].concat()).check(0, "would forget 1 write,", "");
    trim(&[&all[..], &["--dry-run", "--json"]].concat()).check(0, r#""writes":1"#, "");
    trim(&all).check(0, "states from write 1 on can be read", "engraph compact");
    session.run(&["undo", "write", "s", "1"]).check(1, "", "trimmed");
    session.run(&["stats", "s"]).check(0, "from write 2 on", "");
    trim(&["--keep", "90d", "--dry-run"]).check(0, "would forget 0 writes", "");
    trim(&[]).check(2, "", "--keep");
    trim(&["--keep", "90d", "--compact"]).check(0, "forgot 0 writes", "");
    trim(&[]).check(0, "forgot 0 writes", "");
    session.run(&["stats", "s"]).check(0, "90 days are kept", "");
    session.run(&["stats", "s", "--json"]).check(0, r#""retention_seconds":7776000"#, "");
    trim(&["--keep", "forever"]).check(0, "forgot 0 writes", "");
    session.run(&["stats", "s", "--json"]).check(0, r#""retention_seconds":null"#, "");
    trim(&["--before", "2020-01-01T00:00:00Z"]).check(0, "forgot 0 writes", "");
    session.run(&["verify", "s"]).check(0, "", "");
}
