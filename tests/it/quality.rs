//! Violations, alerts, reviews, issues, operations on many files, measurements, git operations, and
//! the reports over them.

use std::sync::Arc;
use std::time::Duration;

use engraph::family::{
    NewAlert, NewFile, NewGitOperation, NewIssue, NewReview, NewTracker, NewViolation, Resolution,
    Scores, TagQuery, ViolationQuery,
};
use engraph::record::{
    AlertStatus, BulkStatus, BulkType, CodeFile, Document, FileAnalysis, FileIssue, FileRelation,
    FileReview, FileTag, GitOperation, GitOperationType, HashHistory, Improvement, IssueStatus,
    QualityMetrics, Review, ReviewType, RiskAlert, Severity, TrackedIssue, TrackedIssueStatus,
    TrackerType,
};
use engraph::{Json, ManualClock, NodeId, Store, Timestamp};
use tempfile::TempDir;

use crate::check::{fault, sound};
use crate::workload::new_store;

/// Noon of a day, so that a few hours stay within it.
const NOON: i64 = 1_771_070_400_000_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn clocked() -> (TempDir, Arc<ManualClock>, Store) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(NOON)));
    let home = tempfile::tempdir().unwrap();
    let store = Store::builder().clock(Arc::clone(&clock)).create(home.path().join("s")).unwrap();
    (home, clock, store)
}

/// A record that was deleted.
fn gone(store: &Store) -> NodeId {
    store
        .write(|tx| {
            let id = tx.insert(&Document::default())?;
            tx.delete(id)?;
            Ok(id)
        })
        .unwrap()
}

fn rated(path: &str, rating: i64) -> FileReview {
    FileReview { path: path.into(), rating: Some(rating), ..FileReview::default() }
}

fn alerts(store: &Store, path: &str) -> Vec<RiskAlert> {
    let found = store.read().unwrap().quality().alerts_of(path).unwrap();
    found.into_iter().map(|(_, alert)| alert).collect()
}

#[test]
fn a_violation_is_noted_listed_and_reviewed_once() {
    let (_home, store) = new_store();
    let document = store.write(|tx| tx.insert(&Document::default())).unwrap();
    let new = |word: &str| NewViolation::new(document, word, "too late").confidence(0.5);
    let ids = store
        .write(|tx| {
            let high = new("deadline").severity(Severity::High);
            tx.violations().note_all([new("form"), high, new("form")])
        })
        .unwrap();
    let list = |query: ViolationQuery| -> Vec<NodeId> {
        let found = store.read().unwrap().violations().list(&query).unwrap();
        found.into_iter().map(|(id, _)| id).collect()
    };
    let query = ViolationQuery::new;
    assert_eq!(list(query()), [ids[2], ids[1], ids[0]], "newest first");
    assert_eq!(list(query().violation_type("form").limit(1)), [ids[2]]);
    assert_eq!(list(query().severity(Severity::High)), [ids[1]]);
    assert_eq!(list(query().document(document).violation_type("deadline")), [ids[1]]);
    let review = |status, by: &str| {
        store.write(|tx| tx.violations().review(ids[0], status, by, Some("fine".into())))
    };
    review(AlertStatus::Investigating, "anna").unwrap();
    assert_eq!(fault(review(AlertStatus::Resolved, "")), "invalid");
    let done = review(AlertStatus::Resolved, "bert").unwrap();
    assert_eq!(
        (done.reviewed_by.as_deref(), done.comments.as_deref()),
        (Some("bert"), Some("fine"))
    );
    assert_eq!(fault(review(AlertStatus::Open, "anna")), "conflict", "it has ended");
    assert_eq!(list(query().status(AlertStatus::Open)).len(), 2);
    let gone = gone(&store);
    for (violation, expected) in [
        (NewViolation::new(gone, "x", "y"), "not_found"),
        (NewViolation::new(document, "", "y"), "invalid"),
        (NewViolation::new(document, "x", " "), "invalid"),
        (new("x").confidence(-0.1), "invalid"),
    ] {
        assert_eq!(fault(store.write(|tx| tx.violations().note(violation))), expected);
    }
    sound(&store);
}

#[test]
fn an_alert_goes_from_open_to_an_end_and_stays_there() {
    let (_home, store) = new_store();
    let new = |title: &str| NewAlert::new("a.py", "dangerous_pattern", title);
    let (low, high) = store
        .write(|tx| {
            let high = new("eval").priority(9).severity(Severity::Critical).detected_by("ai", 0.9);
            Ok((tx.quality().raise(new("old"))?, tx.quality().raise(high)?))
        })
        .unwrap();
    let child = store.write(|tx| tx.quality().raise(new("part").parent(high).group("g"))).unwrap();
    let open = store.read().unwrap().quality().alerts(&AlertStatus::Open, 9).unwrap();
    let ids: Vec<NodeId> = open.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [high, child, low], "the most urgent, then the newest");
    let looked = store.write(|tx| tx.quality().investigate(high, "anna")).unwrap();
    assert_eq!(looked.status, AlertStatus::Investigating);
    store.write(|tx| tx.quality().notified(high, &["mail"])).unwrap();
    let how = Resolution::resolved().notes("removed").commit("c1");
    let done = store.write(|tx| tx.quality().resolve(high, "bert", how)).unwrap();
    assert_eq!(
        (done.resolved_by.as_deref(), done.resolution_commit_hash.as_deref()),
        (Some("bert"), Some("c1"))
    );
    assert!(done.notification_sent && done.resolved_at.is_some());
    let again = store.write(|tx| tx.quality().investigate(high, "anna"));
    assert_eq!(fault(again), "conflict");
    let nothing = store.write(|tx| tx.quality().resolve(low, "bert", Resolution::false_positive()));
    assert_eq!(nothing.unwrap().status, AlertStatus::FalsePositive);
    let gone = gone(&store);
    for (alert, expected) in [
        (NewAlert::new("", "t", "x"), "invalid"),
        (NewAlert::new("a", "", "x"), "invalid"),
        (new(""), "invalid"),
        (new("x").priority(0), "invalid"),
        (new("x").priority(11), "invalid"),
        (new("x").detected_by("ai", 1.1), "invalid"),
        (new("x").parent(gone), "not_found"),
        (new("x").details(Json::from_text("1").unwrap()), "invalid"),
    ] {
        assert_eq!(fault(store.write(|tx| tx.quality().raise(alert))), expected);
    }
}

#[test]
fn a_rating_that_newly_falls_to_five_raises_one_alert() {
    let (_home, store) = new_store();
    let put = |rating: i64| store.write(|tx| tx.reviews().put(&rated("a.rs", rating))).unwrap();
    put(2);
    assert_eq!(alerts(&store, "a.rs"), [], "not when it is added");
    put(1);
    assert_eq!(alerts(&store, "a.rs"), [], "it was low before");
    for (high, low, expected) in
        [(6, 5, Severity::Medium), (10, 4, Severity::High), (8, 3, Severity::Critical)]
    {
        put(high);
        put(low);
        let found = alerts(&store, "a.rs");
        let last = found.iter().max_by_key(|alert| alert.detected_at).unwrap();
        assert_eq!((&last.severity, &*last.alert_type), (&expected, "low_quality"));
        assert!(last.alert_message.contains(&low.to_string()), "{}", last.alert_message);
        assert_eq!(last.detected_by, "automated_trigger");
    }
    assert_eq!(alerts(&store, "a.rs").len(), 3, "each crossing adds one");
    let unrated = FileReview { path: "b.rs".into(), ..FileReview::default() };
    store.write(|tx| tx.reviews().put(&unrated)).unwrap();
    store.write(|tx| tx.reviews().put(&rated("b.rs", 5))).unwrap();
    assert_eq!(alerts(&store, "b.rs").len(), 1, "it had none before");
    sound(&store);
}

#[test]
fn a_file_under_review_gets_tags_by_its_path_and_rating_when_it_is_added() {
    let (_home, store) = new_store();
    for (path, rating, expected) in [
        ("Tests/author.py", Some(8), &["production_ready", "security", "test"][..]),
        ("src/workflow.py", Some(6), &["agent", "needs_review"]),
        ("src/crypto_agent.py", Some(5), &["agent", "needs_refactor", "security"]),
        ("src/plain.py", None, &[]),
    ] {
        let file = FileReview { path: path.into(), rating, ..FileReview::default() };
        let id = store.write(|tx| tx.reviews().put(&file)).unwrap();
        store.write(|tx| tx.reviews().put(&file)).unwrap();
        let tags = store.read().unwrap().tags().list(&TagQuery::new().file(id)).unwrap();
        let names: Vec<_> = tags.iter().map(|(_, tag)| &*tag.tag_name).collect();
        assert_eq!(names, expected, "{path}");
        assert!(tags.iter().all(|(_, tag)| tag.created_by.as_deref() == Some("auto_tagger")));
    }
    let (id, _) = store.read().unwrap().reviews().file("src/workflow.py").unwrap().unwrap();
    assert!(store.write(|tx| tx.reviews().remove(id)).unwrap());
    assert!(!store.write(|tx| tx.reviews().remove(id)).unwrap());
    assert_eq!(store.read().unwrap().tags().list(&TagQuery::new().file(id)).unwrap(), []);
}

#[test]
fn a_review_keeps_the_scores_before_and_afterwards_and_moves_the_file() {
    let (_home, store) = new_store();
    let note = |rating: Option<i64>, security: Option<f64>| {
        let scores = Scores { rating, security, ..Scores::default() };
        let new = NewReview::new("a.rs", ReviewType::Periodic, scores).seconds(30).notes("n");
        store.write(|tx| tx.reviews().note(new)).unwrap()
    };
    let get = |id| store.read().unwrap().get::<Review>(id).unwrap().unwrap();
    let first = get(note(Some(4), Some(0.5)));
    assert_eq!((first.rating_before, first.improvement_category), (None, None));
    for (rating, expected) in [
        (4, Improvement::None),
        (5, Improvement::Minor),
        (7, Improvement::Moderate),
        (10, Improvement::Significant),
        (9, Improvement::Regression),
    ] {
        let review = get(note(Some(rating), None));
        assert_eq!(review.improvement_category, Some(expected), "{rating}");
        assert_eq!(review.security_before, Some(0.5), "what is not given stays");
    }
    let tx = store.read().unwrap();
    let (file, record) = tx.reviews().file("a.rs").unwrap().unwrap();
    assert_eq!((record.rating, record.security_score, record.reviewed), (Some(9), Some(0.5), true));
    let reviews = tx.reviews().of("a.rs", 2).unwrap();
    assert_eq!((reviews.len(), reviews[0].1.rating_after), (2, Some(9)));
    assert_eq!(reviews[0].1.file, Some(file));
    assert_eq!(tx.reviews().by_improvement(&Improvement::Minor, 9).unwrap().len(), 1);
    let id = reviews[0].0;
    drop(tx);
    store.write(|tx| tx.reviews().verify(id, None)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.reviews().verify(id, None))), "conflict");
    for scores in [
        Scores { rating: Some(11), ..Scores::default() },
        Scores { security: Some(f64::INFINITY), ..Scores::default() },
    ] {
        let new = NewReview::new("a.rs", ReviewType::Initial, scores);
        assert_eq!(fault(store.write(|tx| tx.reviews().note(new))), "invalid");
    }
    assert_eq!(fault(store.write(|tx| tx.reviews().put(&rated("", 5)))), "invalid");
    assert_eq!(fault(store.write(|tx| tx.reviews().put(&rated("x", 0)))), "invalid");
}

#[test]
fn issues_are_kept_by_tracker_and_name() {
    let (_home, store) = new_store();
    let tracker = || NewTracker::new("main", TrackerType::Github, "https://example.org");
    let id = store.write(|tx| tx.issues().add_tracker(tracker().project("P"))).unwrap();
    assert_eq!(fault(store.write(|tx| tx.issues().add_tracker(tracker()))), "already_exists");
    let issue =
        |key: &str| NewIssue::new("a.rs", id, (key, "https://example.org/1")).about("t", "d");
    let first = store.write(|tx| tx.issues().add(issue("P-1").priority(Severity::High))).unwrap();
    assert_eq!(fault(store.write(|tx| tx.issues().add(issue("P-1")))), "already_exists");
    let found = store.read().unwrap().issues().find(id, "P-1").unwrap().unwrap();
    assert_eq!((found.0, found.1.issue_priority), (first, Some(Severity::High)));
    let set =
        |status| store.write(|tx| tx.issues().set_status(first, status, Some("anna"))).unwrap();
    let done = set(TrackedIssueStatus::Resolved);
    assert!(done.resolved_at.is_some() && done.assigned_to.as_deref() == Some("anna"));
    assert_eq!(set(TrackedIssueStatus::Closed).resolved_at, done.resolved_at);
    assert_eq!(set(TrackedIssueStatus::Open).resolved_at, None, "it was opened again");
    assert_eq!(store.read().unwrap().issues().list(&TrackedIssueStatus::Open, 9).unwrap().len(), 1);
    store.write(|tx| tx.issues().synced(id, "ok")).unwrap();
    store.write(|tx| tx.issues().retire_tracker(id)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.issues().synced(id, "ok"))), "conflict");
    assert_eq!(store.read().unwrap().issues().trackers().unwrap(), []);
    store.write(|tx| tx.issues().add_tracker(tracker())).unwrap();
    let gone = gone(&store);
    for (new, expected) in [
        (NewIssue::new("", id, ("k", "u")), "invalid"),
        (NewIssue::new("a", id, ("", "u")), "invalid"),
        (NewIssue::new("a", id, ("k", "")), "invalid"),
        (NewIssue::new("a", gone, ("k", "u")), "not_found"),
        (issue("k").review(gone), "not_found"),
        (issue("k").alert(gone), "not_found"),
    ] {
        assert_eq!(fault(store.write(|tx| tx.issues().add(new))), expected);
    }
}

#[test]
fn an_operation_on_many_files_counts_estimates_and_ends() {
    let (_home, clock, store) = clocked();
    let ask =
        || store.write(|tx| tx.quality().ask_bulk("tag all", BulkType::TagFiles, None, "anna"));
    let id = ask().unwrap();
    let advance = |counts| store.write(|tx| tx.quality().advance_bulk(id, counts, Some("a.rs")));
    assert_eq!(fault(advance((1, 0))), "conflict", "it waits");
    store.write(|tx| tx.quality().start_bulk(id, 4)).unwrap();
    clock.advance(Duration::from_secs(60));
    let half = advance((1, 1)).unwrap();
    assert_eq!(
        (half.files_processed, half.files_failed, half.progress_percentage),
        (2, 1, Some(50.0))
    );
    let left = half.estimated_completion.unwrap().as_micros() - NOON;
    assert!((119_000_000..122_000_000).contains(&left), "as long again: {left}");
    assert_eq!(fault(advance((3, 0))), "invalid", "more than there are");
    advance((2, 0)).unwrap();
    let done = store.write(|tx| tx.quality().end_bulk(id, None, None)).unwrap();
    assert_eq!((done.status, done.progress_percentage), (BulkStatus::Completed, Some(100.0)));
    assert_eq!((done.current_file, done.estimated_completion), (None, None));
    assert_eq!(fault(store.write(|tx| tx.quality().cancel_bulk(id))), "conflict");
    let other = ask().unwrap();
    assert_eq!(fault(store.write(|tx| tx.quality().end_bulk(other, None, None))), "conflict");
    store.write(|tx| tx.quality().start_bulk(other, 0)).unwrap();
    let failed =
        store.write(|tx| tx.quality().end_bulk(other, None, Some("disk is away"))).unwrap();
    assert_eq!(failed.status, BulkStatus::Failed);
    let third = ask().unwrap();
    store.write(|tx| tx.quality().cancel_bulk(third)).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.quality().bulk_operations(&BulkStatus::Cancelled, 9).unwrap()[0].0, third);
    let nobody = store.write(|tx| tx.quality().ask_bulk("x", BulkType::TagFiles, None, ""));
    assert_eq!(fault(nobody), "invalid");
}

#[test]
fn a_day_is_measured_once_and_anew() {
    let (_home, clock, store) = clocked();
    let measure = || store.write(|tx| tx.quality().measure()).unwrap();
    let get = |id| store.read().unwrap().get::<QualityMetrics>(id).unwrap().unwrap();
    let empty = get(measure());
    assert_eq!((empty.total_files, empty.avg_rating), (Some(0), None));
    for (path, rating) in [("a", 2), ("b", 6), ("c", 10)] {
        store.write(|tx| tx.reviews().put(&rated(path, rating))).unwrap();
    }
    let scores = Scores { rating: Some(3), ..Scores::default() };
    let review = NewReview::new("c", ReviewType::Periodic, scores).seconds(20);
    store.write(|tx| tx.reviews().note(review)).unwrap();
    store.write(|tx| tx.quality().add_model_calls(3, 0.5)).unwrap();
    clock.advance(Duration::from_secs(3_600));
    let id = measure();
    let day = get(id);
    assert_eq!(day.measured_on.unwrap().as_micros() % DAY.as_micros() as i64, 0);
    assert_eq!((day.files_rating_1_2, day.files_rating_3_4, day.files_rating_5_6), (1, 1, 1));
    assert_eq!((day.critical_alerts, day.files_regressed, day.files_reviewed), (1, 1, Some(1)));
    assert!((day.avg_rating.unwrap() - 11.0 / 3.0).abs() < 1e-9);
    assert_eq!((day.avg_review_time, day.api_calls, day.api_cost), (Some(20.0), 3, Some(0.5)));
    clock.advance(DAY);
    assert_ne!(measure(), id, "another day");
    let tx = store.read().unwrap();
    let days = tx.quality().metrics(9).unwrap();
    assert_eq!(days.len(), 2);
    assert!(days[0].1.measured_on > days[1].1.measured_on);
    assert_eq!(days[0].1.files_regressed, 0);
    drop(tx);
    assert_eq!(fault(store.write(|tx| tx.quality().add_model_calls(1, f64::NAN))), "invalid");
}

#[test]
fn the_past_is_kept_for_the_months_asked_for() {
    let (_home, clock, store) = clocked();
    let fill = || {
        store
            .write(|tx| {
                let recorded_at = Some(tx.now());
                tx.insert(&HashHistory { recorded_at, ..HashHistory::default() })?;
                let new = NewReview::new("a", ReviewType::Initial, Scores::default());
                tx.reviews().note(new)?;
                tx.quality().measure()
            })
            .unwrap()
    };
    fill();
    store.write(|tx| tx.insert(&HashHistory::default())).unwrap();
    clock.advance(DAY * 40);
    fill();
    assert_eq!(fault(store.write(|tx| tx.quality().keep_months(0))), "invalid");
    let none = store.write(|tx| tx.quality().keep_months(12)).unwrap();
    assert_eq!((none.hashes, none.reviews, none.metrics), (0, 0, 0));
    let trimmed = store.write(|tx| tx.quality().keep_months(1)).unwrap();
    assert_eq!((trimmed.hashes, trimmed.reviews, trimmed.metrics), (1, 1, 1));
    let tx = store.read().unwrap();
    assert_eq!(tx.iter::<HashHistory>().unwrap().count(), 2, "one has no time");
    assert_eq!(tx.quality().metrics(9).unwrap().len(), 1);
}

#[test]
fn git_operations_are_noted_linked_and_taken_back() {
    let (_home, store) = new_store();
    let file = store.write(|tx| tx.files().put(NewFile::new("/a.rs"))).unwrap();
    let new = |path: &str, commit: &str| {
        NewGitOperation::new(path, GitOperationType::Refactor, commit).author("anna", "a@x")
    };
    let ids = store
        .write(|tx| {
            let first = new("/a.rs", "c1").before("c0").branch("main").message("m").counts(2, 3, 4);
            tx.git().note_all([first, new("/b.rs", "c1").failed()])
        })
        .unwrap();
    let tx = store.read().unwrap();
    let found: GitOperation = tx.get(ids[0]).unwrap().unwrap();
    assert_eq!((found.file, found.files_changed, found.operation_success), (Some(file), 2, true));
    assert_eq!(tx.git().of("/a.rs", 9).unwrap().len(), 1);
    assert_eq!(tx.git().of_commit("c1").unwrap().len(), 2);
    assert_eq!(tx.git().by("anna", 1).unwrap()[0].0, ids[1]);
    drop(tx);
    let later = store.write(|tx| tx.files().put(NewFile::new("/b.rs"))).unwrap();
    assert_eq!(store.write(|tx| tx.git().link_file(later)).unwrap(), 1);
    assert_eq!(store.write(|tx| tx.git().link_file(later)).unwrap(), 0);
    store.write(|tx| tx.git().rolled_back(ids[0], "c2")).unwrap();
    assert_eq!(fault(store.write(|tx| tx.git().rolled_back(ids[0], "c3"))), "conflict");
    let gone = gone(&store);
    for (operation, expected) in [
        (new("", "c"), "invalid"),
        (new("a", ""), "invalid"),
        (NewGitOperation::new("a", GitOperationType::Move, "c"), "invalid"),
        (new("a", "c").file(gone), "not_found"),
    ] {
        assert_eq!(fault(store.write(|tx| tx.git().note(operation))), expected);
    }
    sound(&store);
}

#[test]
fn the_summary_of_files_ranks_severity_and_counts_open_ones() {
    let (_home, store) = new_store();
    let alert = |severity| NewAlert::new("a_test.rs", "x", "t").severity(severity);
    store
        .write(|tx| {
            tx.reviews().put(&rated("b.rs", 9))?;
            tx.reviews().put(&rated("a_test.rs", 9))?;
            // As text `medium` is the greatest and `critical` the least.
            for severity in [Severity::Medium, Severity::Critical, Severity::Low] {
                tx.quality().raise(alert(severity))?;
            }
            let done = tx.quality().raise(alert(Severity::High))?;
            tx.quality().resolve(done, "anna", Resolution::resolved())?;
            for issue_status in [TrackedIssueStatus::InProgress, TrackedIssueStatus::Closed] {
                let file_path = "a_test.rs".to_owned();
                let issue_status = Some(issue_status);
                tx.insert(&TrackedIssue { file_path, issue_status, ..TrackedIssue::default() })?;
            }
            let by_path = FileTag {
                file_path: Some("a_test.rs".into()),
                tag_name: "imported".into(),
                ..FileTag::default()
            };
            tx.insert(&by_path)
        })
        .unwrap();
    let tx = store.read().unwrap();
    let rows = tx.reports().file_summary().unwrap();
    assert_eq!(rows.iter().map(|row| &*row.file.path).collect::<Vec<_>>(), ["a_test.rs", "b.rs"]);
    assert_eq!((rows[0].open_alerts, &rows[0].worst_severity), (3, &Some(Severity::Critical)));
    assert_eq!((rows[0].open_issues, rows[1].open_alerts), (1, 0));
    assert_eq!(rows[0].tags, ["imported", "production_ready", "test"]);
    let risks = tx.reports().risk_dashboard().unwrap();
    assert_eq!((risks.len(), risks[0].rating), (3, Some(9)));
}

#[test]
fn the_reports_of_source_files_take_the_latest_analysis_and_open_issues() {
    let (_home, store) = new_store();
    let code = |path: &str, lines, is_active| CodeFile {
        file_path: path.into(),
        file_type: Some("rust".into()),
        lines_of_code: lines,
        is_active,
        ..CodeFile::default()
    };
    store
        .write(|tx| {
            let a = tx.insert(&code("a.rs", Some(10), Some(true)))?;
            let b = tx.insert(&code("b.rs", None, None))?;
            let old = tx.insert(&code("old.rs", Some(99), Some(false)))?;
            for (time, purpose) in [(9, "late"), (3, "early")] {
                tx.insert(&FileAnalysis {
                    file: Some(a),
                    primary_purpose: Some(purpose.into()),
                    analyzed_at: Some(Timestamp::from_micros(time)),
                    ..FileAnalysis::default()
                })?;
            }
            for (severity, status) in [
                (Severity::Low, IssueStatus::Open),
                (Severity::Critical, IssueStatus::Open),
                (Severity::Critical, IssueStatus::Open),
                (Severity::High, IssueStatus::Resolved),
            ] {
                tx.insert(&FileIssue { file: Some(a), severity, status, ..FileIssue::default() })?;
            }
            for (source, target) in [(a, Some(b)), (a, None), (old, Some(a))] {
                let (source, relationship_type) = (Some(source), "imports".to_owned());
                tx.insert(&FileRelation {
                    source,
                    target,
                    relationship_type,
                    ..FileRelation::default()
                })?;
            }
            Ok(())
        })
        .unwrap();
    let tx = store.read().unwrap();
    let files = tx.reports().code_files().unwrap();
    assert_eq!(files.len(), 3);
    assert_eq!((files[0].purpose.as_deref(), files[0].open_issues), (Some("late"), 3));
    let uses = tx.reports().code_dependencies().unwrap();
    let uses: Vec<_> = uses.iter().map(|row| (&*row.source, row.target.as_deref())).collect();
    assert_eq!(uses, [("a.rs", None), ("a.rs", Some("b.rs"))]);
    let stats = tx.reports().code_stats().unwrap();
    assert_eq!((stats.len(), stats[0].files, stats[0].lines), (1, 2, 10));
    assert_eq!(stats[0].avg_lines, Some(10.0));
    let issues = tx.reports().issue_summary().unwrap();
    let issues: Vec<_> = issues.iter().map(|row| (row.severity.as_str(), row.issues)).collect();
    assert_eq!(issues, [("critical", 2), ("low", 1)], "the worst first");
}

#[test]
fn trends_share_out_of_no_files_is_none() {
    let (_home, store) = new_store();
    let day = |day: i64, total, cleaned, critical_alerts| QualityMetrics {
        measured_on: Some(Timestamp::from_micros(day)),
        total_files: total,
        files_cleaned: cleaned,
        critical_alerts,
        high_alerts: 1,
        ..QualityMetrics::default()
    };
    store
        .write(|tx| {
            tx.insert(&day(1, Some(4), Some(1), 2))?;
            tx.insert(&day(2, Some(0), Some(0), 0))
        })
        .unwrap();
    let rows = store.read().unwrap().reports().quality_trends().unwrap();
    assert_eq!((rows[0].cleaned_percent, rows[1].cleaned_percent), (None, Some(25.0)));
    assert_eq!((rows[0].urgent_alerts, rows[1].urgent_alerts), (1, 3));
}
