//! The crate through its public interface: vectors beside records with a keyword.

use engraph::Store;
use engraph::record::{Facts, Record};
use engraph::search::{Filter, Scan};
use serde::{Deserialize, Serialize};

use super::{Data, HITS, Hit, Nearest, Way, topic};
use crate::Outcome;
use crate::child::Task;

const MODEL: &str = "benchmark";
/// For vectors: enough for some millions.
const MEMORY: usize = 8 << 30;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Item {
    topic: String,
}

impl Record for Item {
    const NAME: &'static str = "benchmark_item";

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.keyword("topic", self.topic.as_str());
    }
}

#[derive(Debug)]
pub struct Engraph(Store);

impl Nearest for Engraph {
    fn create(task: &Task, data: &Data) -> Outcome<Self> {
        let options = Store::builder().register::<Item>().vector_bytes_max(MEMORY);
        let store = options.create(task.folder.join("store"))?;
        store.bulk(|tx| {
            for (number, vector) in (1..).zip(&data.vectors) {
                let id = tx.insert(&Item { topic: topic(number).to_string() })?;
                tx.put_vector(id, MODEL, vector)?;
            }
            Ok(())
        })?;
        Ok(Self(store))
    }

    fn index(&mut self) -> Outcome<bool> {
        self.0.index_vectors(MODEL)?;
        Ok(true)
    }

    fn find(&mut self, query: &[f32], way: Way) -> Outcome<Option<Vec<Hit>>> {
        let similar = self.0.similar(MODEL, query).top(HITS);
        let similar = match way {
            Way::Exact => similar.scan(Scan::Exact),
            Way::Quantised => similar.scan(Scan::Quantised),
            Way::Approximate => similar.scan(Scan::Approximate),
            Way::Filtered(topic) => similar.filter(Filter::keyword("topic", topic.to_string())),
        };
        let hits = similar.run()?.hits;
        Ok(Some(hits.iter().map(|hit| (hit.id.key(), hit.score)).collect()))
    }
}
