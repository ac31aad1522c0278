//! How alike nodes are, by their neighbours.

use engraph::graph::{Measure, SimRank, Similarity};
use serde_json::{Map, Value, json};

use super::Case;
use crate::Outcome;

const MEASURES: [(&str, Measure); 5] = [
    ("common", Measure::CommonNeighbors),
    ("jaccard", Measure::Jaccard),
    ("adamic_adar", Measure::AdamicAdar),
    ("resource", Measure::ResourceAllocation),
    ("preferential", Measure::PreferentialAttachment),
];

pub(super) fn similarity(case: &Case) -> Outcome<Value> {
    let mut answers = Map::new();
    for (name, measure) in MEASURES {
        let options = Similarity::by(measure);
        let of = |one, other| Ok(case.graph.similarity(&case.types, (one, other), &options)?);
        answers.insert(name.into(), case.of_pairs(of)?);
    }
    Ok(answers.into())
}

pub(super) fn simrank(case: &Case) -> Outcome<Value> {
    let options = SimRank::new().decay(0.8).depth(5);
    case.of_pairs(|one, other| Ok(case.graph.simrank(&case.types, (one, other), &options)?))
}

/// All pairs that could be linked, best first.
pub(super) fn predicted_links(case: &Case) -> Outcome<Value> {
    let mut answers = Map::new();
    for (name, measure) in MEASURES {
        let found = case.graph.predict_links(&case.types, usize::MAX, &Similarity::by(measure))?;
        let links = found
            .iter()
            .map(|link| Ok((case.number(link.nodes.0)?, case.number(link.nodes.1)?, link.score)));
        answers.insert(name.into(), json!(links.collect::<Outcome<Vec<_>>>()?));
    }
    Ok(answers.into())
}
