//! Personas and skills: what each call does, refuses and lists.

use engraph::family::{NewPersona, NewRun, NewSkill, PersonaFilter, Seeded};
use engraph::record::{Persona, PersonaSkill, Record, Skill};
use engraph::{Json, NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

fn rules(modes: &str, content_types: &str) -> Json {
    json(&format!(r#"{{"modes": [{modes}], "content_types": [{content_types}]}}"#))
}

fn upsert(store: &Store, new: NewPersona) -> NodeId {
    store.write(|tx| tx.personas().upsert(new)).unwrap()
}

fn upsert_skill(store: &Store, new: NewSkill) -> NodeId {
    store.write(|tx| tx.personas().upsert_skill(new)).unwrap()
}

fn names<T>(found: Vec<(NodeId, T)>, name: impl Fn(T) -> String) -> Vec<String> {
    found.into_iter().map(|(_, record)| name(record)).collect()
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

#[test]
fn a_persona_is_replaced_by_name_and_keeps_its_time_and_skills() {
    let (_home, store) = new_store();
    let id = upsert(&store, NewPersona::new(" Critic ").role("tests").settings(json("{}")));
    let skill = upsert_skill(&store, NewSkill::new("Scan"));
    store.write(|tx| tx.personas().attach(id, skill)).unwrap();
    let (_, first) = store.read().unwrap().personas().get("Critic").unwrap().unwrap();
    assert_eq!((first.active, first.role.as_deref()), (true, Some("tests")));
    assert_eq!((first.activation_rules, first.updated_at), (Some(json("{}")), None));
    assert_eq!(upsert(&store, NewPersona::new("Critic").inactive()), id);
    let tx = store.read().unwrap();
    let (_, second) = tx.personas().get("Critic").unwrap().unwrap();
    assert_eq!((second.active, second.role, second.created_at), (false, None, first.created_at));
    assert!(second.updated_at.is_some());
    assert_eq!(tx.personas().skills_of(id).unwrap().len(), 1);
    sound(&store);
}

#[test]
fn a_skill_is_replaced_by_name() {
    let (_home, store) = new_store();
    let id = upsert_skill(&store, NewSkill::new("Scan").description("finds"));
    assert_eq!(upsert_skill(&store, NewSkill::new("Scan").disabled()), id);
    let (_, found) = store.read().unwrap().personas().get_skill("Scan").unwrap().unwrap();
    assert_eq!((found.enabled, found.description, found.config), (false, None, Some(json("{}"))));
}

#[test]
fn what_cannot_be_a_persona_or_skill_is_refused() {
    let (_home, store) = new_store();
    for bad in [
        NewPersona::new(" "),
        NewPersona::new("x").activation_rules(json("[]")),
        NewPersona::new("x").activation_rules(json(r#"{"modes": "all"}"#)),
        NewPersona::new("x").settings(json("1")),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(fault(store.write(|tx| tx.personas().upsert(bad))), "invalid", "{shown}");
    }
    for bad in [NewSkill::new(""), NewSkill::new("x").config(json("[]"))] {
        assert_eq!(fault(store.write(|tx| tx.personas().upsert_skill(bad))), "invalid");
    }
}

#[test]
fn personas_and_skills_are_listed_by_name() {
    let (_home, store) = new_store();
    for new in [NewPersona::new("b"), NewPersona::new("c").inactive(), NewPersona::new("a")] {
        upsert(&store, new);
    }
    for new in [NewSkill::new("y"), NewSkill::new("x").disabled()] {
        upsert_skill(&store, new);
    }
    let tx = store.read().unwrap();
    let personas =
        |filter| names(tx.personas().list(filter).unwrap(), |persona: Persona| persona.name);
    let skills =
        |filter| names(tx.personas().list_skills(filter).unwrap(), |skill: Skill| skill.name);
    assert_eq!(personas(PersonaFilter::All), ["a", "b", "c"]);
    assert_eq!(personas(PersonaFilter::Active), ["a", "b"]);
    assert_eq!(skills(PersonaFilter::All), ["x", "y"]);
    assert_eq!(skills(PersonaFilter::Active), ["y"]);
}

#[test]
fn a_skill_is_attached_once_and_detached_again() {
    let (_home, store) = new_store();
    let persona = upsert(&store, NewPersona::new("Critic"));
    let skills = ["z", "a"].map(|name| upsert_skill(&store, NewSkill::new(name).disabled()));
    for skill in skills {
        assert!(store.write(|tx| tx.personas().attach(persona, skill)).unwrap());
        assert!(!store.write(|tx| tx.personas().attach(persona, skill)).unwrap());
    }
    let found = store.read().unwrap().personas().skills_of(persona).unwrap();
    assert_eq!(names(found, |skill| skill.name), ["a", "z"], "by name, disabled ones too");
    let path = store.graph().unwrap().shortest_path(persona, skills[0]).unwrap();
    assert!(path.is_some(), "it is an edge of the graph");
    assert!(store.write(|tx| tx.personas().detach(persona, skills[0])).unwrap());
    assert!(!store.write(|tx| tx.personas().detach(persona, skills[0])).unwrap());
    assert_eq!(fault(store.write(|tx| tx.personas().attach(skills[0], persona))), "not_found");
    assert!(store.write(|tx| tx.personas().delete_skill("z")).unwrap());
    assert_eq!(fault(store.write(|tx| tx.personas().attach(persona, skills[0]))), "not_found");
}

#[test]
fn deleting_one_end_detaches_it() {
    let (_home, store) = new_store();
    let (one, other) = (upsert(&store, NewPersona::new("a")), upsert(&store, NewPersona::new("b")));
    let skill = upsert_skill(&store, NewSkill::new("s"));
    for persona in [one, other] {
        store.write(|tx| tx.personas().attach(persona, skill)).unwrap();
    }
    assert!(store.write(|tx| tx.personas().delete("a")).unwrap());
    assert!(!store.write(|tx| tx.personas().delete("a")).unwrap());
    assert_eq!(count::<PersonaSkill>(&store), 1);
    assert!(store.write(|tx| tx.personas().delete_skill("s")).unwrap());
    assert!(!store.write(|tx| tx.personas().delete_skill("s")).unwrap());
    assert_eq!(count::<PersonaSkill>(&store), 0);
    sound(&store);
}

#[test]
fn a_persona_is_resolved_by_mode_or_type_in_the_order_of_names() {
    let (_home, store) = new_store();
    let resolve = |mode, content_type| {
        let found = store.read().unwrap().personas().resolve(mode, content_type).unwrap();
        found.map(|(_, persona)| persona.name)
    };
    assert_eq!(resolve(Some("index"), None), None, "there is none");
    let new = |name: &str, modes: &str, types: &str| {
        NewPersona::new(name).activation_rules(rules(modes, types))
    };
    upsert(&store, new("a", r#""index""#, r#""log""#).inactive());
    upsert(&store, new("b", r#""any""#, r#""text""#));
    upsert(&store, new("c", r#""index""#, r#""text""#));
    upsert(&store, new("d", r#""index", "refresh""#, ""));
    let odd = Persona {
        name: "0".into(),
        active: true,
        activation_rules: Some(json("[1]")),
        ..Persona::default()
    };
    store.write(|tx| tx.insert(&odd)).unwrap();
    for (mode, content_type, expected) in [
        (Some("index"), None, "c"),
        (Some("refresh"), None, "d"),
        (None, Some("text"), "b"),
        (Some("index"), Some("text"), "b"),
        (Some("analysis"), Some("log"), "0"),
        (None, None, "0"),
    ] {
        let found = resolve(mode, content_type);
        assert_eq!(found.as_deref(), Some(expected), "{mode:?} {content_type:?}");
    }
}

#[test]
fn results_are_kept_by_run_in_order() {
    let (_home, store) = new_store();
    let runs = [0; 2].map(|_| store.write(|tx| tx.tasks().start(NewRun::new("x"))).unwrap());
    let persona = upsert(&store, NewPersona::new("Critic"));
    for (run, skill, by) in [(0, "b", None), (0, "a", Some(persona)), (1, "c", None)] {
        let output = json(r#"{"ok": true}"#);
        store.write(|tx| tx.personas().add_result(runs[run], skill, output, by)).unwrap();
    }
    let found = store.read().unwrap().personas().results(runs[0]).unwrap();
    let skills: Vec<_> = found.iter().map(|(_, result)| &*result.skill_name).collect();
    assert_eq!((skills, found[1].1.persona), (vec!["b", "a"], Some(persona)));
    let bad = [
        (persona, "s", json("{}"), None, "not_found"),
        (runs[0], " ", json("{}"), None, "invalid"),
        (runs[0], "s", json("[]"), None, "invalid"),
        (runs[0], "s", json("{}"), Some(runs[0]), "not_found"),
    ];
    for (run, skill, output, by, expected) in bad {
        let result = store.write(|tx| tx.personas().add_result(run, skill, output, by));
        assert_eq!(fault(result), expected);
    }
    store.write(|tx| tx.personas().delete("Critic")).unwrap();
    let found = store.read().unwrap().personas().results(runs[0]).unwrap();
    assert_eq!((found.len(), found[1].1.persona), (2, None), "what it gave stays");
}

#[test]
fn the_default_set_is_written_once_and_leaves_what_is_there() {
    let (_home, store) = new_store();
    upsert(&store, NewPersona::new("Questioner").role("my own").inactive());
    let seeded = store.write(|tx| tx.personas().seed_defaults()).unwrap();
    assert_eq!((seeded.personas, seeded.skills, seeded.attachments), (8, 13, 28));
    let again = store.write(|tx| tx.personas().seed_defaults()).unwrap();
    assert_eq!(again, Seeded::default());
    assert_eq!((count::<Persona>(&store), count::<Skill>(&store)), (9, 13));
    assert_eq!(count::<PersonaSkill>(&store), 28);
    let tx = store.read().unwrap();
    let (_, own) = tx.personas().get("Questioner").unwrap().unwrap();
    assert_eq!((own.active, own.role.as_deref()), (false, Some("my own")));
    let (_, legal) = tx.personas().resolve(None, Some("legal")).unwrap().unwrap();
    assert_eq!(legal.name, "Legal Reasoning Specialist");
    sound(&store);
}
