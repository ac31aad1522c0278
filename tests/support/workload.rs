//! Record types, folders and threads that several suites share. Not a suite itself.

use std::path::{Path, PathBuf};
use std::sync::Barrier;

use engraph::record::{Facts, History, Record};
use engraph::{NodeId, Options, Store};
use serde::{Deserialize, Serialize};

/// A record type of an application that says everything a type can say about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Card {
    /// The natural key.
    pub(crate) code: String,
    /// A second natural key, where there is one.
    pub(crate) alias: Option<String>,
    pub(crate) shelf: String,
    pub(crate) rank: i64,
    pub(crate) next: Option<NodeId>,
    pub(crate) text: String,
}

impl Card {
    /// A card on shelf `main` with rank 0.
    pub(crate) fn new(code: impl Into<String>) -> Self {
        Self { code: code.into(), shelf: "main".to_owned(), ..Self::default() }
    }

    pub(crate) fn alias(mut self, alias: &str) -> Self {
        self.alias = Some(alias.to_owned());
        self
    }

    pub(crate) fn place(mut self, name: &str, rank: i64) -> Self {
        name.clone_into(&mut self.shelf);
        self.rank = rank;
        self
    }

    pub(crate) fn next(mut self, next: NodeId) -> Self {
        self.next = Some(next);
        self
    }
}

impl Record for Card {
    const NAME: &'static str = "card";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("code", &self.code);
        if let Some(alias) = &self.alias {
            facts.unique("alias", alias);
        }
        facts.index("shelf", (&self.shelf, self.rank));
        facts.index("rank", self.rank);
        facts.link("next", self.next);
        facts.text("text", self.text.as_str());
    }
}

/// A number, without history and without any key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counter {
    pub(crate) count: i64,
}

impl Record for Counter {
    const NAME: &'static str = "counter";

    fn describe<'a>(&'a self, _facts: &mut Facts<'a>) {}
}

/// The options that know both types.
pub(crate) fn options() -> Options {
    Store::builder().cache_bytes(4 << 20).register::<Card>().register::<Counter>()
}

/// A folder for one store, which goes with the value.
#[derive(Debug)]
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The store's directory; absent until the store is made.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("store")
    }

    /// The folder around the store.
    pub(crate) fn around(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn create(&self) -> Store {
        options().create(self.path()).unwrap()
    }

    pub(crate) fn open(&self) -> Store {
        options().open(self.path()).unwrap()
    }
}

/// A new store and its folder.
pub(crate) fn new_store() -> (Home, Store) {
    let home = Home::new();
    let store = home.create();
    (home, store)
}

/// Runs `work` on so many threads that start together, and returns what each gave.
pub(crate) fn on_threads<T: Send>(
    threads: usize,
    work: impl Fn(usize) -> T + Send + Sync,
) -> Vec<T> {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|number| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(number)
                })
            })
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
