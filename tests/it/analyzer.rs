//! Analyzing a scanned tree: states, resuming, relations, the report with its data.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use engraph::family::{
    Analysis, AnalyzeOptions, AnalyzeReport, Analyzer, BuiltInAnalyzer, ScanOptions, Source,
};
use engraph::record::{CodeFile, FileAnalysis, FileRelation, TrackStatus};
use engraph::{Error, Result, Store};

use crate::check::sound;
use crate::tree::grow;
use crate::workload::{Home, new_store};

fn write(home: &Home, name: &str, text: &str) {
    let path = home.around().join("tree").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn run(home: &Home, store: &Store, analyzer: &impl Analyzer) -> AnalyzeReport {
    let tree = home.around().join("tree");
    store.scan_tree(&tree, &ScanOptions::new()).unwrap();
    let options = AnalyzeOptions::new();
    store.analyze_files(Some(&tree), analyzer, &options, |_| ControlFlow::Continue(())).unwrap()
}

fn file(store: &Store, name: &str) -> (engraph::NodeId, CodeFile) {
    let rows = store.read().unwrap();
    let mut files = rows.iter::<CodeFile>().unwrap().map(|row| row.unwrap());
    files.find(|(_, file)| file.file_path.ends_with(name)).unwrap()
}

fn analysis(store: &Store, name: &str) -> FileAnalysis {
    let tx = store.read().unwrap();
    let id = file(store, name).0;
    let mut found = tx.index::<FileAnalysis>("file", (Some(id),)).unwrap();
    let only = found.next().unwrap().unwrap().1;
    assert!(found.next().is_none(), "{name} has two analyses");
    only
}

fn report_of(store: &Store, analyzer: &impl Analyzer) -> Option<String> {
    store.read().unwrap().analysis_report(analyzer).unwrap()
}

/// An analyzer that does what a file's text tells it, and remembers what it was asked.
#[derive(Default)]
struct Obedient {
    version: String,
    asked: Mutex<Vec<String>>,
    told: Mutex<Vec<String>>,
}

impl Obedient {
    fn names(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().collect()
    }
}

impl Analyzer for Obedient {
    fn name(&self) -> &'static str {
        "obedient"
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn analyze(&self, source: &Source<'_>) -> Result<Option<Analysis>> {
        let name = source.path.rsplit('/').next().unwrap();
        self.asked.lock().unwrap().push(name.to_owned());
        match source.bytes {
            b"silence" => Ok(None),
            b"error" => Err(Error::invalid("answer", "is broken")),
            b"panic" => std::panic::resume_unwind(Box::new("on purpose")),
            _ => {
                let file_type = "obeyed".to_owned();
                Ok(Some(Analysis { file_type, purpose: "obeys".to_owned(), ..Analysis::default() }))
            }
        }
    }

    fn summarize(&self, breakdown: &str) -> Result<Option<String>> {
        self.told.lock().unwrap().push(breakdown.to_owned());
        Ok(Some("All obey.".to_owned()))
    }
}

#[test]
fn a_tree_is_analyzed_with_its_relations() {
    let (home, store) = new_store();
    write(&home, "src/lib.rs", "//! Reads cases.\nmod date;\nuse serde::Serialize;\n");
    write(&home, "src/date.rs", "//! Dates.\nfn f() { if true {} }\n");
    write(&home, "app/main.py", "'''Starts it all.'''\nimport os\nfrom .tool import x\n");
    write(&home, "app/tool.py", "x = 1\n");
    write(&home, "empty.py", " \n");
    write(&home, "image.png", "\u{89}PNG\0\0");
    let report = run(&home, &store, &BuiltInAnalyzer::new());
    assert_eq!((report.files, report.analyzed, report.skipped_empty), (6, 5, 1));
    assert_eq!((report.relations, report.failed, report.errors), (4, 0, 0));

    assert_eq!(file(&store, "empty.py").1.status, Some(TrackStatus::SkippedEmpty));
    let (_, lib) = file(&store, "src/lib.rs");
    assert_eq!((lib.status, lib.lines_of_code), (Some(TrackStatus::Analyzed), Some(3)));
    let analyzed = analysis(&store, "src/lib.rs");
    assert_eq!(analyzed.primary_purpose.as_deref(), Some("Reads cases"));
    assert_eq!(analyzed.dependency_text.as_deref(), Some("date, serde::Serialize"));
    assert_eq!(analysis(&store, "date.rs").complexity_score, Some(2.0));
    assert_eq!(analysis(&store, "image.png").file_type.as_deref(), Some("binary"));

    let tx = store.read().unwrap();
    let targets = |from: &str| -> Vec<Option<String>> {
        let source = file(&store, from).0;
        let relations = tx.index::<FileRelation>("source", (Some(source),)).unwrap();
        let target = |relation: FileRelation| {
            relation.target.map(|id| tx.get::<CodeFile>(id).unwrap().unwrap().file_name.unwrap())
        };
        relations.map(|row| target(row.unwrap().1)).collect()
    };
    assert_eq!(targets("src/lib.rs"), [Some("date.rs".to_owned()), None]);
    assert_eq!(targets("main.py"), [Some("tool.py".to_owned()), None]);
    drop(tx);
    sound(&store);
}

#[test]
fn only_what_is_not_done_is_done() {
    let (home, store) = new_store();
    for (name, text) in
        [("a.py", "1"), ("b.py", "silence"), ("c.py", "error"), ("d.py", "panic"), ("e.py", "")]
    {
        write(&home, name, text);
    }
    let analyzer = Obedient { version: "1".to_owned(), ..Obedient::default() };
    let report = run(&home, &store, &analyzer);
    assert_eq!((report.analyzed, report.failed, report.errors, report.skipped_empty), (1, 1, 2, 1));
    assert_eq!(report.problems.len(), 3);
    assert_eq!(file(&store, "b.py").1.status, Some(TrackStatus::AnalysisFailed));
    assert_eq!(file(&store, "c.py").1.status, Some(TrackStatus::ErrorDuringAnalysis));
    assert_eq!(file(&store, "d.py").1.status, Some(TrackStatus::ErrorDuringAnalysis));
    assert_eq!(analyzer.names().len(), 4);

    // What failed is tried again; what is done is not.
    write(&home, "b.py", "speaks now");
    let report = run(&home, &store, &analyzer);
    assert_eq!((report.analyzed, report.unchanged, report.errors), (1, 2, 2));
    assert_eq!(analyzer.names(), ["b.py", "c.py", "d.py"].map(String::from).into());

    // Other bytes, and another version, are another question.
    write(&home, "a.py", "other");
    run(&home, &store, &analyzer);
    assert_eq!(analyzer.names(), ["a.py", "c.py", "d.py"].map(String::from).into());
    let analyzer = Obedient { version: "2".to_owned(), ..Obedient::default() };
    run(&home, &store, &analyzer);
    assert_eq!(analyzer.names(), ["a.py", "b.py", "c.py", "d.py"].map(String::from).into());
    assert_eq!(analysis(&store, "a.py").ai_model_version.as_deref(), Some("2"));
    sound(&store);
}

#[test]
fn a_stopped_run_goes_on_and_ends_like_a_whole_one() {
    let files = std::env::var("ENGRAPH_TEST_ANALYZE_FILES");
    let files = files.ok().and_then(|files| files.parse().ok()).unwrap_or(700);
    let (home, store) = new_store();
    let tree = home.around().join("tree");
    grow(&tree, files).unwrap();
    store.scan_tree(&tree, &ScanOptions::new()).unwrap();
    let (options, mut analyzed, mut runs) = (AnalyzeOptions::new(), 0, 0);
    loop {
        let stop = |_: &_| ControlFlow::Break(());
        let report = store.analyze_files(None, &BuiltInAnalyzer::new(), &options, stop).unwrap();
        assert_eq!(report.unchanged, analyzed, "work was repeated or lost");
        analyzed += report.analyzed;
        runs += 1;
        if !report.is_stopped {
            break;
        }
    }
    assert!(runs >= 3);
    assert_eq!(analyzed, files as u64);

    let (other_home, whole) = new_store();
    let one_thread = AnalyzeOptions::new().threads(1);
    whole.scan_tree(&tree, &ScanOptions::new()).unwrap();
    let go_on = |_: &_| ControlFlow::Continue(());
    whole.analyze_files(None, &BuiltInAnalyzer::new(), &one_thread, go_on).unwrap();
    let without_time = |store: &Store| {
        let report = report_of(store, &BuiltInAnalyzer::new()).unwrap();
        report.split_once("\n## ").unwrap().1.to_owned()
    };
    assert_eq!(without_time(&store), without_time(&whole));
    assert_eq!(without_time(&store), without_time(&store));
    drop(other_home);
}

#[test]
fn the_report_has_its_data_and_the_model_gets_it() {
    let (home, store) = new_store();
    let analyzer = Obedient { version: "7".to_owned(), ..Obedient::default() };
    assert_eq!(report_of(&store, &analyzer), None);
    write(&home, "a|<b>.py", "1");
    write(&home, "c.py", "2");
    run(&home, &store, &analyzer);
    let report = report_of(&store, &analyzer).unwrap();
    for expected in [
        "All obey.",
        "By obedient 7.",
        "| obeyed | 2 |",
        "| analyzed | 2 |",
        "a\\|\\<b\\>.py",
        "* obeys",
    ] {
        assert!(report.contains(expected), "{expected} in {report}");
    }
    let told = analyzer.told.lock().unwrap();
    assert!(told[0].contains("| obeyed | 2 |") && told[0].contains("* obeys"));
    assert!(!report_of(&store, &BuiltInAnalyzer::new()).unwrap().contains("Summary"));
}

#[test]
fn options_narrow_a_run() {
    let (home, store) = new_store();
    for name in ["a.py", "b.PY", "c.rs"] {
        write(&home, name, "x");
    }
    let tree = home.around().join("tree");
    store.scan_tree(&tree, &ScanOptions::new()).unwrap();
    let run = |options: AnalyzeOptions| {
        let go_on = |_: &_| ControlFlow::Continue(());
        store.analyze_files(None, &BuiltInAnalyzer::new(), &options, go_on).unwrap()
    };
    let report = run(AnalyzeOptions::new().extensions(["py"]).files_max(1));
    assert_eq!((report.files, report.analyzed, report.is_stopped), (2, 1, true));
    let report = run(AnalyzeOptions::new().extensions([".Py"]));
    assert_eq!((report.unchanged, report.analyzed, report.is_stopped), (1, 1, false));
    assert_eq!(run(AnalyzeOptions::new().again()).analyzed, 3);
    // A file that went away after the scan is an error of that file.
    std::fs::remove_file(tree.join("a.py")).unwrap();
    let report = run(AnalyzeOptions::new().again());
    assert_eq!((report.analyzed, report.errors), (2, 1));
    let missing = store.analyze_files(
        Some(Path::new("nowhere")),
        &BuiltInAnalyzer::new(),
        &AnalyzeOptions::new(),
        |_| ControlFlow::Continue(()),
    );
    assert_eq!(missing.unwrap_err().kind(), "io");
}
