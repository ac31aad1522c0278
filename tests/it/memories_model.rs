//! Random operations on memories against a plain model, compared after every step, after
//! reopening, and as of every step before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engraph::family::{MemoryPolicy, MemoryQuery, NewCodeLink, NewMemory, OnSameKey, Written};
use engraph::record::{Memory, MemoryCodeLink, MemorySharing};
use engraph::{ManualClock, NodeId, Store, Timestamp};
use proptest::prelude::*;

use crate::check::sound;

const SECOND: Duration = Duration::from_secs(1);
const KEYS: [&str; 3] = ["tea", "due", "\u{6771}\u{4eac}"];
const CONTENTS: [&str; 4] = ["one", "two", "{\"three\": 3}", "\u{1f375} four"];
const AGENTS: [Option<&str>; 3] = [None, Some("ada"), Some("bob")];

/// One step. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Remember { key: usize, content: usize, agent: usize, policy: OnSameKey, lives: Option<u64> },
    Update(usize, usize),
    Touch(usize),
    Supersede(usize, usize),
    Retire(usize),
    Reinstate(usize),
    Share(usize, usize),
    Link(usize, usize),
    Delete(usize),
    Wait(u64),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = any::<usize>;
    let policy = prop_oneof![
        3 => Just(OnSameKey::Supersede),
        1 => Just(OnSameKey::Update),
        1 => Just(OnSameKey::Add),
    ];
    let lives = prop::option::weighted(0.2, 1_u64..12);
    let remember = (0..3_usize, 0..4_usize, 0..3_usize, policy, lives).prop_map(
        |(key, content, agent, policy, lives)| Step::Remember {
            key,
            content,
            agent,
            policy,
            lives,
        },
    );
    let step = prop_oneof![
        10 => remember,
        2 => (at(), 0..4_usize).prop_map(|(which, content)| Step::Update(which, content)),
        1 => at().prop_map(Step::Touch),
        3 => (at(), at()).prop_map(|(older, newer)| Step::Supersede(older, newer)),
        1 => at().prop_map(Step::Retire),
        2 => at().prop_map(Step::Reinstate),
        1 => (at(), 1..3_usize).prop_map(|(which, agent)| Step::Share(which, agent)),
        1 => (at(), 0..3_usize).prop_map(|(which, path)| Step::Link(which, path)),
        2 => at().prop_map(Step::Delete),
        1 => (1_u64..6).prop_map(Step::Wait),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Clone, Debug, PartialEq)]
struct Plain {
    key: &'static str,
    content: &'static str,
    agent: Option<&'static str>,
    updated: Timestamp,
    expires: Option<Timestamp>,
    retired: Option<Timestamp>,
    supersedes: Option<NodeId>,
    reads: i64,
}

impl Plain {
    fn is_present(&self, now: Timestamp) -> bool {
        self.retired.is_none() && self.expires.is_none_or(|expires| expires > now)
    }
}

struct Model {
    home: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: Store,
    memories: BTreeMap<NodeId, Plain>,
    /// Every memory ever made, deleted ones too.
    made: Vec<NodeId>,
    shares: BTreeSet<(NodeId, &'static str)>,
    links: BTreeSet<(NodeId, &'static str)>,
    /// What was present after each step.
    past: Vec<(Timestamp, Vec<NodeId>)>,
}

impl Model {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_771_057_082_000_000)));
        let store =
            Store::builder().clock(Arc::clone(&clock)).create(home.path().join("s")).unwrap();
        let (memories, shares, links) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { home, clock, store, memories, made: Vec::new(), shares, links, past: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        engraph::Clock::now(&*self.clock)
    }

    fn chosen(&self, number: usize) -> Option<NodeId> {
        (!self.made.is_empty()).then(|| self.made[number % self.made.len()])
    }

    fn newest_first(&self, is_asked: impl Fn(&Plain) -> bool) -> Vec<NodeId> {
        let asked = self.memories.iter().filter(|(_, plain)| is_asked(plain));
        let mut found: Vec<_> = asked.map(|(id, plain)| (plain.updated, *id)).collect();
        found.sort_unstable();
        found.into_iter().rev().map(|(_, id)| id).collect()
    }

    fn run(&mut self, step: &Step) {
        self.clock.advance(SECOND);
        match *step {
            Step::Remember { key, content, agent, policy, lives } => {
                self.remember((KEYS[key], CONTENTS[content], AGENTS[agent]), policy, lives);
            }
            Step::Wait(seconds) => self.clock.advance(SECOND * u32::try_from(seconds).unwrap()),
            Step::Reopen => {
                self.store.close().unwrap();
                let options = Store::builder().clock(Arc::clone(&self.clock));
                self.store = options.open(self.home.path().join("s")).unwrap();
            }
            Step::Supersede(older, newer) => {
                if let (Some(older), Some(newer)) = (self.chosen(older), self.chosen(newer)) {
                    self.supersede(older, newer);
                }
            }
            Step::Update(which, _)
            | Step::Touch(which)
            | Step::Retire(which)
            | Step::Reinstate(which)
            | Step::Share(which, _)
            | Step::Link(which, _)
            | Step::Delete(which) => {
                if let Some(id) = self.chosen(which) {
                    self.change(step, id);
                }
            }
        }
    }

    fn remember(
        &mut self,
        (key, content, agent): (&'static str, &'static str, Option<&'static str>),
        policy: OnSameKey,
        lives: Option<u64>,
    ) {
        let now = self.now();
        let mut new = NewMemory::new("n", key, content);
        if let Some(agent) = agent {
            new = new.agent(agent);
        }
        let lives = lives.map(Duration::from_secs);
        if let Some(lives) = lives {
            new = new.time_to_live(lives);
        }
        let expires = lives.map(|lives| now.saturating_add(lives));
        let same = self.newest_first(|plain| {
            plain.is_present(now) && plain.key == key && plain.agent == agent
        });
        let same = same.first().copied().filter(|_| policy != OnSameKey::Add);
        let policy = MemoryPolicy::new().on_same_key(policy);
        let done = self.store.write(|tx| tx.memories().remember_as(new, &policy)).unwrap();
        let same_record = same.filter(|same| *same == done.id);
        if let Some(plain) = same_record.and_then(|id| self.memories.get_mut(&id)) {
            let changed = Plain { content, expires: expires.or(plain.expires), ..plain.clone() };
            let is_same = changed == *plain;
            assert_eq!(done.written == Written::Unchanged, is_same);
            *plain = changed;
            if !is_same {
                plain.updated = now;
            }
            return;
        }
        let expected = same.map_or(Written::Added, Written::Superseded);
        assert_eq!(done.written, expected);
        if let Some(old) = same {
            let old = self.memories.get_mut(&old).unwrap();
            assert_ne!(old.content, content);
            (old.retired, old.updated) = (Some(now), now);
        }
        let (retired, supersedes, reads, updated) = (None, same, 0, now);
        let plain = Plain { key, content, agent, updated, expires, retired, supersedes, reads };
        self.memories.insert(done.id, plain);
        self.made.push(done.id);
    }

    fn chain(&self, id: NodeId) -> Vec<NodeId> {
        if !self.memories.contains_key(&id) {
            return Vec::new();
        }
        let mut first = id;
        while let Some(older) = self.memories[&first].supersedes {
            first = older;
        }
        let mut chain = vec![first];
        let after = |id| self.memories.iter().find(|(_, plain)| plain.supersedes == Some(id));
        while let Some((newer, _)) = after(chain[chain.len() - 1]) {
            chain.push(*newer);
        }
        chain
    }

    fn supersede(&mut self, older: NodeId, newer: NodeId) {
        let now = self.now();
        let result = self.store.write(|tx| tx.memories().supersede(older, newer));
        let (Some(old), Some(new)) = (self.memories.get(&older), self.memories.get(&newer)) else {
            assert_eq!(result.unwrap_err().kind(), "not_found");
            return;
        };
        let is_so = new.supersedes == Some(older);
        let has_successor = self.memories.values().any(|plain| plain.supersedes == Some(older));
        let is_free = new.supersedes.is_none() && !has_successor;
        if !is_so && (!is_free || self.chain(older).contains(&newer)) {
            assert_eq!(result.unwrap_err().kind(), "conflict");
            return;
        }
        result.unwrap();
        let retired = old.retired.or(Some(now));
        self.memories.get_mut(&newer).unwrap().supersedes = Some(older);
        let old = self.memories.get_mut(&older).unwrap();
        (old.retired, old.updated) = (retired, now);
    }

    fn change(&mut self, step: &Step, id: NodeId) {
        let now = self.now();
        let store = &self.store;
        let result = store.write(|tx| {
            let mut memories = tx.memories();
            match *step {
                Step::Update(_, content) => memories
                    .update(id, |memory| {
                        CONTENTS[content].clone_into(&mut memory.content);
                        Ok(())
                    })
                    .map(|_| true),
                Step::Touch(_) => memories.touch(&[id]).map(|()| true),
                Step::Retire(_) => memories.retire(id),
                Step::Reinstate(_) => memories.reinstate(id),
                Step::Share(_, agent) => {
                    memories.share(id, AGENTS[agent].unwrap_or_default(), None).map(|_| true)
                }
                Step::Link(_, path) => {
                    memories.link_file(id, NewCodeLink::new(KEYS[path])).map(|_| true)
                }
                _ => memories.delete(id),
            }
        });
        let Some(plain) = self.memories.get_mut(&id) else {
            match result {
                Ok(was_there) => assert!(!was_there && matches!(step, Step::Delete(_))),
                Err(error) => assert_eq!(error.kind(), "not_found"),
            }
            return;
        };
        match *step {
            Step::Update(_, content) => {
                if plain.content != CONTENTS[content] {
                    (plain.content, plain.updated) = (CONTENTS[content], now);
                }
            }
            Step::Touch(_) => plain.reads += 1,
            Step::Retire(_) => {
                assert_eq!(result.unwrap(), plain.retired.is_none());
                if plain.retired.is_none() {
                    (plain.retired, plain.updated) = (Some(now), now);
                }
            }
            Step::Reinstate(_) => {
                assert_eq!(result.unwrap(), plain.retired.is_some());
                if plain.retired.take().is_some() {
                    plain.updated = now;
                    let newer = self.memories.values_mut();
                    newer.filter(|newer| newer.supersedes == Some(id)).for_each(|newer| {
                        newer.supersedes = None;
                    });
                }
            }
            Step::Share(_, agent) => match AGENTS[agent] {
                own if own == plain.agent => assert_eq!(result.unwrap_err().kind(), "conflict"),
                other => drop(self.shares.insert((id, other.unwrap()))),
            },
            Step::Link(_, path) => drop(self.links.insert((id, KEYS[path]))),
            _ => {
                assert!(result.unwrap());
                self.forget(id);
            }
        }
    }

    fn forget(&mut self, id: NodeId) {
        let older = self.memories.remove(&id).and_then(|plain| plain.supersedes);
        self.shares.retain(|(of, _)| *of != id);
        self.links.retain(|(of, _)| *of != id);
        let newer = self.memories.values_mut().filter(|newer| newer.supersedes == Some(id));
        newer.for_each(|newer| newer.supersedes = older);
    }

    fn compare(&mut self) {
        let now = self.now();
        let tx = self.store.read().unwrap();
        let memories = tx.memories();
        let listed = |query: MemoryQuery| {
            let found = memories.list(&query.limit(usize::MAX)).unwrap();
            found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        let present = self.newest_first(|plain| plain.is_present(now));
        assert_eq!(listed(MemoryQuery::new()), present);
        let all = MemoryQuery::new().with_retired().with_expired();
        assert_eq!(listed(all.clone()), self.newest_first(|_| true));
        for agent in AGENTS.into_iter().flatten() {
            let asked = MemoryQuery::new().namespace("n").agent(agent);
            let expected =
                self.newest_first(|plain| plain.is_present(now) && plain.agent == Some(agent));
            assert_eq!(listed(asked), expected);
            let shown = memories.shared_with(agent, usize::MAX).unwrap();
            let shown: BTreeSet<_> = shown.into_iter().map(|shared| shared.id).collect();
            let of = self.shares.iter().filter(|(_, with)| *with == agent).map(|(id, _)| *id);
            let expected = of.filter(|id| self.memories[id].is_present(now)).collect();
            assert_eq!(shown, expected);
        }
        for key in KEYS {
            let found = memories.with_key("n", key).unwrap().into_iter().map(|(id, _)| id);
            assert_eq!(found.collect::<Vec<_>>(), self.newest_first(|plain| plain.key == key));
        }
        for id in &self.made {
            let found = memories.get(*id).unwrap();
            let expected = self.memories.get(id);
            assert_eq!(found.as_ref().map(plain_of), expected.cloned(), "memory {id}");
            let chain = memories.chain(*id).unwrap().into_iter().map(|(id, _)| id);
            assert_eq!(chain.collect::<Vec<_>>(), self.chain(*id), "chain of {id}");
        }
        let shares = tx.iter::<MemorySharing>().unwrap().count();
        let links = tx.iter::<MemoryCodeLink>().unwrap().count();
        assert_eq!((shares, links), (self.shares.len(), self.links.len()));
        drop(tx);
        self.past.push((now, present));
    }

    /// What was present after every step is what is read as of its time now.
    fn compare_past(&self) {
        let tx = self.store.read().unwrap();
        let query = MemoryQuery::new().limit(usize::MAX);
        for (time, expected) in &self.past {
            let found = tx.memories().list_at(*time, &query).unwrap();
            let found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
            assert_eq!(found, *expected, "as of {time}");
        }
    }
}

fn plain_of(memory: &Memory) -> Plain {
    let of = |text: &str, known: &[&'static str]| {
        known.iter().copied().find(|known| *known == text).unwrap()
    };
    Plain {
        key: of(&memory.key, &KEYS),
        content: of(&memory.content, &CONTENTS),
        agent: memory.agent_id.as_deref().map(|agent| of(agent, &["ada", "bob"])),
        updated: memory.updated_at.unwrap(),
        expires: memory.expires_at,
        retired: memory.retired_at,
        supersedes: memory.supersedes,
        reads: memory.access_count,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn memories_agree_with_a_plain_model(steps in steps()) {
        let mut model = Model::new();
        for step in &steps {
            model.run(step);
            model.compare();
        }
        model.compare_past();
        sound(&model.store);
    }

    #[test]
    fn no_text_breaks_an_import(parts in prop::collection::vec(
        prop_oneof![
            Just("["), Just("]"), Just("{"), Just("}"), Just(","), Just(":"), Just("null"),
            Just("\"content\""), Just("\"tags\""), Just("\"x\""), Just("1e999"), Just("\u{0}"),
            Just("\"created_at\""), Just("\"\\ud800\""), Just("true"), Just("\"supersedes\""),
        ], 0..12)
    ) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::create(home.path().join("s")).unwrap();
        let text = parts.concat();
        for text in [text.clone(), format!("[{{\"content\": \"c\", {text}}}]")] {
            if let Err(error) = store.write(|tx| tx.memories().import_json(&text)) {
                prop_assert_eq!(error.kind(), "invalid");
            }
        }
    }
}
