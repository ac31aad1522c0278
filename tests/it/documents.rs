//! Documents: what each call does, refuses and lists.

use engraph::family::{DocumentChange, DocumentQuery, NewDocument, NewTag};
use engraph::record::{
    Document, DocumentAnalytics, DocumentContent, DocumentSearchRow, DocumentTag, Record,
};
use engraph::{NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn create(store: &Store, new: NewDocument) -> NodeId {
    store.write(|tx| tx.documents().create(new)).unwrap()
}

fn memo(name: &str) -> NewDocument {
    NewDocument::new(name, "txt", "legal")
}

fn ids<T>(found: &[(NodeId, T)]) -> Vec<NodeId> {
    found.iter().map(|(id, _)| *id).collect()
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

#[test]
fn a_created_document_is_read_back_with_text_tags_and_counts() {
    let (_home, store) = new_store();
    let new = NewDocument::new("  memo.DOCX ", "DOCX", " legal ")
        .file_path("in/memo.docx")
        .primary_purpose("reply")
        .content("The reply is due. File it!")
        .tag(NewTag::new("Urgent").value("high"));
    let id = create(&store, new);
    let tx = store.read().unwrap();
    let found = tx.documents().get(id).unwrap().unwrap();
    let document = &found.document;
    assert_eq!((&*document.file_name, &*document.file_type), ("memo.DOCX", "docx"));
    assert_eq!((&*document.category, document.updated_at), ("legal", None));
    assert_eq!(document.file_path.as_deref(), Some("in/memo.docx"));
    assert!(document.created_at.is_some());
    let content = found.content.unwrap();
    assert_eq!(content.content_text.as_deref(), Some("The reply is due. File it!"));
    assert_eq!(content.content_type.as_deref(), Some("text/plain"));
    assert_eq!(
        (&*found.tags[0].tag_name, found.tags[0].tag_value.as_deref()),
        ("urgent", Some("high"))
    );
    let counts = tx.documents().analytics(id).unwrap().unwrap();
    assert_eq!((counts.char_count, counts.word_count, counts.sentence_count), (26, 6, 2));
    sound(&store);
}

#[test]
fn a_document_without_a_text_has_no_content_and_no_counts() {
    let (_home, store) = new_store();
    for new in [memo("a.txt"), memo("b.txt").content("")] {
        let id = create(&store, new);
        let tx = store.read().unwrap();
        assert_eq!(tx.documents().get(id).unwrap().unwrap().content, None);
        assert_eq!(tx.documents().analytics(id).unwrap(), None);
    }
    assert_eq!(count::<DocumentSearchRow>(&store), 0);
}

#[test]
fn a_document_that_breaks_a_rule_is_refused() {
    let (_home, store) = new_store();
    let long = |characters: usize| "\u{e9}".repeat(characters);
    for (new, expected) in [
        (memo(" "), "invalid"),
        (memo(&long(256)), "limit"),
        (NewDocument::new("a", "exe", "legal"), "invalid"),
        (NewDocument::new("a", "", "legal"), "invalid"),
        (NewDocument::new("a", "txt", "\t"), "invalid"),
        (NewDocument::new("a", "txt", long(101)), "limit"),
        (memo("a").file_path(long(501)), "limit"),
        (memo("a").primary_purpose(long(201)), "limit"),
        (memo("a").content_type(long(101)), "limit"),
        (memo("a").tag(NewTag::new("two words")), "invalid"),
        (memo("a").tag(NewTag::new("")), "invalid"),
        (memo("a").tag(NewTag::new("x".repeat(101))), "limit"),
        (memo("a").tag(NewTag::new("x").value(long(256))), "limit"),
    ] {
        let shown = format!("{new:?}");
        assert_eq!(fault(store.write(|tx| tx.documents().create(new))), expected, "{shown}");
    }
    assert_eq!(count::<Document>(&store), 0, "a refused one leaves nothing");
    let widest = NewDocument::new(long(255), "odt", long(100))
        .file_path(long(500))
        .primary_purpose(long(200))
        .tag(NewTag::new("x".repeat(100)).value(long(255)));
    create(&store, widest);
}

#[test]
fn d2_both_spellings_of_pdf_and_rtf_are_accepted_and_kept() {
    let (_home, store) = new_store();
    for file_type in ["pdf", "pd", "rtf", "rt", "docx", "txt", "doc", "odt"] {
        let id = create(&store, NewDocument::new("a", file_type, "legal"));
        let found = store.read().unwrap().get::<Document>(id).unwrap().unwrap();
        assert_eq!(found.file_type, file_type);
    }
}

#[test]
fn d3_a_document_that_breaks_a_rule_is_listed_and_reported() {
    let (_home, store) = new_store();
    let good = create(&store, memo("good.txt"));
    let odd = Document { file_type: "exe".into(), file_name: " ".into(), ..Document::default() };
    let odd = store.write(|tx| tx.insert(&odd)).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(ids(&tx.documents().list(&DocumentQuery::new()).unwrap()), [good, odd]);
    let faults = tx.documents().faults(10).unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].0, faults[0].1.kind()), (odd, "invalid"));
    assert!(tx.documents().faults(0).unwrap().is_empty());
}

#[test]
fn d4_a_document_has_one_search_row_and_is_found_once() {
    let (_home, store) = new_store();
    let id = create(&store, memo("memo.txt").content("The reply is due"));
    for text in ["The answer is due", "The motion was granted"] {
        let change = DocumentChange::new().content(text);
        store.write(|tx| tx.documents().update(id, &change)).unwrap();
    }
    let rows: Vec<_> = store.read().unwrap().iter().unwrap().map(Result::unwrap).collect();
    let row: &(NodeId, DocumentSearchRow) = &rows[0];
    assert_eq!((rows.len(), &*row.1.search_terms), (1, "motion granted"));
    assert_eq!(store.search("motion").run().unwrap().hits.len(), 1);
    assert!(store.search("reply").run().unwrap().hits.is_empty());
    // What the old application left behind goes with the next change.
    let more = || DocumentSearchRow { document: Some(id), ..DocumentSearchRow::default() };
    store.write(|tx| tx.insert(&more()).and(tx.insert(&more()))).unwrap();
    store.write(|tx| tx.documents().recompute(id)).unwrap();
    assert_eq!(count::<DocumentSearchRow>(&store), 1);
    sound(&store);
}

#[test]
fn an_update_changes_what_is_given_and_nothing_else() {
    let (_home, store) = new_store();
    let id = create(&store, memo("a.txt").file_path("in/a.txt").content("one two"));
    let change = DocumentChange::new().category("tax").file_path(None);
    let found = store.write(|tx| tx.documents().update(id, &change)).unwrap();
    assert_eq!((&*found.category, &*found.file_name, &found.file_path), ("tax", "a.txt", &None));
    let stamped = found.updated_at;
    assert!(stamped.is_some());
    let change = DocumentChange::new().content("one two three");
    let found = store.write(|tx| tx.documents().update(id, &change)).unwrap();
    assert_eq!(found.updated_at, stamped, "the text alone leaves the time");
    let tx = store.read().unwrap();
    assert_eq!(tx.documents().analytics(id).unwrap().unwrap().word_count, 3);
    let bad = DocumentChange::new().file_type("exe");
    assert_eq!(fault(store.write(|tx| tx.documents().update(id, &bad))), "invalid");
    let gone = store.write(|tx| {
        let id = tx.documents().create(memo("b.txt"))?;
        tx.documents().delete(id)?;
        Ok(id)
    });
    let change = DocumentChange::new();
    let absent = store.write(|tx| tx.documents().update(gone.unwrap(), &change));
    assert_eq!(fault(absent), "not_found");
}

#[test]
fn a_new_text_goes_into_every_row_and_a_first_one_is_counted() {
    let (_home, store) = new_store();
    let id = create(&store, memo("a.txt"));
    let change = DocumentChange::new().content("first text").content_type("text/markdown");
    store.write(|tx| tx.documents().update(id, &change)).unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.documents().analytics(id).unwrap().unwrap().word_count, 2);
    let imported = DocumentContent { document: Some(id), ..DocumentContent::default() };
    store.write(|tx| tx.insert(&imported)).unwrap();
    let change = DocumentChange::new().content("second");
    store.write(|tx| tx.documents().update(id, &change)).unwrap();
    let rows: Vec<(NodeId, DocumentContent)> =
        store.read().unwrap().iter().unwrap().map(Result::unwrap).collect();
    let texts: Vec<_> = rows.iter().map(|(_, row)| row.content_text.as_deref()).collect();
    assert_eq!(texts, [Some("second"), Some("second")]);
    assert_eq!(rows[0].1.content_type.as_deref(), Some("text/markdown"));
}

#[test]
fn a_deleted_document_takes_its_text_tags_and_counts_along() {
    let (_home, store) = new_store();
    let id = create(&store, memo("a.txt").content("text here").tag(NewTag::new("x")));
    let kept = create(&store, memo("b.txt").content("text there").tag(NewTag::new("x")));
    assert!(store.write(|tx| tx.documents().delete(id)).unwrap());
    assert!(!store.write(|tx| tx.documents().delete(id)).unwrap());
    let left = (
        count::<Document>(&store),
        count::<DocumentContent>(&store),
        count::<DocumentTag>(&store),
        count::<DocumentAnalytics>(&store),
        count::<DocumentSearchRow>(&store),
    );
    assert_eq!(left, (1, 1, 1, 1, 1));
    let tag = store.read().unwrap().documents().tags(kept).unwrap()[0].0;
    assert_eq!(fault(store.write(|tx| tx.documents().delete(tag))), "invalid", "a tag is none");
    assert_eq!(store.write(|tx| tx.documents().delete_many(&[id, kept])).unwrap(), 1);
    sound(&store);
}

#[test]
fn many_documents_are_made_together_or_not_at_all() {
    let (_home, store) = new_store();
    let made = store.write(|tx| tx.documents().create_many(vec![memo("a.txt"), memo("b.txt")]));
    assert_eq!(made.unwrap().len(), 2);
    let bad = store.write(|tx| tx.documents().create_many(vec![memo("c.txt"), memo("")]));
    assert_eq!(fault(bad), "invalid");
    assert_eq!(count::<Document>(&store), 2);
}

#[test]
fn tags_are_given_once_in_lower_case_and_taken_away_by_name() {
    let (_home, store) = new_store();
    let id = create(&store, memo("a.txt").tag(NewTag::new("case-7").value("old")));
    let tags = [NewTag::new("Urgent"), NewTag::new("CASE-7").value("new"), NewTag::new("urgent")];
    let added = store.write(|tx| tx.documents().tag(id, &tags)).unwrap();
    assert_eq!(added.len(), 1, "only what it did not have");
    let found = store.read().unwrap().documents().tags(id).unwrap();
    let found: Vec<_> =
        found.iter().map(|(_, tag)| (&*tag.tag_name, tag.tag_value.as_deref())).collect();
    assert_eq!(found, [("case-7", Some("old")), ("urgent", None)]);
    assert!(store.write(|tx| tx.documents().untag(id, "URGENT")).unwrap());
    assert!(!store.write(|tx| tx.documents().untag(id, "urgent")).unwrap());
    store.write(|tx| tx.documents().delete(id)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.documents().tag(id, &tags))), "not_found");
}

#[test]
fn documents_are_listed_newest_first_by_category_type_tag_and_text() {
    let (_home, store) = new_store();
    let made: Vec<NodeId> = (0..6)
        .map(|number| {
            let category = if number % 2 == 0 { "legal" } else { "tax" };
            let file_type = if number < 3 { "txt" } else { "pdf" };
            let mut new = NewDocument::new(format!("File-{number}"), file_type, category);
            if number % 3 == 0 {
                new = new.tag(NewTag::new("urgent"));
            }
            if number == 1 {
                new = new.tag(NewTag::new("old")).primary_purpose("Annual REPORT");
            }
            create(&store, new)
        })
        .collect();
    let tx = store.read().unwrap();
    let time = |place: usize| tx.get::<Document>(made[place]).unwrap().unwrap().created_at.unwrap();
    let new = DocumentQuery::new;
    for (query, expected) in [
        (new(), &[5, 4, 3, 2, 1, 0][..]),
        (new().offset(1).limit(2), &[4, 3]),
        (new().category(" tax "), &[5, 3, 1]),
        (new().file_type("PDF"), &[5, 4, 3]),
        (new().category("legal").file_type("txt"), &[2, 0]),
        (new().tag("URGENT"), &[3, 0]),
        (new().tag("urgent").tag("old"), &[3, 1, 0]),
        (new().tag("urgent").file_type("pdf"), &[3]),
        (new().tag("urgent").offset(1), &[0]),
        (new().containing("report"), &[1]),
        (new().containing("file-"), &[5, 4, 3, 2, 1, 0]),
        (new().created_after(time(1)).created_before(time(3)), &[3, 2, 1]),
        (new().tag("none"), &[]),
        (new().limit(0), &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(|place| made[*place]).collect();
        assert_eq!(ids(&tx.documents().list(&query).unwrap()), expected, "{query:?}");
    }
    for (query, expected) in [
        (new(), 6),
        (new().limit(1), 6),
        (new().category("tax"), 3),
        (new().file_type("pdf"), 3),
        (new().category("legal").file_type("pdf"), 1),
        (new().tag("urgent"), 2),
        (new().containing("report"), 1),
        (new().created_before(time(1)), 2),
    ] {
        assert_eq!(tx.documents().count(&query).unwrap(), expected, "{query:?}");
    }
}

#[test]
fn suggestions_are_parts_of_names_categories_and_tags() {
    let (_home, store) = new_store();
    for number in 0..7 {
        create(&store, NewDocument::new(format!("Report {number}"), "txt", "reports"));
    }
    create(&store, memo("memo.txt").tag(NewTag::new("report-due")));
    let tx = store.read().unwrap();
    let found = tx.documents().suggest(" REPORT ").unwrap();
    assert_eq!(found.file_names, ["Report 0", "Report 1", "Report 2", "Report 3", "Report 4"]);
    assert_eq!(
        (&found.categories[..], &found.tags[..]),
        (&["reports".into()][..], &["report-due".into()][..])
    );
    assert!(tx.documents().suggest("%").unwrap().file_names.is_empty(), "no wild cards");
    assert_eq!(fault(tx.documents().suggest(" ")), "invalid");
}

#[test]
fn counts_are_by_category_and_type_most_first() {
    let (_home, store) = new_store();
    create(&store, memo("a").content("text").tag(NewTag::new("x")));
    create(&store, memo("b").tag(NewTag::new("x")).tag(NewTag::new("y")));
    create(&store, NewDocument::new("c", "pdf", "tax"));
    let tx = store.read().unwrap();
    let stats = tx.documents().stats().unwrap();
    assert_eq!((stats.documents, stats.contents, stats.tags, stats.unique_tags), (3, 1, 3, 2));
    assert_eq!(stats.categories, [("legal".to_owned(), 2), ("tax".to_owned(), 1)]);
    assert_eq!(stats.file_types, [("txt".to_owned(), 2), ("pdf".to_owned(), 1)]);
    assert_eq!(tx.documents().tag_names().unwrap(), ["x", "y"]);
}

#[test]
fn counts_are_computed_again_when_asked_for_and_not_for_what_is_absent() {
    let (_home, store) = new_store();
    let id = create(&store, memo("a.txt"));
    let counts = store.write(|tx| tx.documents().recompute(id)).unwrap();
    assert_eq!((counts.char_count, counts.top_terms.unwrap().as_str()), (0, "[]"));
    store.write(|tx| tx.documents().delete(id)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.documents().recompute(id))), "not_found");
}

#[test]
fn a_search_finds_a_document_by_its_text_once_and_keeps_to_the_query() {
    let (_home, store) = new_store();
    let text = "The motion is due. Motion by motion.";
    let first = create(&store, memo("motion.txt").content(text).tag(NewTag::new("urgent")));
    let second = create(&store, NewDocument::new("note.txt", "txt", "tax").content("a motion"));
    create(&store, memo("other.txt").content("nothing of it"));
    let find = |text: &str, query: DocumentQuery| -> Vec<NodeId> {
        let found = store.search_documents(text, &query).unwrap();
        found.into_iter().map(|hit| hit.id).collect()
    };
    let new = DocumentQuery::new;
    let mut all = find("motion", new());
    all.sort_unstable();
    assert_eq!(all, [first, second]);
    assert_eq!(find("motion", new().category("tax")), [second]);
    assert_eq!(find("motion", new().tag("urgent")), [first]);
    assert_eq!(find("motion", new().limit(1)).len(), 1);
    assert_eq!(find("motion", new().offset(1)).len(), 1);
    assert!(find("motion", new().limit(0)).is_empty());
    assert!(find("granted", new()).is_empty());
    let hit = &store.search_documents("due", &new()).unwrap()[0];
    assert_eq!((hit.id, &*hit.document.file_name), (first, "motion.txt"));
    assert!(hit.snippet.is_some());
}
