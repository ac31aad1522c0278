//! Database kind `file_tracker`: the file tracker.

use super::{Database, Export, Needs, key, plain, table, time, utc};
use crate::legacy::time::{Stamp, Zoneless};
use crate::record::{CodeFile, FileAnalysis, OrganizationAction};

pub(super) static DATABASE: Database = Database {
    kind: "file_tracker",
    default_name: "file_tracker_new.db",
    wal: false,
    has: &[
        Needs { table: "files", columns: &["content", "status"] },
        Needs { table: "file_analysis", columns: &["programming_language"] },
    ],
    lacks: &[Needs { table: "files", columns: &["absolute_path"] }],
    tables: &[
        table::<CodeFile>(
            "files",
            &[utc("created_at", "created_at"), utc("updated_at", "updated_at")],
        ),
        table::<FileAnalysis>(
            "file_analysis",
            &[
                key("file_path", "file", "files", "path"),
                plain("dependencies", "dependency_text"),
                time("analysis_timestamp", "analyzed_at", Stamp::G, Zoneless::Utc),
            ],
        ),
        table::<OrganizationAction>(
            "document_organization",
            &[
                plain("source_path", "from_path"),
                plain("target_path", "to_path"),
                utc("organized_at", "created_at"),
            ],
        ),
    ],
    schema: include_str!("schema/file_tracker.sql"),
    export: Export::Always,
};
