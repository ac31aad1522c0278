//! `engraph graph`: what is around a record, how records are connected, what the graph as a whole
//! looks like, and the graph in and out of other programs' formats. One file a question; what they
//! share lies in `follow`, `node`, `ranking` and `target`.

mod components;
mod ego;
mod export;
mod follow;
mod import;
mod neighbors;
mod node;
mod order;
mod pagerank;
mod path;
mod picture;
mod ranking;
mod stats;
mod target;
mod walk;

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
        Question::Ego(asked) => ego::around(&on, asked, output),
        Question::Subgraph(asked) => ego::between(&on, asked, output),
        Question::Stats => stats::run(&on, output),
        Question::Components(asked) => components::run(&on, asked, output),
        Question::Pagerank(asked) => pagerank::run(&on, asked, output),
        Question::Order(asked) => order::run(&on, asked, output),
        Question::Export(asked) => export::run(&on, asked, output),
        // Needs a store that can be written.
        Question::Import(asked) => import::run(store, asked, output),
    }
}
