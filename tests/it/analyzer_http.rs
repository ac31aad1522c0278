//! Asking a model over HTTP, against a small server of the test: both protocols, what passes and
//! what does not, and that the key is shown nowhere.

use std::net::TcpListener;
use std::ops::ControlFlow;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engraph::Secret;
use engraph::family::{
    Analysis, AnalyzeOptions, AnalyzeReport, Analyzer as _, HttpAnalyzer, HttpOptions, Protocol,
    ScanOptions, Source,
};
use engraph::record::{CodeFile, FileAnalysis, TrackStatus};

use crate::reply::{Reply, read_request};
use crate::workload::new_store;

const KEY: &str = "sk-planted-4711";
const SIX_LINES: &str = "LANGUAGE: Python\n**Purpose:** Sorts letters\n\
    FUNCTIONALITY: reads, sorts\n\
    DEPENDENCIES: os, sys\nCOMPLEXITY: 3/10\nNOTES: short";

/// A server for exactly these requests; gives what it was sent, heads and bodies.
fn serve(replies: Vec<Reply>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |reply: Reply| {
            let (mut stream, _) = listener.accept().unwrap();
            let request = read_request(&mut stream);
            reply.give(&mut stream);
            request
        };
        replies.into_iter().map(answer).collect()
    });
    (address, server)
}

fn options(protocol: Protocol, address: &str) -> HttpOptions {
    let options = HttpOptions::new(protocol, address, "tiny").key(Secret::new(KEY));
    options.pause(Duration::from_millis(1)).timeout(Duration::from_secs(30))
}

fn ask(options: HttpOptions) -> engraph::Result<Option<Analysis>> {
    HttpAnalyzer::new(options)?.analyze(&Source { path: "a/b.py", bytes: b"import os\n" })
}

/// What asking a server with these replies fails with, after all of them.
#[track_caller]
fn refused(replies: Vec<Reply>, attempts_max: u32) -> String {
    let (address, server) = serve(replies);
    let error = ask(options(Protocol::OpenAi, &address).attempts_max(attempts_max)).unwrap_err();
    server.join().unwrap();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let shown = format!("{error} {error:?} {source}");
    assert!(!shown.contains(KEY), "{shown}");
    assert_eq!(error.kind(), "engine");
    source
}

#[test]
fn both_protocols_are_spoken() {
    for (protocol, reply, path, field) in [
        (Protocol::OpenAi, Reply::open_ai(SIX_LINES), "POST /v1/chat/completions ", "\"messages\""),
        (Protocol::Ollama, Reply::ollama(SIX_LINES), "POST /api/generate ", "\"prompt\""),
    ] {
        let (address, server) = serve(vec![reply]);
        let analysis = ask(options(protocol, &address)).unwrap().unwrap();
        assert_eq!((analysis.language.as_str(), analysis.file_type.as_str()), ("Python", "python"));
        assert_eq!(analysis.purpose, "Sorts letters");
        let names: Vec<&str> = analysis.imports.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["os", "sys"]);
        assert!((analysis.complexity - 3.0).abs() < 1e-9);
        let request = server.join().unwrap().remove(0);
        assert!(request.starts_with(path) && request.contains(field), "{request}");
        assert!(request.contains("import os"), "{request}");
        assert!(request.contains(&format!("Bearer {KEY}")), "{request}");
    }
}

#[test]
fn what_may_pass_is_asked_again() {
    let (address, server) = serve(vec![
        Reply::Status(429, "Retry-After: 0\r\n", KEY.into()),
        Reply::Status(503, "", String::new()),
        Reply::Half,
        Reply::open_ai(SIX_LINES),
    ]);
    assert!(ask(options(Protocol::OpenAi, &address)).unwrap().is_some());
    let requests = server.join().unwrap();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[0], requests[3]);
}

#[test]
fn attempts_end_and_what_will_not_pass_is_not_asked_again() {
    let busy = || Reply::Status(429, "", KEY.into());
    assert_eq!(refused(vec![busy(), busy()], 2), "status 429, 2 times");
    assert_eq!(refused(vec![Reply::Status(401, "", format!("bad key {KEY}"))], 4), "status 401");
    let moved = Reply::Status(307, "Location: http://127.0.0.1:1/\r\n", String::new());
    assert!(!refused(vec![moved], 4).is_empty());
    assert_eq!(
        refused(vec![Reply::ok(format!("{{broken {KEY}"))], 4),
        "an answer in no known form"
    );
    assert_eq!(refused(vec![Reply::ok("{\"choices\":[]}")], 4), "an answer in no known form");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let (address, server) = serve(vec![Reply::Silence, Reply::Silence]);
    let options = options(Protocol::Ollama, &address).attempts_max(2);
    let error = ask(options.timeout(Duration::from_millis(100))).unwrap_err();
    assert_eq!(server.join().unwrap().len(), 2);
    assert!(format!("{error:?}").contains("in time"), "{error:?}");
    // Nobody listens there any more.
    let error = ask(HttpOptions::new(Protocol::Ollama, address, "tiny").attempts_max(1));
    assert!(format!("{:?}", error.unwrap_err()).contains("no connection"));
}

#[test]
fn requests_keep_their_distance() {
    let (address, server) = serve((0..3).map(|_| Reply::open_ai(SIX_LINES)).collect());
    let interval = Duration::from_millis(30);
    let analyzer = HttpAnalyzer::new(options(Protocol::OpenAi, &address).interval(interval));
    let (analyzer, begin) = (analyzer.unwrap(), Instant::now());
    for _ in 0..3 {
        analyzer.analyze(&Source { path: "a", bytes: b"x" }).unwrap();
    }
    // A lower bound, which no slow machine can break.
    assert!(begin.elapsed() >= 2 * interval);
    server.join().unwrap();
}

#[test]
fn an_answer_without_the_lines_is_none_and_the_key_is_blotted_out() {
    let (address, server) = serve(vec![
        Reply::open_ai("I cannot say."),
        Reply::open_ai(&format!("PURPOSE: keeps {KEY}\nLANGUAGE: Rust")),
    ]);
    assert_eq!(ask(options(Protocol::OpenAi, &address)).unwrap(), None);
    let analysis = ask(options(Protocol::OpenAi, &address)).unwrap().unwrap();
    assert_eq!(analysis.purpose, "keeps [secret]");
    assert!((analysis.complexity - 5.0).abs() < 1e-9, "the default");
    assert!(!format!("{analysis:?}").contains(KEY));
    server.join().unwrap();
}

#[test]
fn the_key_is_in_no_text_and_broken_options_are_refused() {
    let good = options(Protocol::OpenAi, "http://localhost:1");
    assert!(!format!("{good:?} {:?}", HttpAnalyzer::new(good.clone()).unwrap()).contains(KEY));
    for (field, broken) in [
        ("address", options(Protocol::OpenAi, "localhost")),
        ("address", options(Protocol::OpenAi, "http://me:word@localhost")),
        ("key", good.clone().key(Secret::new("line\nbreak"))),
        ("attempts_max", good.attempts_max(0)),
    ] {
        let error = HttpAnalyzer::new(broken).unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
        assert!(!error.to_string().contains("word"), "{error}");
    }
}

#[test]
fn a_run_keeps_answers_states_and_the_report() {
    let (home, store) = new_store();
    let tree = home.around().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for name in ["a.py", "b.py"] {
        std::fs::write(tree.join(name), "import os\n").unwrap();
    }
    store.scan_tree(&tree, &ScanOptions::new()).unwrap();
    let (address, server) =
        serve(vec![Reply::open_ai(SIX_LINES), Reply::open_ai("no"), Reply::open_ai("It sorts.")]);
    let analyzer = HttpAnalyzer::new(options(Protocol::OpenAi, &address)).unwrap();
    let one_thread = AnalyzeOptions::new().threads(1);
    let go_on = |_: &_| ControlFlow::Continue(());
    let report = store.analyze_files(None, &analyzer, &one_thread, go_on).unwrap();
    assert_eq!((report.analyzed, report.failed), (1, 1));
    let tx = store.read().unwrap();
    let (_, analysis) = tx.iter::<FileAnalysis>().unwrap().next().unwrap().unwrap();
    assert_eq!(analysis.raw_ai_response.as_deref(), Some(SIX_LINES));
    assert_eq!(analysis.ai_model_used.as_deref(), Some("tiny"));
    let states: Vec<_> = tx.iter::<CodeFile>().unwrap().map(|row| row.unwrap().1.status).collect();
    assert_eq!(states, [Some(TrackStatus::Analyzed), Some(TrackStatus::AnalysisFailed)]);
    let report = tx.analysis_report(&analyzer).unwrap().unwrap();
    assert!(report.contains("It sorts.") && report.contains("| python | 1 |"), "{report}");
    let asked = server.join().unwrap().pop().unwrap();
    assert!(asked.contains("| python | 1 |"), "the breakdown is not in the question: {asked}");
}

/// What a run over ten files gives with a server that answers so, one file at a time; and how many
/// requests it took.
fn run_of_ten(replies: Vec<Reply>, attempts_max: u32) -> (AnalyzeReport, usize) {
    let (home, store) = new_store();
    let tree = home.around().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for number in 0..10 {
        std::fs::write(tree.join(format!("{number}.py")), "import os\n").unwrap();
    }
    store.scan_tree(&tree, &ScanOptions::new()).unwrap();
    let (address, server) = serve(replies);
    let options = options(Protocol::OpenAi, &address).attempts_max(attempts_max);
    let analyzer = HttpAnalyzer::new(options).unwrap();
    let one_thread = AnalyzeOptions::new().threads(1);
    let go_on = |_: &_| ControlFlow::Continue(());
    let report = store.analyze_files(None, &analyzer, &one_thread, go_on).unwrap();
    let states: Vec<_> = {
        let tx = store.read().unwrap();
        tx.iter::<CodeFile>().unwrap().map(|row| row.unwrap().1.status).collect()
    };
    let begun = states.iter().filter(|state| **state != Some(TrackStatus::Discovered)).count();
    assert_eq!(begun as u64, report.analyzed + report.failed + report.errors);
    (report, server.join().unwrap().len())
}

#[test]
fn a_server_that_refuses_us_is_given_up_at_once() {
    for status in [401, 403, 404] {
        let (report, asked) =
            run_of_ten(vec![Reply::open_ai(SIX_LINES), Reply::Status(status, "", KEY.into())], 3);
        assert_eq!((report.analyzed, report.errors, report.is_stopped), (1, 1, true));
        assert_eq!(report.gave_up, Some(format!("status {status}")));
        assert_eq!(asked, 2);
    }
}

#[test]
fn a_server_that_fails_question_after_question_is_given_up() {
    let busy = || Reply::Status(503, "", String::new());
    let (report, asked) = run_of_ten((0..10).map(|_| busy()).collect(), 2);
    assert_eq!((report.errors, asked), (5, 10));
    assert_eq!(report.gave_up.as_deref(), Some("status 503, 2 times"));
    // An answer in between, and what is wrong with one file alone, start the count anew.
    let mut replies: Vec<Reply> = (0..4).map(|_| busy()).collect();
    replies.push(Reply::open_ai(SIX_LINES));
    replies.extend((0..4).map(|_| busy()));
    replies.push(Reply::Status(413, "", String::new()));
    let (report, asked) = run_of_ten(replies, 1);
    assert_eq!((report.analyzed, report.errors, report.gave_up), (1, 9, None));
    assert_eq!(asked, 10);
}

#[test]
fn a_key_that_is_a_word_is_left_in_answers() {
    let (address, server) = serve(vec![Reply::open_ai("PURPOSE: none of it\nDEPENDENCIES: none")]);
    let analysis = ask(options(Protocol::OpenAi, &address).key(Secret::new("none")));
    let analysis = analysis.unwrap().unwrap();
    assert_eq!((analysis.purpose.as_str(), analysis.imports.len()), ("none of it", 0));
    server.join().unwrap();
}

#[test]
fn times_without_end_are_no_trouble() {
    let (address, server) = serve(vec![Reply::open_ai(SIX_LINES)]);
    let (long, options) = (Duration::MAX, options(Protocol::OpenAi, &address));
    assert!(ask(options.timeout(long).interval(long).pause(long)).unwrap().is_some());
    server.join().unwrap();
}
