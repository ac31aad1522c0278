//! Reviews, audit trail, alerts, issues and metrics, and what the organizer did. The tables of the
//! first were designed and never read; their views say what was meant.

use super::{check, exported, json};
use crate::base::error::Result;
use crate::family::{
    NewAlert, NewFile, NewFileTag, NewGitOperation, NewHashEntry, NewIssue, NewReview,
    NewTagDefinition, NewTracker, Resolution, Scores, TagRule,
};
use crate::record::{
    BulkType, ChangeType, FileReview, GitOperationType, LearningCase, OrganizationEvent,
    ReviewType, Severity, TrackedIssueStatus, TrackerType, VerificationStatus,
};
use crate::store::WriteTx;

const PATH: &str = "src/auth.py";

fn review(tx: &mut WriteTx<'_>) -> Result<()> {
    let rating = |rating| Scores { rating: Some(rating), ..Scores::default() };
    tx.reviews().put(&FileReview {
        path: PATH.into(),
        rating: Some(8),
        file_category: Some("core".into()),
        ..FileReview::default()
    })?;
    let new = NewReview::new(PATH, ReviewType::Periodic, rating(4)).seconds(90).notes("worse");
    let noted = tx.reviews().note(new)?;
    let sha = |digit: &str| digit.repeat(64);
    let new = NewHashEntry::new(PATH, ChangeType::Cleanup, (sha("A"), sha("b")));
    let new = new.author("Ada").commit("c0ffee").details(json(r#"{"tool": "fmt"}"#));
    tx.audit().note_hash(new.verification(VerificationStatus::Verified))?;
    let new = NewGitOperation::new(PATH, GitOperationType::Refactor, "c0ffee");
    tx.git().note(new.author("Ada", "ada@example.org").branch("main").counts(1, 10, 2))?;
    let new = NewAlert::new(PATH, "dangerous_pattern", "eval").severity(Severity::High);
    let alert = tx.quality().raise(new.message("eval is used").priority(7))?;
    tx.quality().notified(alert, &["mail"])?;
    let other = NewAlert::new(PATH, "low_quality", "old").parent(alert);
    let other = tx.quality().raise(other)?;
    tx.quality().resolve(other, "ada", Resolution::resolved().notes("done"))?;
    let tracker = NewTracker::new("issues", TrackerType::Github, "https://example.org");
    let tracker = tx.issues().add_tracker(tracker.custom_fields(json(r#"{"a": 1}"#)))?;
    let new = NewIssue::new(PATH, tracker, ("E-1", "https://example.org/1")).review(noted);
    let issue = tx.issues().add(new.alert(alert).about("eval", "remove it"))?;
    tx.issues().set_status(issue, TrackedIssueStatus::InProgress, Some("ada"))?;
    let quality = &mut tx.quality();
    let bulk = quality.ask_bulk("tag", BulkType::TagFiles, Some(json(r#"{"x": 1}"#)), "ada")?;
    quality.start_bulk(bulk, 4)?;
    quality.advance_bulk(bulk, (2, 1), Some(PATH))?;
    quality.measure().map(drop)
}

#[test]
fn reviewed_files_are_summed_up_by_the_views() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), review);
    assert_eq!(out.kinds(), ["enhanced"]);
    let db = out.db("enhanced");
    check(
        &db,
        "SELECT path, rating, hash_after = ?1, cleanup_commit_hash, alert_count, last_review,
         review_count, issue_count, reviewed, cleaned, last_modified FROM file_summary"
            .replace("?1", &format!("'{}'", "b".repeat(64)))
            .as_str(),
        &["src/auth.py|4|1|c0ffee|2|2026-02-14 08:18:02|1|1|1|0|2026-02-14 08:18:02"],
    );
    check(
        &db,
        "SELECT file_path, alert_type, severity, status, priority_score, file_rating, file_category,
         detection_timestamp FROM risk_dashboard",
        &[
            "src/auth.py|dangerous_pattern|high|open|7|4|core|2026-02-14 08:18:02",
            "src/auth.py|low_quality|high|open|5|4|core|2026-02-14 08:18:02",
        ],
    );
    check(
        &db,
        "SELECT date, total_files, files_reviewed, high_priority_alerts FROM quality_trends",
        &["2026-02-14|1|1|2"],
    );
    check(&db, "SELECT measurement_date FROM quality_metrics_history", &["2026-02-14"]);
}

#[test]
fn the_audit_trail_and_what_follows_from_it_keep_words_numbers_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), review);
    let db = out.db("enhanced");
    check(
        &db,
        "SELECT f.path, h.operation_type, substr(h.hash_before, 1, 2), length(h.hash_after),
         h.operation_timestamp, h.git_commit_hash, h.author_name, h.verification_status,
         h.verification_timestamp, h.operation_details
         FROM file_hash_history h JOIN file_review f ON f.path = h.file_path",
        &[concat!(
            "src/auth.py|cleanup|aa|64|2026-02-14 08:18:02|c0ffee|Ada|verified",
            r#"|2026-02-14 08:18:02|{"tool": "fmt"}"#
        )],
    );
    check(
        &db,
        "SELECT operation_type, commit_hash_after, branch_name, author_name, author_email,
         operation_timestamp, files_changed, lines_added, lines_removed, operation_success
         FROM git_operations WHERE author_name = 'Ada'",
        &["refactor|c0ffee|main|Ada|ada@example.org|2026-02-14 08:18:02|1|10|2|1"],
    );
    check(
        &db,
        "SELECT review_type, rating_before, rating_after, overall_improvement,
         improvement_category, review_timestamp, review_duration_seconds, reviewer_notes,
         improvement_verified FROM review_history",
        &["periodic|8|4|-4.0|regression|2026-02-14 08:18:02|90|worse|0"],
    );
    check(
        &db,
        "SELECT a.alert_title, a.status, a.notification_sent, a.notification_channels,
         p.alert_title, a.resolved_by, a.resolution_notes, a.resolved_at
         FROM risk_alerts a LEFT JOIN risk_alerts p ON p.id = a.parent_alert_id
         WHERE a.detected_by = 'user' ORDER BY a.id",
        &[
            r#"eval|open|1|["mail"]|NULL|NULL|NULL|NULL"#,
            "old|resolved|0|NULL|eval|ada|done|2026-02-14 08:18:02",
        ],
    );
    check(
        &db,
        "SELECT t.tracker_name, t.tracker_type, t.active, t.custom_fields, i.issue_key,
         i.issue_status, i.issue_priority, i.assigned_to, r.review_type, a.alert_title
         FROM file_issues i JOIN issue_trackers t ON t.id = i.tracker_id
         JOIN review_history r ON r.id = i.review_id JOIN risk_alerts a ON a.id = i.alert_id",
        &[r#"issues|github|1|{"a": 1}|E-1|in_progress|medium|ada|periodic|eval"#],
    );
    check(
        &db,
        "SELECT operation_type, operation_criteria, initiated_by, status, files_selected,
         files_processed, files_successful, files_failed, progress_percentage, current_file
         FROM bulk_operations",
        &[r#"tag_files|{"x": 1}|ada|running|4|3|2|1|75.0|src/auth.py"#],
    );
}

#[test]
fn tags_of_any_file_name_it_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        tx.reviews().put(&FileReview {
            path: PATH.into(),
            rating: Some(8),
            ..FileReview::default()
        })?;
        let file = tx.files().put(NewFile::new("/in/a.txt"))?;
        tx.tags().assign(NewFileTag::new(file, "mine").metadata(json(r#"{"a": 1}"#)))?;
        let rule = TagRule::Glob("**/*.pdf".into());
        tx.tags()
            .define(NewTagDefinition::new("type", "exhibit").rule(rule).icon("gavel"))
            .map(drop)
    });
    let file = out.file("enhanced");
    assert_eq!(file.dangling.get("file_tags"), Some(&1), "one file is not under review");
    let db = rusqlite::Connection::open(&file.path).unwrap();
    check(
        &db,
        "SELECT file_path, tag_category, tag_name, confidence_score, created_by, created_at,
         metadata FROM file_tags ORDER BY id",
        &[
            "src/auth.py|type|security|1.0|auto_tagger|2026-02-14 08:18:02|NULL",
            "src/auth.py|status|production_ready|1.0|auto_tagger|2026-02-14 08:18:02|NULL",
            r#"/in/a.txt|custom|mine|1.0|user|2026-02-14 08:18:02|{"a": 1}"#,
        ],
    );
    check(
        &db,
        "SELECT tag_name, icon_name, json_valid(auto_assign_rules), created_at
         FROM tag_definitions",
        &["exhibit|gavel|1|2026-02-14 08:18:02"],
    );
}

#[test]
fn what_the_organizer_did_is_listed_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), |tx| {
        for event_type in ["approve", "apply"] {
            let payload = Some(json("{\"note\": \"caf\u{e9}\"}"));
            let now = Some(tx.now());
            let event_type = event_type.to_owned();
            let event = tx.insert(&OrganizationEvent {
                event_type: event_type.clone(),
                payload: payload.clone(),
                created_at: now,
            })?;
            tx.insert(&LearningCase {
                event: Some(event),
                event_type,
                outcome: Some("success".into()),
                proposal_number: Some(7),
                confidence: Some(0.5),
                payload,
                created_at: now,
                updated_at: now,
                ..LearningCase::default()
            })?;
        }
        Ok(())
    });
    assert_eq!(out.kinds(), ["organization_audit"]);
    let db = out.db("organization_audit");
    check(
        &db,
        "SELECT id, event_type, payload_json, created_at FROM organization_events
         ORDER BY id DESC LIMIT 200",
        &[
            "2|apply|{\"note\": \"caf\u{e9}\"}|2026-02-14 08:18:02",
            "1|approve|{\"note\": \"caf\u{e9}\"}|2026-02-14 08:18:02",
        ],
    );
    check(
        &db,
        "SELECT c.event_type = e.event_type, c.outcome, c.proposal_id, c.confidence,
         c.payload_json = e.payload_json, c.updated_at FROM organization_learning_cases c
         JOIN organization_events e ON e.id = c.event_id ORDER BY c.id DESC",
        &["1|success|7|0.5|1|2026-02-14 08:18:02", "1|success|7|0.5|1|2026-02-14 08:18:02"],
    );
}
