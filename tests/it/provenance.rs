//! Provenance, canonical artifacts, versions of analyses: what each call does and refuses.

use engraph::family::{
    AnalysisChange, AnalysisQuery, NewAnalysis, NewArtifact, NewProvenance, Target,
};
use engraph::record::{
    AnalysisVersion, Artifact, ArtifactBlob, ArtifactEvent, EvidenceSpan, IndexedFile, Provenance,
    ProvenanceLink, ProvenanceTarget, Record,
};
use engraph::{Json, NodeId, Store, Timestamp};

use crate::check::{fault, sound};
use crate::workload::new_store;

const PLAN: ProvenanceTarget = ProvenanceTarget::PlannerPersistedOutput;

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

fn file(store: &Store, path: &str) -> NodeId {
    let file = IndexedFile { normalized_path: path.into(), ..IndexedFile::default() };
    store.write(|tx| tx.insert(&file)).unwrap()
}

fn source(file: NodeId) -> NewProvenance {
    NewProvenance::new(file, "AB".repeat(32), "planner")
}

fn add(store: &Store, new: NewAnalysis) -> AnalysisVersion {
    store.write(|tx| tx.analyses().add(new)).unwrap().1
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

#[test]
fn a_source_is_recorded_with_its_passages_and_what_it_supports() {
    let (_home, store) = new_store();
    let path = file(&store, "/a");
    let target = Target::named(PLAN, "plan-7");
    let time = Timestamp::from_micros(5);
    let new = source(path).span(10, 20).quote(0, 5, "words").notes("page 1").captured_at(time);
    let id = store.write(|tx| tx.provenance().record(new, &target)).unwrap();
    let tx = store.read().unwrap();
    let found = tx.provenance().of(&target).unwrap();
    assert_eq!((found.len(), found[0].id), (1, id));
    let record = &found[0].provenance;
    assert_eq!((record.artifact, record.captured_at), (Some(path), Some(time)));
    assert_eq!(record.source_sha256, "ab".repeat(32));
    let spans: Vec<_> =
        found[0].spans.iter().map(|span| (span.start_char, span.quote.as_deref())).collect();
    assert_eq!(spans, [(0, Some("words")), (10, None)], "in the order of the text");
    assert_eq!(tx.provenance().get(id).unwrap().unwrap(), found[0]);
    assert_eq!(tx.provenance().from_artifact(path).unwrap()[0].0, id);
    assert!(tx.provenance().of(&Target::named(PLAN, "plan-8")).unwrap().is_empty());
    sound(&store);
}

#[test]
fn a_source_that_breaks_a_rule_is_refused() {
    let (_home, store) = new_store();
    let path = file(&store, "/a");
    let gone = file(&store, "/b");
    store.write(|tx| tx.delete(gone)).unwrap();
    let run = store.write(|tx| tx.insert(&AnalysisVersion::default())).unwrap();
    let plan = Target::named(PLAN, "plan-7");
    let long = |characters: usize| "\u{e9}".repeat(characters);
    for (new, expected) in [
        (source(path), "invalid"),
        (source(path).span(5, 5), "invalid"),
        (source(path).span(5, 4), "invalid"),
        (source(path).span(0, u64::MAX), "invalid"),
        (NewProvenance::new(path, "ab", "planner").span(0, 1), "invalid"),
        (NewProvenance::new(path, "zz".repeat(32), "planner").span(0, 1), "invalid"),
        (NewProvenance::new(path, "ab".repeat(32), " ").span(0, 1), "invalid"),
        (NewProvenance::new(path, "ab".repeat(32), long(101)).span(0, 1), "limit"),
        (source(path).quote(0, 1, long(2001)), "limit"),
        (source(path).span(0, 1).notes(long(2001)), "limit"),
        (source(gone).span(0, 1), "not_found"),
        (source(run).span(0, 1), "invalid"),
    ] {
        let shown = format!("{new:?}");
        assert_eq!(
            fault(store.write(|tx| tx.provenance().record(new, &plan))),
            expected,
            "{shown}"
        );
    }
    let new = || source(path).span(0, 1);
    for (target, expected) in [
        (Target::named(PLAN, " "), "invalid"),
        (Target::named(ProvenanceTarget::Other("".into()), "x"), "invalid"),
        (Target::record(ProvenanceTarget::AnalysisVersion, gone), "not_found"),
    ] {
        let recorded = store.write(|tx| tx.provenance().record(new(), &target));
        assert_eq!(fault(recorded), expected, "{target:?}");
        let unlinked = store.write(|tx| tx.provenance().unlink(&target));
        assert_eq!(unlinked.is_err(), expected == "invalid");
    }
    let left = (
        count::<Provenance>(&store),
        count::<EvidenceSpan>(&store),
        count::<ProvenanceLink>(&store),
    );
    assert_eq!(left, (0, 0, 0), "a refused one leaves nothing");
}

#[test]
fn a_source_goes_with_the_last_thing_that_it_supports() {
    let (_home, store) = new_store();
    let path = file(&store, "/a");
    let (first, second) = (Target::named(PLAN, "1"), Target::named(PLAN, "2"));
    let id = store.write(|tx| {
        let id = tx.provenance().record(source(path).span(0, 1), &first)?;
        tx.provenance().link(id, &second)?;
        Ok(id)
    });
    let id = id.unwrap();
    assert_eq!(store.read().unwrap().provenance().targets(id).unwrap().len(), 2);
    assert_eq!(store.write(|tx| tx.provenance().unlink(&first)).unwrap(), 1);
    assert_eq!(count::<Provenance>(&store), 1);
    assert_eq!(store.write(|tx| tx.provenance().unlink(&second)).unwrap(), 1);
    assert_eq!((count::<Provenance>(&store), count::<EvidenceSpan>(&store)), (0, 0));
    assert_eq!(store.write(|tx| tx.provenance().unlink(&second)).unwrap(), 0);
    assert_eq!(fault(store.write(|tx| tx.provenance().link(id, &first))), "not_found");
}

#[test]
fn a_record_is_not_taken_for_another_of_the_same_number() {
    let (_home, store) = new_store();
    let path = file(&store, "/a");
    let targets = [1, 2].map(|number| {
        let analysis = AnalysisVersion { version: number, ..AnalysisVersion::default() };
        let id = store.write(|tx| tx.insert(&analysis)).unwrap();
        Target::record(ProvenanceTarget::AnalysisVersion, id)
    });
    store.write(|tx| tx.provenance().record(source(path).span(0, 1), &targets[0])).unwrap();
    let key = Target::named(ProvenanceTarget::AnalysisVersion, "2");
    store.write(|tx| tx.provenance().record(source(path).span(0, 1), &key)).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.provenance().of(&targets[0]).unwrap().len(), 1);
    assert!(tx.provenance().of(&targets[1]).unwrap().is_empty());
}

#[test]
fn an_ingested_artifact_has_its_blob_and_its_first_event() {
    let (_home, store) = new_store();
    let new = NewArtifact::of_bytes("memo", b"abc").blob("blobs/1").mime_type("text/plain");
    let sha256 = new.sha256().to_owned();
    assert!(sha256.starts_with("ba7816bf"));
    let id = store.write(|tx| tx.artifacts().ingest(new.source_uri("file:memo"))).unwrap();
    let tx = store.read().unwrap();
    let found = tx.artifacts().get(id).unwrap().unwrap();
    assert_eq!((&*found.artifact_id, found.metadata), ("memo", Some(json("{}"))));
    let blobs = tx.artifacts().blobs(id).unwrap();
    assert_eq!((&*blobs[0].1.blob_locator, blobs[0].1.content_size_bytes), ("blobs/1", Some(3)));
    let lineage = tx.artifacts().lineage(id).unwrap();
    assert_eq!((lineage.len(), &*lineage[0].1.event_type), (1, "ingested"));
    assert_eq!(lineage[0].1.data, Some(json(&format!(r#"{{"sha256": "{sha256}"}}"#))));
    assert!(tx.artifacts().has_content(id, b"abc").unwrap());
    assert!(!tx.artifacts().has_content(id, b"abd").unwrap());
    assert_eq!(fault(tx.artifacts().has_content(blobs[0].0, b"abc")), "not_found");
}

#[test]
fn an_artifact_is_the_content_under_a_name_once() {
    let (_home, store) = new_store();
    let ingest = |new: NewArtifact| store.write(|tx| tx.artifacts().ingest(new));
    let first = ingest(NewArtifact::new("memo", "AB".repeat(32))).unwrap();
    assert_eq!(fault(ingest(NewArtifact::new("memo", "ab".repeat(32)))), "already_exists");
    let other = ingest(NewArtifact::new("copy", "ab".repeat(32))).unwrap();
    let newer = ingest(NewArtifact::new("memo", "cd".repeat(32))).unwrap();
    let tx = store.read().unwrap();
    let ids = |found: Vec<(NodeId, Artifact)>| -> Vec<NodeId> {
        found.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(tx.artifacts().find("memo", &"AB".repeat(32)).unwrap().unwrap().0, first);
    assert_eq!(ids(tx.artifacts().with_content(&"ab".repeat(32)).unwrap()), [first, other]);
    assert_eq!(ids(tx.artifacts().list(0, 9).unwrap()), [newer, other, first]);
    assert_eq!(ids(tx.artifacts().list(1, 1).unwrap()), [other]);
}

#[test]
fn an_artifact_that_breaks_a_rule_is_refused_whole() {
    let (_home, store) = new_store();
    let sha256 = || "ab".repeat(32);
    for bad in [
        NewArtifact::new(" ", sha256()),
        NewArtifact::new("memo", "ab"),
        NewArtifact::new("memo", "gg".repeat(32)),
        NewArtifact::new("memo", sha256()).metadata(json("[]")),
        NewArtifact::new("memo", sha256()).blob(""),
        NewArtifact::new("memo", sha256()).blob("x").size_bytes(u64::MAX),
    ] {
        let shown = format!("{bad:?}");
        let many = vec![NewArtifact::new("good", sha256()), bad];
        assert_eq!(fault(store.write(|tx| tx.artifacts().ingest_many(many))), "invalid", "{shown}");
    }
    assert_eq!((count::<Artifact>(&store), count::<ArtifactBlob>(&store)), (0, 0));
}

#[test]
fn events_are_only_ever_added_in_order() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.artifacts().ingest(NewArtifact::of_bytes("memo", b""))).unwrap();
    let data = json(r#"{"by": "Ada"}"#);
    store.write(|tx| tx.artifacts().append_event(id, "redacted", Some(data.clone()))).unwrap();
    store.write(|tx| tx.artifacts().append_event(id, "sealed", None)).unwrap();
    let lineage = store.read().unwrap().artifacts().lineage(id).unwrap();
    let events: Vec<_> = lineage.iter().map(|(_, event)| &*event.event_type).collect();
    assert_eq!(events, ["ingested", "redacted", "sealed"]);
    assert_eq!((&lineage[1].1.data, &lineage[2].1.data), (&Some(data), &Some(json("{}"))));
    store
        .write(|tx| {
            let event = lineage[0].0;
            assert_eq!(fault(tx.artifacts().append_event(id, " ", None)), "invalid");
            assert_eq!(fault(tx.artifacts().append_event(event, "x", None)), "not_found");
            let list = Some(json("[]"));
            assert_eq!(fault(tx.artifacts().append_event(id, "x", list)), "invalid");
            Ok(())
        })
        .unwrap();
    assert_eq!(count::<ArtifactEvent>(&store), 3);
}

#[test]
fn d9_a_version_keeps_its_result_its_changes_and_its_provenance() {
    let (_home, store) = new_store();
    let path = file(&store, "/a");
    let payload = json(r#"{"score": 1}"#);
    let new = NewAnalysis::new(path).payload(payload.clone()).provenance(source(path).span(0, 1));
    let made = add(&store, new);
    assert_eq!((&*made.status, made.version, made.parent_version), ("draft", 1, None));
    assert_eq!((&made.payload, &made.audit_deltas), (&Some(payload), &Some(json("[]"))));
    let change = AnalysisChange::new().status("final").payload(json(r#"{"score": 2}"#));
    let change = change.rationale("checked");
    let found = store.write(|tx| tx.analyses().update(&made.analysis_id, change)).unwrap();
    let deltas = found.audit_deltas.as_ref().unwrap().to_value().unwrap();
    assert_eq!(
        (&deltas[0]["field_name"], &deltas[0]["new_value"]),
        (&"status".into(), &"final".into())
    );
    assert_eq!(
        (&deltas[1]["old_value"]["score"], &deltas[1]["rationale"]),
        (&1.into(), &"checked".into())
    );
    assert_eq!(found.created_at, made.created_at, "a change is no creation");
    let (id, read) = store.read().unwrap().analyses().get(&made.analysis_id).unwrap().unwrap();
    assert_eq!(read, found);
    let target = Target::record(ProvenanceTarget::AnalysisVersion, id);
    let named = Target::of(ProvenanceTarget::AnalysisVersion, &made.analysis_id, id);
    let tx = store.read().unwrap();
    assert_eq!(tx.provenance().of(&named).unwrap()[0].id, found.provenance.unwrap());
    assert!(tx.provenance().of(&target).unwrap().is_empty(), "it is known by its name");
    drop(tx);
    assert!(store.write(|tx| tx.analyses().delete(&made.analysis_id)).unwrap());
    assert!(!store.write(|tx| tx.analyses().delete(&made.analysis_id)).unwrap());
    assert_eq!((count::<Provenance>(&store), count::<ProvenanceLink>(&store)), (0, 0));
    sound(&store);
}

#[test]
fn a_version_without_provenance_is_read_back() {
    let (_home, store) = new_store();
    let made = add(&store, NewAnalysis::new(file(&store, "/a")));
    let found = store.read().unwrap().analyses().get(&made.analysis_id).unwrap().unwrap();
    assert_eq!(found.1.provenance, None);
    let kept = AnalysisChange::new();
    let same = store.write(|tx| tx.analyses().update(&made.analysis_id, kept)).unwrap();
    assert_eq!(same, made, "nothing given, nothing changed");
}

#[test]
fn versions_of_a_file_are_numbered_and_name_their_parent() {
    let (_home, store) = new_store();
    let (one, other) = (file(&store, "/a"), file(&store, "/b"));
    let numbers = |made: &AnalysisVersion| (made.version, made.parent_version);
    assert_eq!(numbers(&add(&store, NewAnalysis::new(one))), (1, None));
    assert_eq!(numbers(&add(&store, NewAnalysis::new(one))), (2, Some(1)));
    assert_eq!(numbers(&add(&store, NewAnalysis::new(one).parent(1))), (3, Some(1)));
    assert_eq!(numbers(&add(&store, NewAnalysis::new(other))), (1, None));
    let newest = store.read().unwrap().analyses().newest(one).unwrap().unwrap();
    assert_eq!(newest.1.version, 3);
}

#[test]
fn a_version_that_breaks_a_rule_is_refused_whole() {
    let (_home, store) = new_store();
    let path = file(&store, "/a");
    add(&store, NewAnalysis::new(path).analysis_id("an"));
    let gone = file(&store, "/b");
    store.write(|tx| tx.delete(gone)).unwrap();
    let new = || NewAnalysis::new(path);
    for (bad, expected) in [
        (NewAnalysis::new(gone), "not_found"),
        (new().parent(9), "not_found"),
        (new().analysis_id("an"), "already_exists"),
        (new().analysis_id(""), "invalid"),
        (new().status(" "), "invalid"),
        (new().payload(json("[]")), "invalid"),
        (new().provenance(source(path)), "invalid"),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(fault(store.write(|tx| tx.analyses().add(bad))), expected, "{shown}");
    }
    assert_eq!(count::<AnalysisVersion>(&store), 1);
    let update = |change| store.write(|tx| tx.analyses().update("an", change));
    assert_eq!(fault(update(AnalysisChange::new().status(""))), "invalid");
    assert_eq!(fault(update(AnalysisChange::new().payload(json("1")))), "invalid");
    let absent = store.write(|tx| tx.analyses().update("no", AnalysisChange::new()));
    assert_eq!(fault(absent), "not_found");
}

#[test]
fn a_made_name_steps_over_a_chosen_one() {
    let (_home, store) = new_store();
    let path = file(&store, "/a");
    add(&store, NewAnalysis::new(path).analysis_id("an_2"));
    assert_eq!(add(&store, NewAnalysis::new(path)).analysis_id, "an_2_2");
    assert_eq!(add(&store, NewAnalysis::new(path)).analysis_id, "an_3");
}

#[test]
fn versions_are_listed_by_file_state_and_time() {
    let (_home, store) = new_store();
    let (one, other) = (file(&store, "/a"), file(&store, "/b"));
    let made: Vec<String> = [(one, "draft"), (other, "final"), (one, "final"), (one, "draft")]
        .map(|(file, status)| add(&store, NewAnalysis::new(file).status(status)).analysis_id)
        .into();
    let tx = store.read().unwrap();
    let new = AnalysisQuery::new;
    for (query, expected) in [
        (new(), &[3, 2, 1, 0][..]),
        (new().file(one), &[3, 2, 0]),
        (new().status("final"), &[2, 1]),
        (new().file(one).status("final"), &[2]),
        (new().offset(1).limit(2), &[2, 1]),
    ] {
        let found = tx.analyses().list(&query).unwrap();
        let found: Vec<_> = found.into_iter().map(|(_, version)| version.analysis_id).collect();
        let expected: Vec<_> = expected.iter().map(|place| made[*place].clone()).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}
