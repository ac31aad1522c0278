//! Databases of prototypes that nothing ever used: recognised, reported, refused.

use super::Needs;

/// A database that is recognised and refused.
#[derive(Debug)]
pub(crate) struct Prototype {
    /// Its name, for the report.
    pub(crate) name: &'static str,
    /// What such a file has, all of it.
    pub(crate) has: &'static [Needs],
}

const fn needs(table: &'static str) -> Needs {
    Needs { table, columns: &[] }
}

/// All of them. A file that matches one of the real kinds is never one of these.
pub(crate) static PROTOTYPES: &[Prototype] = &[
    Prototype { name: "agent memory prototype", has: &[needs("agent_memories")] },
    Prototype {
        name: "context memory prototype",
        has: &[needs("sessions"), needs("context_entries")],
    },
    Prototype {
        name: "review system prototype",
        has: &[
            needs("enhanced_memory_entries"),
            needs("review_requests"),
            needs("review_decisions"),
            needs("memory_relationships"),
            needs("knowledge_facts"),
        ],
    },
    Prototype {
        name: "decision logging prototype",
        has: &[needs("decisions"), needs("misconduct_patterns")],
    },
    Prototype {
        name: "reviewable memory prototype",
        has: &[
            needs("review_items"),
            needs("legal_findings_review"),
            needs("review_feedback_history"),
        ],
    },
    Prototype { name: "key-value memory prototype", has: &[needs("memory_store")] },
];
