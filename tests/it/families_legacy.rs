//! Families over imported data, and what they write on its way to the old application and back.

use std::path::Path;

use engraph::Store;
use engraph::family::{
    AnalysisChange, DocumentChange, DocumentQuery, GroupKind, Moved, NewAnalysis, NewArtifact,
    NewDocument, NewKnowledgeProposal, NewPath, NewPersona, NewProposal, NewProvenance,
    NewQuestion, NewRun, NewSkill, NewStep, NewTag, PersonaFilter, ProposalQuery, Target,
    TermQuery,
};
use engraph::legacy::{ExportOptions, Fate, ImportOptions, Mode, export, import, sample};
use engraph::record::{
    DocumentTag, IndexedFile, KnowledgeTerm, OrganizationAction, OrganizationStatus, Persona,
    PersonaSkill, ProvenanceTarget, Record, TermStatus,
};
use engraph::{Json, NodeId, Result, WriteTx};

use crate::check::{fault, sound};

/// A store with a small old installation in it.
fn imported(folder: &Path) -> Store {
    let old = folder.join("old");
    std::fs::create_dir_all(&old).unwrap();
    let documents = sample::write(&old, 40).unwrap().swap_remove(0);
    let store = Store::create(folder.join("store")).unwrap();
    import(&store, &[documents], &ImportOptions::new(), &mut |_| {}).unwrap();
    store
}

fn first<T: Record>(store: &Store) -> (NodeId, T) {
    store.read().unwrap().iter().unwrap().next().unwrap().unwrap()
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

#[test]
fn imported_tags_personas_and_terms_are_not_given_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = imported(dir.path());
    let (_, tag) = first::<DocumentTag>(&store);
    let tags = count::<DocumentTag>(&store);
    let added =
        store.write(|tx| tx.documents().tag(tag.document.unwrap(), &[NewTag::new(&*tag.tag_name)]));
    assert!(added.unwrap().is_empty());
    assert_eq!(count::<DocumentTag>(&store), tags);
    let (id, persona) = first::<Persona>(&store);
    let again = NewPersona::new(&*persona.name).role("new");
    assert_eq!(store.write(|tx| tx.personas().upsert(again)).unwrap(), id);
    let (_, pair) = first::<PersonaSkill>(&store);
    let (persona, skill) = (pair.persona.unwrap(), pair.skill.unwrap());
    assert!(!store.write(|tx| tx.personas().attach(persona, skill)).unwrap());
    let (id, term) = first::<KnowledgeTerm>(&store);
    let new = KnowledgeTerm {
        category: term.category.clone(),
        notes: Some("seen".into()),
        ..KnowledgeTerm::named(&*term.term)
    };
    assert_eq!(store.write(|tx| tx.knowledge().upsert(&new)).unwrap(), id);
    let found = store.read().unwrap().knowledge().get(id).unwrap().unwrap();
    assert_eq!((found.notes.as_deref(), found.source), (Some("seen"), term.source));
    sound(&store);
}

#[test]
fn an_imported_document_is_changed_and_deleted_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = imported(dir.path());
    let query = DocumentQuery::new().limit(1000);
    let found = store.read().unwrap().documents().list(&query).unwrap();
    assert_eq!(found.len(), 40);
    let created: Vec<_> = found.iter().map(|(_, document)| document.created_at).collect();
    assert!(created.is_sorted_by(|one, next| one >= next), "newest first");
    let id = found[0].0;
    let change = DocumentChange::new().content("new words here");
    store.write(|tx| tx.documents().update(id, &change)).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.documents().analytics(id).unwrap().unwrap().word_count, 3);
    assert!(tx.documents().faults(10).unwrap().is_empty(), "the sample is sound");
    drop(tx);
    assert_eq!(store.search_documents("words", &query).unwrap()[0].id, id);
    for (id, _) in found {
        assert!(store.write(|tx| tx.documents().delete(id)).unwrap());
    }
    assert_eq!(count::<DocumentTag>(&store), 0);
    sound(&store);
}

#[test]
fn d21_imported_actions_do_not_say_whether_they_moved_anything() {
    let dir = tempfile::tempdir().unwrap();
    let store = imported(dir.path());
    let stats = store.read().unwrap().organization().stats().unwrap();
    assert!(stats.actions > 0);
    assert_eq!((stats.dry_run_unknown, stats.dry_runs), (stats.actions, 0));
    assert!(store.read().unwrap().organization().unfinished().unwrap().is_empty());
    let (_, action) = first::<OrganizationAction>(&store);
    let group = action.rollback_group.unwrap();
    assert_eq!(fault(store.write(|tx| tx.organization().begin_undo(&group))), "conflict");
}

#[test]
fn provenance_of_an_imported_record_is_found_by_its_old_number() {
    let dir = tempfile::tempdir().unwrap();
    let store = imported(dir.path());
    let tx = store.read().unwrap();
    let links = tx.iter::<engraph::record::ProvenanceLink>().unwrap();
    let links: Vec<_> = links.map(|row| row.unwrap().1).collect();
    assert!(!links.is_empty());
    let mut found = 0;
    for link in &links {
        let named = Target::named(link.target_type.clone(), &*link.target_id);
        assert!(!tx.provenance().of(&named).unwrap().is_empty());
        if link.target_type == ProvenanceTarget::OrganizationProposal {
            let query = ProposalQuery::new().limit(usize::MAX);
            for (id, _) in tx.organization().list(&query).unwrap() {
                let target = Target::record(link.target_type.clone(), id);
                found += tx.provenance().of(&target).unwrap().len();
            }
        }
    }
    let of_proposals = |link: &&engraph::record::ProvenanceLink| {
        link.target_type == ProvenanceTarget::OrganizationProposal
    };
    let expected = links.iter().filter(of_proposals).count();
    assert_eq!(found, expected * expected, "each proposal has what names its row, and no other");
}

/// Something of each family.
fn fill(tx: &mut WriteTx<'_>) -> Result<()> {
    let new = NewDocument::new("memo.txt", "txt", "legal").content("The reply is due.");
    tx.documents().create(new.primary_purpose("reply").tag(NewTag::new("urgent").value("1")))?;
    let file = tx.insert(&IndexedFile {
        display_name: "a.txt".into(),
        original_path: "/in/a.txt".into(),
        normalized_path: "/in/a.txt".into(),
        path_hash: "ab".repeat(20),
        ..IndexedFile::default()
    })?;
    let source = || NewProvenance::new(file, "ab".repeat(32), "reader").quote(0, 5, "words");
    let new = NewProposal::new(file, "cases/7", "a.txt").provenance(source());
    let proposal = tx.organization().propose(new)?;
    tx.organization().accept(proposal, Some("fine"))?;
    let group = tx.organization().begin(&[proposal], Some("/out"), GroupKind::Real)?;
    tx.organization().finish(group.moves[0].action, Moved::Done)?;
    let term = KnowledgeTerm::named("estoppel").in_category("legal issue");
    let term = tx.knowledge().upsert(&KnowledgeTerm { notes: Some("n".into()), ..term })?;
    tx.knowledge().verify(term, engraph::family::Verdict::Verified, Some("Ada"), None)?;
    tx.knowledge().ask(NewQuestion::new("What is laches?").term("laches"))?;
    let payload = Json::from_text(r#"{"name": "High Court", "entity_type": "Court"}"#)?;
    tx.knowledge().propose(NewKnowledgeProposal::entity(payload))?;
    let persona = tx.personas().upsert(NewPersona::new("Critic").role("tests"))?;
    let skill = tx.personas().upsert_skill(NewSkill::new("Scan"))?;
    tx.personas().attach(persona, skill)?;
    let run = tx.tasks().start(NewRun::new("file_pipeline"))?;
    tx.personas().add_result(run, "Scan", Json::from_text("{}")?, Some(persona))?;
    let (_, version) = tx.analyses().add(NewAnalysis::new(file).analysis_id("an"))?;
    let change = AnalysisChange::new().status("final").rationale("checked");
    tx.analyses().update(&version.analysis_id, change)?;
    let step = NewStep::new("Read", "Read it").evidence(file, 0, 5, "words");
    tx.learning().put(NewPath::new("p", "ada", "o").step(step))?;
    tx.artifacts().ingest(NewArtifact::of_bytes("memo", b"abc").blob("blobs/1")).map(drop)
}

#[test]
fn what_is_written_here_goes_to_the_old_application_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path().join("store")).unwrap();
    store.write(fill).unwrap();
    let options = ExportOptions::new().mode(Mode::Loadable);
    let report = export(&store, &dir.path().join("out"), &options, &mut |_| {}).unwrap();
    assert!(report.left_out.is_empty(), "{:?}", report.left_out);
    let file = report.files.iter().find(|file| file.kind == "documents").unwrap();
    assert!(file.dangling.is_empty(), "{:?}", file.dangling);
    let back = Store::create(dir.path().join("back")).unwrap();
    let paths = [file.path.clone()];
    let taken = import(&back, &paths, &ImportOptions::new(), &mut |_| {}).unwrap();
    assert_eq!(taken.files[0].fate, Fate::Imported, "{:?}", taken.files[0]);
    assert!(taken.files[0].dangling.is_empty(), "{:?}", taken.files[0].dangling);
    let tx = back.read().unwrap();
    let found = tx.documents().list(&DocumentQuery::new().tag("urgent")).unwrap();
    let full = tx.documents().get(found[0].0).unwrap().unwrap();
    assert_eq!(full.content.unwrap().content_text.as_deref(), Some("The reply is due."));
    assert_eq!(tx.documents().analytics(found[0].0).unwrap().unwrap().word_count, 4);
    let applied = ProposalQuery::new().status(OrganizationStatus::Applied);
    let (proposal, _) = tx.organization().list(&applied).unwrap().swap_remove(0);
    assert_eq!(tx.organization().feedback_on(proposal).unwrap().len(), 1);
    assert_eq!(tx.organization().actions(0, 9).unwrap()[0].1.proposal, Some(proposal));
    let terms = tx.knowledge().list(&TermQuery::new().status(TermStatus::Verified)).unwrap();
    assert_eq!(terms[0].1.category.as_deref(), Some("LegalIssue"));
    assert_eq!(tx.knowledge().questions(None, 0, 9).unwrap().len(), 1);
    assert_eq!(tx.knowledge().proposals(None, 0, 9).unwrap().len(), 1);
    let (critic, _) = tx.personas().list(PersonaFilter::Active).unwrap().swap_remove(0);
    assert_eq!(tx.personas().skills_of(critic).unwrap()[0].1.name, "Scan");
    let (_, version) = tx.analyses().get("an").unwrap().unwrap();
    let deltas = version.audit_deltas.unwrap().to_value().unwrap();
    assert_eq!((&*version.status, &deltas[0]["new_value"]), ("final", &"final".into()));
    let path = tx.learning().get("p").unwrap().unwrap();
    assert_eq!((path.steps.len(), path.steps[0].path), (1, Some(path.id)));
    let (artifact, _) = tx.artifacts().list(0, 9).unwrap().swap_remove(0);
    assert_eq!(tx.artifacts().lineage(artifact).unwrap()[0].1.event_type, "ingested");
    assert_eq!(tx.artifacts().blobs(artifact).unwrap()[0].1.content_size_bytes, Some(3));
    drop(tx);
    sound(&back);
}
