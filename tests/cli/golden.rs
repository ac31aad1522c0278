//! Transcripts: the commands one after another on one store.

use crate::session::Session;

#[test]
fn a_new_store_is_empty_and_whole() {
    let mut session = Session::new();
    session
        .say("init case.engraph")
        .say("init case.engraph")
        .say("stats case.engraph")
        .say("list case.engraph document")
        .say("get case.engraph document:1")
        .say("search case.engraph anything")
        .say("verify case.engraph")
        .say("verify case.engraph --json")
        .say("init other.engraph --json")
        .check("new_store.txt");
}

#[test]
fn old_databases_go_in_are_found_and_come_out_equal() {
    let mut session = Session::new();
    session.old_installation("old", 6);
    session
        .say("import legacy old --into case.engraph --dry-run")
        .say("stats case.engraph")
        .say("import legacy old --into case.engraph")
        .say("import legacy old --into case.engraph")
        .say("import legacy old/documents.db --into case.engraph --as second --json")
        .say("search case.engraph reply --limit 1")
        .say("stats case.engraph")
        .say("verify case.engraph")
        .say("verify case.engraph --against old/documents.db --source old/documents.db")
        .say("verify case.engraph --against old/unified_memory.db --json")
        .say("export legacy case.engraph --out back")
        .say("export legacy case.engraph --out back")
        .say("export legacy case.engraph --out back --force --mode loadable")
        .say("backup case.engraph copy.engraph")
        .say("compact copy.engraph")
        .say("verify copy.engraph")
        .check("legacy.txt");
}

#[test]
fn records_are_shown_listed_searched_and_walked() {
    let mut session = Session::new();
    session.old_installation("old", 6);
    session.run(&["import", "legacy", "old", "--into", "s"]).check(0, "3 imported", "");
    session
        .say("get s document:1 1:2 --json")
        .say("get s memory:1 persona:1")
        .say("get s 1:99 document:1 --json")
        .say("list s document --limit 2")
        .say("list s document --limit 2 --after document:2 --json")
        .say("list s document --index category --limit 3")
        .say("list s document --index category --limit 2 --after document:1 --json")
        .say("list s dead_letter --limit 5")
        .say("search s reply due March --limit 3")
        .say("search s reply due March --limit 2 --kind memory --json")
        .say("search s reply --filter category=legal --limit 3")
        .say("search s lease due --all --limit 3")
        .say("search s deadline --limit 2 -- -urgent")
        .say("search s zzzzzz")
        .say("graph s neighbors entity:1")
        .say("graph s neighbors entity:1 --direction out --type related_to --json")
        .say("graph s neighbors entity:1 --depth 2")
        .say("graph s neighbors entity:1 --depth 3 --json --limit 2")
        .say("graph s path entity:1 entity:4")
        .say("graph s path entity:1 entity:4 --direction out --weighted --json")
        .say("graph s path entity:1 persona:1")
        .say("graph s neighbors entity:99")
        .check("records.txt");
}

/// The commands whose help is shown.
const COMMANDS: &[&str] = &[
    "init",
    "import legacy",
    "migrate",
    "sync legacy",
    "export legacy",
    "get",
    "list",
    "search",
    "similar",
    "graph neighbors",
    "graph walk",
    "graph path",
    "task runs",
    "task list",
    "task show",
    "task events",
    "task cancel",
    "task retry",
    "job list",
    "job dead",
    "job requeue",
    "job stats",
    "memory",
    "memory summarise",
    "memory entity",
    "git log",
    "git record",
    "git read",
    "graph ego",
    "graph subgraph",
    "graph stats",
    "graph components",
    "graph pagerank",
    "graph order",
    "graph centrality",
    "graph communities",
    "graph cores",
    "graph triangles",
    "graph bridges",
    "graph cycles",
    "graph similar",
    "graph links",
    "graph paths",
    "graph match",
    "graph flow",
    "graph forest",
    "graph distances",
    "graph timed",
    "graph random-walk",
    "graph dominators",
    "graph export",
    "graph import",
    "verify",
    "stats",
    "health",
    "config get",
    "config set",
    "config list",
    "compact",
    "backup",
    "demo",
    "completions",
];

#[test]
fn help_says_what_there_is() {
    let mut session = Session::new();
    session.say("--help");
    for command in COMMANDS {
        // The store comes before the question that is asked about it.
        let line = command.replace("graph ", "graph s ");
        session.say(&format!("{line} --help"));
    }
    session.check("help.txt");
}
