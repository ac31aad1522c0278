//! Database kind `enhanced`: reviewed files: hash history, git operations, alerts, metrics.

use super::{Database, Export, Needs, flag, floats, json, key, plain, reference, table, time, utc};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::{
    BulkOperation, Entity, FileReview, FileTag, GitOperation, HashHistory, IssueTracker, Prompt,
    QualityMetrics, Relation, Review, RiskAlert, TagDefinition, TrackedIssue,
};

pub(super) static DATABASE: Database = Database {
    kind: "enhanced",
    default_name: "enhanced.db",
    wal: false,
    has: &[
        Needs { table: "file_hash_history", columns: &[] },
        Needs { table: "git_operations", columns: &[] },
        Needs { table: "file_tags", columns: &["file_path"] },
        Needs { table: "tag_definitions", columns: &["auto_assign_rules"] },
    ],
    lacks: &[Needs { table: "files", columns: &["absolute_path"] }],
    tables: &[
        table::<FileReview>(
            "file_review",
            &[
                flag("reviewed"),
                flag("cleaned"),
                utc("last_modified", "last_modified"),
                flag("hash_verified"),
                utc("last_modified_date", "last_modified_date"),
            ],
        ),
        table::<HashHistory>(
            "file_hash_history",
            &[
                key("file_path", "file", "file_review", "path"),
                plain("operation_type", "change_type"),
                utc("operation_timestamp", "recorded_at"),
                plain("git_commit_hash", "commit_hash"),
                utc("verification_timestamp", "verified_at"),
                json("operation_details", "details"),
            ],
        ),
        table::<GitOperation>(
            "git_operations",
            &[
                key("file_path", "file", "file_review", "path"),
                utc("operation_timestamp", "operated_at"),
                flag("operation_success"),
            ],
        ),
        table::<FileTag>(
            "file_tags",
            &[
                key("file_path", "file", "file_review", "path"),
                plain("confidence_score", "confidence"),
                utc("created_at", "created_at"),
                utc("expires_at", "expires_at"),
                json("metadata", "metadata"),
            ],
        ),
        table::<TagDefinition>(
            "tag_definitions",
            &[json("auto_assign_rules", "auto_assign_rules"), utc("created_at", "created_at")],
        ),
        table::<Review>(
            "review_history",
            &[
                key("file_path", "file", "file_review", "path"),
                plain("codestral_prompt_used", "prompt_used"),
                utc("review_timestamp", "reviewed_at"),
                plain("codestral_model_version", "model_version"),
                flag("improvement_verified"),
                utc("verification_timestamp", "verified_at"),
            ],
        ),
        table::<RiskAlert>(
            "risk_alerts",
            &[
                key("file_path", "file", "file_review", "path"),
                json("alert_details", "alert_details"),
                utc("detection_timestamp", "detected_at"),
                utc("resolved_at", "resolved_at"),
                flag("notification_sent"),
                utc("notification_timestamp", "notified_at"),
                json("notification_channels", "notification_channels"),
                reference("parent_alert_id", "parent", "risk_alerts"),
            ],
        ),
        table::<Prompt>(
            "codestral_prompts",
            &[
                json("focus_areas", "focus_areas"),
                utc("last_used_at", "last_used_at"),
                flag("active"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<IssueTracker>(
            "issue_trackers",
            &[
                json("custom_fields", "custom_fields"),
                flag("active"),
                utc("last_sync_at", "last_sync_at"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<TrackedIssue>(
            "file_issues",
            &[
                key("file_path", "file", "file_review", "path"),
                reference("tracker_id", "tracker", "issue_trackers"),
                utc("assigned_at", "assigned_at"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
                utc("resolved_at", "resolved_at"),
                reference("review_id", "review", "review_history"),
                reference("alert_id", "alert", "risk_alerts"),
            ],
        ),
        table::<BulkOperation>(
            "bulk_operations",
            &[
                json("operation_criteria", "operation_criteria"),
                utc("initiated_at", "initiated_at"),
                utc("started_at", "started_at"),
                utc("completed_at", "completed_at"),
                utc("estimated_completion", "estimated_completion"),
                json("error_details", "error_details"),
                json("operation_results", "operation_results"),
            ],
        ),
        table::<QualityMetrics>(
            "quality_metrics_history",
            &[
                time("measurement_date", "measured_on", Stamp::H, Zoneless::Utc),
                utc("measurement_timestamp", "measured_at"),
                plain("codestral_api_calls", "api_calls"),
                plain("codestral_api_cost", "api_cost"),
            ],
        ),
        table::<Entity>(
            "knowledge_graph_nodes",
            &[
                plain("node_id", "entity_id"),
                plain("node_type", "entity_type"),
                plain("node_label", "name"),
                floats("embedding_vector", "embedding"),
                key("source_file", "file", "file_review", "path"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
                utc("last_accessed_at", "last_accessed_at"),
                json("metadata", "metadata"),
            ],
        ),
        table::<Relation>(
            "knowledge_graph_edges",
            &[
                plain("edge_id", "relation_id"),
                plain("source_node_id", "source_id"),
                key("source_node_id", "source", "knowledge_graph_nodes", "entity_id"),
                plain("target_node_id", "target_id"),
                key("target_node_id", "target", "knowledge_graph_nodes", "entity_id"),
                plain("edge_type", "relation_type"),
                plain("edge_label", "label"),
                plain("evidence", "evidence_text"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
                json("metadata", "metadata"),
            ],
        ),
    ],
    schema: include_str!("schema/enhanced.sql"),
    export: Export::Always,
};
