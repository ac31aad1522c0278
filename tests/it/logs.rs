//! What the library tells about itself: who gets it, which request it belongs to, and that no
//! secret is in it.

use std::sync::{Arc, LazyLock};

use engraph::log::{self, Level, Line, LineSink as _, Lines, Recent, StoreSink, category};
use engraph::record::{LogEntry, LogLevel, Memory};
use engraph::{GraphMemory, ManualClock, Store, Timestamp};
use proptest::prelude::*;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

/// Has a subscriber hear what something causes on this thread and on those that it starts.
///
/// As long as a process has a single listener, tracing asks only the thread that comes first to a
/// place in the code whether anyone listens there. Other tests of this process have no listener,
/// and would close places for all; with two more that never leave, all listeners are asked.
fn heard(subscriber: impl tracing::Subscriber + Send + Sync, work: impl FnOnce()) {
    static BYSTANDERS: LazyLock<[Dispatch; 2]> =
        LazyLock::new(|| [Dispatch::new(registry()), Dispatch::new(registry())]);
    LazyLock::force(&BYSTANDERS);
    tracing::subscriber::with_default(subscriber, work);
}

/// The lines that something causes on this thread and on those that it starts.
fn lines_of(work: impl FnOnce()) -> Vec<Line> {
    let recent = Arc::new(Recent::new(100_000));
    let clock = ManualClock::new(Timestamp::from_micros(1_000_000));
    let lines = Lines::new(Arc::clone(&recent)).clock(clock);
    heard(registry().with(lines), work);
    recent.lines()
}

fn memory(content: &str) -> Memory {
    Memory { content: content.into(), ..Memory::default() }
}

#[test]
fn one_correlation_id_is_on_every_line_of_a_request_on_all_threads() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines_of(|| {
        log::call("test", "c0ffee").in_scope(|| {
            let options = Store::builder().graph(GraphMemory::at_first_use());
            let store = options.create(folder.path().join("s")).unwrap();
            store.write(|tx| tx.insert(&memory("the reply is due"))).unwrap();
            store.bulk(|tx| tx.insert(&memory("another"))).unwrap();
            store.search("reply").run().unwrap();
            store.backup(folder.path().join("copy")).unwrap();
            // The thread that builds the graph is started by the walk, and waited for by `close`.
            let graph = store.graph().unwrap();
            graph.neighbors(engraph::NodeId::from_u64(1), engraph::graph::Direction::Out).unwrap();
            drop(graph);
            drop(store.graph().unwrap());
            store.build_graph().unwrap();
            store.verify().unwrap();
            store.close().unwrap();
        });
    });
    let own: Vec<&Line> = lines.iter().filter(|line| line.target.starts_with("engraph")).collect();
    assert!(own.iter().all(|line| line.correlation_id.as_deref() == Some("c0ffee")), "{own:?}");
    assert!(own.iter().all(|line| line.fields["call"] == "test"));
    let has = |target: &str, message: &str| {
        let found = own.iter().any(|line| line.target == target && line.message == message);
        assert!(found, "{target}: {message} in {own:?}");
    };
    has(category::STORE, "store opened");
    has(category::COMMIT, "group committed");
    has(category::COMMIT, "bulk committed");
    has(category::SEARCH, "the search index has caught up");
    has(category::SEARCH, "searched");
    has(category::STORE, "store copied");
    has(category::GRAPH, "the graph is in memory");
    let searched = own.iter().find(|line| line.message == "the search index has caught up");
    assert_eq!(searched.unwrap().spans, ["search", "index"]);
    let threads: std::collections::BTreeSet<_> = own.iter().map(|line| &line.thread).collect();
    assert!(threads.len() > 1, "one of them is the library's own: {threads:?}");
}

#[test]
fn lines_of_two_requests_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("s")).unwrap();
    let lines = lines_of(|| {
        std::thread::scope(|scope| {
            let listener = tracing::dispatcher::get_default(Clone::clone);
            for id in ["first", "second"] {
                let (store, listener) = (&store, listener.clone());
                scope.spawn(move || {
                    tracing::dispatcher::with_default(&listener, || {
                        log::call("write", id).in_scope(|| {
                            tracing::info!(id, "began");
                            store.write(|tx| tx.insert(&memory(id))).unwrap();
                        });
                    });
                });
            }
        });
    });
    let began: Vec<_> = lines.iter().filter(|line| line.message == "began").collect();
    assert_eq!(began.len(), 2);
    assert!(began.iter().all(|line| line.correlation_id.as_deref() == line.fields["id"].as_str()));
}

#[test]
fn a_line_has_what_its_spans_say_and_goes_before_them() {
    let lines = lines_of(|| {
        let outer = tracing::info_span!("outer", a = 1, b = "outer", late = tracing::field::Empty);
        let _outer = outer.enter();
        outer.record("late", true);
        let _inner = tracing::info_span!("inner", b = "inner").entered();
        tracing::warn!(target: "app", c = 2.5, d = ?Some("x"), b = "line", "said {}", "so");
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((line.level, &*line.target, &*line.message), (Level::Warn, "app", "said so"));
    assert_eq!(line.spans, ["outer", "inner"]);
    let fields = serde_json::json!({
        "a": 1, "b": "line", "late": true, "c": 2.5, "d": "Some(\"x\")"
    });
    assert_eq!(serde_json::Value::Object(line.fields.clone()), fields);
    assert_eq!(line.time, Timestamp::from_micros(1_000_000));
    let json: serde_json::Value = serde_json::from_str(&line.to_json()).unwrap();
    assert_eq!((&json["level"], &json["message"]), (&"warn".into(), &"said so".into()));
    assert_eq!(json["fields"], fields);
    assert_eq!(
        line.to_text(),
        "1970-01-01T00:00:01.000000Z WARN  app: said so a=1 b=line late=true c=2.5 \
         d=\"Some(\\\"x\\\")\" in=outer>inner"
    );
}

#[test]
fn a_line_is_one_line_that_no_terminal_obeys() {
    let lines = lines_of(|| tracing::info!(name = "\u{1b}[2J\n\u{202e}x", "a\nb\u{9b}"));
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for text in [line.to_text(), line.to_json()] {
        let is_bad = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!text.contains(is_bad), "{text:?}");
    }
    let json: serde_json::Value = serde_json::from_str(&line.to_json()).unwrap();
    assert_eq!(json["message"], "a\nb\u{9b}");
}

#[test]
fn long_texts_are_cut_after_secrets_are_gone() {
    let long = format!("token={}", "s3cr3t".repeat(10_000));
    let lines = lines_of(|| tracing::info!(text = long.as_str(), "long"));
    let text = lines[0].to_text();
    assert!(text.len() < 20_000 && text.contains("(60006 bytes)"), "{}", text.len());
    assert!(!text.contains("s3cr3t"));
}

/// Everything that is done with planted secrets: fields, spans, messages, errors, debug output.
fn plant(secret: &str) {
    #[derive(Debug)]
    struct Client {
        #[expect(dead_code, reason = "it is shown")]
        api_key: Option<String>,
    }
    let client = Client { api_key: Some(secret.to_owned()) };
    let error = std::io::Error::other(format!("401 for token={secret}"));
    let error: &dyn std::error::Error = &error;
    let span = tracing::info_span!("login", password = secret, header = tracing::field::Empty);
    span.in_scope(|| {
        span.record("header", format!("Authorization: Bearer {secret}"));
        tracing::info!(access_token = secret, "sent");
        tracing::info!("sent with api_key={secret} to {{\"client_secret\": \"{secret}\"}}");
        tracing::warn!(error, client = ?client, "failed: postgres://me:{secret}@host/db");
        tracing::error!(body = %format!("{{\\\"password\\\":\\\"{secret}\\\"}}"), "rejected");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn planted_secrets_are_in_no_line(secret in "[A-Za-z0-9+_.-]{3,40}") {
        // So that it is not a word of the lines themselves.
        let secret = format!("Zq7{secret}9");
        let lines = lines_of(|| plant(&secret));
        prop_assert_eq!(lines.len(), 4);
        for line in &lines {
            for text in [line.to_text(), line.to_json()] {
                prop_assert!(!text.contains(&secret), "{}", text);
                prop_assert!(text.contains(log::REDACTED));
            }
        }
    }
}

#[test]
fn a_store_keeps_lines_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("log")).unwrap();
    let sink = Arc::new(StoreSink::new(&store).unwrap());
    let subscriber = registry().with(Lines::new(Arc::clone(&sink)));
    heard(subscriber, || {
        log::call("login", "c0ffee").in_scope(|| plant("Zq7planted9"));
        tracing::debug!("not for the record");
        let other = Store::create(folder.path().join("other")).unwrap();
        other.close().unwrap();
    });
    sink.flush();
    let read = store.read().unwrap();
    let entries = read.iter::<LogEntry>().unwrap();
    let entries: Vec<LogEntry> = entries.map(|entry| entry.unwrap().1).collect();
    let text = format!("{entries:?}");
    assert!(!text.contains("Zq7planted9") && !text.contains("not for the record"), "{text}");
    let levels: Vec<&LogLevel> = entries.iter().map(|entry| &entry.level).collect();
    let (info, warning, error) = (LogLevel::Info, LogLevel::Warning, LogLevel::Error);
    assert_eq!(levels, [&info, &info, &warning, &error, &info, &info]);
    assert_eq!(entries[0].correlation_id.as_deref(), Some("c0ffee"));
    assert_eq!((&*entries[5].category, &*entries[5].message), ("store", "store opened"));
    assert_eq!(sink.stats().written, 6);
    let found = store.search("rejected").of::<LogEntry>().run().unwrap();
    assert_eq!(found.hits.len(), 1);
}

#[test]
fn a_store_may_keep_lines_about_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("log")).unwrap();
    let sink = Arc::new(StoreSink::new(&store).unwrap().level(Level::Debug));
    let subscriber = registry().with(Lines::new(Arc::clone(&sink)));
    heard(subscriber, || {
        store.write(|tx| tx.insert(&memory("text"))).unwrap();
        sink.flush();
    });
    sink.flush();
    // One line tells of the write; the sink's own write tells nothing.
    assert_eq!(sink.stats().written, 1);
}

#[test]
fn what_does_not_fit_a_sink_is_dropped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("log")).unwrap();
    let sink = StoreSink::new(&store).unwrap();
    let lines = lines_of(|| tracing::info!("again"));
    store
        .write(|_| {
            // The sink's write waits for this one, and its list fills.
            for _ in 0..10_000 {
                sink.take(&lines[0]);
            }
            Ok(())
        })
        .unwrap();
    sink.flush();
    let stats = sink.stats();
    assert_eq!(stats.written + stats.dropped, 10_000);
    assert!(stats.dropped >= 5_000, "{stats:?}");
    store.close().unwrap();
    sink.take(&lines[0]);
    sink.flush();
    assert_eq!(sink.stats().dropped, stats.dropped + 1, "a closed store takes nothing");
}

#[test]
fn the_last_lines_are_kept() {
    let recent = Arc::new(Recent::new(2));
    let subscriber = registry().with(Lines::new(Arc::clone(&recent)));
    heard(subscriber, || {
        for number in 0..5 {
            tracing::info!(number, "said");
        }
    });
    let numbers: Vec<_> = recent.lines().iter().map(|line| line.fields["number"].clone()).collect();
    assert_eq!(numbers, [3, 4]);
}

/// Runs something that must end, though what it waits for may not come.
#[track_caller]
fn ends(what: &str, work: impl FnOnce() + Send + 'static) {
    let (told, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        work();
        told.send(()).unwrap_or_default();
    });
    let patience = std::time::Duration::from_secs(60);
    assert!(ended.recv_timeout(patience).is_ok(), "{what} does not end");
}

/// Logs while it is shown.
struct Talkative;

impl std::fmt::Debug for Talkative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        tracing::info!("being shown");
        f.write_str("talkative")
    }
}

#[test]
fn a_value_that_logs_while_it_is_shown_stops_nothing() {
    ends("recording it", || {
        let lines = lines_of(|| {
            let span = tracing::info_span!("outer", late = tracing::field::Empty, n = ?Talkative);
            let _outer = span.enter();
            span.record("late", tracing::field::debug(Talkative));
            tracing::info!(value = ?Talkative, "said");
        });
        let last = lines.last().unwrap();
        assert_eq!((&*last.message, &last.fields["late"]), ("said", &"talkative".into()));
        assert!(lines.iter().any(|line| line.message == "being shown"), "{lines:?}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_piece_of_a_secret_is_left_where_a_text_is_cut(
        at in 16_300..16_400_usize, form in 0..4_usize,
    ) {
        let secret = "Zq7planted9Zq7planted9";
        let planted = match form {
            0 => format!("postgres://me:{secret}@host/db"),
            1 => format!("sk-{secret}"),
            2 => format!("password={secret}"),
            _ => format!("Bearer {secret}"),
        };
        let text = format!("{} {planted} {}", "x".repeat(at), "y".repeat(500));
        let lines = lines_of(|| tracing::info!(text = &*text, shown = ?text, "long"));
        for shown in [lines[0].to_text(), lines[0].to_json()] {
            prop_assert!(!shown.contains("Zq7"), "{}", &shown[16_200..]);
            prop_assert!(shown.len() < 2 * 17_000);
        }
    }
}

#[test]
fn flushing_waits_for_earlier_lines_and_not_for_later_ones() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("log")).unwrap();
    let sink = Arc::new(StoreSink::new(&store).unwrap());
    let line = lines_of(|| tracing::info!("again")).remove(0);
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (talking, over, said) = (Arc::clone(&sink), Arc::clone(&is_over), line.clone());
    let talker = std::thread::spawn(move || {
        while !over.load(std::sync::atomic::Ordering::SeqCst) {
            (0..100).for_each(|_| talking.take(&said));
        }
    });
    let flushed = Arc::clone(&sink);
    ends("flushing", move || {
        for _ in 0..3 {
            flushed.take(&line);
            let before = flushed.stats();
            flushed.flush();
            let after = flushed.stats();
            assert!(after.written + after.dropped > before.written + before.dropped);
        }
    });
    is_over.store(true, std::sync::atomic::Ordering::SeqCst);
    talker.join().unwrap();
}

/// A clock that panics when the thread of a sink asks it.
#[derive(Debug)]
struct BrokenClock;

impl engraph::Clock for BrokenClock {
    fn now(&self) -> Timestamp {
        if std::thread::current().name() == Some("engraph-log") {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        Timestamp::from_micros(1_000_000)
    }
}

#[test]
fn a_sink_whose_thread_dies_drops_lines_and_holds_nobody_up() {
    ends("flushing", || {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::builder().clock(BrokenClock).create(folder.path().join("s")).unwrap();
        let sink = StoreSink::new(&store).unwrap();
        let line = lines_of(|| tracing::info!("lost")).remove(0);
        for _ in 0..3 {
            sink.take(&line);
            sink.flush();
        }
        assert_eq!((sink.stats().written, sink.stats().dropped), (0, 3));
    });
}

#[test]
fn lines_that_wait_are_bounded_in_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("log")).unwrap();
    let sink = StoreSink::new(&store).unwrap();
    let text = "long ".repeat(3_200);
    let lines = lines_of(|| {
        let text = &*text;
        tracing::info!(a = text, b = text, c = text, d = text, e = text, f = text, "{text}");
    });
    store
        .write(|_| {
            (0..500).for_each(|_| sink.take(&lines[0]));
            Ok(())
        })
        .unwrap();
    sink.flush();
    let stats = sink.stats();
    assert_eq!(stats.written + stats.dropped, 500);
    assert!(stats.dropped >= 100, "{stats:?}");
}
