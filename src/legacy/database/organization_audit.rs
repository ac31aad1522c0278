//! Database kind `organization_audit`: the audit log of the organizer.

use super::{Database, Export, Needs, json, plain, reference, table, utc};
use crate::record::{LearningCase, OrganizationEvent};

pub(super) static DATABASE: Database = Database {
    kind: "organization_audit",
    default_name: "organization_audit.db",
    wal: true,
    has: &[
        Needs { table: "organization_events", columns: &[] },
        Needs { table: "organization_learning_cases", columns: &[] },
    ],
    lacks: &[],
    tables: &[
        table::<OrganizationEvent>(
            "organization_events",
            &[json("payload_json", "payload"), utc("created_at", "created_at")],
        ),
        table::<LearningCase>(
            "organization_learning_cases",
            &[
                reference("event_id", "event", "organization_events"),
                plain("proposal_id", "proposal_number"),
                plain("file_id", "file_number"),
                json("payload_json", "payload"),
                utc("created_at", "created_at"),
                utc("updated_at", "updated_at"),
            ],
        ),
    ],
    schema: include_str!("schema/organization_audit.sql"),
    export: Export::Always,
};
