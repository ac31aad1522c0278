//! Where proposals come from: found by the type and the number of what they support, as text.

use super::{check, exported};
use crate::base::error::Result;
use crate::family::{
    NewFile, NewMemoryProposal, NewProposal, NewProvenance, ProposedMemory, ReviewPolicy,
};
use crate::store::WriteTx;

fn propose(tx: &mut WriteTx<'_>) -> Result<()> {
    let file = tx.files().put(NewFile::new("/in/a.txt"))?;
    let source = |extractor| NewProvenance::new(file, "ab".repeat(32), extractor).quote(0, 5, "hi");
    let policy = ReviewPolicy::new().approved_from(None);
    // The numbers of the rows are not those under which the records were made.
    let gone = tx.organization().propose(NewProposal::new(file, "gone", "a.txt"))?;
    tx.organization().delete(gone)?;
    let gone = tx.memories().propose(NewMemoryProposal::new("n", "gone", "x"), &policy);
    assert!(gone.is_err(), "an analysis needs provenance");
    let new = NewMemoryProposal::new("n", "gone", "x").memory_type("context");
    let gone = tx.memories().propose(new, &policy)?.id;
    tx.memories().delete_proposal(gone, ProposedMemory::Goes)?;
    let new = NewProposal::new(file, "cases/7", "a.txt").provenance(source("organizer"));
    tx.organization().propose(new)?;
    let new = NewMemoryProposal::new("n", "kept", "y").provenance(source("reader"));
    tx.memories().propose(new, &policy).map(drop)
}

#[test]
fn provenance_is_found_by_the_numbers_that_the_rows_have() {
    let folder = tempfile::tempdir().unwrap();
    let out = exported(folder.path(), propose);
    let db = out.db("documents");
    let found = |target: &str, id: &str| {
        format!(
            "SELECT r.extractor_id, s.start_char, s.end_char, s.quote, r.captured_at
             FROM aedis_artifact_provenance_links l
             JOIN aedis_provenance_records r ON r.id = l.provenance_id
             JOIN aedis_evidence_spans s ON s.provenance_id = r.id
             WHERE l.target_type = '{target}' AND l.target_id = '{id}' ORDER BY l.id, s.id"
        )
    };
    check(&db, "SELECT id, proposed_folder FROM organization_proposals", &["1|cases/7"]);
    check(
        &db,
        &found("organization_proposal", "1"),
        &["organizer|0|5|hi|2026-02-14T08:18:02+00:00"],
    );
    let waiting = out.db("memory_proposals");
    check(&waiting, "SELECT id, key, status FROM memory_proposals", &["1|kept|pending"]);
    check(&db, &found("memory_proposal", "1"), &["reader|0|5|hi|2026-02-14T08:18:02+00:00"]);
    check(&db, "SELECT count(*) FROM aedis_artifact_provenance_links", &["2"]);
}
