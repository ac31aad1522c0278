//! Side by side with the old application: its database goes on changing, the store keeps in step.
//!
//! The old application is another process here, as it is in life: SQLite's locks belong to one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engraph::legacy::{
    Existing, ExportOptions, ImportOptions, Pace, Recognised, Round, RowChanges, Side,
    Surroundings, SyncOptions, SyncReport, conflicts, export, import, resolve, sample, sync,
    verify_against, watch,
};
use engraph::record::{Document, DocumentTag};
use engraph::{Error, NodeId, Store};

use crate::legacy::python_is_there;

/// The statements of the old application's document repository, in its transactions, with its
/// settings. Stops at every quarter until as many rounds have brought changes in.
const WRITER: &str = r#"
import os, random, sqlite3, sys, time
path, rounds, changes = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = sqlite3.connect(path, timeout=5.0)
for pragma in ("foreign_keys = ON", "busy_timeout = 5000", "journal_mode = WAL",
               "synchronous = NORMAL"):
    db.execute("PRAGMA " + pragma)
chance = random.Random(11)
done = 0
quarter = 1
while done < changes:
    ids = [row[0] for row in db.execute("SELECT id FROM documents ORDER BY id")]
    for _ in range(200):
        if done >= changes:
            break
        what, some = chance.random(), chance.choice(ids)
        if what < 0.35:
            new = db.execute(
                "INSERT INTO documents (file_name, file_type, category, file_path,"
                " primary_purpose, created_at) VALUES (?, 'txt', ?, ?, ?, ?)",
                (f"new {done}.txt", f"c{done % 7}", f"uploads/{done}", "Processed via upload",
                 "2025-05-01T10:00:00")).lastrowid
            db.execute("INSERT INTO document_content (document_id, content_text, content_type)"
                       " VALUES (?, ?, 'text/plain')", (new, f"Text number {done} of the case."))
            db.execute("INSERT INTO document_tags (document_id, tag_name, tag_value)"
                       " VALUES (?, ?, ?)", (new, "fresh", str(done)))
            done += 3
        elif what < 0.75:
            db.execute("UPDATE documents SET category = ?, updated_at = ? WHERE id = ?",
                       (f"u{done}", "2025-06-01T08:00:00", some))
            done += 1
        elif what < 0.85:
            db.execute("UPDATE document_content SET content_text = ? WHERE document_id = ?",
                       (f"Another text {done}.", some))
            done += 1
        elif what < 0.95:
            db.execute("DELETE FROM document_tags WHERE document_id = ?", (some,))
            done += 1
        else:
            db.execute("DELETE FROM documents WHERE id = ?", (some,))
            done += 1
        db.commit()
    if done * 4 >= changes * quarter and quarter < 4:
        for _ in range(3000):
            if os.path.exists(os.path.join(rounds, str(quarter))):
                break
            time.sleep(0.02)
        quarter += 1
db.close()
"#;

fn writer(database: &Path, rounds: &Path, changes: u32) -> Child {
    let arguments = [database.as_os_str(), rounds.as_os_str()];
    Command::new("python3")
        .args(["-c", WRITER])
        .args(arguments)
        .arg(changes.to_string())
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs statements of the old application on one of its databases.
#[track_caller]
fn statements(database: &Path, sql: &str) {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                  db.execute('PRAGMA foreign_keys = ON'); db.executescript(sys.argv[2]); \
                  db.commit(); db.close()";
    let status = Command::new("python3").args(["-c", script]).arg(database).arg(sql).status();
    assert!(status.unwrap().success());
}

#[track_caller]
fn round(store: &Store, file: &Path) -> SyncReport {
    sync(store, file, &SyncOptions::new(), &mut |_| {}).unwrap()
}

struct Side2 {
    dir: tempfile::TempDir,
    file: PathBuf,
    store: Store,
}

/// A database that is in step with a store.
fn in_step(documents: u32) -> Side2 {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    std::fs::create_dir(&old).unwrap();
    let file = sample::write(&old, documents).unwrap().swap_remove(0);
    let store = Store::create(dir.path().join("store")).unwrap();
    let first = round(&store, &file);
    assert!(first.is_new && first.unchanged.is_none());
    Side2 { dir, file, store }
}

impl Side2 {
    fn documents(&self, count: usize) -> Vec<NodeId> {
        let read = self.store.read().unwrap();
        read.iter::<Document>().unwrap().map(|row| row.unwrap().0).take(count).collect()
    }

    fn row(&self, id: NodeId) -> i64 {
        self.store.read().unwrap().origin(id).unwrap().row
    }

    fn category(&self, id: NodeId) -> Option<String> {
        let document = self.store.read().unwrap().get::<Document>(id).unwrap();
        document.map(|document| document.category)
    }

    fn edit(&self, id: NodeId, category: &str) {
        let edited = self.store.write(|tx| {
            tx.update::<Document>(id, |document| {
                document.category = category.into();
                Ok(())
            })
        });
        edited.unwrap();
    }

    fn delete(&self, id: NodeId) {
        assert!(self.store.write(|tx| tx.delete(id)).unwrap());
    }

    /// Checks that the store is what a new one is that took the file in as it is now.
    #[track_caller]
    fn check_equals_a_fresh_import(&self) {
        let found = verify_against(&self.store, &self.file, None, &mut |_| {}).unwrap();
        assert!(found.is_equal(), "{found:#?}");
        let fresh = Store::create(self.dir.path().join("fresh")).unwrap();
        let paths = [self.file.clone()];
        import(&fresh, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
        let out = self.dir.path().join("out");
        let written = export(&self.store, &out, &ExportOptions::new(), &mut |_| {}).unwrap();
        let found = verify_against(&fresh, &written.files[0].path, None, &mut |_| {}).unwrap();
        assert!(found.is_equal(), "{found:#?}");
        let counted = |store: &Store| -> BTreeMap<String, u64> {
            let mut records = store.stats().unwrap().records;
            records.retain(|_, count| *count > 0);
            records
        };
        assert_eq!(counted(&self.store), counted(&fresh));
        let verified = self.store.verify().unwrap();
        assert!(verified.is_ok(), "{verified:?}");
    }
}

fn changes_of_the_day() -> u32 {
    std::env::var("ENGRAPH_SYNC_CHANGES").map_or(2_000, |number| number.parse().unwrap())
}

#[test]
fn a_database_that_is_written_to_all_the_time_is_kept_in_step_with() {
    if !python_is_there() {
        return;
    }
    let side = in_step(40);
    let rounds = side.dir.path().join("rounds");
    std::fs::create_dir(&rounds).unwrap();
    let changes = changes_of_the_day();
    let mut child = writer(&side.file, &rounds, changes);
    let mut seen: Vec<Round> = Vec::new();
    let (mut rounds_after_the_end, mut busy) = (0, 0);
    let around = Surroundings {
        open: &mut || Ok(side.store.clone()),
        wait: &mut |_| {
            std::thread::yield_now();
            // One more round after the writer's last word.
            if child.try_wait().unwrap().is_some() {
                rounds_after_the_end += 1;
            }
            rounds_after_the_end < 2
        },
        each: &mut |round| {
            let report = round.report.as_ref();
            if report.is_some_and(|report| report.changes != RowChanges::default()) {
                busy += 1;
                std::fs::write(rounds.join(busy.to_string()), "").unwrap();
            }
            seen.push(round.clone());
            true
        },
    };
    let pace = Pace { interval: Duration::ZERO, longest: Duration::ZERO };
    watch(&side.file, &SyncOptions::new(), pace, around, &mut |_| {}).unwrap();
    assert!(child.wait().unwrap().success());
    let mut sum = RowChanges::default();
    for report in seen.iter().filter_map(|round| round.report.as_ref()) {
        assert_eq!(report.conflicts, [], "nothing was changed here");
        sum.added += report.changes.added;
        sum.changed += report.changes.changed;
        sum.removed += report.changes.removed;
    }
    eprintln!("{changes} changes, {} rounds, {busy} with changes: {sum:?}", seen.len());
    assert!(busy >= 4, "the writer waits for rounds: {busy}");
    assert!(sum.added > 0 && sum.changed > 0 && sum.removed > 0, "{sum:?}");
    side.check_equals_a_fresh_import();
    let still = round(&side.store, &side.file);
    assert_eq!(still.unchanged, Some(Recognised::Mark));
}

#[test]
fn an_unchanged_database_is_recognised_without_being_read() {
    let rows: u32 =
        std::env::var("ENGRAPH_SYNC_ROWS").map_or(5_000, |number| number.parse().unwrap());
    // Twenty-five rows a document.
    let side = in_step(rows / 25);
    let before = side.store.seq();
    let mut told = 0;
    let still = sync(&side.store, &side.file, &SyncOptions::new(), &mut |_| told += 1).unwrap();
    eprintln!("{rows} rows, unchanged: {:.6} s", still.elapsed);
    assert_eq!(still.unchanged, Some(Recognised::Mark));
    assert_eq!((told, side.store.seq()), (0, before), "nothing is read and nothing written");
    let options = SyncOptions::new().thorough();
    let read = sync(&side.store, &side.file, &options, &mut |_| {}).unwrap();
    eprintln!("{rows} rows, unchanged by a look at all: {:.3} s", read.elapsed);
    assert!(matches!(read.unchanged, Some(Recognised::Digest | Recognised::Rows)), "{read:?}");
    assert_eq!(read.changes, RowChanges::default());
    // A copy is another file with the same contents.
    let copy = side.dir.path().join("copy.db");
    std::fs::copy(&side.file, &copy).unwrap();
    std::fs::rename(&copy, &side.file).unwrap();
    let same = round(&side.store, &side.file);
    assert_ne!(same.unchanged, Some(Recognised::Mark));
    assert_eq!(same.changes, RowChanges::default());
    assert_eq!(round(&side.store, &side.file).unchanged, Some(Recognised::Mark));
}

#[test]
fn an_import_and_a_sync_know_of_each_other() {
    if !python_is_there() {
        return;
    }
    let side = in_step(5);
    let paths = [side.file.clone()];
    statements(&side.file, "UPDATE documents SET category = 'theirs'");
    import(&side.store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(round(&side.store, &side.file).unchanged, Some(Recognised::Mark));
}

#[test]
fn both_sides_edits_are_listed_until_decided_and_neither_is_lost() {
    if !python_is_there() {
        return;
    }
    let side = in_step(12);
    let ids = side.documents(3);
    side.edit(ids[0], "ours");
    side.edit(ids[1], "ours");
    let rows: Vec<i64> = ids.iter().map(|id| side.row(*id)).collect();
    let theirs = format!(
        "UPDATE documents SET category = 'theirs', primary_purpose = 'both' WHERE id IN ({}, {});
         UPDATE documents SET category = 'theirs alone' WHERE id = {};",
        rows[0], rows[1], rows[2]
    );
    statements(&side.file, &theirs);
    for looked in 0..3 {
        let report = round(&side.store, &side.file);
        assert_eq!(report.unchanged.is_some(), looked > 0);
        let listed: Vec<_> = report.conflicts.iter().map(|open| &open.conflict.record).collect();
        assert_eq!(listed, [&ids[0].to_string(), &ids[1].to_string()]);
        let first = &report.conflicts[0];
        assert_eq!(first.conflict.fields, ["category"]);
        assert_eq!(first.ours, Some(serde_json::json!({ "category": "ours" })));
        assert_eq!(first.theirs, Some(serde_json::json!({ "category": "theirs" })));
    }
    let read = side.store.read().unwrap();
    let purpose = read.get::<Document>(ids[0]).unwrap().unwrap().primary_purpose;
    assert_eq!(purpose.as_deref(), Some("both"), "what only they changed is in");
    drop(read);
    assert_eq!(side.category(ids[2]).as_deref(), Some("theirs alone"));
    // Their next change of something else keeps the conflict, with their newest words.
    statements(
        &side.file,
        &format!("UPDATE documents SET file_path = '/there' WHERE id = {}", rows[0]),
    );
    assert_eq!(round(&side.store, &side.file).conflicts.len(), 2);

    let one = SyncOptions::new().resolve(Side::Theirs).records([ids[0]]);
    let report = sync(&side.store, &side.file, &one, &mut |_| {}).unwrap();
    assert_eq!((report.resolved, report.conflicts.len()), (1, 1));
    assert_eq!(side.category(ids[0]).as_deref(), Some("theirs"));
    let again = sync(&side.store, &side.file, &one, &mut |_| {});
    assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
    let all = SyncOptions::new().resolve(Side::Ours);
    let report = sync(&side.store, &side.file, &all, &mut |_| {}).unwrap();
    assert_eq!((report.resolved, report.conflicts.len()), (1, 0));
    assert_eq!(side.category(ids[1]).as_deref(), Some("ours"));
    assert!(side.store.verify().unwrap().is_ok());
    // Ours goes out; the rest is as the file has it.
    let found = verify_against(&side.store, &side.file, None, &mut |_| {}).unwrap();
    let [difference] = &found.differences[..] else { unreachable!("{found:#?}") };
    assert_eq!((difference.row, difference.column.as_deref()), (Some(rows[1]), Some("category")));
}

#[test]
fn sides_that_come_to_agree_have_no_conflict() {
    if !python_is_there() {
        return;
    }
    let side = in_step(4);
    let ids = side.documents(2);
    let update = |category: &str| {
        let ids = format!("{}, {}", side.row(ids[0]), side.row(ids[1]));
        statements(
            &side.file,
            &format!("UPDATE documents SET category = '{category}' WHERE id IN ({ids})"),
        );
    };
    side.edit(ids[0], "ours");
    side.edit(ids[1], "same");
    update("theirs");
    assert_eq!(round(&side.store, &side.file).conflicts.len(), 2);
    side.edit(ids[0], "theirs");
    let left = conflicts(&side.store, None).unwrap();
    assert_eq!(left.len(), 1, "we came over to them");
    update("same");
    let report = round(&side.store, &side.file);
    assert_eq!(report.conflicts, [], "they came over to us in one");
    assert_eq!(side.category(ids[0]).as_deref(), Some("same"), "and changed the other alone");
}

#[test]
fn a_deletion_on_one_side_and_an_edit_on_the_other_lose_nothing() {
    if !python_is_there() {
        return;
    }
    let side = in_step(12);
    let ids = side.documents(4);
    let rows: Vec<i64> = ids.iter().map(|id| side.row(*id)).collect();
    // 0 and 1: changed here, deleted there. 2 and 3: deleted here, changed there.
    side.edit(ids[0], "kept");
    side.edit(ids[1], "kept");
    side.delete(ids[2]);
    side.delete(ids[3]);
    let theirs = format!(
        "DELETE FROM documents WHERE id IN ({}, {});
         UPDATE documents SET category = 'revived' WHERE id IN ({}, {});",
        rows[0], rows[1], rows[2], rows[3]
    );
    statements(&side.file, &theirs);
    let report = round(&side.store, &side.file);
    let open: Vec<_> = report
        .conflicts
        .iter()
        .map(|open| (open.conflict.record.clone(), open.ours.is_some(), open.theirs.is_some()))
        .collect();
    let expected: Vec<_> = (0..4).map(|at| (ids[at].to_string(), at < 2, at >= 2)).collect();
    assert_eq!(open, expected);
    assert_eq!(side.category(ids[0]).as_deref(), Some("kept"));
    assert_eq!(side.category(ids[2]), None);

    let decide = |at: usize, who| resolve(&side.store, None, &[ids[at]], who).unwrap();
    assert_eq!(decide(0, Side::Ours) + decide(1, Side::Theirs), 2);
    assert_eq!(decide(2, Side::Ours) + decide(3, Side::Theirs), 2);
    assert!(round(&side.store, &side.file).conflicts.is_empty());
    assert_eq!(side.category(ids[0]).as_deref(), Some("kept"));
    assert_eq!(side.category(ids[1]), None);
    assert_eq!(side.category(ids[2]), None);
    assert_eq!(side.category(ids[3]).as_deref(), Some("revived"));
    assert!(side.store.verify().unwrap().is_ok());

    goes_out_as_it_was_decided(&side, &rows);

    // The row comes back over there: it meets the record that was kept.
    statements(
        &side.file,
        &format!(
            "INSERT INTO documents (id, file_name, file_type, category)
             VALUES ({}, 'again', 'txt', 'again')",
            rows[0]
        ),
    );
    let report = round(&side.store, &side.file);
    assert_eq!(report.conflicts.len(), 1, "{:?}", report.conflicts);
    assert_eq!(side.category(ids[0]).as_deref(), Some("kept"));
    assert_eq!(resolve(&side.store, None, &[], Side::Theirs).unwrap(), 1);
    assert_eq!(side.category(ids[0]).as_deref(), Some("again"));
    assert!(side.store.verify().unwrap().is_ok());
}

/// What goes out has the rows that were kept or came back, and not those that were deleted.
#[track_caller]
fn goes_out_as_it_was_decided(side: &Side2, rows: &[i64]) {
    let out = side.dir.path().join("out.db");
    let options = SyncOptions::new().out(&out, Existing::Refuse);
    let report = sync(&side.store, &side.file, &options, &mut |_| {}).unwrap();
    assert_eq!(report.out.unwrap().path, out);
    let back = Store::create(side.dir.path().join("back")).unwrap();
    import(&back, &[out], &ImportOptions::new(), &mut |_| {}).unwrap();
    let read = back.read().unwrap();
    let there: BTreeMap<i64, String> = read
        .iter::<Document>()
        .unwrap()
        .map(|row| row.unwrap())
        .map(|(id, document)| (read.origin(id).unwrap().row, document.category))
        .collect();
    assert_eq!(there.get(&rows[0]).map(String::as_str), Some("kept"));
    assert_eq!(there.get(&rows[1]), None);
    assert_eq!(there.get(&rows[2]), None);
    assert_eq!(there.get(&rows[3]).map(String::as_str), Some("revived"));
    assert_eq!(there.len(), 12 - 2);
}

#[test]
fn a_deletion_on_both_sides_is_no_conflict() {
    if !python_is_there() {
        return;
    }
    let side = in_step(6);
    let ids = side.documents(1);
    let row = side.row(ids[0]);
    side.delete(ids[0]);
    statements(&side.file, &format!("UPDATE documents SET category = 'x' WHERE id = {row}"));
    assert_eq!(round(&side.store, &side.file).conflicts.len(), 1);
    statements(&side.file, &format!("DELETE FROM documents WHERE id = {row}"));
    assert!(round(&side.store, &side.file).conflicts.is_empty());
    assert_eq!(resolve(&side.store, None, &[], Side::Theirs).unwrap(), 0);
    assert_eq!(side.category(ids[0]), None);
}

#[test]
fn what_is_written_out_is_never_the_file_that_is_read() {
    let side = in_step(4);
    let bytes = std::fs::read(&side.file).unwrap();
    let link = side.dir.path().join("link.db");
    std::fs::hard_link(&side.file, &link).unwrap();
    let around = side.dir.path().join("old/../old/documents.db");
    for out in [&side.file, &link, &around] {
        let options = SyncOptions::new().out(out, Existing::Replace);
        let refused = sync(&side.store, &side.file, &options, &mut |_| {});
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        assert_eq!(std::fs::read(&side.file).unwrap(), bytes);
    }
    let out = side.dir.path().join("out.db");
    let options = SyncOptions::new().out(&out, Existing::Refuse);
    sync(&side.store, &side.file, &options, &mut |_| {}).unwrap();
    let again = sync(&side.store, &side.file, &options, &mut |_| {});
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
}

#[test]
fn a_file_that_cannot_be_read_now_is_waited_for() {
    let side = in_step(4);
    let whole = std::fs::read(&side.file).unwrap();
    let mut reasons = Vec::new();
    let mut waits = Vec::new();
    let around = Surroundings {
        open: &mut || Ok(side.store.clone()),
        wait: &mut |time| {
            waits.push(time.as_secs());
            true
        },
        each: &mut |round| {
            reasons.push(round.waiting_for.clone());
            match round.round {
                // As a copy that is not complete leaves it.
                1 => std::fs::write(&side.file, &whole[..whole.len() / 2]).unwrap(),
                2 => std::fs::remove_file(&side.file).unwrap(),
                3 => std::fs::write(&side.file, "no database").unwrap(),
                4 => std::fs::write(&side.file, &whole).unwrap(),
                _ => return false,
            }
            true
        },
    };
    let pace = Pace::every(Duration::from_secs(5));
    watch(&side.file, &SyncOptions::new(), pace, around, &mut |_| {}).unwrap();
    assert_eq!(waits, [5, 10, 20, 40]);
    let said = |at: usize| reasons[at].clone().unwrap();
    assert_eq!((&reasons[0], &reasons[4]), (&None, &None));
    assert!(said(1).contains("truncated"), "{}", said(1));
    assert!(said(2).contains("does not exist"), "{}", said(2));
    assert!(said(3).contains("not an SQLite database"), "{}", said(3));
    assert_eq!(side.documents(9).len(), 4, "nothing was lost by it");
}

#[test]
fn what_is_ours_goes_out_after_every_round_that_changed_it() {
    let side = in_step(4);
    let out = side.dir.path().join("out.db");
    let mut written = Vec::new();
    let around = Surroundings {
        open: &mut || Ok(side.store.clone()),
        wait: &mut |_| true,
        each: &mut |round| {
            written.push(round.report.as_ref().is_some_and(|report| report.out.is_some()));
            if round.round == 2 {
                side.edit(side.documents(1)[0], "ours");
            }
            round.round < 4
        },
    };
    let pace = Pace::every(Duration::ZERO);
    let options = SyncOptions::new().out(&out, Existing::Replace);
    watch(&side.file, &options, pace, around, &mut |_| {}).unwrap();
    assert_eq!(written, [true, false, true, false]);
    let back = Store::create(side.dir.path().join("back")).unwrap();
    import(&back, &[out], &ImportOptions::new(), &mut |_| {}).unwrap();
    let read = back.read().unwrap();
    assert_eq!(read.iter::<Document>().unwrap().next().unwrap().unwrap().1.category, "ours");
    assert!(read.iter::<DocumentTag>().unwrap().next().is_some());
}

#[test]
fn a_zone_is_remembered() {
    if !python_is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = sample::write(dir.path(), 2).unwrap().swap_remove(0);
    let store = Store::create(dir.path().join("store")).unwrap();
    let time = "UPDATE documents SET updated_at = '2025-07-01T12:00:00'";
    statements(&file, time);
    let berlin = SyncOptions::new().zone("Europe/Berlin");
    sync(&store, &file, &berlin, &mut |_| {}).unwrap();
    let first = |store: &Store| {
        let read = store.read().unwrap();
        let (_, document) = read.iter::<Document>().unwrap().next().unwrap().unwrap();
        document.updated_at.unwrap().to_string()
    };
    let before = first(&store);
    assert!(before.contains("10:00:00"), "{before}");
    statements(&file, "UPDATE documents SET category = 'other'");
    round(&store, &file);
    assert_eq!(first(&store), before);
    let wrong = SyncOptions::new().zone("Nowhere/Place").thorough();
    statements(&file, "UPDATE documents SET category = 'third'");
    let refused = sync(&store, &file, &wrong, &mut |_| {});
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}
