//! Taking times and looking at memory.

use std::path::Path;
use std::time::Instant;

use crate::Outcome;
use crate::child::say;
use crate::data::mix;

/// Times of single operations in microseconds, and the checksum of their answers.
#[derive(Clone, Debug, Default)]
pub struct Times {
    micros: Vec<f64>,
    /// The answers, in order.
    pub sum: u64,
}

impl Times {
    /// The time below which this share of the operations stayed.
    pub fn at(&self, share: f64) -> f64 {
        let mut sorted = self.micros.clone();
        sorted.sort_by(f64::total_cmp);
        let place = sorted.len().saturating_sub(1) as f64 * share;
        sorted.get(place as usize).copied().unwrap_or(0.0)
    }

    /// How many operations there were.
    pub fn count(&self) -> u64 {
        self.micros.len() as u64
    }

    /// Says the median, in microseconds.
    pub fn say(&self, measure: &str) -> Outcome {
        say(measure, self.at(0.5), self.count(), Some(self.sum))
    }

    /// Says the median in milliseconds.
    pub fn say_millis(&self, measure: &str) -> Outcome {
        say(measure, self.at(0.5) / 1e3, self.count(), Some(self.sum))
    }
}

/// Times an operation on each of `inputs`, after one untimed pass over all of them. The operation
/// is timed; `check` turns what it gave into a number, out of the time.
pub fn each<I: Copy, A>(
    inputs: &[I],
    mut operation: impl FnMut(I) -> Outcome<A>,
    mut check: impl FnMut(&A) -> u64,
) -> Outcome<Times> {
    let mut times = Times::default();
    for timed in [false, true] {
        for input in inputs {
            let start = Instant::now();
            let answer = operation(*input)?;
            let micros = start.elapsed().as_nanos() as f64 / 1e3;
            if timed {
                times.micros.push(micros);
                times.sum = mix(times.sum, check(&answer));
            }
        }
    }
    Ok(times)
}

/// Resident memory of this process in bytes, where the system tells.
pub fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

/// Bytes of all files below a folder.
pub fn bytes_below(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        bytes += if found.is_dir() { bytes_below(&entry.path())? } else { found.len() };
    }
    Ok(bytes)
}

/// The same work on several threads at once.
pub fn on_threads(threads: u64, work: impl Fn(u64) -> Outcome + Sync) -> Outcome {
    let work = &work;
    std::thread::scope(|scope| {
        let handles: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        handles
            .into_iter()
            .try_for_each(|handle| handle.join().map_err(|_| "a thread panicked".to_owned())?)
    })
}
