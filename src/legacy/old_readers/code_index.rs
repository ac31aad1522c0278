//! The code index: files with analyses, history, tags, scans, log, and its views.

use std::fs;

use rusqlite::Connection;

use super::{Exported, check, rows, store_in};
use crate::family::{
    AnalyzeOptions, BuiltInAnalyzer, NewFileTag, NewTagDefinition, ScanOptions, TagQuery,
};
use crate::record::{
    CodeFile, FileGroup, FileGroupMember, FileIssue, LogEntry, LogLevel, Severity,
};
use crate::store::Store;

/// A scanned and analyzed tree of two files, of which one was changed since.
fn indexed(folder: &std::path::Path) -> Store {
    let store = store_in(folder);
    let tree = folder.join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("util.py"), "'''Sorts letters.'''\ndef sort():\n    pass\n").unwrap();
    fs::write(tree.join("run.py"), "import util\n").unwrap();
    let scan = || store.scan_tree(&tree, &ScanOptions::new()).unwrap();
    scan();
    let go_on = |_: &_| std::ops::ControlFlow::Continue(());
    store.analyze_files(None, &BuiltInAnalyzer::new(), &AnalyzeOptions::new(), go_on).unwrap();
    fs::write(tree.join("run.py"), "import util\nutil.sort()\n").unwrap();
    assert_eq!(scan().changed, 1);
    store
}

fn open(out: &Exported) -> Connection {
    let db = out.db("file_index");
    // The old manager brings this function along.
    db.create_scalar_function(
        "regexp",
        2,
        rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC,
        |_| Ok(false),
    )
    .unwrap();
    db
}

#[test]
fn scanned_files_are_listed_with_analysis_history_and_dependencies() {
    let folder = tempfile::tempdir().unwrap();
    let store = indexed(folder.path());
    let out = Exported::of(&store, folder.path());
    assert_eq!(out.kinds(), ["documents", "file_index"]);
    let notes = &out.file("file_index").notes;
    assert!(notes.contains(&"file_search: left empty, to be filled anew".to_owned()));
    assert!(!notes.iter().any(|note| note.contains("as imported")), "{notes:?}");
    let db = open(&out);
    check(
        &db,
        "SELECT file_name, file_extension, is_active, primary_purpose IS NOT NULL, issue_count,
         tag_count, last_analyzed FROM v_files_complete ORDER BY file_name",
        &["run.py|.py|1|1|0|0|2026-02-14 08:18:02", "util.py|.py|1|1|0|0|2026-02-14 08:18:02"],
    );
    let dependencies = rows(&db, "SELECT source_file, relationship_type FROM v_file_dependencies");
    assert!(dependencies.iter().any(|row| row.ends_with("run.py|imports")), "{dependencies:?}");
    check(
        &db,
        "SELECT f.file_name, h.change_type, h.old_hash IS NULL, length(h.new_hash),
         h.detected_at FROM file_change_history h JOIN files f ON f.id = h.file_id
         WHERE h.file_path = f.file_path ORDER BY h.id",
        &["run.py|modified|0|64|2026-02-14 08:18:02"],
    );
    check(
        &db,
        "SELECT scan_type, substr(started_at, 1, 19), substr(completed_at, 1, 19), status,
         files_scanned, files_added, files_removed, error_message FROM scan_history ORDER BY id",
        &[
            "incremental|2026-02-14 08:18:02|2026-02-14 08:18:02|completed|2|2|0|NULL",
            "incremental|2026-02-14 08:18:02|2026-02-14 08:18:02|completed|2|0|0|NULL",
        ],
    );
    check(
        &db,
        "SELECT count(*) FROM files WHERE relative_path = file_path AND absolute_path = file_path
         AND modified_at LIKE '____-__-__ __:__:__%' AND content_hash IS NOT NULL",
        &["2"],
    );
    check(
        &db,
        "SELECT f.file_name, json_type(a.main_functions), json_type(a.dependencies),
         json_extract(a.main_functions, '$[0]') FROM file_analysis a
         JOIN files f ON f.id = a.file_id ORDER BY f.file_name",
        &["run.py|array|array|NULL", "util.py|array|array|sort"],
    );
    // What the manager does at every start.
    db.execute_batch("ANALYZE; VACUUM").unwrap();
}

#[test]
fn tags_issues_groups_and_log_lines_are_joined_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let store = indexed(folder.path());
    store
        .write(|tx| {
            let (file, _) = tx.iter::<CodeFile>()?.next().unwrap()?;
            let pattern = NewTagDefinition::new("type", "gui").pattern(r".*gui.*\.py$");
            tx.tags().define(pattern.color("#8B5CF6"))?;
            tx.tags().assign(NewFileTag::new(file, "hot").category("status").confidence(0.5))?;
            tx.insert(&FileIssue {
                file: Some(file),
                issue_type: "bug".into(),
                severity: Severity::High,
                title: "off by one".into(),
                detected_at: Some(tx.now()),
                ..FileIssue::default()
            })?;
            let group_name = "core".to_owned();
            let group = tx.insert(&FileGroup { group_name, ..FileGroup::default() })?;
            tx.insert(&FileGroupMember {
                group: Some(group),
                file: Some(file),
                added_at: Some(tx.now()),
            })?;
            tx.insert(&LogEntry {
                level: LogLevel::Warning,
                category: "scan".into(),
                message: "slow".into(),
                correlation_id: Some("c".into()),
                logged_at: Some(tx.now()),
                ..LogEntry::default()
            })
        })
        .unwrap();
    let out = Exported::of(&store, folder.path());
    let db = open(&out);
    check(
        &db,
        "SELECT category, tag_name, color_hex, auto_assign_pattern FROM tag_definitions",
        &[r"type|gui|#8B5CF6|.*gui.*\.py$"],
    );
    check(
        &db,
        "SELECT f.file_name, t.tag_name, t.tag_category, t.confidence, t.created_by, t.created_at
         FROM file_tags t JOIN files f ON f.id = t.file_id WHERE f.is_active = 1",
        &["run.py|hot|status|0.5|user|2026-02-14 08:18:02"],
    );
    check(&db, "SELECT issue_type, severity, issue_count FROM v_issue_summary", &["bug|high|1"]);
    check(
        &db,
        "SELECT g.group_name, f.file_name FROM file_group_members m
         JOIN file_groups g ON g.id = m.group_id JOIN files f ON f.id = m.file_id",
        &["core|run.py"],
    );
    check(
        &db,
        "SELECT level, category, message, timestamp FROM system_logs
         ORDER BY timestamp DESC LIMIT 1",
        &["WARNING|scan|slow|2026-02-14 08:18:02"],
    );
    let held = &out.file("file_index").not_held;
    assert_eq!(held["system_logs.correlation_id"], 1);
    assert_eq!(held["tag_definitions.created_at"], 1);
    let back = out.back("file_index");
    let tags = back.read().unwrap().tags().list(&TagQuery::new().name("hot")).unwrap();
    assert!(tags[0].1.file.is_some());
}
