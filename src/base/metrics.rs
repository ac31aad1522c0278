//! Histograms of durations: fixed in size, exact in count and bounds, right to a sixteenth else.
//!
//! Buckets are linear within a power of two. Writing is a few atomic additions, so that whoever
//! measures never waits for whoever looks. Beside them, counters of what failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::error::{Error, Result};

/// Buckets within a power of two, as bits.
const LINEAR_BITS: u32 = 4;
const LINEAR: usize = 1 << LINEAR_BITS;
/// Powers of two with buckets of their own; from 2^40 nanoseconds, 18 minutes, on all are one.
const OCTAVES: usize = 40 - LINEAR_BITS as usize;
const BUCKETS: usize = LINEAR * (OCTAVES + 1);

/// Counts durations.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Box<[AtomicU64]>,
    min: AtomicU64,
    max: AtomicU64,
}

/// What a store measured of one kind of event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// How often it happened.
    pub count: u64,
    /// The shortest.
    #[serde(serialize_with = "as_seconds")]
    pub min: Duration,
    /// Half of them took no longer, to a sixteenth.
    #[serde(serialize_with = "as_seconds")]
    pub p50: Duration,
    /// Ninety-nine of a hundred took no longer, to a sixteenth.
    #[serde(serialize_with = "as_seconds")]
    pub p99: Duration,
    /// The longest.
    #[serde(serialize_with = "as_seconds")]
    pub max: Duration,
}

/// A duration in seconds, as programs that watch others expect it.
pub(crate) fn as_seconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// As [`as_seconds`], nothing where there is none.
#[expect(clippy::ref_option, reason = "it is what serde hands over")]
pub(crate) fn as_seconds_if_any<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

/// Counts upwards.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts what failed in an open store.
#[derive(Debug, Default)]
pub(crate) struct ErrorCounters {
    writes: Counter,
    panics: Counter,
    pub(crate) commits: Counter,
    pub(crate) upkeep: Counter,
    pub(crate) graph: Counter,
    pub(crate) search: Counter,
}

/// What failed since a store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorCounts {
    /// Writes whose closure returned an error; nothing of them was kept.
    pub writes: u64,
    /// Writes whose closure panicked; nothing of them was kept.
    pub panics: u64,
    /// Commits; one is enough to poison the store.
    pub commits: u64,
    /// Rounds of upkeep in idle seconds.
    pub upkeep: u64,
    /// Builds and merges of the graph in memory.
    pub graph: u64,
    /// Builds of a search index behind the scenes.
    pub search: u64,
}

impl ErrorCounters {
    /// Counts how a write's closure ended.
    pub(crate) fn note_write<T>(&self, result: &Result<T>) {
        match result {
            Ok(_) => {}
            Err(Error::Panicked { .. }) => self.panics.add(),
            Err(_) => self.writes.add(),
        }
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> ErrorCounts {
        ErrorCounts {
            writes: self.writes.value(),
            panics: self.panics.value(),
            commits: self.commits.value(),
            upkeep: self.upkeep.value(),
            graph: self.graph.value(),
            search: self.search.value(),
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }
}

/// The bucket of a number of nanoseconds.
fn bucket_of(nanos: u64) -> usize {
    if nanos < LINEAR as u64 {
        return nanos as usize;
    }
    let octave = nanos.ilog2() - LINEAR_BITS;
    let within = (nanos >> octave) as usize - LINEAR;
    (LINEAR * (octave as usize + 1) + within).min(BUCKETS - 1)
}

/// The greatest number of nanoseconds in a bucket.
fn last_of(bucket: usize) -> u64 {
    if bucket < LINEAR {
        return bucket as u64;
    }
    let octave = bucket / LINEAR - 1;
    let within = (bucket % LINEAR + LINEAR) as u64;
    ((within + 1) << octave) - 1
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(nanos)].fetch_add(1, Ordering::Relaxed);
        self.min.fetch_min(nanos, Ordering::Relaxed);
        self.max.fetch_max(nanos, Ordering::Relaxed);
    }

    /// What was counted so far. All zero where nothing was.
    pub(crate) fn summary(&self) -> Latency {
        let counts: Vec<u64> =
            self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        if count == 0 {
            return Latency::default();
        }
        let min = self.min.load(Ordering::Relaxed);
        let max = self.max.load(Ordering::Relaxed).max(min);
        let quantile = |percent: u64| {
            let rank = (count * percent).div_ceil(100).max(1);
            let mut sum = 0;
            let found = counts.iter().position(|count| {
                sum += count;
                sum >= rank
            });
            Duration::from_nanos(last_of(found.unwrap_or(BUCKETS - 1)).clamp(min, max))
        };
        Latency {
            count,
            min: Duration::from_nanos(min),
            p50: quantile(50),
            p99: quantile(99),
            max: Duration::from_nanos(max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_right_to_a_sixteenth(
            mut nanos in prop::collection::vec(
                (0_u64..40).prop_flat_map(|bits| 0..1_u64 << bits), 1..300),
        ) {
            let histogram = Histogram::default();
            for nanos in &nanos {
                histogram.record(Duration::from_nanos(*nanos));
            }
            nanos.sort_unstable();
            let found = histogram.summary();
            prop_assert_eq!(found.count, nanos.len() as u64);
            prop_assert_eq!(found.min.as_nanos(), u128::from(nanos[0]));
            prop_assert_eq!(found.max.as_nanos(), u128::from(nanos[nanos.len() - 1]));
            for (percent, quantile) in [(50, found.p50), (99, found.p99)] {
                let exact = nanos[(nanos.len() * percent).div_ceil(100) - 1];
                let quantile = u64::try_from(quantile.as_nanos()).unwrap();
                let right = quantile >= exact && quantile - exact <= exact / 16;
                prop_assert!(right, "{} instead of {}", quantile, exact);
            }
        }
    }

    #[test]
    fn nothing_is_zero_and_the_longest_has_a_bucket() {
        let histogram = Histogram::default();
        assert_eq!(histogram.summary(), Latency::default());
        histogram.record(Duration::MAX);
        let found = histogram.summary();
        assert_eq!((found.count, found.p50), (1, Duration::from_nanos(u64::MAX)));
        for bucket in 0..BUCKETS - 1 {
            assert_eq!(bucket_of(last_of(bucket)), bucket);
            assert_eq!(bucket_of(last_of(bucket) + 1), bucket + 1);
        }
    }
}
