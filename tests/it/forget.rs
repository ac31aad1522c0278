//! Forgetting by policies: what goes and why, and what keeps it.

use std::sync::Arc;
use std::time::Duration;

use engraph::family::{ForgetCause, ForgetPlan, ForgetPolicy, NewHold};
use engraph::record::{Memory, MemoryType};
use engraph::{ManualClock, NodeId, Seq, Store, Timestamp, Undo};
use tempfile::TempDir;

use crate::check::{fault, sound};

const DAY: Duration = Duration::from_secs(86_400);

struct Home {
    _folder: TempDir,
    store: Store,
    clock: Arc<ManualClock>,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let options = Store::builder().clock(Arc::clone(&clock));
        let store = options.create(folder.path().join("s")).unwrap();
        Self { _folder: folder, store, clock }
    }

    /// A memory that is made now.
    fn add(&self, key: &str, change: impl FnOnce(&mut Memory)) -> NodeId {
        self.store
            .write(|tx| {
                let mut memory = Memory {
                    namespace: "a".into(),
                    key: key.into(),
                    created_at: Some(tx.now()),
                    ..Memory::default()
                };
                change(&mut memory);
                tx.insert(&memory)
            })
            .unwrap()
    }

    fn days(&self, days: u32) {
        self.clock.advance(DAY * days);
    }

    fn plan(&self, policy: &ForgetPolicy) -> ForgetPlan {
        self.store.plan_forgetting(policy).unwrap()
    }

    #[track_caller]
    fn goes(&self, policy: &ForgetPolicy, expected: &[(&str, ForgetCause)]) {
        let plan = self.plan(policy);
        let found: Vec<(&str, ForgetCause)> =
            plan.going.iter().map(|it| (it.key.as_str(), it.cause)).collect();
        assert_eq!(found, expected);
        assert!(plan.going.iter().all(|it| !it.reason.is_empty() && it.namespace == "a"));
    }
}

#[test]
fn each_rule_names_what_goes_and_why() {
    let home = Home::new();
    home.add("old", |it| it.memory_type = MemoryType::Episodic);
    home.add("old fact", |it| it.memory_type = MemoryType::Semantic);
    let soon = home.store.last_write_time().saturating_add(DAY * 11);
    home.add("expires", |it| it.expires_at = Some(soon));
    home.days(10);
    home.add("new", |it| it.memory_type = MemoryType::Episodic);
    home.add("important", |it| it.importance_score = Some(1.0));
    home.goes(&ForgetPolicy::new(), &[]);
    home.goes(&ForgetPolicy::new().expired(), &[]);
    let by_age = ForgetPolicy::new().keep_days(Some(MemoryType::Episodic), 9);
    home.goes(&by_age, &[("old", ForgetCause::TooOld)]);
    let all_but_facts =
        ForgetPolicy::new().keep_days(None, 9).keep_days(Some(MemoryType::Semantic), 100);
    let expected = [("old", ForgetCause::TooOld), ("expires", ForgetCause::TooOld)];
    home.goes(&all_but_facts, &expected);
    home.days(2);
    home.goes(&ForgetPolicy::new().expired(), &[("expires", ForgetCause::Expired)]);
    home.goes(&ForgetPolicy::new().expired().namespace("b"), &[]);
    // Half the importance of one half after a half-life of 12 days.
    let faded = ForgetPolicy::new().half_life_days(12.0);
    let old = [
        ("old", ForgetCause::Faded),
        ("old fact", ForgetCause::Faded),
        ("expires", ForgetCause::Faded),
    ];
    home.goes(&faded.clone().weight_min(0.251), &old);
    home.goes(&faded.weight_min(0.249), &[]);
    for bad in [ForgetPolicy::new().weight_min(1.1), ForgetPolicy::new().half_life_days(0.0)] {
        assert_eq!(fault(home.store.plan_forgetting(&bad)), "invalid");
        assert_eq!(fault(home.store.write(|tx| tx.store_forget_policy(&bad))), "invalid");
    }
}

#[test]
fn over_its_cap_a_namespace_loses_what_weighs_least() {
    let home = Home::new();
    for (key, importance) in [("a", 0.9), ("b", 0.1), ("c", 0.5), ("d", 0.5), ("e", 0.2)] {
        home.add(key, |it| it.importance_score = Some(importance));
    }
    home.add("elsewhere", |it| it.namespace = "b".into());
    let cap = |records| ForgetPolicy::new().records_max(records);
    let over = |keys: &[&'static str]| -> Vec<(&'static str, ForgetCause)> {
        keys.iter().map(|key| (*key, ForgetCause::OverCap)).collect()
    };
    home.goes(&cap(5), &[]);
    home.goes(&cap(3), &over(&["b", "e"]));
    home.goes(&cap(2), &over(&["b", "c", "e"]));
    let pinned = home.plan(&cap(2)).going[0].id;
    home.store
        .write(|tx| {
            tx.update(pinned, |memory: &mut Memory| {
                memory.pinned = true;
                Ok(())
            })
        })
        .unwrap();
    home.goes(&cap(2), &over(&["c", "d", "e"]));
    let plan = home.plan(&cap(2));
    assert_eq!((plan.kept[0].id, plan.kept[0].reason.as_str()), (pinned, "it is pinned"));
}

#[test]
fn pins_and_holds_win_and_what_is_forgotten_can_be_brought_back() {
    let home = Home::new();
    let expired = |it: &mut Memory| it.expires_at = Some(Timestamp::from_micros(1));
    let gone = home.add("gone", expired);
    let pinned = home.add("pinned", |it| {
        expired(it);
        it.pinned = true;
    });
    let held = home.add("held", expired);
    let order = NewHold::new("order 12", "suit").records([held]);
    let order = home.store.write(|tx| tx.holds().place(order)).unwrap();
    let policy = ForgetPolicy::new().expired();
    let before = home.store.seq();
    let plan = home.plan(&policy);
    assert_eq!(home.store.seq(), before, "to look is no write");
    let done = home.store.forget(&policy, "anna").unwrap();
    assert_eq!(done.forgotten, plan.going);
    assert_eq!(done.forgotten.iter().map(|it| it.id).collect::<Vec<_>>(), [gone]);
    assert_eq!(done.kept.iter().map(|it| it.id).collect::<Vec<_>>(), [pinned, held]);
    assert!(done.kept[1].reason.contains("order 12"), "{done:?}");
    assert_eq!(done.writes, [Seq(before.0 + 1)]);
    assert!(!home.store.read().unwrap().contains(gone).unwrap());
    let undone = home.store.undo(&Undo::write(done.writes[0])).unwrap();
    assert_eq!(undone.restored, [gone]);
    home.store.write(|tx| tx.holds().release(order)).unwrap();
    let done = home.store.forget(&policy, "anna").unwrap();
    assert_eq!((done.forgotten.len(), done.kept.len()), (2, 1));
    let nothing = home.store.forget(&policy, "anna").unwrap();
    assert_eq!((nothing.forgotten.len(), nothing.writes.len()), (0, 0));
    assert_eq!(fault(home.store.forget(&policy, " ")), "invalid");
    sound(&home.store);
}

#[test]
fn many_go_in_several_writes() {
    let home = Home::new();
    home.store
        .write(|tx| {
            let expires_at = Some(Timestamp::from_micros(1));
            (0..2_500).try_for_each(|number| {
                let key = number.to_string();
                tx.insert(&Memory { key, expires_at, ..Memory::default() }).map(drop)
            })
        })
        .unwrap();
    let done = home.store.forget(&ForgetPolicy::new().expired(), "anna").unwrap();
    assert_eq!((done.forgotten.len(), done.writes.len()), (2_500, 3));
    assert_eq!(home.store.read().unwrap().iter::<Memory>().unwrap().count(), 0);
    sound(&home.store);
}

#[test]
fn policies_are_kept_with_the_data_by_namespace() {
    let home = Home::new();
    let all = ForgetPolicy::new().expired();
    let first = ForgetPolicy::new().namespace("a").records_max(9);
    let second = ForgetPolicy::new().namespace("a").records_max(1);
    let unnamed = ForgetPolicy::new().namespace("").expired();
    for policy in [&first, &all, &second, &unnamed] {
        home.store.write(|tx| tx.store_forget_policy(policy)).unwrap();
    }
    let stored = home.store.read().unwrap().forget_policies().unwrap();
    assert_eq!(stored, [all, unnamed, second]);
    home.add("x", |_| {});
    home.add("y", |_| {});
    home.add("z", |it| {
        it.namespace = "b".into();
        it.expires_at = Some(Timestamp::from_micros(1));
    });
    let done = home.store.forget_as_stored("anna").unwrap();
    let mut keys: Vec<&str> = done.forgotten.iter().map(|it| it.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["x", "z"]);
    let dropped = |namespace| home.store.write(|tx| tx.drop_forget_policy(namespace)).unwrap();
    assert_eq!([dropped(Some("a")), dropped(Some("a")), dropped(None)], [true, false, true]);
    assert_eq!(home.store.read().unwrap().forget_policies().unwrap().len(), 1);
    sound(&home.store);
}
