//! The health of a store: what is reported, and what makes it degraded or failing.

use std::sync::Arc;
use std::time::Duration;

use engraph::family::{Failed, NewJob};
use engraph::record::Memory;
use engraph::{
    Check, Error, Health, HealthOptions, ManualClock, SavedSearch, Seq, Sizes, Status, Store,
    Timestamp,
};

/// A store with a clock that stands still unless it is told otherwise.
struct Case {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: Store,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000)));
        let builder = Store::builder().clock(Arc::clone(&clock));
        let store = builder.create(folder.path().join("store")).unwrap();
        Self { folder, clock, store }
    }

    fn remember(&self, content: &str) {
        let memory = Memory { content: content.into(), ..Memory::default() };
        self.store.write(|tx| tx.insert(&memory).map(drop)).unwrap();
    }

    /// Health by limits that the machine of the test has no part in.
    fn health(&self, change: impl Fn(&mut HealthOptions)) -> Health {
        let mut options =
            HealthOptions { disk_free_bytes: Some(1 << 40), ..HealthOptions::default() };
        change(&mut options);
        self.store.health_with(&options).unwrap()
    }
}

#[track_caller]
fn check(health: &Health, expected: &[(Status, Check)]) {
    let found: Vec<_> = health.reasons.iter().map(|it| (it.status, it.check)).collect();
    assert_eq!(found, expected, "{:?}", health.reasons);
    assert_eq!(health.status, expected.first().map_or(Status::Ok, |first| first.0));
}

#[test]
fn a_healthy_store_reports_its_numbers() {
    let case = Case::new();
    case.remember("The reply is due on 14 March");
    case.store.search("reply").run().unwrap();
    let health = case.health(|_| {});
    check(&health, &[]);
    assert_eq!((health.records["memory"], health.records_total), (1, 1));
    assert_eq!(health.writes.seq, Seq(1));
    assert_eq!(health.writes.last_commit, Some(Timestamp::from_micros(1_000_000_000)));
    assert_eq!(health.writes.latencies.commit.count, 1);
    let sizes = health.sizes;
    let (live, dead) = (sizes.live_bytes.unwrap(), sizes.dead_bytes.unwrap());
    assert!(live > 0 && live + dead == sizes.data_bytes, "{sizes:?}");
    assert_eq!(sizes.disk_free_bytes, Some(1 << 40));
    assert!(sizes.search_bytes > 0 && health.cache.page_bytes_max > 0);
    assert_eq!((health.views.search.watermark, health.views.search.behind), (Some(Seq(1)), 0));
    assert_eq!(health.views.standing.watermark, None);
    assert_eq!((health.readers.open, health.readers.old_states), (0, 0));
    assert_eq!(health.last_backup, None);
    assert!(health.writable);
}

#[test]
fn a_stuck_reader_is_told_by_its_age_and_gone_when_it_ends() {
    let case = Case::new();
    case.remember("first");
    let reader = case.store.read().unwrap();
    let clone = reader.clone();
    case.clock.advance(Duration::from_secs(3_600));
    let health = case.health(|_| {});
    check(&health, &[]);
    assert_eq!((health.readers.open, health.readers.old_states), (2, 0), "it keeps nothing yet");
    case.remember("second");
    case.remember("third");
    case.clock.advance(Duration::from_secs(299));
    check(&case.health(|_| {}), &[]);
    case.clock.advance(Duration::from_secs(2));
    let health = case.health(|_| {});
    check(&health, &[(Status::Degraded, Check::Readers)]);
    assert_eq!((health.readers.open, health.readers.old_states), (2, 1));
    assert_eq!(health.readers.oldest_seq, Some(Seq(1)));
    assert!(health.readers.oldest_age.unwrap() >= Duration::from_secs(301));
    check(&case.health(|options| options.reader_age_max = Duration::from_secs(900)), &[]);
    drop(reader);
    check(&case.health(|_| {}), &[(Status::Degraded, Check::Readers)]);
    drop(clone);
    check(&case.health(|_| {}), &[]);
    assert_eq!(case.health(|_| {}).readers.oldest_age, None);
}

#[test]
fn a_graph_that_is_kept_is_a_reader_too() {
    let case = Case::new();
    case.remember("first");
    let graph = case.store.graph().unwrap();
    case.remember("second");
    case.clock.advance(Duration::from_secs(301));
    check(&case.health(|_| {}), &[(Status::Degraded, Check::Readers)]);
    drop(graph);
    check(&case.health(|_| {}), &[]);
}

#[test]
fn a_search_index_that_lags_is_told() {
    let case = Case::new();
    case.remember("first");
    check(&case.health(|options| options.view_behind_max = 0), &[]);
    case.store.search("first").run().unwrap();
    // An idle second between the writes and the look brings the index up to date.
    let lagging = (0..100).find_map(|_| {
        case.remember("next");
        case.remember("next");
        let health = case.health(|options| options.view_behind_max = 1);
        (health.views.search.behind > 0).then_some(health)
    });
    let health = lagging.unwrap();
    check(&health, &[(Status::Degraded, Check::Search)]);
    assert!(health.views.search.behind >= 2, "{:?}", health.views);
    case.store.search("next").run().unwrap();
    check(&case.health(|options| options.view_behind_max = 1), &[]);
}

#[test]
fn standing_searches_that_lag_are_told() {
    let case = Case::new();
    case.store.save_search("due", &SavedSearch::new("due").standing()).unwrap();
    let lagging = (0..100).find_map(|_| {
        case.remember("due");
        let health = case.health(|options| options.view_behind_max = 0);
        (health.status == Status::Degraded).then_some(health)
    });
    check(&lagging.unwrap(), &[(Status::Degraded, Check::Standing)]);
    case.store.matches("due", Seq(0), 10).unwrap();
    // Keeping the matches is a write too.
    check(&case.health(|options| options.view_behind_max = 1), &[]);
}

#[test]
fn a_nearly_full_disk_is_told_by_what_is_asked_and_what_is_given() {
    let case = Case::new();
    let with = |free: u64| case.health(|options| options.disk_free_bytes = Some(free));
    check(&with(1 << 30), &[]);
    check(&with((1 << 30) - 1), &[(Status::Degraded, Check::Disk)]);
    check(&with((64 << 20) - 1), &[(Status::Failing, Check::Disk)]);
    let real = case.health(|options| {
        options.disk_free_bytes = None;
        options.disk_free_bytes_min = u64::MAX;
        options.disk_free_bytes_failing = 0;
    });
    check(&real, &[(Status::Degraded, Check::Disk)]);
    let (free, total) = (real.sizes.disk_free_bytes.unwrap(), real.sizes.disk_total_bytes.unwrap());
    assert!(free > 0 && free <= total);
}

#[test]
fn jobs_are_counted_and_judged() {
    let case = Case::new();
    case.store
        .write(|tx| {
            for _ in 0..3 {
                tx.jobs().enqueue(NewJob::new("refresh").max_retries(0))?;
            }
            let lease = tx.jobs().claim("worker", Duration::from_secs(60))?.unwrap().lease;
            assert!(matches!(tx.jobs().fail(lease, "broken")?, Failed::Dead { .. }));
            tx.jobs().claim("worker", Duration::from_secs(60)).map(drop)
        })
        .unwrap();
    let health = case.health(|options| {
        options.jobs_queued_max = Some(0);
        options.jobs_dead_max = Some(0);
    });
    assert_eq!((health.jobs.queued, health.jobs.running, health.jobs.dead), (1, 1, 1));
    check(&health, &[(Status::Degraded, Check::Jobs), (Status::Degraded, Check::Jobs)]);
}

#[test]
fn the_last_copy_is_remembered_and_grows_old() {
    let case = Case::new();
    case.remember("first");
    let day =
        |options: &mut HealthOptions| options.backup_age_max = Some(Duration::from_secs(86_400));
    check(&case.health(day), &[(Status::Degraded, Check::Backup)]);
    let to = case.folder.path().join("copy");
    case.store.backup(&to).unwrap();
    case.remember("second");
    let health = case.health(day);
    check(&health, &[]);
    let last = health.last_backup.unwrap();
    assert_eq!((last.seq, last.to), (Seq(1), to.display().to_string()));
    case.clock.advance(Duration::from_secs(86_401));
    check(&case.health(day), &[(Status::Degraded, Check::Backup)]);
    let copy = Store::open(&to).unwrap();
    assert_eq!(copy.health().unwrap().last_backup, None, "the copy itself was never copied");
    let huge = format!("{{\"to\":\"{}\"}}", "x".repeat(1 << 20));
    for bad in [&b"\xff not a note"[..], huge.as_bytes()] {
        std::fs::write(case.store.directory().join("last_backup"), bad).unwrap();
        assert_eq!(case.health(|_| {}).last_backup, None);
    }
}

#[test]
fn errors_and_panics_are_counted_and_harm_nothing() {
    let case = Case::new();
    let failed = case.store.write(|_| Err::<(), _>(Error::Closed));
    assert!(matches!(failed, Err(Error::Closed)));
    let panicked = case.store.bulk(|_| -> engraph::Result<()> { std::panic::panic_any("no") });
    assert!(matches!(panicked, Err(Error::Panicked { .. })));
    let health = case.health(|_| {});
    check(&health, &[]);
    assert_eq!((health.errors.writes, health.errors.panics, health.errors.commits), (1, 1, 0));
}

#[test]
fn a_quick_look_counts_no_bytes_and_a_closed_store_has_no_health() {
    let case = Case::new();
    let health = case.health(|options| options.sizes = Sizes::Skipped);
    assert_eq!((health.sizes.live_bytes, health.sizes.dead_bytes), (None, None));
    case.store.close().unwrap();
    assert!(matches!(case.store.health(), Err(Error::Closed)));
}

#[test]
fn mostly_dead_data_is_told_until_it_is_compacted() {
    let case = Case::new();
    let ids = case.store.bulk(|tx| {
        // Digits that do not compress away.
        let digits = |number: u64| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = |number: u64| (0..60).map(|part| digits(number * 60 + part)).collect::<String>();
        let memory = |number| Memory { content: text(number), ..Memory::default() };
        (0..2_000).map(|number| tx.insert(&memory(number))).collect::<engraph::Result<Vec<_>>>()
    });
    let ids = ids.unwrap();
    case.store.bulk(|tx| ids.iter().try_for_each(|id| tx.delete(*id).map(drop))).unwrap();
    let strict = |options: &mut HealthOptions| {
        (options.dead_bytes_min, options.dead_share_max) = (1 << 20, 0.5);
    };
    check(&case.health(strict), &[(Status::Degraded, Check::DeadBytes)]);
    let before = case.health(strict).sizes.dead_bytes.unwrap();
    case.store.compact().unwrap();
    assert!(case.health(strict).sizes.dead_bytes.unwrap() < before / 2);
}

#[test]
fn prometheus_reads_the_metrics() {
    let case = Case::new();
    case.remember("The reply is due");
    case.store.search("reply").run().unwrap();
    let health = case.health(|options| options.disk_free_bytes = Some(7));
    let text = health.to_prometheus();
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scraped = prometheus_parse::Scrape::parse(lines).unwrap();
    let value = |name: &str, label: Option<(&str, &str)>| {
        let found: Vec<_> = scraped
            .samples
            .iter()
            .filter(|sample| sample.metric == name)
            .filter(|sample| label.is_none_or(|(key, value)| sample.labels.get(key) == Some(value)))
            .collect();
        let [sample] = found[..] else { panic!("{name}: {} samples in {text}", found.len()) };
        match sample.value {
            prometheus_parse::Value::Gauge(value) | prometheus_parse::Value::Counter(value) => {
                value
            }
            ref other => panic!("{name}: {other:?}"),
        }
    };
    let is = |name, label, expected: f64| {
        assert!((value(name, label) - expected).abs() < 1e-9, "{name} {label:?} in {text}");
    };
    is("engraph_status", Some(("status", "failing")), 1.0);
    is("engraph_status", Some(("status", "ok")), 0.0);
    is("engraph_reasons", Some(("check", "disk")), 1.0);
    is("engraph_disk_free_bytes", None, 7.0);
    is("engraph_records", Some(("kind", "memory")), 1.0);
    is("engraph_view_watermark", Some(("view", "search")), 1.0);
    is("engraph_view_behind", Some(("view", "search")), 0.0);
    is("engraph_steps_total", Some(("step", "commit")), 1.0);
    is("engraph_last_commit_timestamp_seconds", None, 1_000.0);
    let commit_max = scraped.samples.iter().find(|sample| {
        sample.metric == "engraph_latency_seconds"
            && sample.labels.get("step") == Some("commit")
            && sample.labels.get("quantile") == Some("1")
    });
    let max = health.writes.latencies.commit.max.as_secs_f64();
    assert_eq!(commit_max.unwrap().value, prometheus_parse::Value::Gauge(max));
    assert!(scraped.docs.contains_key("engraph_seq"));
}

#[test]
fn prometheus_is_told_of_a_stuck_reader_and_of_a_lagging_index() {
    let case = Case::new();
    case.remember("first");
    case.store.search("first").run().unwrap();
    let reader = case.store.read().unwrap();
    // An idle second between the write and the look brings the index up to date.
    let health = (0..100).find_map(|_| {
        case.remember("next");
        case.clock.advance(Duration::from_secs(301));
        let health = case.health(|options| options.view_behind_max = 0);
        (health.views.search.behind > 0).then_some(health)
    });
    let health = health.unwrap();
    check(&health, &[(Status::Degraded, Check::Readers), (Status::Degraded, Check::Search)]);
    let text = health.to_prometheus();
    let scraped =
        prometheus_parse::Scrape::parse(text.lines().map(|it| Ok(it.to_owned()))).unwrap();
    let value = |metric: &str, label: &str, is: &str| {
        let mut samples = scraped.samples.iter().filter(|sample| sample.metric == metric);
        let sample = samples.find(|sample| is.is_empty() || sample.labels.get(label) == Some(is));
        match sample.map(|sample| &sample.value) {
            Some(prometheus_parse::Value::Gauge(value)) => *value,
            other => panic!("{metric} {is}: {other:?} in {text}"),
        }
    };
    assert!(value("engraph_status", "status", "degraded") > 0.5);
    assert!(value("engraph_reasons", "check", "readers") > 0.5);
    assert!(value("engraph_reasons", "check", "search") > 0.5);
    assert!(value("engraph_readers_oldest_age_seconds", "", "") >= 301.0);
    assert!(value("engraph_readers_old_states", "", "") > 0.5);
    assert!(value("engraph_view_behind", "view", "search") > 0.5);
    assert!(health.reasons[0].message.contains("write 1 "), "{:?}", health.reasons);
    drop(reader);
}

#[test]
fn json_says_durations_in_seconds_and_words_in_snake_case() {
    let case = Case::new();
    case.remember("first");
    let reader = case.store.read().unwrap();
    case.remember("second");
    case.clock.advance(Duration::from_millis(400_500));
    let health = case.health(|_| {});
    drop(reader);
    let json = serde_json::to_value(&health).unwrap();
    assert_eq!(json["status"], "degraded");
    assert_eq!(json["reasons"][0]["check"], "readers");
    let age = json["readers"]["oldest_age_seconds"].as_f64().unwrap();
    assert!((400.0..401.0).contains(&age), "{age}");
    assert!(json["writes"]["latencies"]["commit"]["p99"].is_f64());
}
