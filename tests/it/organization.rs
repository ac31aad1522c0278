//! Where files should go: what each call does, refuses and lists.

use engraph::family::{
    ActionGroup, GroupKind, Moved, NewProposal, NewProvenance, ProposalEdit, ProposalQuery, Target,
};
use engraph::record::{
    EvidenceSpan, FeedbackAction, IndexedFile, OrganizationAction, OrganizationFeedback,
    OrganizationProposal, OrganizationStatus, Provenance, ProvenanceLink, ProvenanceTarget, Record,
};
use engraph::{Json, NodeId, Store};

use crate::check::{fault, sound};
use crate::workload::new_store;

use OrganizationStatus::{Applied, Approved, Proposed, Rejected};

fn json(text: &str) -> Json {
    Json::from_text(text).unwrap()
}

fn file(store: &Store, path: &str) -> NodeId {
    let file = IndexedFile { normalized_path: path.into(), ..IndexedFile::default() };
    store.write(|tx| tx.insert(&file)).unwrap()
}

fn propose(store: &Store, path: &str) -> NodeId {
    let new = NewProposal::new(file(store, path), "cases/7", "a.txt");
    store.write(|tx| tx.organization().propose(new)).unwrap()
}

fn approved(store: &Store, path: &str) -> NodeId {
    let id = propose(store, path);
    store.write(|tx| tx.organization().accept(id, None)).unwrap();
    id
}

fn get(store: &Store, id: NodeId) -> OrganizationProposal {
    store.read().unwrap().organization().get(id).unwrap().unwrap()
}

fn begin(store: &Store, proposals: &[NodeId], kind: GroupKind) -> ActionGroup {
    store.write(|tx| tx.organization().begin(proposals, Some("/sorted"), kind)).unwrap()
}

fn finish(store: &Store, group: &ActionGroup) {
    for step in &group.moves {
        store.write(|tx| tx.organization().finish(step.action, Moved::Done)).unwrap();
    }
}

fn count<T: Record>(store: &Store) -> usize {
    store.read().unwrap().iter::<T>().unwrap().count()
}

#[test]
fn a_proposal_gets_the_files_path_and_what_is_not_said() {
    let (_home, store) = new_store();
    let path = file(&store, "/in/a.txt");
    let new = NewProposal::new(path, r"..\cases//7", "a/b*.txt").provider("xai", "m");
    let id = store.write(|tx| tx.organization().propose(new.rationale("it says so"))).unwrap();
    let found = get(&store, id);
    assert_eq!((&*found.proposed_folder, &*found.proposed_filename), ("cases/7", "a_b.txt"));
    assert_eq!(found.current_path.as_deref(), Some("/in/a.txt"));
    assert_eq!((found.confidence, found.status), (Some(0.5), Proposed));
    assert_eq!((found.alternatives, found.metadata), (Some(json("[]")), Some(json("{}"))));
    assert_eq!(found.updated_at, None);
    let tx = store.read().unwrap();
    assert_eq!(tx.organization().of_file(path).unwrap()[0].0, id);
}

#[test]
fn a_proposal_that_breaks_a_rule_is_refused() {
    let (_home, store) = new_store();
    let path = file(&store, "/in/a.txt");
    let gone = file(&store, "/in/b.txt");
    store.write(|tx| tx.delete(gone)).unwrap();
    let new = || NewProposal::new(path, "cases", "a.txt");
    for (new, expected) in [
        (NewProposal::new(gone, "cases", "a.txt"), "not_found"),
        (NewProposal::new(path, " ", "a.txt"), "invalid"),
        (NewProposal::new(path, "cases", ""), "invalid"),
        (new().confidence(1.1), "invalid"),
        (new().confidence(f64::NAN), "invalid"),
        (new().alternatives(json("{}")), "invalid"),
        (new().metadata(json("[]")), "invalid"),
    ] {
        let shown = format!("{new:?}");
        assert_eq!(fault(store.write(|tx| tx.organization().propose(new))), expected, "{shown}");
    }
    let many = vec![new(), NewProposal::new(path, "", "")];
    assert_eq!(fault(store.write(|tx| tx.organization().propose_many(many))), "invalid");
    assert_eq!(count::<OrganizationProposal>(&store), 0, "all or none");
}

#[test]
fn d15_a_proposal_and_its_provenance_are_written_together_or_neither_is() {
    let (_home, store) = new_store();
    let path = file(&store, "/in/a.txt");
    let source = || NewProvenance::new(path, "ab".repeat(32), "organizer:xai:m");
    let new = || NewProposal::new(path, "cases", "a.txt");
    let bad = new().provenance(source());
    assert_eq!(fault(store.write(|tx| tx.organization().propose(bad))), "invalid", "no passage");
    assert_eq!((count::<OrganizationProposal>(&store), count::<Provenance>(&store)), (0, 0));
    let good = new().provenance(source().quote(0, 5, "words"));
    let id = store.write(|tx| tx.organization().propose(good)).unwrap();
    let target = Target::record(ProvenanceTarget::OrganizationProposal, id);
    let found = store.read().unwrap().provenance().of(&target).unwrap();
    assert_eq!(found[0].spans[0].quote.as_deref(), Some("words"));
    store.write(|tx| tx.organization().delete(id)).unwrap();
    let left = (
        count::<Provenance>(&store),
        count::<EvidenceSpan>(&store),
        count::<ProvenanceLink>(&store),
    );
    assert_eq!(left, (0, 0, 0), "it goes with the proposal");
    sound(&store);
}

#[test]
fn a_decision_changes_the_state_and_leaves_feedback_with_both_values() {
    let (_home, store) = new_store();
    let id = propose(&store, "/in/a.txt");
    let found = store.write(|tx| tx.organization().accept(id, Some("fine"))).unwrap();
    assert_eq!(found.status, Approved);
    assert!(found.updated_at.is_some());
    store.write(|tx| tx.organization().reject(id, None)).unwrap();
    let feedback = store.read().unwrap().organization().feedback_on(id).unwrap();
    let [(_, accepted), (_, rejected)] = &feedback[..] else { unreachable!("{feedback:?}") };
    assert_eq!(
        (&accepted.action, accepted.note.as_deref()),
        (&FeedbackAction::Accept, Some("fine"))
    );
    let (before, after) = (accepted.original.as_ref(), accepted.final_value.as_ref());
    assert_eq!(before.unwrap().to_value().unwrap()["status"], "proposed");
    assert_eq!(after.unwrap().to_value().unwrap()["status"], "approved");
    assert_eq!(before.unwrap().to_value().unwrap()["proposed_folder"], "cases/7");
    assert_eq!(
        (&rejected.action, &rejected.final_value),
        (&FeedbackAction::Reject, &Some(json("{}")))
    );
    assert_eq!(accepted.file, get(&store, id).file);
}

#[test]
fn only_the_states_that_allow_a_decision_take_it() {
    let (_home, store) = new_store();
    let (open, rejected) = (propose(&store, "/in/a"), propose(&store, "/in/b"));
    let done = approved(&store, "/in/c");
    store.write(|tx| tx.organization().reject(rejected, None)).unwrap();
    finish(&store, &begin(&store, &[done], GroupKind::Real));
    let edit = ProposalEdit::new().folder("other");
    for (id, state) in [(rejected, Rejected), (done, Applied)] {
        store
            .write(|tx| {
                assert_eq!(fault(tx.organization().accept(id, None)), "conflict", "{state}");
                assert_eq!(fault(tx.organization().reject(id, None)), "conflict", "{state}");
                assert_eq!(fault(tx.organization().edit(id, &edit)), "conflict", "{state}");
                let begun = tx.organization().begin(&[id], None, GroupKind::Real);
                assert_eq!(fault(begun), "conflict", "{state}");
                Ok(())
            })
            .unwrap();
        assert_eq!(get(&store, id).status, state);
    }
    assert_eq!(fault(store.write(|tx| tx.organization().reopen(open))), "conflict");
    assert_eq!(fault(store.write(|tx| tx.organization().reopen(done))), "conflict");
    let found = store.write(|tx| tx.organization().reopen(rejected)).unwrap();
    assert_eq!(found.status, Proposed);
    store.write(|tx| tx.organization().delete(open)).unwrap();
    assert_eq!(fault(store.write(|tx| tx.organization().accept(open, None))), "not_found");
    assert!(!store.write(|tx| tx.organization().delete(open)).unwrap());
}

#[test]
fn an_edit_is_made_safe_and_approves_unless_told_otherwise() {
    let (_home, store) = new_store();
    let id = propose(&store, "/in/a.txt");
    let edit = ProposalEdit::new().folder("../tax").note("moved").stays_open();
    let found = store.write(|tx| tx.organization().edit(id, &edit)).unwrap();
    assert_eq!((&*found.proposed_folder, &*found.proposed_filename), ("tax", "a.txt"));
    assert_eq!((found.status, found.confidence), (Proposed, Some(0.99)));
    let edit = ProposalEdit::new().filename("b.txt");
    let found = store.write(|tx| tx.organization().edit(id, &edit)).unwrap();
    assert_eq!((&*found.proposed_filename, found.status), ("b.txt", Approved));
    let empty = ProposalEdit::new().folder(" ");
    assert_eq!(fault(store.write(|tx| tx.organization().edit(id, &empty))), "invalid");
}

#[test]
fn proposals_are_listed_newest_first_by_state_and_root() {
    let (_home, store) = new_store();
    let paths = ["/mnt/e/Cases/1.txt", r"E:\cases\2.txt", "/mnt/e/cases2/3.txt", "/in/4.txt"];
    let made: Vec<_> = paths.iter().map(|path| propose(&store, path)).collect();
    store.write(|tx| tx.organization().reject_many(&[made[0], made[3]], None)).unwrap();
    let tx = store.read().unwrap();
    let new = ProposalQuery::new;
    for (query, expected) in [
        (new(), &[3, 2, 1, 0][..]),
        (new().offset(1).limit(2), &[2, 1]),
        (new().status(Rejected), &[3, 0]),
        (new().root(r"e:\Cases\"), &[1, 0]),
        (new().status(Proposed).root("/mnt/E/cases"), &[1]),
        (new().status(Applied), &[]),
    ] {
        let found = tx.organization().list(&query).unwrap();
        let found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
        let expected: Vec<_> = expected.iter().map(|place| made[*place]).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn many_are_decided_together_or_not_at_all_and_cleared_by_state() {
    let (_home, store) = new_store();
    let (first, second) = (propose(&store, "/in/a"), propose(&store, "/in/b"));
    store.write(|tx| tx.organization().accept(second, None)).unwrap();
    let both = store.write(|tx| tx.organization().accept_many(&[first, second], None));
    assert_eq!(fault(both), "conflict");
    assert_eq!(get(&store, first).status, Proposed);
    let all = ProposalQuery::new();
    assert_eq!(fault(store.write(|tx| tx.organization().clear(&all, None))), "invalid");
    let open = ProposalQuery::new().status(Proposed);
    let cleared = store.write(|tx| tx.organization().clear(&open, Some("bulk_clear"))).unwrap();
    assert_eq!(cleared, [first]);
    let newest = store.read().unwrap().organization().feedback(0, 1).unwrap();
    assert_eq!(newest[0].1.note.as_deref(), Some("bulk_clear"));
}

#[test]
fn a_deleted_proposal_takes_its_feedback_along_and_leaves_its_actions() {
    let (_home, store) = new_store();
    let id = approved(&store, "/in/a.txt");
    let group = begin(&store, &[id], GroupKind::DryRun);
    assert!(store.write(|tx| tx.organization().delete(id)).unwrap());
    assert_eq!(count::<OrganizationFeedback>(&store), 0);
    let action: OrganizationAction =
        store.read().unwrap().get(group.moves[0].action).unwrap().unwrap();
    assert_eq!(action.proposal, None);
    sound(&store);
}

#[test]
fn a_real_group_is_applied_once_its_moves_are_done() {
    let (_home, store) = new_store();
    let (first, second) = (approved(&store, "/in/a.txt"), approved(&store, "/in/b.txt"));
    let edit = ProposalEdit::new().filename("b.txt");
    store.write(|tx| tx.organization().edit(second, &edit)).unwrap();
    let group = begin(&store, &[first, second], GroupKind::Real);
    assert_eq!(group.name.len(), 32);
    let moves: Vec<_> = group.moves.iter().map(|step| (&*step.from, &*step.to)).collect();
    let expected = [("/in/a.txt", "/sorted/cases/7/a.txt"), ("/in/b.txt", "/sorted/cases/7/b.txt")];
    assert_eq!(moves, expected);
    assert_eq!(get(&store, first).status, Approved, "not before it is done");
    assert_eq!(store.read().unwrap().organization().unfinished().unwrap().len(), 2);
    let failed = Moved::Failed("disk is full".into());
    store
        .write(|tx| {
            tx.organization().finish(group.moves[0].action, Moved::Done)?;
            tx.organization().finish(group.moves[1].action, failed)
        })
        .unwrap();
    let found = get(&store, first);
    assert_eq!((found.status, found.current_path.as_deref()), (Applied, Some(expected[0].1)));
    assert_eq!(get(&store, second).status, Approved, "it can be tried again");
    let actions = store.read().unwrap().organization().group(&group.name).unwrap();
    let outcomes: Vec<_> = actions
        .iter()
        .map(|(_, action)| (action.success, action.dry_run, action.error.as_deref()))
        .collect();
    let expected =
        [(Some(true), Some(false), None), (Some(false), Some(false), Some("disk is full"))];
    assert_eq!(outcomes, expected);
    let twice = store.write(|tx| tx.organization().finish(group.moves[0].action, Moved::Done));
    assert_eq!(fault(twice), "conflict");
    begin(&store, &[second], GroupKind::Real);
}

#[test]
fn d21_a_dry_run_is_marked_and_applies_nothing() {
    let (_home, store) = new_store();
    let id = approved(&store, "/in/a.txt");
    let group = begin(&store, &[id], GroupKind::DryRun);
    let (_, action) = &store.read().unwrap().organization().group(&group.name).unwrap()[0];
    assert_eq!((action.dry_run, action.success), (Some(true), Some(true)));
    assert_eq!(get(&store, id).status, Approved);
    let step = group.moves[0].action;
    assert_eq!(fault(store.write(|tx| tx.organization().finish(step, Moved::Done))), "conflict");
    let undo = store.write(|tx| tx.organization().begin_undo(&group.name));
    assert_eq!(fault(undo), "conflict", "there is nothing to undo");
    let imported = OrganizationAction { success: Some(true), ..OrganizationAction::default() };
    store.write(|tx| tx.insert(&imported)).unwrap();
    let stats = store.read().unwrap().organization().stats().unwrap();
    assert_eq!((stats.actions, stats.dry_runs, stats.dry_run_unknown), (2, 1, 1));
}

#[test]
fn a_group_that_cannot_be_moved_as_a_whole_is_refused() {
    let (_home, store) = new_store();
    let (first, second) = (approved(&store, "/in/a.txt"), approved(&store, "/in/b.txt"));
    let kind = GroupKind::Real;
    let clash = store.write(|tx| tx.organization().begin(&[first, second], Some("/s"), kind));
    assert_eq!(fault(clash), "conflict", "two files of one path");
    let twice = store.write(|tx| tx.organization().begin(&[first, first], Some("/s"), kind));
    assert_eq!(fault(twice), "conflict");
    begin(&store, &[first], kind);
    let again = store.write(|tx| tx.organization().begin(&[first], Some("/s"), kind));
    assert_eq!(fault(again), "conflict", "it is being moved");
    store
        .write(|tx| {
            assert_eq!(fault(tx.organization().reject(first, None)), "conflict");
            assert_eq!(fault(tx.organization().reopen(first)), "conflict");
            Ok(())
        })
        .unwrap();
    assert_eq!(count::<OrganizationAction>(&store), 1);
}

#[test]
fn a_file_stays_in_its_folder_where_no_root_is_given() {
    let (_home, store) = new_store();
    let id = approved(&store, "/in/a.txt");
    let group = store.write(|tx| tx.organization().begin(&[id], None, GroupKind::DryRun)).unwrap();
    assert_eq!(group.moves[0].to, "/in/cases/7/a.txt");
}

#[test]
fn an_applied_group_is_undone_last_move_first() {
    let (_home, store) = new_store();
    let (first, second) = (approved(&store, "/in/a.txt"), approved(&store, "/in/b.txt"));
    let edit = ProposalEdit::new().filename("b.txt");
    store.write(|tx| tx.organization().edit(second, &edit)).unwrap();
    let group = begin(&store, &[first, second], GroupKind::Real);
    let early = store.write(|tx| tx.organization().begin_undo(&group.name));
    assert_eq!(fault(early), "conflict", "a move has no outcome");
    finish(&store, &group);
    let back = store.write(|tx| tx.organization().begin_undo(&group.name)).unwrap();
    assert_ne!(back.name, group.name);
    let moves: Vec<_> = back.moves.iter().map(|step| (&*step.from, &*step.to)).collect();
    let expected = [("/sorted/cases/7/b.txt", "/in/b.txt"), ("/sorted/cases/7/a.txt", "/in/a.txt")];
    assert_eq!(moves, expected);
    let twice = store.write(|tx| tx.organization().begin_undo(&group.name));
    assert_eq!(fault(twice), "conflict", "it is being undone");
    // One comes back, the other does not: the rest can be undone later.
    let failed = Moved::Failed("no such file".into());
    store
        .write(|tx| {
            tx.organization().finish(back.moves[0].action, failed)?;
            tx.organization().finish(back.moves[1].action, Moved::Done)
        })
        .unwrap();
    let found = get(&store, first);
    assert_eq!((found.status, found.current_path.as_deref()), (Approved, Some("/in/a.txt")));
    assert_eq!(get(&store, second).status, Applied);
    let rest = store.write(|tx| tx.organization().begin_undo(&group.name)).unwrap();
    assert_eq!(rest.moves.len(), 1);
    finish(&store, &rest);
    assert_eq!(get(&store, second).status, Approved);
    let done = store.write(|tx| tx.organization().begin_undo(&group.name));
    assert_eq!(fault(done), "conflict", "nothing is left");
    assert_eq!(fault(store.write(|tx| tx.organization().begin_undo("absent"))), "not_found");
    let tx = store.read().unwrap();
    assert_eq!(tx.organization().groups(9).unwrap(), [rest.name, back.name, group.name]);
    assert_eq!(tx.organization().stats().unwrap().undone, 2);
    sound(&store);
}

#[test]
fn an_undone_group_can_be_brought_back_by_undoing_the_undo() {
    let (_home, store) = new_store();
    let id = approved(&store, "/in/a.txt");
    let group = begin(&store, &[id], GroupKind::Real);
    finish(&store, &group);
    let back = store.write(|tx| tx.organization().begin_undo(&group.name)).unwrap();
    finish(&store, &back);
    let forth = store.write(|tx| tx.organization().begin_undo(&back.name)).unwrap();
    assert_eq!(forth.moves[0].to, "/sorted/cases/7/a.txt");
    finish(&store, &forth);
    assert_eq!(get(&store, id).status, Applied);
}

#[test]
fn a_file_that_was_moved_since_is_not_moved_back() {
    let (_home, store) = new_store();
    let id = approved(&store, "/in/a.txt");
    let group = begin(&store, &[id], GroupKind::Real);
    finish(&store, &group);
    let back = store.write(|tx| tx.organization().begin_undo(&group.name)).unwrap();
    finish(&store, &back);
    let edit = ProposalEdit::new().folder("other");
    store.write(|tx| tx.organization().edit(id, &edit)).unwrap();
    finish(&store, &begin(&store, &[id], GroupKind::Real));
    assert_eq!(fault(store.write(|tx| tx.organization().begin_undo(&back.name))), "conflict");
}

#[test]
fn what_edits_say_is_learned_by_the_name_of_the_file() {
    let (_home, store) = new_store();
    let edited = propose(&store, "/in/Smith v Jones.pdf");
    let edit = ProposalEdit::new().folder("smith").filename("brief.pdf");
    store.write(|tx| tx.organization().edit(edited, &edit)).unwrap();
    let liked = propose(&store, "/in/x.txt");
    store.write(|tx| tx.organization().accept(liked, None)).unwrap();
    let disliked = propose(&store, "/in/y.txt");
    store.write(|tx| tx.organization().reject(disliked, None)).unwrap();
    let tx = store.read().unwrap();
    let learned = tx.organization().learned("/old/smith_v_jones (copy).pdf").unwrap();
    assert_eq!(learned.folder, None, "another name");
    let learned = tx.organization().learned("/old/SMITH-V-JONES.docx").unwrap();
    assert_eq!(learned.folder.as_deref(), Some("smith"));
    assert_eq!(learned.filename.as_deref(), Some("brief.pdf"));
    assert_eq!((learned.votes["smith"], learned.votes["cases/7"]), (1, 0));
    assert!((learned.confidence("smith", 0.5) - 0.53).abs() < 1e-9);
    assert!((learned.confidence("smith", 0.99) - 0.99).abs() < 1e-9);
}

#[test]
fn open_proposals_follow_earlier_edits_when_asked_to() {
    let (_home, store) = new_store();
    let edited = propose(&store, "/in/brief.pdf");
    let edit = ProposalEdit::new().folder("smith");
    store.write(|tx| tx.organization().edit(edited, &edit)).unwrap();
    let same = propose(&store, "/new/Brief.txt");
    let other = propose(&store, "/new/other.txt");
    let changed = store.write(|tx| tx.organization().correct(100)).unwrap();
    assert_eq!(changed, [same]);
    let found = get(&store, same);
    assert_eq!((&*found.proposed_folder, found.status), ("smith", Proposed));
    assert_eq!(found.confidence, Some(0.98));
    assert_eq!(get(&store, other).proposed_folder, "cases/7");
    let feedback = store.read().unwrap().organization().feedback_on(same).unwrap();
    assert_eq!(feedback[0].1.action, FeedbackAction::AutoCorrect);
    assert!(store.write(|tx| tx.organization().correct(100)).unwrap().is_empty(), "once");
}

#[test]
fn proposals_decisions_and_actions_are_counted() {
    let (_home, store) = new_store();
    propose(&store, "/in/a");
    let id = approved(&store, "/in/b");
    begin(&store, &[id], GroupKind::DryRun);
    let tx = store.read().unwrap();
    let stats = tx.organization().stats().unwrap();
    assert_eq!((stats.proposals, stats.feedback, stats.actions), (2, 1, 1));
    let by_status: Vec<_> = stats.proposals_by_status.into_iter().collect();
    assert_eq!(by_status, [("approved".to_owned(), 1), ("proposed".to_owned(), 1)]);
    assert_eq!(tx.organization().actions(0, 9).unwrap().len(), 1);
    assert!(tx.organization().actions(1, 9).unwrap().is_empty());
}
