//! Memories, a question, and why each answer came.
//!
//! ```text
//! cargo run --example memory_recall
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use engraph::record::Memory;
use engraph::{Store, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::create(folder.path().join("case.engraph"))?;
    let said = [
        ("2025-01-02T09:00:00Z", "Everybody calls Kavya Nair Kiki."),
        ("2025-01-16T09:00:00Z", "Kavya Nair's flat is in Lisbon, near the station."),
        ("2025-03-04T09:00:00Z", "Kavya opened ticket K-9256: Meridian cannot reach Redis."),
        ("2025-07-15T09:00:00Z", "The removal van came: Kiki is settling in Seville."),
        ("2025-11-16T09:00:00Z", "Kiki has moved to Graz."),
        ("2025-12-01T09:00:00Z", "Bram swears by Kafka."),
    ];
    let ids = store.write(|tx| {
        let memory = |at: &str, content: &str| Memory {
            record_id: content.len().to_string(),
            namespace: "team".into(),
            content: content.into(),
            created_at: at.parse().ok(),
            ..Memory::default()
        };
        said.iter()
            .map(|(at, content)| tx.insert(&memory(at, content)))
            .collect::<Result<Vec<_>, _>>()
    })?;

    let asked_at: Timestamp = "2026-01-02T09:00:00Z".parse()?;
    for question in
        ["Where does Kavya live now?", "Where was Kavya living in March 2025?", "status of k-9256"]
    {
        let recalled =
            store.recall(question).namespace("team").asked_at(asked_at).limit(2).run()?;
        println!("{question}");
        for hit in &recalled.hits {
            println!("  {:.2} {}", hit.score, hit.snippet.as_deref().unwrap_or_default());
            let parts: Vec<String> = hit
                .signals
                .iter()
                .map(|part| format!("{} {:+.2}", part.signal.name(), part.value))
                .collect();
            println!("       {}", parts.join(", "));
        }
    }

    // What fits into so many tokens, as it was said; and why something did not come.
    let context = store.recall("Where does Kavya live?").namespace("team").context(30)?;
    println!(
        "{}\n({} tokens, {} left out)",
        context.text(),
        context.tokens,
        context.left_out.len()
    );
    let reason = store.recall("Where does Kavya live?").namespace("team").why(ids[5])?;
    println!("Bram and Kafka: {:?}", reason.verdict);

    // A mark is tried again after every change of weights.
    store
        .write(|tx| tx.recall_marks().add("Where does Kavya live now?", ids[4], Some(asked_at)))?;
    let check = store.check_recall(1, engraph::family::RecallWeights::default())?;
    println!("{} of {} marks come", check.come, check.marks.len());
    Ok(())
}
