//! Asking a model over HTTP, against a small server of the test: both protocols, what passes and
//! what does not, and that the key is shown nowhere.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engraph::Secret;
use engraph::family::{
    Analysis, AnalyzeOptions, Analyzer as _, HttpAnalyzer, HttpOptions, Protocol, ScanOptions,
    Source,
};
use engraph::record::{CodeFile, FileAnalysis, TrackStatus};

use crate::workload::new_store;

const KEY: &str = "sk-planted-4711";
const SIX_LINES: &str = "LANGUAGE: Python\n**Purpose:** Sorts letters\n\
    FUNCTIONALITY: reads, sorts\n\
    DEPENDENCIES: os, sys\nCOMPLEXITY: 3/10\nNOTES: short";

/// What the server does with a request.
enum Reply {
    Status(u16, &'static str, String),
    /// Takes it, and says nothing until the other side has gone.
    Silence,
    /// Hangs up in the middle of an answer.
    Half,
}

impl Reply {
    fn ok(body: impl Into<String>) -> Self {
        Self::Status(200, "", body.into())
    }

    fn open_ai(text: &str) -> Self {
        Self::ok(serde_json::json!({ "choices": [{ "message": { "content": text } }] }).to_string())
    }
}

/// A server for exactly these requests; gives what it was sent, heads and bodies.
fn serve(replies: Vec<Reply>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |reply| {
            let (mut stream, _) = listener.accept().unwrap();
            let request = read_request(&mut stream);
            match reply {
                Reply::Status(status, header, body) => {
                    let length = body.len();
                    let text = format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{header}Connection: \
                         close\r\n\r\n{body}"
                    );
                    stream.write_all(text.as_bytes()).unwrap();
                }
                Reply::Half => {
                    stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n{").unwrap();
                }
                Reply::Silence => drop(stream.read_to_end(&mut Vec::new())),
            }
            request
        };
        replies.into_iter().map(answer).collect()
    });
    (address, server)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            if body.len() >= length.trim().parse().unwrap() {
                return text;
            }
        }
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "a request that ends early: {text}");
        bytes.extend_from_slice(&buffer[..count]);
    }
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
    let ollama = Reply::ok(serde_json::json!({ "response": SIX_LINES, "done": true }).to_string());
    for (protocol, reply, path, field) in [
        (Protocol::OpenAi, Reply::open_ai(SIX_LINES), "POST /v1/chat/completions ", "\"messages\""),
        (Protocol::Ollama, ollama, "POST /api/generate ", "\"prompt\""),
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
