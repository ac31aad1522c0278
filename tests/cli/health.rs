//! `engraph health`: the verdict, the exit code by it, JSON and metrics.

use engraph::Store;
use engraph::record::Memory;

use crate::session::Session;

/// Limits that no machine fails.
const ANY_DISK: [&str; 4] = ["--disk-min", "0", "--disk-failing", "0"];

/// A store whose search index lacks two writes.
fn lagging(session: &Session) {
    let store = Store::create(session.path("s")).unwrap();
    let remember = |content: &str| {
        let memory = Memory { content: content.into(), ..Memory::default() };
        store.write(|tx| tx.insert(&memory).map(drop)).unwrap();
    };
    remember("first");
    store.search("first").run().unwrap();
    remember("second");
    remember("third");
    store.close().unwrap();
}

#[track_caller]
fn check(session: &Session, arguments: &[&str], code: i32, in_stdout: &str) -> String {
    let line: Vec<&str> =
        ["health", "s"].iter().chain(&ANY_DISK).chain(arguments).copied().collect();
    let run = session.run(&line);
    run.check(code, in_stdout, "");
    run.stdout
}

#[test]
fn the_exit_code_follows_the_status() {
    let session = Session::new();
    lagging(&session);
    check(&session, &[], 0, "all is well");
    check(&session, &["--quick"], 0, "not counted");
    let huge = u64::MAX.to_string();
    check(&session, &["--behind-max", "1"], 1, "degraded  search");
    check(&session, &["--backup-age-max", "60"], 1, "never copied");
    session.run(&["health", "s", "--disk-min", "0", "--disk-failing", &huge]).check(
        7,
        "failing  disk",
        "",
    );
    session.run(&["health", "absent"]).check(3, "", "store not found");
}

#[test]
fn a_copy_that_the_command_made_is_told() {
    let session = Session::new();
    lagging(&session);
    session.run(&["backup", "s", "copy"]).check(0, "", "copied");
    let found = check(&session, &["--json", "--backup-age-max", "3600"], 0, "");
    let json: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&json["status"], &json["last_backup"]["seq"]), (&"ok".into(), &3.into()));
    assert_eq!(json["views"]["search"]["behind"], 2);
}

#[test]
fn metrics_are_read_by_prometheus() {
    let session = Session::new();
    lagging(&session);
    let text = check(&session, &["--prometheus", "--behind-max", "1"], 1, "");
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scraped = prometheus_parse::Scrape::parse(lines).unwrap();
    let behind = scraped.samples.iter().find(|sample| {
        sample.metric == "engraph_view_behind" && sample.labels.get("view") == Some("search")
    });
    assert_eq!(
        behind.map(|sample| sample.value.clone()),
        Some(prometheus_parse::Value::Gauge(2.0))
    );
    session.run(&["health", "s", "--json", "--prometheus"]).check(2, "", "cannot be used");
}
