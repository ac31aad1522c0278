//! Reading files: their digests, and their texts where they are wanted, by several threads.

use std::fs::File;
use std::io::Read as _;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::walk::Seen;
use super::{ScanOptions, is_absence};
use crate::base::digest::Digest;
use crate::base::id::NodeId;
use crate::base::limits::SCAN_THREADS_MAX;
use crate::base::trace::carried;
use crate::base::trace::category::FAMILY;
use crate::family::file::{IsMarkdown, NewChunk, cut_text, path};
use crate::record::IndexedFile;

/// A file to be read, with what the inventory knows of it.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) seen: Seen,
    pub(super) size: u64,
    pub(super) known: Option<(NodeId, IndexedFile)>,
}

/// What reading a file gave.
#[derive(Debug)]
pub(super) enum Outcome {
    Read {
        size: u64,
        digest: Digest,
        chunks: Option<Vec<NewChunk>>,
    },
    /// It went away meanwhile.
    Gone,
    Unreadable(String),
}

/// Reads every file; outcomes are in the order of the files.
pub(super) fn read_all(batch: &[Wanted], options: &ScanOptions) -> Vec<Outcome> {
    let threads = match options.threads {
        0 => thread::available_parallelism().map_or(1, NonZero::get),
        threads => threads,
    };
    let threads = threads.min(SCAN_THREADS_MAX).min(batch.len()).max(1);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(wanted) = batch.get(place) else { return outcomes };
            outcomes.push((place, read(&wanted.seen, options)));
        }
    };
    let mut outcomes = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(carried(work))).collect();
        let mut outcomes = work();
        for other in others {
            outcomes.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        outcomes
    });
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn read(seen: &Seen, options: &ScanOptions) -> Outcome {
    let done = File::open(&seen.path).and_then(|file| {
        if !file.metadata()?.is_file() {
            return Ok(Outcome::Gone);
        }
        let is_text = is_text(&seen.name) && seen.size <= options.text_bytes_max;
        if !is_text {
            let mut counted = Counted { file, bytes: 0 };
            let digest = Digest::of_readers([&mut counted])?;
            return Ok(Outcome::Read { size: counted.bytes, digest, chunks: None });
        }
        let mut bytes = Vec::new();
        let mut counted = Counted { file, bytes: 0 };
        counted.by_ref().take(options.text_bytes_max).read_to_end(&mut bytes)?;
        // Where it grew meanwhile, the rest belongs to the digest and not to the text.
        let digest = Digest::of_readers([&mut &bytes[..] as &mut dyn std::io::Read, &mut counted])?;
        let text = String::from_utf8(bytes).ok();
        let chunks = text.map(|text| cut_text(&text, is_markdown(&seen.name)));
        Ok(Outcome::Read { size: counted.bytes, digest, chunks })
    });
    match done {
        Ok(outcome) => outcome,
        Err(error) if is_absence(&error) => Outcome::Gone,
        Err(error) => {
            let path = seen.path.display();
            tracing::debug!(target: FAMILY, %path, %error, "a file cannot be read");
            Outcome::Unreadable(error.to_string())
        }
    }
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    bytes: u64,
}

impl std::io::Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

fn is_text(name: &str) -> bool {
    let mime_type = path::mime_type(&path::extension(path::name(name)));
    mime_type.is_some_and(|mime_type| {
        mime_type.starts_with("text/")
            || matches!(mime_type, "application/json" | "application/xml" | "application/yaml")
    })
}

fn is_markdown(name: &str) -> IsMarkdown {
    match path::extension(path::name(name)).as_str() {
        ".md" | ".markdown" => IsMarkdown::Yes,
        _ => IsMarkdown::No,
    }
}
