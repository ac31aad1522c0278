//! An application's own record type: registered, written, found, listed, linked, searched.
//!
//! ```text
//! cargo run --example own_records
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use engraph::graph::Direction;
use engraph::record::{Facts, History, Persona, Record};
use engraph::search::Filter;
use engraph::{NodeId, Options, Store};
use serde::{Deserialize, Serialize};

/// A visit of a patient. Fields can be added, dropped and reordered later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Visit {
    patient: String,
    /// Days since the practice opened.
    day: u32,
    doctor: Option<NodeId>,
    note: String,
}

impl Record for Visit {
    const NAME: &'static str = "visit";
    const HISTORY: History = History::Versions;

    fn describe<'a>(&'a self, facts: &mut Facts<'a>) {
        // At most one visit of a patient a day.
        facts.unique("patient_day", (&self.patient, self.day));
        // All visits in order, and those of a day.
        facts.index("day", self.day);
        // An edge of the graph that follows the field.
        facts.link("seen_by", self.doctor);
        facts.text("note", self.note.as_str());
        facts.keyword("patient", self.patient.as_str());
    }
}

/// The type is registered at every opening; the store remembers its name.
fn options() -> Options {
    Store::builder().register::<Visit>()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("practice.engraph");
    let store = options().create(&path)?;

    let (doctor, first) = store.write(|tx| {
        let doctor = tx.insert(&Persona { name: "Dr. Weiss".to_owned(), ..Persona::default() })?;
        let visit = |patient: &str, day, note: &str| Visit {
            patient: patient.to_owned(),
            day,
            doctor: Some(doctor),
            note: note.to_owned(),
        };
        let first = tx.insert(&visit("Ada", 3, "headache after reading"))?;
        tx.insert(&visit("Ben", 2, "vaccination"))?;
        let second = tx.insert(&visit("Ada", 9, "new glasses help"))?;
        tx.link(second, "follows_up", first)?;
        Ok((doctor, first))
    })?;

    // A natural key that is taken is an error, and nothing of that write is kept.
    let twice = Visit { patient: "Ada".to_owned(), day: 3, ..Visit::default() };
    match store.write(|tx| tx.insert(&twice)) {
        Err(error) => println!("refused: {error}"),
        Ok(id) => println!("unexpected: {id}"),
    }

    store.write(|tx| {
        tx.update(first, |visit: &mut Visit| {
            visit.note.push_str(", long hours");
            Ok(())
        })
    })?;
    store.close()?;

    let store = options().open(&path)?;
    let tx = store.read()?;
    if let Some((id, visit)) = tx.find::<Visit>("patient_day", ("Ada", 3_u32))? {
        println!("{id}: {}", visit.note);
    }
    println!("visits by day:");
    for row in tx.index::<Visit>("day", ())? {
        let (id, visit) = row?;
        println!("  {id} day {} {}", visit.day, visit.patient);
    }
    // Words of the note, narrowed by the keyword.
    let ada = Filter::keyword("patient", "Ada");
    for hit in store.search("glasses").of::<Visit>().filter(ada).run()?.hits {
        println!("found {} ({:.2})", hit.id, hit.score);
    }
    let graph = tx.graph();
    println!("seen by {doctor}: {:?}", graph.from(doctor).incoming("seen_by").nodes()?);
    println!("follow-ups: {:?}", graph.neighbors(first, Direction::In)?);
    Ok(())
}
