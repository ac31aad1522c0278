//! The tags that the old applications define by default, for stores that want them.

use crate::record::TagDefinition;

/// Category, name, colour, icon, pattern.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// The set of the code index with its patterns, and that of the enhanced schema with its icons.
/// Where both define a tag they agree on the colour.
const DEFAULTS: [Row; 33] = [
    ("type", "agent", "#3B82F6", "robot", r".*agent.*\.py$"),
    ("type", "gui", "#8B5CF6", "", r".*gui.*\.py$"),
    ("type", "core", "#EF4444", "cpu", r".*core.*\.py$"),
    ("type", "utility", "#6B7280", "wrench", r".*util.*\.py$|.*helper.*\.py$"),
    ("type", "test", "#10B981", "beaker", r".*test.*\.py$|.*_test\.py$"),
    ("type", "config", "#EC4899", "cog", r".*config.*\.(py|json|yaml|toml)$"),
    ("type", "database", "#0891B2", "", r".*database.*\.py$|.*db.*\.py$"),
    ("type", "api", "#06B6D4", "cloud", r".*api.*\.py$|.*route.*\.py$"),
    ("type", "legacy", "#F59E0B", "archive", ""),
    ("type", "security", "#8B5CF6", "shield", ""),
    ("status", "active", "#059669", "", ""),
    ("status", "deprecated", "#6B7280", "", ""),
    ("status", "experimental", "#F59E0B", "", ""),
    ("status", "needs_review", "#DC2626", "", ""),
    ("status", "production_ready", "#10B981", "check-circle", ""),
    ("status", "needs_refactor", "#DC2626", "refresh", ""),
    ("status", "archive_candidate", "#6B7280", "archive", ""),
    ("status", "under_review", "#3B82F6", "eye", ""),
    ("status", "cleaned", "#10B981", "check-double", ""),
    ("priority", "critical", "#DC2626", "", ""),
    ("priority", "high", "#EA580C", "", ""),
    ("priority", "medium", "#D97706", "", ""),
    ("priority", "low", "#65A30D", "", ""),
    ("risk", "critical", "#DC2626", "exclamation-triangle", ""),
    ("risk", "high", "#EA580C", "warning", ""),
    ("risk", "medium", "#D97706", "info", ""),
    ("risk", "low", "#65A30D", "check", ""),
    ("risk", "safe", "#059669", "shield-check", ""),
    ("module", "document_processing", "#7C3AED", "document", ""),
    ("module", "knowledge_graph", "#DB2777", "share", ""),
    ("module", "vector_store", "#0891B2", "database", ""),
    ("module", "memory_management", "#DC2626", "memory", ""),
    ("module", "workflow_orchestration", "#16A34A", "workflow", ""),
];

/// The default definitions.
pub(super) fn definitions() -> impl Iterator<Item = TagDefinition> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    DEFAULTS.iter().map(move |(category, name, color, icon, pattern)| TagDefinition {
        category: (*category).into(),
        tag_name: (*name).into(),
        color_hex: given(color),
        icon_name: given(icon),
        auto_assign_pattern: given(pattern),
        ..TagDefinition::default()
    })
}
