//! Database kind `file_index`: the code index.

use super::documents::{LEARNING_PATHS, LEARNING_STEPS};
use super::{Database, Export, Needs, flag, floats, json, key, plain, reference, table, time, utc};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::{
    CodeEntity, CodeFile, ConfigValue, Entity, FileAnalysis, FileGroup, FileGroupMember, FileIssue,
    FileRelation, FileTag, HashHistory, LogEntry, MemoryCodeLink, Relation, ScanRun, TagDefinition,
};

pub(super) static DATABASE: Database = Database {
    kind: "file_index",
    default_name: "file_index.db",
    wal: false,
    has: &[
        Needs { table: "files", columns: &["absolute_path", "hash_algorithm"] },
        Needs { table: "file_change_history", columns: &[] },
        Needs { table: "scan_history", columns: &[] },
        Needs { table: "tag_definitions", columns: &["auto_assign_pattern"] },
    ],
    lacks: &[],
    tables: &[
        table::<CodeFile>(
            "files",
            &[
                utc("created_at", "created_at"),
                time("modified_at", "modified_at", Stamp::B, Zoneless::Local),
                time("last_scanned_at", "last_scanned_at", Stamp::B, Zoneless::LocalWithFraction),
                flag("is_active"),
                flag("is_deprecated"),
                flag("is_test_file"),
                flag("is_generated"),
                flag("has_tests"),
            ],
        ),
        table::<FileAnalysis>(
            "file_analysis",
            &[
                reference("file_id", "file", "files"),
                json("main_classes", "main_classes"),
                json("main_functions", "main_functions"),
                json("dependencies", "dependencies"),
                json("exports", "exports"),
                utc("analysis_timestamp", "analyzed_at"),
            ],
        ),
        table::<FileRelation>(
            "file_relationships",
            &[
                reference("source_file_id", "source", "files"),
                reference("target_file_id", "target", "files"),
                utc("detected_at", "detected_at"),
            ],
        ),
        table::<HashHistory>(
            "file_change_history",
            &[
                reference("file_id", "file", "files"),
                plain("old_hash", "hash_before"),
                plain("new_hash", "hash_after"),
                plain("git_commit_hash", "commit_hash"),
                plain("git_branch", "branch"),
                plain("git_author", "author_name"),
                plain("git_message", "commit_message"),
                utc("detected_at", "recorded_at"),
                utc("committed_at", "committed_at"),
            ],
        ),
        table::<FileTag>(
            "file_tags",
            &[reference("file_id", "file", "files"), utc("created_at", "created_at")],
        ),
        table::<TagDefinition>("tag_definitions", &[]),
        table::<FileIssue>(
            "file_issues",
            &[
                reference("file_id", "file", "files"),
                utc("detected_at", "detected_at"),
                utc("resolved_at", "resolved_at"),
            ],
        ),
        table::<CodeEntity>(
            "code_entities",
            &[
                reference("file_id", "file", "files"),
                reference("parent_entity_id", "parent", "code_entities"),
                flag("has_documentation"),
                json("parameters", "parameters"),
                flag("is_public"),
                flag("is_async"),
                flag("is_generator"),
                json("decorators", "decorators"),
            ],
        ),
        table::<FileGroup>("file_groups", &[reference("parent_group_id", "parent", "file_groups")]),
        table::<FileGroupMember>(
            "file_group_members",
            &[
                reference("group_id", "group", "file_groups"),
                reference("file_id", "file", "files"),
                utc("added_at", "added_at"),
            ],
        ),
        table::<ScanRun>(
            "scan_history",
            &[
                time("started_at", "started_at", Stamp::B, Zoneless::Local),
                time("completed_at", "completed_at", Stamp::B, Zoneless::Local),
                json("scan_config", "config"),
            ],
        ),
        table::<Entity>(
            "knowledge_nodes",
            &[
                plain("node_id", "entity_id"),
                plain("node_type", "entity_type"),
                plain("label", "name"),
                reference("file_id", "file", "files"),
                reference("entity_id", "code_entity", "code_entities"),
                floats("embedding_vector", "embedding"),
                json("properties", "metadata"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
        table::<Relation>(
            "knowledge_edges",
            &[
                plain("edge_id", "relation_id"),
                plain("source_node_id", "source_id"),
                key("source_node_id", "source", "knowledge_nodes", "entity_id"),
                plain("target_node_id", "target_id"),
                key("target_node_id", "target", "knowledge_nodes", "entity_id"),
                plain("edge_type", "relation_type"),
                json("properties", "metadata"),
                utc("created_at", "created_at"),
            ],
        ),
        table::<ConfigValue>("system_config", &[utc("updated_at", "updated_at")]),
        table::<LogEntry>(
            "system_logs",
            &[json("details", "details"), utc("timestamp", "logged_at")],
        ),
        LEARNING_PATHS,
        LEARNING_STEPS,
        table::<MemoryCodeLink>(
            "memory_code_links",
            &[key("file_path", "file", "files", "path"), utc("created_at", "created_at")],
        ),
    ],
    schema: include_str!("schema/file_index.sql"),
    export: Export::Always,
};
