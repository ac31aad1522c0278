//! What tag rules cost: 100 000 files in one write, without rules and with fifty.
//!
//! `cargo run --release --example tag_rules` prints the seconds of both, the best of three.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::{Duration, Instant};

use engraph::family::{NewFile, NewTagDefinition, TagRule};
use engraph::{Result, Store};

const FILES: usize = 100_000;
const RULES: usize = 50;

fn load(rules: usize) -> Result<(Duration, u64)> {
    let home = tempfile::tempdir().map_err(|source| engraph::Error::Io {
        action: "make".into(),
        path: "a temporary folder".into(),
        source,
    })?;
    let store = Store::create(home.path().join("store"))?;
    store.write(|tx| {
        for rule in 0..rules {
            let new = NewTagDefinition::new("type", format!("rule-{rule}"));
            let new = match rule % 3 {
                0 => new.pattern(format!(r".*folder{rule}.*\.(py|txt)$")),
                1 => new.pattern(format!(r"(agent|memo){rule}[^/]*\.txt$")),
                _ => new.rule(TagRule::Glob(format!("**/folder{rule}/*.pdf"))),
            };
            tx.tags().define(new)?;
        }
        Ok(())
    })?;
    let start = Instant::now();
    store.write(|tx| {
        for file in 0..FILES {
            let kind = ["py", "txt", "pdf", "docx"][file % 4];
            let path = format!("/cases/{}/folder{}/memo{file}.{kind}", file % 97, file % 1_000);
            tx.files().put(NewFile::new(path).size(file as u64))?;
        }
        Ok(())
    })?;
    let time = start.elapsed();
    let given = store.read()?.tags().counts()?.iter().map(|(_, _, count)| count).sum();
    Ok((time, given))
}

fn main() -> Result<()> {
    let mut best = [Duration::MAX; 2];
    for _ in 0..3 {
        for (best, rules) in best.iter_mut().zip([0, RULES]) {
            let (time, given) = load(rules)?;
            *best = time.min(*best);
            println!("{rules} rules: {:.3} s, {given} tags given", time.as_secs_f64());
        }
    }
    let ratio = best[1].as_secs_f64() / best[0].as_secs_f64();
    println!("{FILES} files with {RULES} rules cost {ratio:.2} times as much as without");
    Ok(())
}
