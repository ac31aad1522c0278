//! Analyzes a made-up tree of source files, stops half way, goes on with it in another process's
//! stead, and compares the report with that of a run that was never stopped.
//!
//! ```text
//! cargo run --release --example analyze_tree -- 10000
//! ```
//!
//! Fails where work is lost or done twice, or where the reports differ.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

#[path = "../tests/support/tree.rs"]
mod tree;

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use engraph::family::{
    AnalyzeOptions, AnalyzeProgress, AnalyzeReport, BuiltInAnalyzer, ScanOptions,
};
use engraph::{ManualClock, Store, Timestamp};

/// Without an argument: few enough to be quick in a debug build, more than two batches.
const FILES: usize = 600;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let files = match std::env::args().nth(1) {
        Some(files) => files.parse()?,
        None => FILES,
    };
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("tree");
    timed("written", files, || Ok(tree::grow(&root, files)?))?;

    let stopped = folder.path().join("stopped.engraph");
    let store = made(&stopped)?;
    timed("scanned", files, || Ok(store.scan_tree(&root, &ScanOptions::new()).map(drop)?))?;
    let half = |progress: &AnalyzeProgress| {
        if progress.done * 2 < progress.total {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let first = timed("analyzed up to the stop", files, || analyze(&store, half))?;
    store.close()?;
    let store = opened(&stopped)?;
    let go_on = |_: &AnalyzeProgress| ControlFlow::Continue(());
    let rest = timed("analyzed from there on", files, || analyze(&store, go_on))?;
    println!(
        "{} before the stop, {} after it, {} of them again; {} relations",
        first.analyzed,
        rest.analyzed,
        first.analyzed - rest.unchanged,
        first.relations + rest.relations
    );
    let again = timed("asked once more", files, || analyze(&store, go_on))?;

    let whole = made(&folder.path().join("whole.engraph"))?;
    whole.scan_tree(&root, &ScanOptions::new())?;
    timed("analyzed in one go", files, || analyze(&whole, go_on))?;
    let digests = [report(&store, &root)?, report(&store, &root)?, report(&whole, &root)?];
    println!("reports {:016x} {:016x} {:016x}", digests[0], digests[1], digests[2]);

    let files = files as u64;
    let is_resumed = rest.unchanged == first.analyzed && first.analyzed + rest.analyzed == files;
    let is_done = (again.analyzed, again.unchanged) == (0, files);
    let is_same = digests.iter().all(|digest| *digest == digests[0]);
    if is_resumed && is_done && is_same {
        println!("nothing was lost, nothing was done twice, the reports are the same");
        Ok(())
    } else {
        Err("work was lost or repeated, or the reports differ".into())
    }
}

/// A clock that stands still, so that reports have the same time in them.
fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_micros(1_000_000_000))
}

fn made(path: &Path) -> Outcome<Store> {
    Ok(Store::builder().clock(clock()).create(path)?)
}

fn opened(path: &Path) -> Outcome<Store> {
    Ok(Store::builder().clock(clock()).open(path)?)
}

fn analyze(
    store: &Store,
    progress: impl FnMut(&AnalyzeProgress) -> ControlFlow<()>,
) -> Outcome<AnalyzeReport> {
    let (analyzer, options) = (BuiltInAnalyzer::new(), AnalyzeOptions::new());
    Ok(store.analyze_files(None, &analyzer, &options, progress)?)
}

/// A digest of the report on all analyses, but for where the tree lies: FNV-1a, which is enough to
/// tell texts apart here.
fn report(store: &Store, root: &Path) -> Outcome<u64> {
    let report = store.read()?.analysis_report(&BuiltInAnalyzer::new())?.unwrap_or_default();
    let report = report.replace(&*root.to_string_lossy(), "");
    let step = |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    Ok(report.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// Says how long something took, for how many files.
fn timed<T>(what: &str, files: usize, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let start = Instant::now();
    let done = work()?;
    println!("{files} files {what}: {:.2} s", start.elapsed().as_secs_f64());
    Ok(done)
}
