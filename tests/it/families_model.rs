//! Random operations on families against plain models, compared after every step.

use std::collections::{BTreeMap, BTreeSet};

use engraph::family::{
    DocumentChange, DocumentQuery, GroupKind, Moved, NewDocument, NewPath, NewProposal, NewStep,
    NewTag, ProposalEdit, StepState, Verdict,
};
use engraph::record::{
    DocumentContent, DocumentSearchRow, IndexedFile, KnowledgeTerm, OrganizationProposal,
    OrganizationStatus, PathStatus, TermStatus,
};
use engraph::{NodeId, Result, Store, WriteTx};

use proptest::prelude::*;

use crate::check::sound;
use crate::workload::new_store;

use OrganizationStatus::{Applied, Approved, Proposed, Rejected};

/// One step with proposals. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Propose,
    Accept(usize),
    Reject(usize),
    Edit(usize),
    Reopen(usize),
    Delete(usize),
    Begin(u8, bool),
    Finish(usize, bool),
    Undo(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Propose),
        4 => any::<usize>().prop_map(Step::Accept),
        1 => any::<usize>().prop_map(Step::Reject),
        1 => any::<usize>().prop_map(Step::Edit),
        1 => any::<usize>().prop_map(Step::Reopen),
        1 => any::<usize>().prop_map(Step::Delete),
        4 => (1_u8..8, prop::bool::weighted(0.8)).prop_map(|(set, real)| Step::Begin(set, real)),
        6 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(at, ok)| Step::Finish(at, ok)),
        4 => any::<usize>().prop_map(Step::Undo),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Clone, Debug)]
struct Plain {
    status: OrganizationStatus,
    path: String,
    name: String,
}

#[derive(Clone, Debug)]
struct PlainAction {
    proposal: Option<NodeId>,
    from: String,
    to: String,
    is_real: bool,
    success: Option<bool>,
    is_undone: bool,
    undoes: Option<NodeId>,
}

#[derive(Default)]
struct Model {
    proposals: BTreeMap<NodeId, Plain>,
    /// Every proposal ever made, deleted ones too.
    made: Vec<NodeId>,
    actions: BTreeMap<NodeId, PlainAction>,
    groups: Vec<(String, Vec<NodeId>)>,
}

impl Model {
    fn is_moving(&self, id: NodeId) -> bool {
        let is_open = |action: &PlainAction| action.success.is_none();
        self.actions.values().any(|action| action.proposal == Some(id) && is_open(action))
    }

    /// Checks a decision's outcome and makes it in the model.
    fn decide(
        &mut self,
        (id, result): (NodeId, Result<OrganizationProposal>),
        from: &[OrganizationStatus],
        change: impl FnOnce(&mut Plain),
    ) {
        let is_moving = self.is_moving(id);
        match self.proposals.get_mut(&id) {
            None => assert_eq!(result.unwrap_err().kind(), "not_found"),
            Some(plain) if is_moving || !from.contains(&plain.status) => {
                assert_eq!(result.unwrap_err().kind(), "conflict");
            }
            Some(plain) => {
                change(plain);
                assert_eq!(result.unwrap().status, plain.status);
            }
        }
    }

    fn run(&mut self, store: &Store, step: &Step) {
        match step {
            Step::Propose => self.propose(store),
            Step::Begin(set, is_real) => self.begin(store, *set, *is_real),
            Step::Finish(number, ok) => self.finish(store, *number, *ok),
            Step::Undo(number) => self.undo(store, *number),
            Step::Accept(number)
            | Step::Reject(number)
            | Step::Edit(number)
            | Step::Reopen(number)
            | Step::Delete(number) => {
                if !self.made.is_empty() {
                    self.change(store, step, self.made[number % self.made.len()]);
                }
            }
        }
    }

    fn change(&mut self, store: &Store, step: &Step, id: NodeId) {
        let write = |change: &dyn Fn(&mut WriteTx<'_>) -> Result<OrganizationProposal>| {
            (id, store.write(|tx| change(tx)))
        };
        match step {
            Step::Accept(_) => {
                let done = write(&|tx| tx.organization().accept(id, None));
                self.decide(done, &[Proposed], |plain| plain.status = Approved);
            }
            Step::Reject(_) => {
                let done = write(&|tx| tx.organization().reject(id, None));
                self.decide(done, &[Proposed, Approved], |plain| plain.status = Rejected);
            }
            Step::Edit(_) => {
                let name = format!("{}-e.txt", id.key());
                let edit = ProposalEdit::new().filename(name.clone());
                let done = write(&|tx| tx.organization().edit(id, &edit));
                self.decide(done, &[Proposed, Approved], |plain| {
                    (plain.status, plain.name) = (Approved, name);
                });
            }
            Step::Reopen(_) => {
                let done = write(&|tx| tx.organization().reopen(id));
                self.decide(done, &[Approved, Rejected], |plain| plain.status = Proposed);
            }
            _ => {
                let was_there = store.write(|tx| tx.organization().delete(id)).unwrap();
                assert_eq!(was_there, self.proposals.remove(&id).is_some());
                for action in self.actions.values_mut() {
                    action.proposal = action.proposal.filter(|proposal| *proposal != id);
                }
            }
        }
    }

    fn propose(&mut self, store: &Store) {
        let number = self.made.len() + 1;
        let path = format!("/in/{number}");
        let file = IndexedFile { normalized_path: path.clone(), ..IndexedFile::default() };
        let name = format!("{number}.txt");
        let id = store.write(|tx| {
            let file = tx.insert(&file)?;
            tx.organization().propose(NewProposal::new(file, "f", name.clone()))
        });
        let id = id.unwrap();
        self.made.push(id);
        self.proposals.insert(id, Plain { status: Proposed, path, name });
    }

    fn begin(&mut self, store: &Store, set: u8, is_real: bool) {
        let chosen = self.made.iter().rev().take(3).enumerate();
        let ids: Vec<NodeId> =
            chosen.filter(|(place, _)| set & (1 << place) != 0).map(|(_, id)| *id).collect();
        let kind = if is_real { GroupKind::Real } else { GroupKind::DryRun };
        let begun = store.write(|tx| tx.organization().begin(&ids, Some("/s"), kind));
        if let Some(first) = ids.iter().find_map(|id| match self.proposals.get(id) {
            None => Some("not_found"),
            Some(plain) if plain.status != Approved || self.is_moving(*id) => Some("conflict"),
            Some(_) => None,
        }) {
            return assert_eq!(begun.unwrap_err().kind(), first);
        }
        let group = begun.unwrap();
        assert_eq!(group.moves.len(), ids.len());
        for (step, id) in group.moves.iter().zip(&ids) {
            let plain = &self.proposals[id];
            assert_eq!((&step.from, &step.to), (&plain.path, &format!("/s/f/{}", plain.name)));
            let action = PlainAction {
                proposal: Some(*id),
                from: step.from.clone(),
                to: step.to.clone(),
                is_real,
                success: (!is_real).then_some(true),
                is_undone: false,
                undoes: None,
            };
            self.actions.insert(step.action, action);
        }
        if !ids.is_empty() {
            self.groups.push((group.name, group.moves.iter().map(|step| step.action).collect()));
        }
    }

    fn finish(&mut self, store: &Store, number: usize, ok: bool) {
        // Open ones first, so that most steps end something.
        let mut ids: Vec<NodeId> = self.actions.keys().copied().collect();
        ids.sort_by_key(|id| self.actions[id].success.is_some());
        let Some(id) = ids.get(number % (ids.len() / 2 + 1)).copied() else { return };
        let moved = if ok { Moved::Done } else { Moved::Failed("no".into()) };
        let finished = store.write(|tx| tx.organization().finish(id, moved));
        let action = self.actions.get_mut(&id).unwrap();
        if action.success.is_some() {
            return assert_eq!(finished.unwrap_err().kind(), "conflict");
        }
        finished.unwrap();
        action.success = Some(ok);
        if !ok {
            return;
        }
        let (proposal, undoes, to) = (action.proposal, action.undoes, action.to.clone());
        if let Some(undone) = undoes {
            self.actions.get_mut(&undone).unwrap().is_undone = true;
        }
        if let Some(plain) = proposal.and_then(|id| self.proposals.get_mut(&id)) {
            plain.status = if plain.status == Applied { Approved } else { Applied };
            plain.path = to;
        }
    }

    fn undo(&mut self, store: &Store, number: usize) {
        if self.groups.is_empty() {
            return;
        }
        let (name, ids) = self.groups[number % self.groups.len()].clone();
        let begun = store.write(|tx| tx.organization().begin_undo(&name));
        let is_waited_for = |id: &NodeId| {
            let waits =
                |action: &PlainAction| action.success.is_none() && action.undoes == Some(*id);
            self.actions[id].success.is_none() || self.actions.values().any(waits)
        };
        let back: Vec<NodeId> = ids
            .iter()
            .rev()
            .filter(|id| {
                let action = &self.actions[id];
                action.is_real && action.success == Some(true) && !action.is_undone
            })
            .copied()
            .collect();
        let was_moved = |id: &NodeId| {
            let action = &self.actions[id];
            action.proposal.is_some_and(|proposal| self.proposals[&proposal].path != action.to)
        };
        if back.is_empty() || ids.iter().any(is_waited_for) || back.iter().any(was_moved) {
            return assert_eq!(begun.unwrap_err().kind(), "conflict");
        }
        let group = begun.unwrap();
        assert_eq!(group.moves.len(), back.len());
        for (step, id) in group.moves.iter().zip(&back) {
            let old = self.actions[id].clone();
            assert_eq!((&step.from, &step.to), (&old.to, &old.from));
            let (from, to) = (old.to.clone(), old.from.clone());
            let action =
                PlainAction { from, to, success: None, is_undone: false, undoes: Some(*id), ..old };
            self.actions.insert(step.action, action);
        }
        self.groups.push((group.name, group.moves.iter().map(|step| step.action).collect()));
    }

    fn check(&self, store: &Store) {
        let tx = store.read().unwrap();
        for id in &self.made {
            let found = tx.organization().get(*id).unwrap();
            let found = found.map(|found| (found.status, found.current_path.unwrap()));
            let plain = self.proposals.get(id);
            assert_eq!(
                found,
                plain.map(|plain| (plain.status.clone(), plain.path.clone())),
                "{id}"
            );
        }
        let found = tx.organization().unfinished().unwrap();
        let found: BTreeSet<NodeId> = found.into_iter().map(|(id, _)| id).collect();
        let open = self.actions.iter().filter(|(_, action)| action.success.is_none());
        assert_eq!(found, open.map(|(id, _)| *id).collect());
        let names: BTreeSet<_> = self.groups.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names.len(), self.groups.len(), "no two groups have one name");
        let found = tx.organization().groups(usize::MAX).unwrap();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), names);
    }
}

/// One step with documents.
#[derive(Clone, Debug)]
enum DocumentStep {
    Create { is_tax: bool, has_text: bool },
    Text(usize, u8),
    Category(usize, bool),
    Tag(usize, u8),
    Untag(usize, u8),
    Delete(usize),
}

fn document_steps() -> impl Strategy<Value = Vec<DocumentStep>> {
    let any = any::<usize>;
    let step = prop_oneof![
        3 => (prop::bool::ANY, prop::bool::ANY)
            .prop_map(|(is_tax, has_text)| DocumentStep::Create { is_tax, has_text }),
        2 => (any(), 0_u8..5).prop_map(|(at, words)| DocumentStep::Text(at, words)),
        1 => (any(), prop::bool::ANY).prop_map(|(at, is_tax)| DocumentStep::Category(at, is_tax)),
        3 => (any(), 0_u8..4).prop_map(|(at, tag)| DocumentStep::Tag(at, tag)),
        2 => (any(), 0_u8..4).prop_map(|(at, tag)| DocumentStep::Untag(at, tag)),
        1 => any().prop_map(DocumentStep::Delete),
    ];
    prop::collection::vec(step, 1..40)
}

/// Category, words of the text, tags.
type PlainDocument = (&'static str, Option<u8>, BTreeSet<String>);

fn category(is_tax: bool) -> &'static str {
    if is_tax { "tax" } else { "legal" }
}

fn run_document(store: &Store, model: &mut BTreeMap<NodeId, PlainDocument>, step: &DocumentStep) {
    let choose = |number: usize| {
        let id = model.keys().nth(number % model.len().max(1));
        id.copied()
    };
    let update = |id: NodeId, change: &DocumentChange| {
        store.write(|tx| tx.documents().update(id, change)).unwrap();
    };
    match step {
        DocumentStep::Create { is_tax, has_text } => {
            let mut new = NewDocument::new("a.txt", "txt", category(*is_tax));
            if *has_text {
                new = new.content("word");
            }
            let id = store.write(|tx| tx.documents().create(new)).unwrap();
            model.insert(id, (category(*is_tax), has_text.then_some(1), BTreeSet::new()));
        }
        DocumentStep::Text(number, words) => {
            let Some(id) = choose(*number) else { return };
            update(id, &DocumentChange::new().content("word ".repeat((*words).into())));
            model.get_mut(&id).unwrap().1 = Some(*words);
        }
        DocumentStep::Category(number, is_tax) => {
            let Some(id) = choose(*number) else { return };
            update(id, &DocumentChange::new().category(category(*is_tax)));
            model.get_mut(&id).unwrap().0 = category(*is_tax);
        }
        DocumentStep::Tag(number, tag) => {
            let Some(id) = choose(*number) else { return };
            let tag = format!("t{tag}");
            let added = store.write(|tx| tx.documents().tag(id, &[NewTag::new(&*tag)])).unwrap();
            assert_eq!(added.len() == 1, model.get_mut(&id).unwrap().2.insert(tag));
        }
        DocumentStep::Untag(number, tag) => {
            let Some(id) = choose(*number) else { return };
            let tag = format!("t{tag}");
            let removed = store.write(|tx| tx.documents().untag(id, &tag)).unwrap();
            assert_eq!(removed, model.get_mut(&id).unwrap().2.remove(&tag));
        }
        DocumentStep::Delete(number) => {
            let Some(id) = choose(*number) else { return };
            assert!(store.write(|tx| tx.documents().delete(id)).unwrap());
            model.remove(&id);
        }
    }
}

fn check_documents(store: &Store, model: &BTreeMap<NodeId, PlainDocument>) {
    let tx = store.read().unwrap();
    let list = |query: DocumentQuery| -> Vec<NodeId> {
        let found = tx.documents().list(&query.limit(usize::MAX)).unwrap();
        found.into_iter().map(|(id, _)| id).collect()
    };
    let with = |is_met: &dyn Fn(&PlainDocument) -> bool| -> Vec<NodeId> {
        model.iter().rev().filter(|(_, plain)| is_met(plain)).map(|(id, _)| *id).collect()
    };
    let new = DocumentQuery::new;
    assert_eq!(list(new()), with(&|_| true));
    assert_eq!(list(new().category("tax")), with(&|plain| plain.0 == "tax"));
    for tag in ["t0", "t1"] {
        let query = new().tag(tag).category("tax");
        assert_eq!(list(query.clone()), with(&|plain| plain.0 == "tax" && plain.2.contains(tag)));
        assert_eq!(tx.documents().count(&query).unwrap(), list(query).len());
    }
    for (id, (_, words, tags)) in model {
        let counts = tx.documents().analytics(*id).unwrap();
        assert_eq!(counts.map(|counts| counts.word_count), words.map(Into::into), "{id}");
        let found = tx.documents().tags(*id).unwrap().into_iter().map(|(_, tag)| tag.tag_name);
        assert!(found.eq(tags.iter().cloned()), "{id}");
    }
    let texts = model.values().filter(|(_, words, _)| words.is_some()).count();
    assert_eq!(tx.iter::<DocumentContent>().unwrap().count(), texts);
    assert_eq!(tx.iter::<DocumentSearchRow>().unwrap().count(), texts, "one each");
}

/// A term as the model sees it: notes, state, whether verified.
type PlainTerm = (Option<String>, TermStatus, bool);

/// Term, category, notes, and what is done.
fn term_steps() -> impl Strategy<Value = Vec<(u8, u8, Option<u8>, u8)>> {
    let notes = prop::option::of(0_u8..9);
    prop::collection::vec((0_u8..3, 0_u8..3, notes, 0_u8..3), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn proposals_and_moves_do_what_a_plain_model_says(steps in steps()) {
        let (_home, store) = new_store();
        let mut model = Model::default();
        for step in &steps {
            model.run(&store, step);
            model.check(&store);
        }
        sound(&store);
    }

    #[test]
    fn documents_do_what_a_plain_model_says(steps in document_steps()) {
        let (_home, store) = new_store();
        let mut model = BTreeMap::new();
        for step in &steps {
            run_document(&store, &mut model, step);
            check_documents(&store, &model);
        }
        sound(&store);
    }

    #[test]
    fn terms_merge_as_a_plain_model_says(
        steps in term_steps(),
    ) {
        let (_home, store) = new_store();
        let mut model: BTreeMap<(u8, u8), PlainTerm> = BTreeMap::new();
        for (term, category, notes, verb) in steps {
            let spelling = [None, Some("case"), Some("MOTION")][usize::from(category)];
            let notes = notes.map(|notes| notes.to_string());
            let new = KnowledgeTerm {
                category: spelling.map(Into::into),
                notes: notes.clone(),
                ..KnowledgeTerm::named(term.to_string())
            };
            let fresh = (notes.clone(), TermStatus::Proposed, false);
            if verb == 0 {
                store.write(|tx| tx.knowledge().replace(&new)).unwrap();
                model.insert((term, category), fresh);
            } else {
                let id = store.write(|tx| tx.knowledge().upsert(&new)).unwrap();
                let plain = model.entry((term, category)).or_insert(fresh);
                plain.0 = notes.or(plain.0.take());
                if verb == 2 {
                    let verdict = Verdict::Verified;
                    store.write(|tx| tx.knowledge().verify(id, verdict, None, None)).unwrap();
                    (plain.1, plain.2) = (TermStatus::Verified, true);
                }
            }
            let tx = store.read().unwrap();
            prop_assert_eq!(tx.iter::<KnowledgeTerm>().unwrap().count(), model.len());
            for ((term, category), plain) in &model {
                let spelling = [None, Some("Case"), Some("motion")][usize::from(*category)];
                let found = tx.knowledge().find(&term.to_string(), spelling).unwrap();
                let (_, found) = found.unwrap();
                prop_assert_eq!(&(found.notes, found.status, found.verified), plain);
            }
        }
        sound(&store);
    }

    #[test]
    fn a_path_is_completed_exactly_when_all_steps_are_done(
        count in 1_usize..5,
        marks in prop::collection::vec((0_usize..5, prop::bool::ANY), 0..30),
    ) {
        let (_home, store) = new_store();
        let file = store.write(|tx| tx.insert(&IndexedFile::default())).unwrap();
        let mut new = NewPath::new("p", "ada", "o");
        for _ in 0..count {
            new = new.step(NewStep::new("a", "b").evidence(file, 0, 1, ""));
        }
        store.write(|tx| tx.learning().put(new)).unwrap();
        let mut done = vec![false; count];
        for (step, is_done) in marks {
            let name = format!("p::step::{}", step + 1);
            let state = if is_done { StepState::Done } else { StepState::Open };
            let marked = store.write(|tx| tx.learning().mark("p", &name, state));
            let Some(plain) = done.get_mut(step) else {
                prop_assert_eq!(marked.unwrap_err().kind(), "not_found");
                continue;
            };
            *plain = is_done;
            let all = done.iter().all(|done| *done);
            let expected = if all { PathStatus::Completed } else { PathStatus::Active };
            prop_assert_eq!(marked.unwrap(), expected.clone());
            let tx = store.read().unwrap();
            prop_assert_eq!(tx.learning().get("p").unwrap().unwrap().path.status, expected);
            let left = tx.learning().recommended("p").unwrap().len();
            prop_assert_eq!(left, done.iter().filter(|done| !**done).count());
        }
    }
}
