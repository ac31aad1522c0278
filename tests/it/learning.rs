//! Learning paths: what each call does, refuses and lists.

use engraph::family::{NewPath, NewStep, PathQuery, StepState};
use engraph::record::{IndexedFile, LearningPath, LearningStep, PathStatus};
use engraph::{NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn source(store: &Store) -> NodeId {
    store.write(|tx| tx.insert(&IndexedFile::default())).unwrap()
}

fn step(title: &str, source: NodeId) -> NewStep {
    NewStep::new(title, "read it").evidence(source, 0, 5, "words")
}

fn put(store: &Store, new: NewPath) -> NodeId {
    store.write(|tx| tx.learning().put(new)).unwrap()
}

fn steps(store: &Store, path_id: &str) -> Vec<LearningStep> {
    store.read().unwrap().learning().get(path_id).unwrap().unwrap().steps
}

#[test]
fn a_path_is_written_with_its_steps_in_order() {
    let (_home, store) = new_store();
    let file = source(&store);
    let own = step("b", file).step_id("own").objective("o-2").difficulty(5).heuristic("h-1");
    let new = NewPath::new("p", "ada", "o-1").heuristic("h-1").ontology_version(3);
    let id = put(&store, new.step(step("a", file)).step(own));
    let found = store.read().unwrap().learning().get("p").unwrap().unwrap();
    assert_eq!((found.id, &found.path.status), (id, &PathStatus::Active));
    assert_eq!((found.path.ontology_version, &*found.path.objective_id), (3, "o-1"));
    assert_eq!(found.path.heuristic_snapshot.unwrap().as_str(), r#"["h-1"]"#);
    let shown: Vec<_> = found
        .steps
        .iter()
        .map(|step| (&*step.step_id, step.step_order, &*step.objective_id, step.difficulty))
        .collect();
    assert_eq!(shown, [("p::step::1", 1, "o-1", 1), ("own", 2, "o-2", 5)]);
    let spans = found.steps[0].evidence_spans.as_ref().unwrap().to_value().unwrap();
    assert_eq!((&spans[0]["start_char"], &spans[0]["quote"]), (&0.into(), &"words".into()));
    assert_eq!(found.steps[0].path, Some(id));
    sound(&store);
}

#[test]
fn a_path_of_the_same_name_is_replaced_but_for_the_time_of_making() {
    let (_home, store) = new_store();
    let file = source(&store);
    let id = put(&store, NewPath::new("p", "ada", "o").step(step("a", file)).step(step("b", file)));
    let made = store.read().unwrap().get::<LearningPath>(id).unwrap().unwrap().created_at;
    let done = step("c", file).state(StepState::Done);
    assert_eq!(put(&store, NewPath::new("p", "bo", "o").step(done)), id);
    let found = store.read().unwrap().learning().get("p").unwrap().unwrap();
    assert_eq!((&*found.path.user_id, found.path.created_at), ("bo", made));
    assert_eq!(found.path.status, PathStatus::Completed, "all steps are done");
    assert_eq!((found.steps.len(), &*found.steps[0].title), (1, "c"));
    assert_eq!(store.read().unwrap().iter::<LearningStep>().unwrap().count(), 1);
    put(&store, NewPath::new("p", "bo", "o"));
    let found = store.read().unwrap().learning().get("p").unwrap().unwrap();
    assert_eq!(found.path.status, PathStatus::Active, "a path without steps is not done");
}

#[test]
fn a_path_that_breaks_a_rule_is_refused() {
    let (_home, store) = new_store();
    let file = source(&store);
    let new = || NewPath::new("p", "ada", "o");
    for bad in [
        NewPath::new("", "ada", "o"),
        NewPath::new("p", " ", "o"),
        NewPath::new("p", "ada", ""),
        new().step(step("", file)),
        new().step(NewStep::new("a", "read")),
        new().step(NewStep::new("a", "read").evidence(file, 5, 5, "")),
        new().step(step("a", file).difficulty(0)),
        new().step(step("a", file).difficulty(6)),
        new().step(step("a", file).step_id(" ")),
        new().step(step("a", file).step_id("x")).step(step("b", file).step_id("x")),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(fault(store.write(|tx| tx.learning().put(bad))), "invalid", "{shown}");
    }
    assert_eq!(store.read().unwrap().learning().get("p").unwrap(), None);
}

#[test]
fn marking_a_step_recomputes_the_path_both_ways() {
    let (_home, store) = new_store();
    let file = source(&store);
    put(&store, NewPath::new("p", "ada", "o").step(step("a", file)).step(step("b", file)));
    let mark = |step, state| store.write(|tx| tx.learning().mark("p", step, state));
    assert_eq!(mark("p::step::1", StepState::Done).unwrap(), PathStatus::Active);
    let left = store.read().unwrap().learning().recommended("p").unwrap();
    assert_eq!((left.len(), &*left[0].title), (1, "b"));
    assert_eq!(mark("p::step::2", StepState::Done).unwrap(), PathStatus::Completed);
    assert!(store.read().unwrap().learning().recommended("p").unwrap().is_empty());
    assert_eq!(mark("p::step::1", StepState::Open).unwrap(), PathStatus::Active);
    let path = store.read().unwrap().learning().get("p").unwrap().unwrap().path;
    assert!(path.status == PathStatus::Active && path.updated_at > path.created_at);
    assert_eq!(fault(mark("p::step::9", StepState::Done)), "not_found");
    let absent = store.write(|tx| tx.learning().mark("q", "p::step::1", StepState::Done));
    assert_eq!(fault(absent), "not_found");
    assert_eq!(fault(store.read().unwrap().learning().recommended("q")), "not_found");
}

#[test]
fn a_path_is_generated_from_heuristics_harder_from_step_to_step() {
    let (_home, store) = new_store();
    let file = source(&store);
    let mut new = NewPath::new("p", "ada", "o");
    for number in 1..=7 {
        new = new.heuristic(format!("h-{number}"));
    }
    put(&store, new.generated(file, 0, 5, "words"));
    let found = steps(&store, "p");
    let difficulties: Vec<_> = found.iter().map(|step| step.difficulty).collect();
    assert_eq!(difficulties, [1, 2, 3, 4, 5, 5, 5]);
    assert_eq!(found[6].heuristic_ids.as_ref().unwrap().as_str(), r#"["h-7"]"#);
    put(&store, NewPath::new("q", "ada", "o").generated(file, 0, 5, "words"));
    assert_eq!(steps(&store, "q").len(), 1, "a baseline where there are no heuristics");
}

#[test]
fn paths_are_listed_changed_last_first_by_person_and_state() {
    let (_home, store) = new_store();
    let file = source(&store);
    for (name, user) in [("a", "ada"), ("b", "bo"), ("c", "ada")] {
        put(&store, NewPath::new(name, user, "o").step(step("x", file)));
    }
    store.write(|tx| tx.learning().mark("a", "a::step::1", StepState::Done)).unwrap();
    let tx = store.read().unwrap();
    let new = PathQuery::new;
    for (query, expected) in [
        (new(), &["a", "c", "b"][..]),
        (new().user("ada"), &["a", "c"]),
        (new().status(PathStatus::Active), &["c", "b"]),
        (new().user("ada").status(PathStatus::Completed), &["a"]),
        (new().offset(1).limit(1), &["c"]),
        (new().user("none"), &[]),
    ] {
        let found = tx.learning().list(&query).unwrap();
        let found: Vec<_> = found.into_iter().map(|(_, path)| path.path_id).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn a_deleted_path_takes_its_steps_along() {
    let (_home, store) = new_store();
    let file = source(&store);
    for name in ["p", "q"] {
        put(&store, NewPath::new(name, "ada", "o").step(step("a", file)));
    }
    assert!(store.write(|tx| tx.learning().delete("p")).unwrap());
    assert!(!store.write(|tx| tx.learning().delete("p")).unwrap());
    assert_eq!(store.read().unwrap().iter::<LearningStep>().unwrap().count(), 1);
    sound(&store);
}
