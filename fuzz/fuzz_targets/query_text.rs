//! Any text is a query: read leniently, it is answered by the index, a matcher, a highlighter, an
//! explanation and a better spelling, and none of them fails.
//!
//! `cargo +nightly fuzz run query_text` from the root of the repository.
#![no_main]

use std::sync::LazyLock;

use engraph::testing::QueryProbe;
use libfuzzer_sys::fuzz_target;

/// One index for all runs; its folder goes with the process.
static PROBE: LazyLock<(tempfile::TempDir, QueryProbe)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let probe = QueryProbe::new(folder.path()).expect("a small index");
    (folder, probe)
});

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    PROBE.1.ask(&text).expect("a lenient search never fails");
});
