//! `engraph graph`: what is around a record, how records are connected, what the graph as a whole
//! looks like, and the graph in and out of other programs' formats. One file a question; what they
//! share lies in `edges`, `follow`, `groups`, `node`, `range`, `ranking`, `shape`, `target` and
//! `ways`.

mod bridges;
mod centrality;
mod communities;
mod components;
mod cores;
mod cycles;
mod distances;
mod dominators;
mod edges;
mod ego;
mod export;
mod flow;
mod follow;
mod forest;
mod groups;
mod import;
mod matching;
mod neighbors;
mod node;
mod order;
mod pagerank;
mod path;
mod paths;
mod picture;
mod random_walk;
mod range;
mod ranking;
mod shape;
mod similar;
mod stats;
mod target;
mod timed;
mod triangles;
mod walk;
mod ways;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::graph::Graph;
use engraph::{ReadTx, Store};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::{place, shown, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// What is connected to a record
    Neighbors(neighbors::Arguments),
    /// The records reached from one, by depth
    Walk(walk::Arguments),
    /// A shortest way from one record to another
    Path(path::Arguments),
    /// Several ways from one record to another: the best, all shortest, all there are
    Paths(paths::Arguments),
    /// Where a chain of steps, or an expression over types of edges, leads from a record
    Match(matching::Arguments),
    /// How far the others are from a record, nearest first
    Distances(distances::Arguments),
    /// When others are reached from a record by edges that are valid at the time
    Timed(timed::Arguments),
    /// Ways that chance takes from a record
    RandomWalk(random_walk::Arguments),
    /// A record with everything around it, as a table, a file or a picture
    Ego(ego::Around),
    /// Records and the edges between them, as a table, a file or a picture
    Subgraph(ego::Between),
    /// Count nodes, edges by type, and degrees
    Stats,
    /// The parts that hang together, largest first
    Components(components::Arguments),
    /// The records that most ways lead to
    Pagerank(pagerank::Arguments),
    /// The records that matter most, by degree, nearness, shortest paths or neighbours
    Centrality(centrality::Arguments),
    /// The groups that have more edges within than between, largest first
    Communities(communities::Arguments),
    /// How densely records are tied in, densest first
    Cores(cores::Arguments),
    /// The records whose neighbours are neighbours of each other
    Triangles(triangles::Arguments),
    /// The edges and the records that alone hold parts together
    Bridges(bridges::Arguments),
    /// Ways along edges that return to where they began, shortest first
    Cycles(cycles::Arguments),
    /// The records most alike to one, by their neighbours
    Similar(similar::ToOne),
    /// The edges that are most likely to be missing
    Links(similar::Missing),
    /// How much can flow from one record to another, and what stops more
    Flow(flow::Arguments),
    /// The lightest edges that keep together what hangs together
    Forest(forest::Arguments),
    /// What every way from a record leads through
    Dominators(dominators::Arguments),
    /// An order in which every edge leads forward, or the cycle that prevents it
    Order(order::Arguments),
    /// Give the whole graph to other programs
    Export(export::Arguments),
    /// Take a graph of other programs in, as entities with edges
    Import(import::Arguments),
}

/// What a question is answered from: records and graph of one moment.
struct Asked<'a> {
    tx: &'a ReadTx,
    graph: &'a Graph,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    if let Question::Import(asked) = &arguments.question {
        let store = Store::open(&arguments.store)?;
        return place::closing(&store, |store| import::run(store, asked, output));
    }
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store| answer(store, &arguments.question, output))
}

fn answer(store: &Store, question: &Question, output: &mut Output) -> Result<Answer, Failure> {
    let tx = store.read()?;
    let graph = tx.graph();
    let on = Asked { tx: &tx, graph: &graph };
    match question {
        Question::Neighbors(asked) => neighbors::run(&on, asked, output),
        Question::Walk(asked) => walk::run(&on, asked, output),
        Question::Path(asked) => path::run(&on, asked, output),
        Question::Paths(asked) => paths::run(&on, asked, output),
        Question::Match(asked) => matching::run(&on, asked, output),
        Question::Distances(asked) => distances::run(&on, asked, output),
        Question::Timed(asked) => timed::run(&on, asked, output),
        Question::RandomWalk(asked) => random_walk::run(&on, asked, output),
        Question::Ego(asked) => ego::around(&on, asked, output),
        Question::Subgraph(asked) => ego::between(&on, asked, output),
        Question::Stats => stats::run(&on, output),
        Question::Components(asked) => components::run(&on, asked, output),
        Question::Pagerank(asked) => pagerank::run(&on, asked, output),
        Question::Centrality(asked) => centrality::run(&on, asked, output),
        Question::Communities(asked) => communities::run(&on, asked, output),
        Question::Cores(asked) => cores::run(&on, asked, output),
        Question::Triangles(asked) => triangles::run(&on, asked, output),
        Question::Bridges(asked) => bridges::run(&on, asked, output),
        Question::Cycles(asked) => cycles::run(&on, asked, output),
        Question::Similar(asked) => similar::to_one(&on, asked, output),
        Question::Links(asked) => similar::missing(&on, asked, output),
        Question::Flow(asked) => flow::run(&on, asked, output),
        Question::Forest(asked) => forest::run(&on, asked, output),
        Question::Dominators(asked) => dominators::run(&on, asked, output),
        Question::Order(asked) => order::run(&on, asked, output),
        Question::Export(asked) => export::run(&on, asked, output),
        // Needs a store that can be written.
        Question::Import(asked) => import::run(store, asked, output),
    }
}
