//! What the newest old application cannot read, as data: a rule for a column of a table.
//!
//! One row that breaks a rule makes the application fail, not for that row alone but for every list
//! that contains it, for the whole graph, or at its start. Only what was seen to stop it is listed;
//! tables that it does not know are none of its business.

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) check: Check,
}

/// What a cell must be.
#[derive(Debug)]
pub(super) enum Check {
    /// Something.
    Present,
    /// Text that is not blank, of at most so many characters.
    Name { max: usize },
    /// NULL, or text of at most so many characters.
    Short { max: usize },
    /// Text of that many characters.
    Chars { min: usize, max: usize },
    /// One of these words.
    Word { of: &'static [&'static str], case: Case, or: Absent },
    /// Letters, digits, `-` and `_`, at most 100 of them.
    Tag,
    /// A time that the named parser reads.
    Time { parser: Parser, or: Absent },
    /// A number, or text that reads as one.
    Number { or: Absent },
    /// A whole number in a range.
    Whole { from: i64, to: i64 },
    /// JSON.
    Json(Json),
    /// A number above that of another column.
    Above(&'static str),
    /// A time with a zone, where another column holds a number other than 0.
    ZonedWith(&'static str),
    /// A vector as long as the others.
    Vector,
    /// A value that fits the type that another column names.
    OfType(&'static str),
    /// A key that is no section below an earlier key.
    Section,
}

/// Whether the case of letters counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Counts,
    Ignored,
}

/// What a cell may be besides what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    Never,
    Null,
    NullOrEmpty,
}

/// Who reads a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parser {
    /// Python's `fromisoformat`: text only.
    Iso,
    /// One that also takes seconds since the epoch.
    Lenient,
}

/// What JSON must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// NULL, empty or any JSON.
    AnyOrNothing,
    /// An object.
    Object,
    /// An array.
    Array,
    /// An array with something in it.
    FilledArray,
    /// An object, or nothing that is JSON at all.
    ObjectOrBroken,
    /// The same, and everything in the object is an object.
    ObjectsOrBroken,
    /// As [`Json::ObjectOrBroken`], without the keys that clash with those of an edge.
    EdgeMetadata,
}

/// What a new row says where its record says nothing and NULL would stop the application.
#[derive(Debug)]
pub(super) struct Filling {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) with: With,
}

/// What a cell is filled with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum With {
    /// The time of the export.
    Now,
    /// What another column says.
    Column(&'static str),
    /// A number.
    Number(f64),
}

/// The fillings of a kind of database, in the order in which they are done.
pub(super) fn fillings_of(kind: &str) -> &'static [Filling] {
    match kind {
        "documents" => FILLED_DOCUMENTS,
        "unified_memory" => FILLED_MEMORY,
        "vector_store" => FILLED_VECTORS,
        "file_index" => FILLED_CODE,
        _ => &[],
    }
}

static FILLED_DOCUMENTS: &[Filling] = &[
    filling("documents", "created_at", With::Now),
    filling("document_tags", "created_at", With::Now),
    filling("aedis_learning_paths", "created_at", With::Now),
    filling("aedis_learning_paths", "updated_at", With::Column("created_at")),
];

static FILLED_MEMORY: &[Filling] = &[
    filling("memory_records", "created_at", With::Column("updated_at")),
    filling("memory_records", "created_at", With::Now),
    filling("memory_records", "updated_at", With::Column("created_at")),
    filling("memory_records", "importance_score", With::Number(1.0)),
];

static FILLED_VECTORS: &[Filling] = &[
    filling("documents", "date_created", With::Now),
    filling("documents", "last_accessed", With::Column("date_created")),
];

static FILLED_CODE: &[Filling] = &[
    filling("files", "relative_path", With::Column("file_path")),
    filling("files", "absolute_path", With::Column("file_path")),
];

const fn filling(table: &'static str, column: &'static str, with: With) -> Filling {
    Filling { table, column, with }
}

const fn rule(table: &'static str, column: &'static str, check: Check) -> Rule {
    Rule { table, column, check }
}

const fn word(of: &'static [&'static str], or: Absent) -> Check {
    Check::Word { of, case: Case::Counts, or }
}

const fn iso() -> Check {
    Check::Time { parser: Parser::Iso, or: Absent::Never }
}

const fn lenient(or: Absent) -> Check {
    Check::Time { parser: Parser::Lenient, or }
}

/// The rules of a kind of database.
pub(super) fn rules_of(kind: &str) -> &'static [Rule] {
    match kind {
        "documents" => DOCUMENTS,
        "unified_memory" => UNIFIED_MEMORY,
        "memory_proposals" => MEMORY_PROPOSALS,
        "knowledge_graph" => KNOWLEDGE_GRAPH,
        "vector_store" => VECTOR_STORE,
        "configuration" => CONFIGURATION,
        _ => &[],
    }
}

const WORKFLOW_STATUS: &[&str] =
    &["queued", "running", "waiting_input", "completed", "failed", "cancelled"];
const WORKFLOW_STEP: &[&str] =
    &["sources", "index_extract", "summarize", "proposals", "review", "apply", "analytics"];
const PROVENANCE_TARGET: &[&str] = &[
    "organization_proposal",
    "memory_proposal",
    "analysis_version",
    "knowledge_entity",
    "knowledge_relationship",
    "knowledge_proposal_approval",
    "manager_knowledge_verification",
    "manager_knowledge_curation",
    "planner_persisted_output",
    "heuristic_promotion",
];
pub(super) const MEMORY_TYPE: &[&str] =
    &["agent", "document", "entity", "analysis", "case_law", "precedent", "context", "summary"];
/// The first and the last one are cut short in the application itself.
const FILE_TYPE: &[&str] = &["pd", "docx", "txt", "doc", "rt", "odt"];

static DOCUMENTS: &[Rule] = &[
    rule("documents", "file_name", Check::Name { max: 255 }),
    rule(
        "documents",
        "file_type",
        Check::Word { of: FILE_TYPE, case: Case::Ignored, or: Absent::Never },
    ),
    rule("documents", "category", Check::Name { max: 100 }),
    rule("documents", "file_path", Check::Short { max: 500 }),
    rule("documents", "primary_purpose", Check::Short { max: 200 }),
    rule("documents", "created_at", lenient(Absent::Never)),
    rule("documents", "updated_at", lenient(Absent::Null)),
    rule("document_tags", "tag_name", Check::Tag),
    rule("document_tags", "tag_value", Check::Short { max: 255 }),
    rule("document_tags", "created_at", iso()),
    rule("workflow_jobs", "status", word(WORKFLOW_STATUS, Absent::NullOrEmpty)),
    rule("workflow_jobs", "current_step", word(WORKFLOW_STEP, Absent::NullOrEmpty)),
    rule("workflow_jobs", "progress", Check::Number { or: Absent::NullOrEmpty }),
    rule(
        "workflow_jobs",
        "draft_state",
        word(&["clean", "dirty", "saving", "failed"], Absent::NullOrEmpty),
    ),
    rule("workflow_jobs", "started_at", lenient(Absent::NullOrEmpty)),
    rule("workflow_jobs", "updated_at", lenient(Absent::NullOrEmpty)),
    rule("workflow_jobs", "completed_at", lenient(Absent::Null)),
    rule("workflow_jobs", "webhook_last_delivery_at", lenient(Absent::Null)),
    rule("workflow_jobs", "pagination_json", Check::Json(Json::ObjectsOrBroken)),
    rule("workflow_jobs", "undo_json", Check::Json(Json::ObjectOrBroken)),
    rule("workflow_jobs", "metadata_json", Check::Json(Json::ObjectOrBroken)),
    rule("aedis_analysis_versions", "payload_json", Check::Json(Json::Object)),
    rule("aedis_analysis_versions", "audit_deltas_json", Check::Json(Json::Array)),
    rule("aedis_learning_paths", "created_at", lenient(Absent::Never)),
    rule("aedis_learning_paths", "updated_at", lenient(Absent::Never)),
    rule("aedis_learning_path_steps", "evidence_spans_json", Check::Json(Json::FilledArray)),
    rule("aedis_learning_path_steps", "difficulty", Check::Whole { from: 1, to: 5 }),
    rule(
        "aedis_provenance_records",
        "source_artifact_row_id",
        Check::Whole { from: 1, to: i64::MAX },
    ),
    rule("aedis_provenance_records", "source_sha256", Check::Chars { min: 64, max: 64 }),
    rule("aedis_provenance_records", "extractor_id", Check::Chars { min: 1, max: 100 }),
    rule("aedis_provenance_records", "captured_at", lenient(Absent::Never)),
    rule("aedis_provenance_records", "notes", Check::Short { max: 2_000 }),
    rule("aedis_evidence_spans", "end_char", Check::Above("start_char")),
    rule("aedis_evidence_spans", "quote", Check::Short { max: 2_000 }),
    rule("aedis_artifact_provenance_links", "target_type", word(PROVENANCE_TARGET, Absent::Never)),
];

static UNIFIED_MEMORY: &[Rule] = &[
    rule("memory_records", "memory_type", word(MEMORY_TYPE, Absent::Never)),
    rule("memory_records", "metadata", Check::Json(Json::AnyOrNothing)),
    rule("memory_records", "created_at", iso()),
    rule("memory_records", "updated_at", iso()),
    rule("memory_records", "importance_score", Check::Number { or: Absent::Never }),
    rule("memory_records", "confidence_score", Check::Number { or: Absent::Null }),
];

static MEMORY_PROPOSALS: &[Rule] = &[
    rule("memory_proposals", "metadata_json", Check::Json(Json::AnyOrNothing)),
    rule("memory_proposals", "flags_json", Check::Json(Json::AnyOrNothing)),
];

static KNOWLEDGE_GRAPH: &[Rule] = &[
    rule("entities", "id", Check::Present),
    rule("relationships", "metadata_json", Check::Json(Json::EdgeMetadata)),
];

static VECTOR_STORE: &[Rule] = &[
    rule("documents", "id", Check::Present),
    rule("documents", "embedding", Check::Vector),
    rule("documents", "metadata_json", Check::Json(Json::AnyOrNothing)),
    rule("documents", "tags_json", Check::Json(Json::AnyOrNothing)),
    rule("documents", "date_created", iso()),
    rule("documents", "date_created", Check::ZonedWith("ttl_seconds")),
    rule("documents", "last_accessed", iso()),
];

static CONFIGURATION: &[Rule] = &[
    rule("configuration", "key", Check::Present),
    rule("configuration", "value", Check::OfType("value_type")),
    rule("configuration", "key", Check::Section),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::database::DATABASES;
    use crate::legacy::fresh::Fresh;

    #[test]
    fn every_rule_is_about_a_column_of_the_newest_shape() {
        let mut rules = 0;
        for database in DATABASES.iter().filter(|database| !database.schema.is_empty()) {
            let fresh = Fresh::make(database.schema, false).unwrap();
            for Rule { table, column, check } in rules_of(database.kind) {
                let found = fresh.schema().table(table);
                assert!(found.is_some(), "no table {table}");
                let (_, rows) = found.unwrap();
                assert!(rows.column(column).is_some(), "{table}.{column}");
                if let Check::Above(other) | Check::ZonedWith(other) | Check::OfType(other) = check
                {
                    assert!(rows.column(other).is_some(), "{table}.{other}");
                }
                rules += 1;
            }
            for Filling { table, column, with } in fillings_of(database.kind) {
                let (_, rows) = fresh.schema().table(table).unwrap();
                assert!(rows.column(column).is_some(), "{table}.{column}");
                if let With::Column(other) = with {
                    assert!(rows.column(other).is_some(), "{table}.{other}");
                }
            }
        }
        assert!(rules > 50);
    }
}
