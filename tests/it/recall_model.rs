//! Recalls against simple models: a plain scorer, a replay of the writes, a store opened anew.

use std::collections::{BTreeMap, HashMap};

use engraph::family::{NearDuplicates, RecallFields, RecallHit, RecallWeights};
use engraph::record::Memory;
use engraph::{NodeId, Seq, Store, Timestamp};

use crate::random::Random;
use crate::workload::Home;

const WORDS: &[&str] =
    &["bim", "dax", "fop", "gul", "hob", "jix", "kav", "lom", "Mip", "Nuk", "Rop", "tav?"];
const NAMESPACES: &[&str] = &["one", "two"];
const QUESTIONS: &[&str] =
    &["bim dax", "Where does Mip live?", "kav tav lom in May 2024", "Rop now"];

fn below(random: &mut Random, bound: usize) -> usize {
    random.below(bound)
}

fn memory(random: &mut Random, number: usize) -> Memory {
    let words = 1 + below(random, 9);
    let content: Vec<&str> = (0..words).map(|_| WORDS[below(random, WORDS.len())]).collect();
    let micros = 1_700_000_000_000_000 + below(random, 400) as i64 * 86_400_000_000;
    Memory {
        record_id: format!("m-{number}"),
        namespace: NAMESPACES[below(random, NAMESPACES.len())].into(),
        content: content.join(" "),
        agent_id: (below(random, 3) > 0).then(|| ["Mip", "Ann"][below(random, 2)].to_owned()),
        session_id: (below(random, 3) > 0).then(|| format!("s-{}", below(random, 4))),
        created_at: (below(random, 4) > 0).then(|| Timestamp::from_micros(micros)),
        ..Memory::default()
    }
}

/// One random write: a new memory, another content, or none any more.
fn write(store: &Store, random: &mut Random, number: usize) {
    store
        .write(|tx| {
            let known: Vec<(NodeId, Memory)> = tx.iter::<Memory>()?.collect::<Result<_, _>>()?;
            match below(random, 4) {
                0 if !known.is_empty() => {
                    let (id, old) = &known[below(random, known.len())];
                    let changed = Memory { record_id: old.record_id.clone(), ..memory(random, 0) };
                    tx.put(*id, &changed)
                }
                1 if known.len() > 4 => tx.delete(known[below(random, known.len())].0).map(drop),
                _ => tx.insert(&memory(random, number)).map(drop),
            }
        })
        .unwrap();
}

/// Names and scores to the last bit. Names stand in for ids, which grow with them.
fn answers(store: &Store, at: Option<Seq>) -> Vec<Vec<(String, u32)>> {
    // An earlier state has no graph to follow edges in.
    let weights = RecallWeights { edge: 0.0, ..RecallWeights::default() };
    let mut all = Vec::new();
    for question in QUESTIONS {
        for namespace in NAMESPACES {
            let mut recall = store
                .recall(*question)
                .namespace(*namespace)
                .weights(weights)
                .asked_at(Timestamp::from_micros(1_760_000_000_000_000))
                .near_duplicates(NearDuplicates::Show)
                .limit(100);
            if let Some(at) = at {
                recall = recall.as_of(at);
            }
            let named = |hit: &RecallHit| (hit.record_id.clone().unwrap(), hit.score.to_bits());
            all.push(recall.run().unwrap().hits.iter().map(named).collect());
        }
    }
    all
}

#[test]
fn an_earlier_state_answers_as_a_replay_of_its_writes_and_as_a_store_opened_anew() {
    for seed in 1..4 {
        let mut random = Random::new(seed);
        let home = Home::new();
        let store = Store::create(home.path()).unwrap();
        let mut then: Vec<(Seq, Vec<(NodeId, Memory)>)> = Vec::new();
        for number in 0..60 {
            write(&store, &mut random, number);
            // Asked after each write, the index follows; a replay builds anew.
            let now = answers(&store, None);
            assert_eq!(now, answers(&store, Some(store.seq())), "seed {seed}, write {number}");
            let tx = store.read().unwrap();
            let all = tx.iter::<Memory>().unwrap().collect::<Result<_, _>>().unwrap();
            then.push((store.seq(), all));
        }
        for (seq, memories) in then.iter().step_by(7) {
            let home = Home::new();
            let replayed = Store::create(home.path()).unwrap();
            replayed
                .write(|tx| memories.iter().try_for_each(|(_, it)| tx.insert(it).map(drop)))
                .unwrap();
            assert_eq!(answers(&store, Some(*seq)), answers(&replayed, None), "seed {seed} {seq}");
        }
        let now = answers(&store, None);
        store.close().unwrap();
        let again = Store::open(home.path()).unwrap();
        assert_eq!(now, answers(&again, None), "seed {seed}");
    }
}

/// BM25 as the documentation has it, over plain words.
fn plain(memories: &BTreeMap<NodeId, Vec<String>>, question: &[&str]) -> Vec<(NodeId, f64)> {
    let count = memories.len() as f64;
    let words: usize = memories.values().map(Vec::len).sum();
    let mean = words as f64 / count;
    let idf = |word: &str| {
        let have = memories.values().filter(|it| it.iter().any(|known| known == word)).count();
        (have > 0).then(|| (1.0 + (count - have as f64 + 0.5) / (have as f64 + 0.5)).ln())
    };
    let whole: f64 = question.iter().filter_map(|word| idf(word)).sum();
    let mut scores = Vec::new();
    for (id, words) in memories {
        let mut score = 0.0;
        for word in question {
            let times = words.iter().filter(|known| known == word).count() as f64;
            let damping = 1.2 * (0.5 + 0.5 * words.len() as f64 / mean);
            score += idf(word).unwrap_or(0.0) / whole * times / (times + damping);
        }
        if score > 0.0 {
            scores.push((*id, score));
        }
    }
    scores
}

#[test]
fn words_alone_score_as_a_plain_bm25() {
    let words = &["bim", "dax", "fop", "gul", "hob", "jix", "kav", "lom"];
    for seed in 1..20 {
        let mut random = Random::new(seed);
        let home = Home::new();
        let store = Store::create(home.path()).unwrap();
        let mut memories = BTreeMap::new();
        store
            .write(|tx| {
                for number in 0..30 {
                    let length = 1 + below(&mut random, 12);
                    let said: Vec<String> = (0..length)
                        .map(|_| words[below(&mut random, words.len())].to_owned())
                        .collect();
                    let content = said.join(" ");
                    let record_id = format!("m-{number}");
                    let id = tx.insert(&Memory { record_id, content, ..Memory::default() })?;
                    memories.insert(id, said);
                }
                Ok(())
            })
            .unwrap();
        let question: Vec<&str> = words[..=below(&mut random, 4)].to_vec();
        let expected: HashMap<NodeId, f64> = plain(&memories, &question).into_iter().collect();
        let recall = store
            .recall(question.join(" "))
            .weights(RecallWeights::words_only())
            .near_duplicates(NearDuplicates::Show)
            .fields(RecallFields::Ids)
            .limit(100);
        let found = recall.run().unwrap().hits;
        assert_eq!(found.len(), expected.len(), "seed {seed}");
        for pair in found.windows(2) {
            assert!((pair[0].score, pair[1].id) > (pair[1].score, pair[0].id), "seed {seed}");
        }
        for hit in &found {
            let difference = f64::from(hit.score) - expected[&hit.id];
            assert!(difference.abs() < 1e-5, "seed {seed}: {hit:?} {}", expected[&hit.id]);
        }
    }
}

#[test]
fn any_number_of_threads_gets_the_same_answers() {
    let mut random = Random::new(7);
    let home = Home::new();
    let store = Store::create(home.path()).unwrap();
    for number in 0..80 {
        write(&store, &mut random, number);
    }
    let expected = answers(&store, None);
    let again = Store::clone(&store);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| answers(&again, None))).collect();
        // A write of another type moves the state on while the others ask.
        let document = engraph::record::Document::default();
        for _ in 0..5 {
            store.write(|tx| tx.insert(&document)).unwrap();
        }
        for thread in asking {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}
