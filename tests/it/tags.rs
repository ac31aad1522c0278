//! Tags: definitions, assignment, and rules that give tags inside the write that brings the file.

use std::sync::Arc;
use std::time::Duration;

use engraph::family::{
    Comparison, DocumentChange, FieldTest, NewChunk, NewDocument, NewFile, NewFileTag,
    NewTagDefinition, RULE_AUTHOR, RulesApplied, TagField, TagQuery, TagRule,
};
use engraph::record::{
    CodeFile, Document, DocumentTag, FileChunk, FileReview, FileTag, IndexedFile, TagDefinition,
};
use engraph::{Json, ManualClock, NodeId, Store, Timestamp};
use proptest::prelude::*;

use crate::check::{fault, sound};
use crate::workload::new_store;

fn file(store: &Store, path: &str) -> NodeId {
    store.write(|tx| tx.files().put(NewFile::new(path))).unwrap()
}

fn pattern(name: &str, regex: &str) -> NewTagDefinition {
    NewTagDefinition::new("type", name).pattern(regex)
}

/// Names of the tags of a file.
fn names(store: &Store, file: NodeId) -> Vec<String> {
    let tags = store.read().unwrap().tags().list(&TagQuery::new().file(file)).unwrap();
    tags.into_iter().map(|(_, tag)| tag.tag_name).collect()
}

fn applied(store: &Store) -> (u64, u64, u64) {
    let RulesApplied { looked_at, given, taken_back, .. } =
        store.write(|tx| tx.tags().apply_to_all()).unwrap();
    (looked_at, given, taken_back)
}

#[test]
fn a_tag_is_defined_once_changed_and_removed() {
    let (_home, store) = new_store();
    let new = || {
        NewTagDefinition::new("type", "exhibit").color("#1a2B3c").icon("box").description("shown")
    };
    let id = store.write(|tx| tx.tags().define(new())).unwrap();
    let (found, record) =
        store.read().unwrap().tags().definition("type", "exhibit").unwrap().unwrap();
    assert_eq!((found, record.color_hex.as_deref()), (id, Some("#1a2B3c")));
    assert_eq!(
        (record.icon_name.as_deref(), record.description.as_deref()),
        (Some("box"), Some("shown"))
    );
    assert!(record.created_at.is_some());
    assert_eq!(fault(store.write(|tx| tx.tags().define(new()))), "already_exists");
    store.write(|tx| tx.tags().redefine(id, pattern("exhibit", "x"))).unwrap();
    let changed: TagDefinition = store.read().unwrap().get(id).unwrap().unwrap();
    assert_eq!((changed.color_hex, changed.created_at), (None, record.created_at));
    store.write(|tx| tx.tags().define(NewTagDefinition::new("risk", "exhibit"))).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.tags().definitions(None).unwrap().len(), 2);
    assert_eq!(tx.tags().definitions(Some("risk")).unwrap().len(), 1);
    assert!(store.write(|tx| tx.tags().undefine(id)).unwrap());
    assert!(!store.write(|tx| tx.tags().undefine(id)).unwrap());
    sound(&store);
}

#[test]
fn definitions_that_cannot_work_are_refused() {
    let (_home, store) = new_store();
    let new = NewTagDefinition::new;
    let field = |name, is, value| TagRule::Field(FieldTest { name, is, value });
    for (definition, expected) in [
        (new("", "x"), "invalid"),
        (new("type", " "), "invalid"),
        (new("type", &"x".repeat(101)), "invalid"),
        (new("type", "x").color("red"), "invalid"),
        (new("type", "x").color("#12345g"), "invalid"),
        (new("type", "x").pattern("("), "invalid"),
        (new("type", "x").rule(TagRule::Glob("[".into())), "invalid"),
        (new("type", "x").rule(TagRule::Any(vec![TagRule::Regex("(".into())])), "invalid"),
        (new("type", "x").rule(field(TagField::Size, Comparison::Above, "big".into())), "invalid"),
        (new("type", "x").pattern(r"\w{1000}{1000}"), "invalid"),
    ] {
        let shown = format!("{definition:?}");
        assert_eq!(fault(store.write(|tx| tx.tags().define(definition))), expected, "{shown}");
    }
    assert_eq!(store.read().unwrap().tags().definitions(None).unwrap(), []);
}

#[test]
fn the_default_set_is_there_on_request_and_only_once() {
    let (_home, store) = new_store();
    assert_eq!(store.read().unwrap().tags().definitions(None).unwrap(), []);
    assert_eq!(store.write(|tx| tx.tags().seed()).unwrap(), 33);
    assert_eq!(store.write(|tx| tx.tags().seed()).unwrap(), 0);
    let tx = store.read().unwrap();
    assert!(tx.tags().refused_rules().unwrap().is_empty());
    let (_, agent) = tx.tags().definition("type", "agent").unwrap().unwrap();
    assert_eq!(agent.auto_assign_pattern.as_deref(), Some(r".*agent.*\.py$"));
    drop(tx);
    let config = file(&store, "src/agents/agent_config.py");
    assert_eq!(names(&store, config), ["agent", "config"]);
    assert_eq!(names(&store, file(&store, "notes/agent.txt")), [""; 0]);
}

#[test]
fn a_tag_is_given_once_with_confidence_author_and_end() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    let home = tempfile::tempdir().unwrap();
    let store = Store::builder().clock(Arc::clone(&clock)).create(home.path().join("s")).unwrap();
    let file = file(&store, "a.txt");
    let end = Timestamp::from_micros(60_000_000);
    let tag = |value: &str| NewFileTag::new(file, "urgent").category("priority").value(value);
    let first = tag("a").confidence(0.5).by("ai").expires_at(end);
    let id = store.write(|tx| tx.tags().assign(first)).unwrap();
    let record: FileTag = store.read().unwrap().get(id).unwrap().unwrap();
    assert_eq!((record.confidence, record.created_by.as_deref()), (Some(0.5), Some("ai")));
    assert_eq!((record.expires_at, record.tag_value.as_deref()), (Some(end), Some("a")));
    assert_eq!(store.write(|tx| tx.tags().assign(tag("b").expires_at(end))).unwrap(), id);
    let changed: FileTag = store.read().unwrap().get(id).unwrap().unwrap();
    assert_eq!((changed.tag_value.as_deref(), changed.created_at), (Some("b"), record.created_at));
    store.write(|tx| tx.tags().assign(NewFileTag::new(file, "urgent"))).unwrap();
    let list = |query: TagQuery| store.read().unwrap().tags().list(&query).unwrap().len();
    assert_eq!(list(TagQuery::new().name("urgent")), 2, "another category is another tag");
    assert_eq!(list(TagQuery::new().valid_at(end)), 1);
    assert_eq!(list(TagQuery::new().category("priority")), 1);
    assert_eq!(list(TagQuery::new().limit(1)), 1);
    assert_eq!(store.write(|tx| tx.tags().remove_expired(10)).unwrap(), 0);
    clock.advance(Duration::from_secs(60));
    assert_eq!(store.write(|tx| tx.tags().remove_expired(10)).unwrap(), 1);
    assert_eq!(list(TagQuery::new()), 1);
    assert!(store.write(|tx| tx.tags().remove(file, "custom", "urgent")).unwrap());
    assert!(!store.write(|tx| tx.tags().remove(file, "custom", "urgent")).unwrap());
    sound(&store);
}

#[test]
fn tags_that_cannot_be_are_refused() {
    let (_home, store) = new_store();
    let file = file(&store, "a.txt");
    let document = store.write(|tx| tx.insert(&Document::default())).unwrap();
    let gone = store.write(|tx| {
        let id = tx.insert(&IndexedFile::default())?;
        tx.delete(id)?;
        Ok(id)
    });
    let gone = gone.unwrap();
    let past = Timestamp::from_micros(1);
    for (tag, expected) in [
        (NewFileTag::new(gone, "x"), "not_found"),
        (NewFileTag::new(document, "x"), "not_found"),
        (NewFileTag::new(file, ""), "invalid"),
        (NewFileTag::new(file, "x").category(""), "invalid"),
        (NewFileTag::new(file, "x").confidence(1.5), "invalid"),
        (NewFileTag::new(file, "x").confidence(f64::NAN), "invalid"),
        (NewFileTag::new(file, "x").expires_at(past), "invalid"),
        (NewFileTag::new(file, "x").metadata(Json::from_text("[]").unwrap()), "invalid"),
    ] {
        assert_eq!(fault(store.write(|tx| tx.tags().assign(tag))), expected);
    }
    let both = [NewFileTag::new(file, "x"), NewFileTag::new(gone, "y")];
    assert_eq!(fault(store.write(|tx| tx.tags().assign_all(both))), "not_found");
    assert_eq!(names(&store, file), [""; 0], "all or none");
}

#[test]
fn rules_run_in_the_write_that_brings_or_changes_the_file() {
    let (_home, store) = new_store();
    let large = TagRule::Field(FieldTest {
        name: TagField::Size,
        is: Comparison::AtLeast,
        value: 1_000.into(),
    });
    store
        .write(|tx| {
            tx.tags().define(NewTagDefinition::new("risk", "large").rule(large))?;
            let file = tx.files().put(NewFile::new("a/b.bin").size(2_000))?;
            let tags = tx.tags().list(&TagQuery::new().file(file))?;
            assert_eq!(tags[0].1.created_by.as_deref(), Some(RULE_AUTHOR), "in the same write");
            Ok(())
        })
        .unwrap();
    let failed = store.write(|tx| {
        tx.files().put(NewFile::new("a/c.bin").size(2_000))?;
        Err::<(), _>(engraph::Error::invalid("test", "no"))
    });
    assert_eq!(fault(failed), "invalid");
    assert_eq!(
        store.read().unwrap().tags().counts().unwrap(),
        [("risk".into(), "large".into(), 1)]
    );
    let file = store.write(|tx| tx.files().put(NewFile::new("a/b.bin").size(10))).unwrap();
    assert_eq!(names(&store, file), [""; 0], "it is large no longer");
    sound(&store);
}

#[test]
fn a_changed_rule_counts_from_the_next_file_on_also_in_the_same_write() {
    let (_home, store) = new_store();
    let id = store.write(|tx| tx.tags().define(pattern("one", "one"))).unwrap();
    assert_eq!(names(&store, file(&store, "one")), ["one"]);
    store.write(|tx| tx.tags().redefine(id, pattern("one", "two"))).unwrap();
    assert_eq!(names(&store, file(&store, "one.b")), [""; 0]);
    assert_eq!(names(&store, file(&store, "two")), ["one"]);
    let (before, after) = store
        .write(|tx| {
            let before = tx.files().put(NewFile::new("three"))?;
            tx.tags().redefine(id, pattern("one", "three"))?;
            Ok((before, tx.files().put(NewFile::new("three.b"))?))
        })
        .unwrap();
    assert_eq!((names(&store, before).len(), names(&store, after).len()), (0, 1));
    let refused = store.write(|tx| {
        tx.tags().redefine(id, pattern("one", "four"))?;
        Err::<(), _>(engraph::Error::invalid("test", "no"))
    });
    assert_eq!(fault(refused), "invalid");
    assert_eq!(names(&store, file(&store, "four")), [""; 0], "the rule of a failed write");
    store.bulk(|tx| tx.tags().undefine(id)).unwrap();
    assert_eq!(names(&store, file(&store, "three.c")), [""; 0]);
}

#[test]
fn rules_are_applied_to_all_and_take_back_only_what_they_gave() {
    let (_home, store) = new_store();
    let (a, b) = (file(&store, "a.py"), file(&store, "b.py"));
    store.write(|tx| tx.tags().assign(NewFileTag::new(b, "mine"))).unwrap();
    store.write(|tx| tx.tags().assign(NewFileTag::new(a, "python").category("type"))).unwrap();
    let code = CodeFile { file_path: "c.py".into(), ..CodeFile::default() };
    let review = FileReview { path: "d.py".into(), ..FileReview::default() };
    let document = Document { file_name: "e.py".into(), ..Document::default() };
    let (code, review, document) = store
        .write(|tx| Ok((tx.insert(&code)?, tx.insert(&review)?, tx.insert(&document)?)))
        .unwrap();
    let id = store.write(|tx| tx.tags().define(pattern("python", r"\.py$"))).unwrap();
    assert_eq!(applied(&store), (5, 4, 0), "one has it already");
    assert_eq!(applied(&store), (5, 0, 0));
    for file in [code, review] {
        assert_eq!(names(&store, file), ["python"]);
    }
    let tags: Vec<(NodeId, DocumentTag)> =
        store.read().unwrap().iter().unwrap().map(Result::unwrap).collect();
    assert_eq!((tags[0].1.document, &*tags[0].1.tag_name), (Some(document), "python"));
    store.write(|tx| tx.tags().redefine(id, pattern("python", "never"))).unwrap();
    assert_eq!(applied(&store), (5, 0, 3));
    assert_eq!(names(&store, a), ["python"], "somebody gave it");
    assert_eq!(names(&store, b), ["mine"]);
    store.write(|tx| tx.tags().redefine(id, pattern("python", r"\.py$"))).unwrap();
    assert_eq!(store.write(|tx| tx.tags().apply(b)).unwrap().given, 1);
    let tag = tags[0].0;
    assert_eq!(fault(store.write(|tx| tx.tags().apply(tag))), "not_found");
    sound(&store);
}

#[test]
fn an_imported_rule_that_cannot_be_read_is_named_and_disturbs_nothing() {
    let (_home, store) = new_store();
    let odd = |name: &str, pattern: &str, rules: Option<&str>| TagDefinition {
        category: "type".into(),
        tag_name: name.into(),
        auto_assign_pattern: Some(pattern.into()),
        auto_assign_rules: rules.map(|text| Json::from_text(text).unwrap()),
        ..TagDefinition::default()
    };
    let (bad, worse) = store
        .write(|tx| {
            let bad = tx.insert(&odd("bad", "(?=look)", None))?;
            let worse = tx.insert(&odd("worse", "", Some(r#"[{"when": "later"}]"#)))?;
            tx.insert(&odd("good", "^a", Some("{}")))?;
            Ok((bad, worse))
        })
        .unwrap();
    assert_eq!(names(&store, file(&store, "a")), ["good"]);
    let refused = store.read().unwrap().tags().refused_rules().unwrap();
    let ids: Vec<NodeId> = refused.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [bad, worse]);
}

#[test]
fn documents_get_the_tags_of_the_rules_in_the_write_that_adds_or_changes_them() {
    let (_home, store) = new_store();
    store.write(|tx| tx.tags().define(pattern("Exhibit", "(?i)exhibit"))).unwrap();
    let tags = |id| -> Vec<String> {
        let tags = store.read().unwrap().documents().tags(id).unwrap();
        tags.into_iter().map(|(_, tag)| tag.tag_name).collect()
    };
    let new = |name: &str| NewDocument::new(name, "pdf", "legal");
    let hit = store.write(|tx| tx.documents().create(new("Exhibit 7.pdf"))).unwrap();
    let miss = store.write(|tx| tx.documents().create(new("memo.pdf"))).unwrap();
    assert_eq!((tags(hit), tags(miss)), (vec!["exhibit".to_owned()], vec![]));
    let change = DocumentChange::new().file_name("exhibit 8.pdf");
    store.write(|tx| tx.documents().update(miss, &change)).unwrap();
    assert_eq!(tags(miss), ["exhibit"]);
}

fn chunk(content: &str) -> NewChunk {
    NewChunk { content: content.into(), ..NewChunk::default() }
}

fn query(name: &str, text: &str) -> NewTagDefinition {
    NewTagDefinition::new("content", name).rule(TagRule::Text(text.into()))
}

#[test]
fn rules_about_texts_follow_the_text_of_a_document() {
    let (_home, store) = new_store();
    store.write(|tx| tx.tags().define(query("deadline", "\"reply due\" OR deadlines"))).unwrap();
    let tags = |id| store.read().unwrap().documents().tags(id).unwrap().len();
    let new = |text: &str| NewDocument::new("memo.txt", "txt", "legal").content(text);
    let hit = store.write(|tx| tx.documents().create(new("The reply due in March"))).unwrap();
    let miss = store.write(|tx| tx.documents().create(new("The due reply"))).unwrap();
    assert_eq!((tags(hit), tags(miss)), (1, 0));
    let change = DocumentChange::new().content("one deadline");
    store.write(|tx| tx.documents().update(miss, &change)).unwrap();
    assert_eq!(tags(miss), 1, "the text alone has changed");
    sound(&store);
}

#[test]
fn rules_about_texts_follow_the_chunks_of_a_file_and_its_own_fields() {
    let (_home, store) = new_store();
    store.write(|tx| tx.tags().define(query("budget", "budget -draft"))).unwrap();
    let id = file(&store, "/a/notes.txt");
    assert_eq!(names(&store, id), [""; 0]);
    let put = |texts: &[&str]| {
        let chunks = texts.iter().copied().map(chunk).collect();
        store.write(|tx| tx.files().replace_chunks(id, chunks)).unwrap();
    };
    put(&["first", "the budgets of May"]);
    assert_eq!(names(&store, id), ["budget"]);
    // The file is one text, however it is cut: what is excluded may stand in another chunk.
    put(&["a draft", "the budgets of May"]);
    assert_eq!(names(&store, id), [""; 0], "what the rule gave is taken back");
    let named = file(&store, "/a/budget.txt");
    assert_eq!(names(&store, named), ["budget"], "its name is a text, too");
    // A rule that comes later sees what is there.
    store.write(|tx| tx.tags().define(query("may", "may"))).unwrap();
    assert_eq!(applied(&store), (2, 1, 0));
    assert_eq!(names(&store, id), ["may"]);
    sound(&store);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_about_texts_gives_its_tag_to_what_a_search_finds(
        texts in
            prop::collection::vec("(red|green|blues?|houses?)( (red|blue|house)){0,4}", 1..8),
        asked in "(\\+?(red|blue|house)|\"(red|blue) house\")( (red|green|\"house red\")){0,2}",
    ) {
        let (_home, store) = new_store();
        store.write(|tx| tx.tags().define(query("found", &asked))).unwrap();
        let files = store.write(|tx| {
            let put = |(number, text): (usize, &String)| {
                let id = tx.files().put(NewFile::new(format!("/x/n{number}")))?;
                tx.files().replace_chunks(id, vec![chunk(text)])?;
                Ok(id)
            };
            texts.iter().enumerate().map(put).collect::<engraph::Result<Vec<_>>>()
        }).unwrap();
        let tx = store.read().unwrap();
        let hits = store.search(&asked).of::<FileChunk>().limit(100).run().unwrap().hits;
        let file_of = |id| tx.get::<FileChunk>(id).unwrap().unwrap().file.unwrap();
        let mut expected: Vec<NodeId> = hits.iter().map(|hit| file_of(hit.id)).collect();
        expected.sort_unstable();
        let given: Vec<NodeId> =
            files.into_iter().filter(|file| !names(&store, *file).is_empty()).collect();
        prop_assert_eq!(given, expected, "{}", asked);
    }
}
