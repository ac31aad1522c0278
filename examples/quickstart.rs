//! Documents, a memory, an edge between them, and reading it all back.
//!
//! ```text
//! cargo run --example quickstart
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use engraph::graph::Direction;
use engraph::record::{Document, DocumentContent, Memory};
use engraph::{NewEdge, NodeId, Seq, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::create(folder.path().join("case.engraph"))?;
    let (memo, fact) = write(&store)?;

    // A reader is a view of one moment: later writes do not change it.
    let before = store.read()?;
    store.write(|tx| {
        tx.update(fact, |memory: &mut Memory| {
            "The reply is due on 21 March".clone_into(&mut memory.content);
            Ok(())
        })
    })?;
    let now = store.read()?;
    for (when, tx) in [("before", &before), ("now", &now)] {
        let memory: Option<Memory> = tx.get(fact)?;
        println!("{when}: {}", memory.map_or_else(String::new, |memory| memory.content));
    }

    // By natural key, by index, and as it was after an earlier write.
    if let Some((id, memory)) = now.find::<Memory>("record_id", "fact-1")? {
        println!("{id} is {}/{}", memory.namespace, memory.key);
    }
    for row in now.index::<Document>("category", "legal")? {
        let (id, document) = row?;
        println!("{id} is {} of {}", document.file_name, document.category);
    }
    let first = now.get_as_of::<Memory>(fact, before.seq())?;
    println!("version 1: {}", first.map_or_else(String::new, |memory| memory.content));

    // The graph: edges that were made, and links that fields imply.
    for neighbor in now.graph().neighbors(memo, Direction::In)? {
        println!("{memo} <-[{}]- {}", neighbor.edge_type, neighbor.node);
    }

    // Words, over every type.
    for hit in store.search("reply due").run()?.hits {
        println!("found {} ({:.2})", hit.id, hit.score);
    }

    // And what happened, for whoever follows it.
    for change in store.changes(Seq(0), 100)? {
        println!("write {}: {:?} {}", change.seq, change.operation, change.count);
    }
    store.close()?;
    Ok(())
}

/// One write: all of it becomes durable together, or none.
fn write(store: &Store) -> engraph::Result<(NodeId, NodeId)> {
    store.write(|tx| {
        let memo = tx.insert(&Document {
            file_name: "memo.txt".to_owned(),
            file_type: "txt".to_owned(),
            category: "legal".to_owned(),
            created_at: Some(tx.now()),
            ..Document::default()
        })?;
        tx.insert(&DocumentContent {
            document: Some(memo),
            content_text: Some("The reply is due on 14 March.".to_owned()),
            ..DocumentContent::default()
        })?;
        let fact = tx.insert(&Memory {
            record_id: "fact-1".to_owned(),
            namespace: "case-7".to_owned(),
            key: "deadline".to_owned(),
            content: "The reply is due on 14 March".to_owned(),
            ..Memory::default()
        })?;
        tx.add_edge(&NewEdge::new(fact, "derived_from", memo).weight(0.9))?;
        Ok((memo, fact))
    })
}
