//! How long a job waits after a failed try. Pure: the same job and try wait equally long.

use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::record::QueueJob;

/// What the old application waits, and what a job waits that says nothing else.
const FIXED_DEFAULT: Duration = Duration::from_secs(10);

/// How long a job waits between its tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Always as long.
    Fixed(Duration),
    /// `first` after the first failed try, doubled after each further one, at most `max`; of that a
    /// part between the half and the whole, so that jobs which failed together do not come back
    /// together. The part follows from the job's id and the number of the try.
    Exponential {
        /// The delay after the first failed try.
        first: Duration,
        /// The greatest delay.
        max: Duration,
    },
}

impl Default for RetryPolicy {
    /// From a second up to ten minutes.
    fn default() -> Self {
        Self::Exponential { first: Duration::from_secs(1), max: Duration::from_secs(600) }
    }
}

impl RetryPolicy {
    /// The policy that a job states.
    #[must_use]
    pub fn of(job: &QueueJob) -> Self {
        let duration = |micros: i64| Duration::from_micros(micros.max(0).cast_unsigned());
        let first = job.retry_delay_micros.map_or(FIXED_DEFAULT, duration);
        match job.retry_delay_max_micros {
            Some(max) => Self::Exponential { first, max: duration(max) },
            None => Self::Fixed(first),
        }
    }

    /// How long job `id` waits after its failed try number `failures`, counted from 1.
    #[must_use]
    pub fn delay(self, id: NodeId, failures: u32) -> Duration {
        match self {
            Self::Fixed(delay) => delay,
            Self::Exponential { first, max } => {
                let doublings = failures.saturating_sub(1).min(31);
                let whole = first.saturating_mul(1 << doublings).min(max);
                let half = whole / 2;
                let part = mixed(id.as_u64() ^ u64::from(failures).rotate_left(32)) >> 32;
                half + Duration::from_nanos(scaled(whole.saturating_sub(half), part))
            }
        }
    }

    /// Writes the policy into a job.
    pub(super) fn store(self, job: &mut QueueJob) -> Result<()> {
        let (first, max) = match self {
            Self::Fixed(delay) => (delay, None),
            Self::Exponential { first, max } => (first, Some(max)),
        };
        job.retry_delay_micros = Some(micros(first)?);
        job.retry_delay_max_micros = max.map(micros).transpose()?;
        Ok(())
    }
}

fn micros(delay: Duration) -> Result<i64> {
    i64::try_from(delay.as_micros())
        .map_err(|_| Error::invalid("retry", format!("a delay of {delay:?} is too long")))
}

/// `part` of 2^32 parts of a duration, in nanoseconds.
fn scaled(duration: Duration, part: u64) -> u64 {
    let nanos = (duration.as_nanos() * u128::from(part)) >> 32;
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

/// The finalizer of splitmix64: every bit of the input moves every bit of the output.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::id::Kind;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_delay_doubles_up_to_its_bound_and_keeps_at_least_half() {
        let policy = RetryPolicy::Exponential { first: SECOND, max: 60 * SECOND };
        for (failures, whole) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (900, 60)] {
            for key in 1..50 {
                let delay = policy.delay(NodeId::from_parts(Kind(31), key), failures);
                let whole = whole * SECOND;
                assert!((whole / 2..=whole).contains(&delay), "{failures}: {delay:?}");
            }
        }
    }

    #[test]
    fn jobs_that_failed_together_come_back_apart_and_each_the_same_again() {
        let delays = || (1..=100).map(|key| NodeId::from_parts(Kind(31), key));
        let policy = RetryPolicy::default();
        let found: Vec<_> = delays().map(|id| policy.delay(id, 3)).collect();
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 100);
        assert!(delays().map(|id| policy.delay(id, 3)).eq(found));
    }

    #[test]
    fn a_policy_is_read_as_it_was_stored_and_the_old_one_where_there_is_none() {
        let mut job = QueueJob::default();
        assert_eq!(RetryPolicy::of(&job), RetryPolicy::Fixed(10 * SECOND));
        for policy in [RetryPolicy::Fixed(3 * SECOND), RetryPolicy::default()] {
            policy.store(&mut job).unwrap();
            assert_eq!(RetryPolicy::of(&job), policy);
        }
        assert!(RetryPolicy::Fixed(Duration::MAX).store(&mut job).is_err());
        job.retry_delay_micros = Some(-5);
        job.retry_delay_max_micros = None;
        assert_eq!(RetryPolicy::of(&job), RetryPolicy::Fixed(Duration::ZERO));
    }
}
