//! `engraph analyze` with a model: against a small server of the test, through the real binary.

#[cfg(feature = "http")]
mod asked {
    use std::collections::BTreeSet;
    use std::fs;
    use std::net::TcpListener;
    use std::path::Path;
    use std::process::Stdio;
    use std::sync::{Arc, Mutex, mpsc};
    use std::time::Duration;

    use engraph::Store;
    use engraph::record::{CodeFile, FileAnalysis, TrackStatus};
    use serde_json::Value;

    use crate::reply::{Reply, read_request};
    use crate::session::{Run, Session};

    const KEY: &str = "sk-Zq7planted9";
    const SIX_LINES: &str = "LANGUAGE: Python\nPURPOSE: Sorts letters\nFUNCTIONALITY: sorts\n\
        DEPENDENCIES: os\nCOMPLEXITY: 3\nNOTES: short";
    /// A bound on hanging, not on speed.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A server that answers as long as the test runs, each request by its number from 0.
    struct Server {
        address: String,
        requests: Arc<Mutex<Vec<String>>>,
        /// Tells of every request once it is there.
        came: mpsc::Receiver<()>,
    }

    impl Server {
        fn new(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let requests = Arc::new(Mutex::new(Vec::new()));
            let (tell, came) = mpsc::channel();
            let (kept, reply) = (Arc::clone(&requests), Arc::new(reply));
            // It ends with the process of the test.
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let (kept, reply, tell) = (Arc::clone(&kept), Arc::clone(&reply), tell.clone());
                    std::thread::spawn(move || {
                        let request = read_request(&mut stream);
                        let number = {
                            let mut kept = kept.lock().unwrap();
                            kept.push(request);
                            kept.len() - 1
                        };
                        tell.send(()).unwrap_or_default();
                        reply(number).give(&mut stream);
                    });
                }
            });
            Self { address, requests, came }
        }

        fn six_lines() -> Self {
            Self::new(|_| Reply::open_ai(SIX_LINES))
        }

        fn count(&self) -> usize {
            self.requests.lock().unwrap().len()
        }

        /// The files that it was asked about, in order.
        fn files(&self) -> Vec<String> {
            let name = |request: &String| {
                let after = request.split("Look at the file ").nth(1).unwrap_or_default();
                after.split(' ').next().unwrap().to_owned()
            };
            self.requests.lock().unwrap().iter().map(name).collect()
        }
    }

    /// A session with a store and a tree of so many files.
    fn with_tree(files: usize) -> Session {
        let session = Session::new();
        session.run(&["init", "s"]).check(0, "", "");
        fs::create_dir(session.path("tree")).unwrap();
        for number in 0..files {
            let text = format!("import os # {number}\n");
            fs::write(session.path("tree").join(format!("f{number}.py")), text).unwrap();
        }
        session
    }

    /// Flags that have a server asked, one file at a time, without waiting long in between.
    fn flags(address: &str) -> Vec<&str> {
        let fixed = ["--analyzer", "openai", "--model", "tiny", "--threads", "1", "--url"];
        fixed.into_iter().chain([address]).collect()
    }

    fn analyze(session: &Session, arguments: &[&str], key: Option<&str>) -> Run {
        let mut command = session.command(&["analyze", "run", "s", "tree"]);
        command.args(arguments);
        if let Some(key) = key {
            command.env("ENGRAPH_ANALYSIS_KEY", key);
        }
        Run::of(&command.output().unwrap())
    }

    fn with(address: &str, more: &[&'static str]) -> Vec<String> {
        flags(address).iter().chain(more).map(|&flag| flag.to_owned()).collect()
    }

    fn run(session: &Session, address: &str, more: &[&'static str]) -> Run {
        let arguments = with(address, more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        analyze(session, &arguments, Some(KEY))
    }

    #[track_caller]
    fn report(run: &Run) -> Value {
        let report = serde_json::from_str(&run.stdout);
        assert!(report.is_ok(), "{} {}", run.stdout, run.stderr);
        report.unwrap()
    }

    fn states(store: &Path) -> Vec<Option<TrackStatus>> {
        let store = Store::open(store).unwrap();
        let tx = store.read().unwrap();
        tx.iter::<CodeFile>().unwrap().map(|row| row.unwrap().1.status).collect()
    }

    #[test]
    fn settings_choose_the_model_and_flags_go_before_them() {
        let session = with_tree(2);
        let ollama = Server::new(|_| Reply::ollama(SIX_LINES));
        let settings = format!(
            "analysis:\n  analyzer: ollama\n  url: {}\n  model: small\n  threads: 1\n",
            ollama.address
        );
        fs::create_dir_all(session.path("user/engraph")).unwrap();
        fs::write(session.path("user/engraph/config.yaml"), settings).unwrap();
        let run_one = analyze(&session, &["--json"], None);
        assert_eq!(run_one.code, 0, "{}", run_one.stderr);
        assert_eq!(report(&run_one)["analyzed"], 2);
        assert_eq!(ollama.files(), ["f0.py", "f1.py"]);
        assert!(ollama.requests.lock().unwrap().iter().all(|it| !it.contains("authorization")));
        let again = analyze(&session, &["--json"], None);
        assert_eq!((report(&again)["unchanged"].as_i64(), ollama.count()), (Some(2), 2));

        // Another model is another question, and the report is summed up by it.
        let open_ai = Server::six_lines();
        run(&session, &open_ai.address, &[]).check(0, "analyzed", "");
        assert_eq!((open_ai.count(), ollama.count()), (2, 2));
        let sent = open_ai.requests.lock().unwrap()[0].clone();
        assert!(sent.contains(&format!("Bearer {KEY}")) && sent.contains("\"tiny\""), "{sent}");
        let mut command = session.command(&["analyze", "report", "s"]);
        command.args(["--analyzer", "openai", "--model", "tiny", "--url", &open_ai.address]);
        let summed = Run::of(&command.env("ENGRAPH_ANALYSIS_KEY", KEY).output().unwrap());
        summed.check(0, "By tiny 1.", "");
        summed.check(0, "| tiny 1 | 2 |", "");
        let plain = session.run(&["analyze", "report", "s", "--analyzer", "builtin"]);
        assert!(!plain.stdout.contains("## Summary"), "{}", plain.stdout);
    }

    #[test]
    fn what_may_pass_is_asked_again() {
        let session = with_tree(1);
        let server = Server::new(|number| match number {
            0 => Reply::Status(429, "Retry-After: 0\r\n", String::new()),
            1 => Reply::Status(500, "Retry-After: 0\r\n", String::new()),
            2 => Reply::Half,
            _ => Reply::open_ai(SIX_LINES),
        });
        let found = run(&session, &server.address, &["--json", "--retries", "3"]);
        assert_eq!((found.code, server.count()), (0, 4), "{}", found.stderr);
        assert_eq!(report(&found)["analyzed"], 1);
        // Without retries the first failure is the answer, and the exit code says so.
        let busy = Server::new(|_| Reply::Status(429, "", String::new()));
        let found = run(&session, &busy.address, &["--again", "--json", "--retries", "0"]);
        assert_eq!((found.code, busy.count()), (1, 1), "{}", found.stderr);
        assert_eq!(report(&found)["errors"], 1);
        assert!(found.stdout.contains("status 429"), "{}", found.stdout);
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let session = with_tree(1);
        let server = Server::new(|_| Reply::Silence);
        let waiting = ["--timeout", "100ms", "--retries", "1"];
        run(&session, &server.address, &waiting).check(1, "with an error", "no answer in time");
        assert_eq!(server.count(), 2);
        assert_eq!(states(&session.path("s")), [Some(TrackStatus::ErrorDuringAnalysis)]);
    }

    #[test]
    fn a_refused_key_ends_the_run_and_the_next_goes_on() {
        let session = with_tree(5);
        let refusing = Server::new(|number| match number {
            0 | 1 => Reply::open_ai(SIX_LINES),
            _ => Reply::Status(401, "", format!("wrong key {KEY}")),
        });
        let found = run(&session, &refusing.address, &["--json"]);
        assert_eq!((found.code, refusing.count()), (6, 3), "{}", found.stderr);
        assert_eq!(
            (&report(&found)["analyzed"], &report(&found)["is_stopped"]),
            (&2.into(), &true.into())
        );
        assert!(found.stderr.contains("the analyzer gave up: status 401"), "{}", found.stderr);
        assert!(!format!("{}{}", found.stdout, found.stderr).contains(KEY));
        let server = Server::six_lines();
        let found = run(&session, &server.address, &["--json"]);
        assert_eq!((found.code, server.count()), (0, 3), "{}", found.stderr);
        assert_eq!(server.files(), ["f2.py", "f3.py", "f4.py"]);
    }

    #[test]
    fn a_killed_run_is_gone_on_with_and_no_file_is_asked_about_twice() {
        let session = with_tree(9);
        let stuck = Server::new(|number| match number {
            0..4 => Reply::open_ai(SIX_LINES),
            _ => Reply::Silence,
        });
        let mut command = session.command(&["analyze", "run", "s", "tree"]);
        command.args(flags(&stuck.address)).env("ENGRAPH_ANALYSIS_KEY", KEY);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..5 {
            stuck.came.recv_timeout(PATIENCE).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let server = Server::six_lines();
        let found = run(&session, &server.address, &["--json"]);
        assert_eq!(found.code, 0, "{}", found.stderr);
        let report = report(&found);
        assert_eq!((&report["unchanged"], &report["analyzed"]), (&4.into(), &5.into()));
        let answered: BTreeSet<String> = stuck.files().into_iter().take(4).collect();
        let asked: BTreeSet<String> = server.files().into_iter().collect();
        assert_eq!((answered.len(), asked.len()), (4, 5));
        assert!(answered.is_disjoint(&asked), "{answered:?} {asked:?}");
    }

    #[test]
    fn what_is_missing_is_told() {
        let session = with_tree(1);
        let server = Server::six_lines();
        let at = ["--analyzer", "openai", "--url", &server.address];
        let named = [&at[..], &["--model", "tiny"]].concat();
        analyze(&session, &at[..2], Some(KEY)).check(2, "", "analysis.url is not set");
        analyze(&session, &at, Some(KEY)).check(2, "", "analysis.model is not set");
        analyze(&session, &named, None).check(2, "", "ENGRAPH_ANALYSIS_KEY");
        analyze(&session, &named, Some("${ABSENT}")).check(2, "", "names a variable");
        analyze(&session, &["--analyzer", "oracle"], None).check(2, "", "oracle");
        analyze(&session, &["--timeout", "soon"], None).check(2, "", "analysis.timeout");
        let odd = [&named[..2], &named[4..], &["--url", "http://me:word@localhost"]].concat();
        let found = analyze(&session, &odd, Some(KEY));
        assert!(found.code == 2 && !found.stderr.contains("word"), "{}", found.stderr);
        assert_eq!(server.count(), 0, "nothing was asked yet");
        // An empty key says that none is wanted.
        analyze(&session, &named, Some("")).check(0, "analyzed", "");
        assert!(!server.requests.lock().unwrap()[0].contains("authorization"));
        // A bad value tells where it is.
        fs::create_dir_all(session.path("user/engraph")).unwrap();
        fs::write(session.path("user/engraph/config.toml"), "analysis.retries = 'often'").unwrap();
        let bad = analyze(&session, &named, Some(KEY));
        bad.check(2, "", "analysis.retries");
        bad.check(2, "", "config.toml");
    }

    /// Everything that was written below a folder.
    fn every_byte(folder: &Path, bytes: &mut Vec<u8>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                every_byte(&path, bytes);
            } else {
                bytes.extend(fs::read(path).unwrap());
            }
        }
    }

    #[track_caller]
    fn keyless(text: &[u8]) {
        let at = text.windows(KEY.len()).position(|window| window == KEY.as_bytes());
        let around = at.map(|at| &text[at.saturating_sub(200)..(at + 50).min(text.len())]);
        assert_eq!(around.map(String::from_utf8_lossy), None, "the key is in it");
    }

    #[test]
    fn the_key_is_in_no_output_no_log_and_no_record() {
        let session = with_tree(6);
        let server = Server::new(|number| match number {
            0 => {
                Reply::open_ai(&format!("PURPOSE: keeps {KEY}\nNOTES: {KEY}\nDEPENDENCIES: {KEY}"))
            }
            1 => Reply::Status(400, "", format!("bad key {KEY}")),
            2 => Reply::ok(format!("{{broken {KEY}")),
            3 => Reply::open_ai(KEY),
            4 => Reply::Status(429, "", KEY.to_owned()),
            5 => Reply::Status(403, "", KEY.to_owned()),
            _ => Reply::open_ai(&format!("All files keep {KEY}.")),
        });
        let with_key = |arguments: &[&str]| {
            let mut command = session.command(arguments);
            command.env("ENGRAPH_ANALYSIS_KEY", KEY);
            for (name, value) in [
                ("ENGRAPH_ANALYSIS_ANALYZER", "openai"),
                ("ENGRAPH_ANALYSIS_MODEL", "tiny"),
                ("ENGRAPH_ANALYSIS_RETRIES", "0"),
                ("ENGRAPH_ANALYSIS_THREADS", "1"),
                ("ENGRAPH_ANALYSIS_URL", &*server.address),
                ("ENGRAPH_LOG_LEVEL", "trace"),
            ] {
                command.env(name, value);
            }
            let output = command.output().unwrap();
            keyless(&output.stdout);
            keyless(&output.stderr);
            Run::of(&output)
        };
        with_key(&["analyze", "run", "s", "tree"]).check(6, "with an error", "403");
        with_key(&["analyze", "run", "s", "--limit", "1", "--json"]);
        let logged = ["analyze", "run", "s", "--json", "--log-file", "a.log"];
        with_key(&logged).check(1, "\"failed\":5", "");
        assert!(fs::read_to_string(session.path("a.log")).unwrap().contains("analyzing"));
        with_key(&["analyze", "report", "s"]).check(0, "All files keep [secret].", "");
        for kind in ["file_analysis", "code_file", "file_relation"] {
            with_key(&["list", "s", kind, "--json"]).check(0, "{", "");
        }
        for arguments in [
            &["config", "list"][..],
            &["config", "list", "--json"],
            &["config", "get", "analysis.key"],
            &["config", "get", "analysis"],
            &["config", "sources", "analysis.key"],
            &["config", "sources", "analysis", "--json"],
            &["config", "check"],
        ] {
            with_key(arguments).check(0, "", "");
        }
        with_key(&["config", "get", "analysis.key"]).check(0, "[redacted]", "");
        let mut bytes = Vec::new();
        every_byte(&session.path(""), &mut bytes);
        keyless(&bytes);
        // Rows may be compressed; a record that has the answer has it without the key.
        let store = Store::open(session.path("s")).unwrap();
        let tx = store.read().unwrap();
        let rows: Vec<FileAnalysis> = tx.iter().unwrap().map(|row| row.unwrap().1).collect();
        assert!(rows.iter().any(|row| row.primary_purpose.as_deref() == Some("keeps [secret]")));
        keyless(format!("{rows:?}").as_bytes());
    }

    #[test]
    fn a_key_is_kept_from_standard_input_and_shown_nowhere() {
        let session = with_tree(1);
        let file = session.path("user/engraph/config.toml");
        for value in [KEY, "\"-\"", "--"] {
            let refused = session.run(&["config", "set", "analysis.key", value]);
            assert!(refused.code == 2 && !refused.stderr.contains(KEY), "{}", refused.stderr);
        }
        let whole = format!("{{\"key\": \"{KEY}\"}}");
        session.run(&["config", "set", "analysis", &whole]).check(2, "", "is a secret");
        assert!(!file.exists());
        let mut command = session.command(&["config", "set", "analysis.key", "-"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), KEY.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(fs::read_to_string(&file).unwrap().contains(KEY));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&file).unwrap());
            assert_eq!(mode & 0o77, 0, "others may read it: {mode:o}");
        }
        let server = Server::six_lines();
        analyze(&session, &flags(&server.address), None).check(0, "analyzed", "");
        assert!(server.requests.lock().unwrap()[0].contains(&format!("Bearer {KEY}")));
        // A file that cannot be read tells where, and not what is there.
        for broken in
            ["[analysis]\nkey = \"KEY\n", "[analysis]\nkey = KEY\n", "analysis.key = ['KEY"]
        {
            fs::write(&file, broken.replace("KEY", KEY)).unwrap();
            for arguments in [
                &["config", "check"][..],
                &["config", "set", "log.level", "off"],
                &["stats", "s"],
                &["analyze", "run", "s", "tree", "--log-level", "trace"],
            ] {
                let shown = session.run(arguments);
                let shown = format!("{}{}", shown.stdout, shown.stderr);
                assert!(shown.contains("line ") || shown.contains(" INFO"), "{shown}");
                keyless(shown.as_bytes());
            }
        }
        fs::write(&file, format!("[analysis]\nkye = \"{KEY}\"\nkey = [\"{KEY}\"]\n")).unwrap();
        for arguments in [
            &["config", "check"][..],
            &["config", "get", "analysis"],
            &["config", "get", "analysis.kye"],
            &["config", "get", "analysis.key"],
            &["config", "sources", "analysis.key"],
            &["config", "list"],
            &["analyze", "run", "s", "--analyzer", "openai", "--model", "m", "--url", "http://x"],
            &["analyze", "run", "s", "--key", KEY],
        ] {
            let shown = session.run(arguments);
            keyless(format!("{}{}", shown.stdout, shown.stderr).as_bytes());
        }
    }
}

#[cfg(not(feature = "http"))]
#[test]
fn a_command_without_the_feature_says_so() {
    let session = crate::session::Session::new();
    session.run(&["init", "s"]).check(0, "", "");
    for name in ["openai", "ollama"] {
        let run = session.run(&["analyze", "run", "s", "--analyzer", name]);
        run.check(2, "", "built without the feature `http`");
        run.check(2, "", name);
    }
    session.run(&["analyze", "run", "s", "--analyzer", "builtin"]).check(0, "0", "");
}
