//! Many tasks on one store: they write at the same time, and a follower hears of each write.
//!
//! `cargo run --example async_store --features async`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use engraph::record::Memory;
use engraph::{AsyncStore, Seq};

const NOTES: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let path = home.path().join("notes.engraph");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let store = AsyncStore::create(path).await?;
        let mut feed = store.follow(Seq(0));
        let follower = tokio::spawn(async move {
            let mut count = 0;
            while let Some(change) = feed.next().await? {
                count += change.nodes().count();
            }
            Ok::<_, engraph::Error>(count)
        });

        // The tasks share commits: one sync serves many of them.
        let mut tasks = Vec::new();
        for number in 0..NOTES {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let note = Memory {
                    record_id: format!("note-{number}"),
                    namespace: "notes".into(),
                    key: number.to_string(),
                    content: format!("The hearing number {number} is in spring"),
                    ..Memory::default()
                };
                store.write(move |tx| tx.insert(&note)).await
            }));
        }
        for task in tasks {
            task.await??;
        }

        let found = store.search("hearing", |search| search.of::<Memory>().limit(3)).await?;
        println!("{} notes written, {} shown", NOTES, found.hits.len());
        let report = store.compact().await?;
        println!("compacted: {} -> {} bytes", report.before_bytes, report.after_bytes);
        store.close().await?;
        println!("the follower heard of {} records", follower.await??);
        Ok(())
    })
}
