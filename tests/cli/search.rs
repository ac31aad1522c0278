//! `engraph search`: its options, saved searches, and the care of the index.

use engraph::record::Memory;

use crate::session::Session;

fn memory(title: &str, content: &str, tags: &[&str], month: u8) -> Memory {
    Memory {
        record_id: title.into(),
        namespace: if month < 3 { "early".into() } else { "late".into() },
        key: title.into(),
        content: content.into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        importance_score: Some(f64::from(month) / 10.0),
        created_at: format!("2026-{month:02}-10T12:00:00Z").parse().ok(),
        ..Memory::default()
    }
}

fn session() -> Session {
    let session = Session::new();
    session.store_with(
        "s",
        &[
            memory("reply", "the reply to the letter is due on 14 March", &["legal", "urgent"], 1),
            memory("letter", "a letter about the lease, and another letter", &["legal"], 2),
            memory("lunch", "lunch is at noon; the deadlines are not", &["private"], 3),
            memory("lease", "the lease was replied to in a letter", &["legal", "urgent"], 3),
        ],
    );
    session
}

#[test]
fn a_search_is_narrowed_sorted_counted_and_explained() {
    let mut session = session();
    session
        .say("search s letter")
        .say("search s letter --explain --limit 1")
        .say("search s letter --tag urgent --namespace late")
        .say("search s letter --all-tags legal --all-tags urgent --limit 1 --total")
        .say("search s letter lunch --all")
        .say("search s letter lunch --all-or-any --limit 1")
        .say("search s lettre --typos --limit 1")
        .say("search s lettre")
        .say("search s dead --prefix")
        .say("search s * --sort created:asc --limit 2")
        .say("search s * --sort-number importance --limit 2")
        .say("search s * --time created=2026-02-01..2026-03-01T00:00")
        .say("search s * --number importance=0.15..0.25 --limit 1")
        .say("search s * --facet tag --facet month:created --facet kind --limit 0 --total")
        .say("search s letter --facet tag --explain --total --limit 1 --json")
        .say("search s letter --as-of 0")
        .say("search s letter --as-of 1 --limit 1")
        .say("search s letter --as-of never")
        .say("search s letter --number importance=1")
        .say("search s (letter --strict")
        .say("search like s memory:2 --limit 1")
        .say("search complete s le")
        .say("search complete s xyz --json")
        .check("search.txt");
}

#[test]
fn searches_are_saved_run_and_matched() {
    let mut session = session();
    session
        .say("search saved s")
        .say("search save s due due letter --all --limit 2")
        .say("search save s urgent * --tag urgent --standing --json")
        .say("search saved s")
        .say("search run s due")
        .say("search run s nothing")
        .say("search matches s urgent")
        .say("search matches s due")
        .say("search forget s due")
        .say("search forget s due")
        .check("search_saved.txt");
    let store = engraph::Store::open(session.path("s")).unwrap();
    let later = memory("later", "another letter", &["urgent"], 4);
    store.write(|tx| tx.insert(&later)).unwrap();
    store.close().unwrap();
    session.run(&["search", "matches", "s", "urgent"]).check(0, "later", "");
    session.run(&["search", "matches", "s", "urgent", "--json"]).check(0, "\"seq\":", "");
    session.run(&["search", "matches", "s", "urgent", "--after", "99"]).check(1, "", "nothing");
}

#[test]
fn the_index_is_looked_at_compared_and_built_anew() {
    let session = session();
    session.run(&["search", "stats", "s"]).check(0, "no index yet", "");
    session.run(&["search", "rebuild", "s"]).check(0, "4 records in ", "");
    session.run(&["search", "stats", "s", "--check"]).check(0, "ok         4 records", "");
    session.run(&["search", "stats", "s", "--json"]).check(0, "\"documents\":4", "");
    for folder in std::fs::read_dir(session.path("s/search")).unwrap() {
        std::fs::write(folder.unwrap().path().join("meta.json"), "damage").unwrap();
    }
    session.run(&["search", "s", "letter"]).check(0, "memory 48:1", "");
    session.run(&["search", "stats", "s", "--check"]).check(0, "ok  ", "");
}
