//! The crate through its public interface, with a record type of the application's own.

use std::path::Path;

use engraph::record::{Facts, Record};
use engraph::{Kind, NodeId, Store};
use serde::{Deserialize, Serialize};

use super::System;
use crate::Outcome;
use crate::data::Memory;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Stored(Memory);

impl Record for Stored {
    const NAME: &'static str = "benchmark_memory";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.unique("key", (&self.0.namespace, &self.0.key));
        facts.index("created", self.0.created);
    }
}

#[derive(Debug)]
pub struct Engraph(pub Store);

impl System for Engraph {
    fn create(folder: &Path) -> Outcome<Self> {
        let store = Store::builder().register::<Stored>().create(folder.join("store"))?;
        Ok(Self(store))
    }

    fn open(folder: &Path) -> Outcome<Self> {
        Ok(Self(Store::builder().register::<Stored>().open(folder.join("store"))?))
    }

    fn put(&self, memory: &Memory) -> Outcome<u64> {
        let record = Stored(memory.clone());
        Ok(self.0.write(|tx| tx.insert(&record))?.key())
    }

    fn bulk(&self, memories: &mut dyn Iterator<Item = Memory>) -> Outcome {
        self.0.bulk(|tx| {
            for one in memories {
                tx.insert(&Stored(one))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn get(&self, id: u64) -> Outcome<Option<Memory>> {
        let id = node(id)?;
        Ok(self.0.read()?.get::<Stored>(id)?.map(|stored| stored.0))
    }

    fn update(&self, id: u64) -> Outcome {
        let id = node(id)?;
        self.0.write(|tx| {
            tx.update::<Stored>(id, |stored| {
                stored.0.importance += 1.0;
                Ok(())
            })
        })?;
        Ok(())
    }

    fn page(&self, created: i64, rows: usize, take: &mut dyn FnMut(Memory)) -> Outcome {
        let read = self.0.read()?;
        for row in read.index_from::<Stored>("created", created)?.take(rows) {
            take(row?.1.0);
        }
        Ok(())
    }

    fn scan(&self, take: &mut dyn FnMut(Memory)) -> Outcome {
        for row in self.0.read()?.iter::<Stored>()? {
            take(row?.1.0);
        }
        Ok(())
    }

    fn close(self) -> Outcome {
        Ok(self.0.close()?)
    }
}

fn node(key: u64) -> Outcome<NodeId> {
    Ok(NodeId::new(Kind::FIRST_OWN, key).ok_or("key out of range")?)
}
