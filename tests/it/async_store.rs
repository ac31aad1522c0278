//! The store from tokio tasks: cancellation leaves whole writes or none, the runtime goes on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use engraph::graph::Direction;
use engraph::{
    AsyncStore, Error, HealthOptions, NodeId, Options, Result, Seq, Status, Store, Trim,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use crate::check::{Cards as _, fault, sound, whole_feed};
use crate::random::Random;
use crate::workload::{Card, Counter, Home, new_store, options};

/// How long a test waits for something that must come: a bound on hanging, not on speed.
const PATIENCE: Duration = Duration::from_secs(60);

fn one_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn four_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).build().unwrap()
}

fn new_async_store() -> (Home, AsyncStore) {
    let (home, store) = new_store();
    (home, AsyncStore::from(store))
}

/// A pair of linked cards and a count of pairs, in one write.
async fn write_pair(store: &AsyncStore, counter: NodeId, number: usize) -> Result<usize> {
    store
        .write(move |tx| {
            let first = tx.insert(&Card::new(format!("{number}-a")))?;
            tx.insert(&Card::new(format!("{number}-b")).next(first))?;
            tx.update(counter, |counter: &mut Counter| {
                counter.count += 1;
                Ok(())
            })?;
            Ok(number)
        })
        .await
}

/// The numbers of the pairs in a store, each of which must be whole and counted.
#[track_caller]
fn whole_pairs(store: &Store, counter: NodeId) -> BTreeSet<usize> {
    let tx = store.read().unwrap();
    let halves = |end: &str| -> BTreeSet<usize> {
        let cards = tx.cards();
        let codes = cards.iter().filter_map(|(_, card)| card.code.strip_suffix(end));
        codes.map(|number| number.parse().unwrap()).collect()
    };
    let (first, second) = (halves("-a"), halves("-b"));
    assert_eq!(first, second, "a write was done by half");
    let counter: Counter = tx.get(counter).unwrap().unwrap();
    assert_eq!(counter.count, first.len() as i64);
    first
}

fn cancelled_tasks_leave_whole_pairs(runtime: &Runtime, seed: u64) {
    let (home, store) = new_store();
    let counter = store.write(|tx| tx.insert(&Counter::default())).unwrap();
    let store = AsyncStore::from(store);
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let mut random = Random::new(seed);
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for number in 0..1_000 {
            let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
            tasks.push(tokio::spawn(async move {
                let number = write_pair(&store, counter, number).await.unwrap();
                acknowledged.lock().unwrap().insert(number);
            }));
            // Some are dropped before they began, some in the queue, some while they run.
            if random.below(2) == 0 {
                for _ in 0..random.below(40) {
                    yield_now().await;
                }
                tasks[random.below(number + 1)].abort();
            }
        }
        let mut aborted = 0;
        for task in tasks {
            aborted += usize::from(task.await.is_err_and(|error| error.is_cancelled()));
        }
        assert!(aborted > 50, "only {aborted} tasks were cancelled");
        store.close().await.unwrap();
    });
    drop(store);
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() > 100);
    let store = home.open();
    let pairs = whole_pairs(&store, counter);
    let lost: Vec<_> = acknowledged.difference(&pairs).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert_eq!(store.seq().0, 1 + pairs.len() as u64);
    assert_eq!(whole_feed(&store).last().unwrap().seq, store.seq());
    sound(&store);
}

#[test]
fn a_thousand_tasks_cancelled_at_random_lose_and_halve_nothing() {
    cancelled_tasks_leave_whole_pairs(&four_threads(), 1);
    cancelled_tasks_leave_whole_pairs(&one_thread(), 2);
}

#[test]
fn a_write_that_is_dropped_before_it_begins_never_runs() {
    let (_home, store) = new_async_store();
    let ran = Arc::new(AtomicBool::new(false));
    // One thread for all jobs: while the first holds it, the second cannot begin.
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (release, held) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let store = store.clone();
            async move { store.read(move |_| Ok(held.recv_timeout(PATIENCE).is_ok())).await }
        });
        let second = tokio::spawn({
            let (store, ran) = (store.clone(), Arc::clone(&ran));
            async move {
                let write = store.write(move |tx| {
                    ran.store(true, Ordering::SeqCst);
                    tx.insert(&Card::new("never"))
                });
                write.await
            }
        });
        for _ in 0..100 {
            yield_now().await;
        }
        second.abort();
        assert!(second.await.unwrap_err().is_cancelled());
        release.send(()).unwrap();
        assert!(first.await.unwrap().unwrap());
        store.close().await.unwrap();
    });
    assert!(!ran.load(Ordering::SeqCst));
    assert_eq!(store.seq().unwrap(), Seq(0));
}

#[test]
fn a_write_that_is_dropped_while_it_runs_is_completed() {
    let (_home, store) = new_async_store();
    one_thread().block_on(async {
        let mut feed = store.follow(Seq(0));
        let (begun, begins) = tokio::sync::oneshot::channel::<()>();
        let (release, held) = mpsc::channel::<()>();
        let write = tokio::spawn({
            let store = store.clone();
            async move {
                let write = store.write(move |tx| {
                    begun.send(()).unwrap();
                    held.recv_timeout(PATIENCE).unwrap();
                    tx.insert(&Card::new("kept"))
                });
                write.await
            }
        });
        begins.await.unwrap();
        write.abort();
        assert!(write.await.unwrap_err().is_cancelled());
        release.send(()).unwrap();
        let change = feed.next().await.unwrap().unwrap();
        let id = change.nodes().next().unwrap();
        let card = store.read(move |tx| tx.get::<Card>(id)).await.unwrap().unwrap();
        assert_eq!(card.code, "kept");
    });
}

/// Runs `work` beside a task that counts as often as it is let; returns the counts in between.
fn ticks_during<F: Future<Output = ()>>(work: impl FnOnce(Arc<AtomicUsize>) -> F) -> usize {
    let ticks = Arc::new(AtomicUsize::new(0));
    one_thread().block_on(async {
        let ticker = tokio::spawn({
            let ticks = Arc::clone(&ticks);
            async move {
                loop {
                    ticks.fetch_add(1, Ordering::SeqCst);
                    yield_now().await;
                }
            }
        });
        yield_now().await;
        let before = ticks.load(Ordering::SeqCst);
        work(Arc::clone(&ticks)).await;
        ticker.abort();
        ticks.load(Ordering::SeqCst) - before
    })
}

#[test]
fn one_thread_goes_on_ticking_while_closures_wait_for_its_ticks() {
    let (_home, store) = new_async_store();
    // Were the runtime's thread held up, no tick could come and the closures would give up.
    let sees_ticks = |ticks: Arc<AtomicUsize>| {
        move || {
            let goal = ticks.load(Ordering::SeqCst) + 1_000;
            let end = std::time::Instant::now() + PATIENCE;
            while ticks.load(Ordering::SeqCst) < goal {
                if std::time::Instant::now() > end {
                    return Err(Error::invalid("ticks", "none came"));
                }
                std::thread::yield_now();
            }
            Ok(())
        }
    };
    let counted = ticks_during(|ticks| async {
        let wait = sees_ticks(Arc::clone(&ticks));
        let write = store.write(move |tx| wait().and_then(|()| tx.insert(&Card::new("a"))));
        write.await.unwrap();
        let wait = sees_ticks(Arc::clone(&ticks));
        store.bulk(move |tx| wait().and_then(|()| tx.insert(&Card::new("b")))).await.unwrap();
        let wait = sees_ticks(Arc::clone(&ticks));
        store.read(move |_| wait()).await.unwrap();
        let wait = sees_ticks(ticks);
        store.graph(move |_| wait()).await.unwrap();
    });
    assert!(counted >= 4_000, "{counted}");
}

#[test]
fn one_thread_goes_on_ticking_during_upkeep() {
    let (_home, store) = new_async_store();
    let least = |what: &str, ticks: usize| assert!(ticks > 3, "{what}: {ticks} ticks");
    least(
        "bulk",
        ticks_during(|_| async {
            let load = store.bulk(|tx| {
                (0..3_000).try_for_each(|n| tx.insert(&Card::new(n.to_string())).map(drop))
            });
            load.await.unwrap();
        }),
    );
    least("compact", ticks_during(|_| async { assert!(store.compact().await.is_ok()) }));
    least(
        "verify",
        ticks_during(|_| async { assert!(store.verify().await.unwrap().problems.is_empty()) }),
    );
    least("search", ticks_during(|_| async { assert!(store.rebuild_search().await.is_ok()) }));
    least("close", ticks_during(|_| async { store.close().await.unwrap() }));
}

#[test]
fn the_past_is_trimmed_beside_tasks() {
    let (_home, store) = new_async_store();
    four_threads().block_on(async {
        let id = store.write(|tx| tx.insert(&Card::new("a"))).await.unwrap();
        store.write(move |tx| tx.put(id, &Card::new("b"))).await.unwrap();
        let trimmed = store.trim(Trim::before_write(store.seq().unwrap())).await.unwrap();
        assert_eq!((trimmed.writes, trimmed.versions), (2, 1));
        assert_eq!(fault(store.changes(Seq(0), 9).await), "trimmed");
        store.close().await.unwrap();
        assert_eq!(fault(store.trim(Trim::before_write(Seq(0))).await), "closed");
    });
}

#[test]
fn compaction_waits_for_reads_and_reads_wait_for_it() {
    let (_home, store) = new_async_store();
    four_threads().block_on(async {
        let mut tasks = Vec::new();
        for number in 0..200_usize {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                match number % 4 {
                    0 => store
                        .write(move |tx| tx.insert(&Card::new(number.to_string())))
                        .await
                        .map(drop),
                    1 => store.compact().await.map(drop),
                    2 => store.search("card", |search| search.limit(2)).await.map(drop),
                    _ => store.read(|tx| Ok(tx.cards().len())).await.map(drop),
                }
            }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(store.read(|tx| Ok(tx.cards().len())).await.unwrap(), 50);
    });
}

#[test]
fn no_more_than_the_limit_runs_at_a_time() {
    let (_home, store) = new_async_store();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    four_threads().block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..8 * AsyncStore::READS_MAX {
            let (store, running, most) = (store.clone(), Arc::clone(&running), Arc::clone(&most));
            tasks.push(tokio::spawn(async move {
                let read = store.read(move |_| {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    // Lets others in, as far as they are let.
                    (0..200).for_each(|_| std::thread::yield_now());
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                });
                read.await
            }));
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
    let most = most.load(Ordering::SeqCst);
    assert!((2..=AsyncStore::READS_MAX).contains(&most), "{most} at a time");
}

#[test]
fn errors_and_panics_of_closures_come_back_and_leave_nothing() {
    let (_home, store) = new_async_store();
    one_thread().block_on(async {
        let refused = store.write(|tx| {
            tx.insert(&Card::new("never"))?;
            Err::<(), _>(Error::invalid("test", "refused"))
        });
        assert_eq!(fault(refused.await), "invalid");
        let panicked = store.write(|tx| {
            tx.insert(&Card::new("never"))?;
            std::panic::resume_unwind(Box::new("on purpose"))
        });
        let panicked: Result<()> = panicked.await;
        assert_eq!(fault(panicked), "panicked");
        let read = store.read(|_| std::panic::resume_unwind(Box::new("on purpose")));
        let read: Result<()> = read.await;
        assert!(read.unwrap_err().to_string().contains("on purpose"));
        let inner = store.to_store().unwrap();
        let nested = store.write(move |_| inner.write(|tx| tx.insert(&Card::new("never"))));
        assert_eq!(fault(nested.await), "conflict");
        // Each gave its place back, and the store takes writes.
        for number in 0..2 * AsyncStore::WRITES_MAX {
            let card = Card::new(number.to_string());
            store.write(move |tx| tx.insert(&card)).await.unwrap();
        }
        assert_eq!(store.seq().unwrap(), Seq(2 * AsyncStore::WRITES_MAX as u64));
    });
}

#[test]
fn opening_searching_and_closing() {
    let home = Home::new();
    one_thread().block_on(async {
        assert_eq!(fault(AsyncStore::open(home.path()).await), "not_found");
        let store = AsyncStore::create_with(options(), home.path()).await.unwrap();
        let mut card = Card::new("a");
        card.text = "the motion was denied".to_owned();
        let id = store.write(move |tx| tx.insert(&card)).await.unwrap();
        let found = store.search("motion", |search| search.of::<Card>().limit(3)).await.unwrap();
        assert_eq!(found.hits[0].id, id);
        assert!(store.graph(move |graph| graph.degree(id, Direction::Out)).await.unwrap() == 0);
        assert_eq!(store.stats().await.unwrap().seq, Seq(1));
        let limits = HealthOptions { disk_free_bytes: Some(0), ..HealthOptions::default() };
        let health = store.health(limits).await.unwrap();
        assert_eq!((health.status, health.writes.seq), (Status::Failing, Seq(1)));
        assert_eq!(health.readers.old_states, 0);
        assert_eq!(fault(AsyncStore::open(home.path()).await), "locked");
        let copy = home.around().join("copy");
        store.backup(&copy).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(fault(store.write(|tx| tx.insert(&Card::new("b"))).await), "closed");
        assert_eq!(fault(store.read(|_| Ok(())).await), "closed");
        store.close().await.unwrap();
        let again = AsyncStore::open_with(options(), home.path()).await.unwrap();
        assert_eq!(again.seq().unwrap(), Seq(1));
        again.close().await.unwrap();
        let copied = AsyncStore::open_with(options(), copy).await.unwrap();
        assert_eq!(copied.read(|tx| Ok(tx.cards().len())).await.unwrap(), 1);
    });
}

#[test]
fn the_feed_gives_each_change_once_waits_and_ends_with_the_store() {
    let (_home, store) = new_async_store();
    four_threads().block_on(async {
        let mut feed = store.follow(Seq(0));
        let told = Arc::new(AtomicUsize::new(0));
        let telling = Arc::clone(&told);
        let follower = tokio::spawn(async move {
            let mut seqs = Vec::new();
            while let Some(change) = feed.next().await? {
                seqs.push(change.seq.0);
                telling.store(seqs.len(), Ordering::SeqCst);
            }
            Ok::<_, Error>((seqs, feed.seq()))
        });
        let blocking = store.to_store().unwrap();
        for number in 0..600 {
            let card = Card::new(number.to_string());
            match number % 3 {
                // Also what other handles write, and bulk loads.
                0 => drop(tokio::task::block_in_place(|| blocking.write(|tx| tx.insert(&card)))),
                1 => drop(store.bulk(move |tx| tx.insert(&card)).await.unwrap()),
                _ => drop(store.write(move |tx| tx.insert(&card)).await.unwrap()),
            }
        }
        let mut end = store.follow(Seq(599));
        assert_eq!(end.next().await.unwrap().unwrap().seq, Seq(600));
        let rest = tokio::spawn(async move { end.next().await });
        // Only what is told before the store closes is told.
        while told.load(Ordering::SeqCst) < 600 {
            yield_now().await;
        }
        store.close().await.unwrap();
        assert!(rest.await.unwrap().unwrap().is_none());
        let (seqs, position) = follower.await.unwrap().unwrap();
        assert_eq!(position, Seq(600));
        assert_eq!(seqs, (1..=600).collect::<Vec<u64>>());
    });
}

#[test]
fn a_dropped_next_loses_no_change() {
    let (_home, store) = new_async_store();
    one_thread().block_on(async {
        let mut feed = store.follow(Seq(0));
        let mut seen = Vec::new();
        for number in 0..50 {
            {
                // Polled once and dropped, whether it waits for a write or is reading one.
                let mut next = std::pin::pin!(feed.next());
                let polled = std::future::poll_fn(|ctx| Poll::Ready(next.as_mut().poll(ctx)));
                if let Poll::Ready(change) = polled.await {
                    seen.push(change.unwrap().unwrap().seq);
                }
            }
            store.write(move |tx| tx.insert(&Card::new(number.to_string()))).await.unwrap();
        }
        while seen.len() < 50 {
            seen.push(feed.next().await.unwrap().unwrap().seq);
        }
        assert_eq!(seen, (1..=50).map(Seq).collect::<Vec<_>>());
        assert_eq!(feed.seq(), Seq(50));
    });
}

#[test]
fn without_a_runtime_calls_fail_and_drops_close() {
    let home = Home::new();
    let mut open = std::pin::pin!(AsyncStore::create_with(Options::new(), home.path()));
    let mut ctx = std::task::Context::from_waker(std::task::Waker::noop());
    let Poll::Ready(refused) = open.as_mut().poll(&mut ctx) else {
        panic!("waits without a runtime");
    };
    assert_eq!(fault(refused), "conflict");
    let store = AsyncStore::from(home.create());
    drop(store);
    drop(home.open());
    // Inside one, the drop closes on the pool, which the runtime waits for when it ends.
    let store = AsyncStore::from(home.open());
    one_thread().block_on(async move { drop(store) });
    drop(home.open());
}
