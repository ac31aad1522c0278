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
    session.run(&["health", "s", "--disk-free", "x"]).check(2, "", "--disk-free");
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

/// What the three forms say of a store, each by its own words: status, exit code, and reasons by
/// status and check.
#[track_caller]
fn all_forms(session: &Session, flags: &[&str], code: i32, status: &str, reasons: &[(&str, &str)]) {
    let run = |form: &[&str]| {
        let run = session.run(&[&["health", "s"], flags, form].concat());
        assert_eq!(run.code, code, "{} {}", run.stdout, run.stderr);
        assert_eq!(run.stderr, "", "{}", run.stdout);
        run.stdout
    };
    let text = run(&[]);
    if reasons.is_empty() {
        assert!(text.contains("ok") && text.contains("all is well"), "{text}");
    }
    let found: Vec<(&str, &str)> = text
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().zip(line.split_whitespace().nth(1)))
        .filter(|(status, _)| *status != "ok")
        .collect();
    assert_eq!(found, reasons, "{text}");

    let json = run(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["status"], status);
    let found: Vec<(&str, &str)> = json["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["status"].as_str().unwrap(), it["check"].as_str().unwrap()))
        .collect();
    assert_eq!(found, reasons, "{json}");

    let text = run(&["--prometheus"]);
    let scraped =
        prometheus_parse::Scrape::parse(text.lines().map(|it| Ok(it.to_owned()))).unwrap();
    let labels = |metric: &str, names: [&str; 2]| -> Vec<(String, String)> {
        let samples = scraped.samples.iter().filter(|sample| sample.metric == metric);
        let is_one = |sample: &&prometheus_parse::Sample| {
            sample.value == prometheus_parse::Value::Gauge(1.0)
        };
        let label = |sample: &prometheus_parse::Sample, name: &str| {
            sample.labels.get(name).unwrap_or_default().to_owned()
        };
        samples.filter(is_one).map(|it| (label(it, names[0]), label(it, names[1]))).collect()
    };
    assert_eq!(labels("engraph_status", ["status", "-"]), [(status.to_owned(), String::new())]);
    let mut expected: Vec<(String, String)> =
        reasons.iter().map(|&(status, check)| (status.to_owned(), check.to_owned())).collect();
    let mut found = labels("engraph_reasons", ["status", "check"]);
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{text}");
    // Whatever is said has a kind and a help of its own.
    for sample in &scraped.samples {
        assert!(scraped.docs.contains_key(&sample.metric), "{}", sample.metric);
    }
}

#[test]
fn text_json_and_metrics_say_the_same() {
    let session = Session::new();
    lagging(&session);
    let (gib, mib) = ((1_u64 << 30).to_string(), (64_u64 << 20).to_string());
    let with = |free: &str| {
        let free = free.parse::<u64>().unwrap();
        (free.to_string(), (free - 1).to_string())
    };
    let ((enough, degraded), (least, failing)) = (with(&gib), with(&mib));
    all_forms(&session, &["--disk-free", &enough], 0, "ok", &[]);
    let disk = |free: &str, code, status| {
        all_forms(&session, &["--disk-free", free], code, status, &[(status, "disk")]);
    };
    disk(&degraded, 1, "degraded");
    disk(&least, 1, "degraded");
    disk(&failing, 7, "failing");
    disk("0", 7, "failing");
    let lag = ["--disk-free", &enough, "--behind-max", "1"];
    all_forms(&session, &lag, 1, "degraded", &[("degraded", "search")]);
    let both = ["--disk-free", "0", "--behind-max", "1", "--backup-age-max", "1"];
    let reasons = [("failing", "disk"), ("degraded", "search"), ("degraded", "backup")];
    all_forms(&session, &both, 7, "failing", &reasons);
    let store = Store::open(session.path("s")).unwrap();
    store.search("first").run().unwrap();
    store.close().unwrap();
    all_forms(&session, &lag, 0, "ok", &[]);
}

/// Where a process may mount a file system of its own without being anybody, the system itself is
/// asked about really small disks; elsewhere the test above has said what there is to say.
#[cfg(target_os = "linux")]
#[test]
fn a_really_small_disk_is_told_where_one_can_be_had() {
    use std::process::Command;

    let session = Session::new();
    std::fs::create_dir(session.path("disk")).unwrap();
    let with_disk = |size: &str, script: &str| {
        let program = env!("CARGO_BIN_EXE_engraph");
        let script = format!("mount -t tmpfs -o size={size} none disk || exit 77\n{script}");
        let mut command = session.command(&[]);
        let environment: Vec<_> =
            command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
        command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh", program]);
        command.current_dir(session.path(""));
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.output().ok().map(|output| crate::session::Run::of(&output))
    };
    for (size, code, status) in [("32m", 7, "failing"), ("512m", 1, "degraded"), ("1200m", 0, "ok")]
    {
        let run = with_disk(size, "$1 init disk/s && $1 health disk/s --json");
        let Some(run) = run.filter(|run| matches!(run.code, 0 | 1 | 7) && !run.stdout.is_empty())
        else {
            eprintln!("skipped: this process may not mount a file system");
            return;
        };
        assert_eq!(run.code, code, "{size}: {} {}", run.stdout, run.stderr);
        let json: serde_json::Value =
            serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(json["status"], status);
        let reasons = json["reasons"].as_array().unwrap();
        let about: Vec<&str> = reasons.iter().map(|it| it["check"].as_str().unwrap()).collect();
        assert_eq!(about, if code == 0 { vec![] } else { vec!["disk"] });
        let free = json["sizes"]["disk_free_bytes"].as_u64().unwrap();
        let all = json["sizes"]["disk_total_bytes"].as_u64().unwrap();
        let mib = size.trim_end_matches('m').parse::<u64>().unwrap() << 20;
        assert!(all == mib && free <= all, "{free} of {all}");
    }
}
