//! How much of a memory's weight time has taken: a factor for ranking, computed when it is read.
//!
//! Nothing is stored and nothing is deleted by it. The form is that of forgetting curves: weight
//! halves in a *half-life*, which use lengthens. It begins when a memory was last read, changed or
//! made, whichever is last, so using one renews it.

use std::time::Duration;

use crate::base::time::Timestamp;
use crate::record::{Memory, MemoryType};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The time in which memories of each type lose half of their weight. `None` is never.
///
/// The defaults are round numbers, not measured: what is needed for the work at hand fades within
/// days, what happened within weeks, what is known within a year, what one can do within two; what
/// stands in documents does not fade.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HalfLives {
    /// Of [`MemoryType::Working`]: 2 days.
    pub working: Option<Duration>,
    /// Of [`MemoryType::Episodic`]: 30 days.
    pub episodic: Option<Duration>,
    /// Of [`MemoryType::Agent`] and [`MemoryType::Context`]: 90 days.
    pub agent: Option<Duration>,
    /// Of [`MemoryType::Semantic`] and [`MemoryType::Summary`]: 365 days.
    pub semantic: Option<Duration>,
    /// Of [`MemoryType::Procedural`]: 730 days.
    pub procedural: Option<Duration>,
    /// Of every other type: never.
    pub other: Option<Duration>,
}

impl Default for HalfLives {
    fn default() -> Self {
        Self {
            working: Some(2 * DAY),
            episodic: Some(30 * DAY),
            agent: Some(90 * DAY),
            semantic: Some(365 * DAY),
            procedural: Some(730 * DAY),
            other: None,
        }
    }
}

impl HalfLives {
    /// The half-life of a type, without use.
    #[must_use]
    pub fn of(&self, memory_type: &MemoryType) -> Option<Duration> {
        match memory_type {
            MemoryType::Working => self.working,
            MemoryType::Episodic => self.episodic,
            MemoryType::Agent | MemoryType::Context => self.agent,
            MemoryType::Semantic | MemoryType::Summary => self.semantic,
            MemoryType::Procedural => self.procedural,
            _ => self.other,
        }
    }
}

/// What is left of a memory's weight at a time, 0 to 1: `2 ^ -(age / half-life)`, with the
/// half-life lengthened by use to `half-life * (1 + ln(1 + reads))`. 1 for a pinned memory, one
/// whose type does not fade, and one without any time.
///
/// ```
/// use engraph::Timestamp;
/// use engraph::family::{HalfLives, decay};
/// use engraph::record::{Memory, MemoryType};
///
/// let memory = Memory {
///     memory_type: MemoryType::Working,
///     created_at: Some(Timestamp::from_micros(0)),
///     ..Memory::default()
/// };
/// let two_days = Timestamp::from_micros(2 * 24 * 3_600 * 1_000_000);
/// assert!((decay(&memory, two_days, &HalfLives::default()) - 0.5).abs() < 1e-9);
/// ```
#[must_use]
pub fn decay(memory: &Memory, now: Timestamp, half_lives: &HalfLives) -> f64 {
    if memory.pinned {
        return 1.0;
    }
    let Some(half_life) = half_lives.of(&memory.memory_type) else { return 1.0 };
    let last = memory.last_accessed_at.max(memory.updated_at).max(memory.created_at);
    let Some(last) = last else { return 1.0 };
    let age = now.as_micros().saturating_sub(last.as_micros()).max(0) as f64 / 1e6;
    let reads = memory.access_count.max(0) as f64;
    let half_life = half_life.as_secs_f64() * (1.0 + reads.ln_1p());
    if half_life <= 0.0 {
        return if age > 0.0 { 0.0 } else { 1.0 };
    }
    (-age / half_life).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_micros(days * 24 * 3_600 * 1_000_000)
    }

    fn memory(memory_type: MemoryType) -> Memory {
        Memory { memory_type, created_at: Some(at(0)), ..Memory::default() }
    }

    #[track_caller]
    fn check(memory: &Memory, days: i64, expected: f64) {
        let found = decay(memory, at(days), &HalfLives::default());
        assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
    }

    #[test]
    fn weight_halves_in_the_half_life_of_the_type() {
        check(&memory(MemoryType::Working), 2, 0.5);
        check(&memory(MemoryType::Working), 4, 0.25);
        check(&memory(MemoryType::Episodic), 30, 0.5);
        check(&memory(MemoryType::Semantic), 365, 0.5);
        check(&memory(MemoryType::CaseLaw), 10_000, 1.0);
        check(&memory(MemoryType::Other("plan".into())), 10_000, 1.0);
    }

    #[test]
    fn use_renews_and_lengthens() {
        let used = Memory {
            last_accessed_at: Some(at(30)),
            access_count: 1,
            ..memory(MemoryType::Episodic)
        };
        check(&used, 30, 1.0);
        let days = 30.0 / (30.0 * (1.0 + 2_f64.ln()));
        check(&used, 60, (-days).exp2());
    }

    #[test]
    fn pins_missing_times_and_clocks_that_go_back_take_nothing() {
        check(&Memory { pinned: true, ..memory(MemoryType::Working) }, 900, 1.0);
        check(&Memory { created_at: None, ..memory(MemoryType::Working) }, 900, 1.0);
        check(&memory(MemoryType::Working), -5, 1.0);
        let extreme = Memory { access_count: i64::MIN, ..memory(MemoryType::Working) };
        let left = decay(&extreme, Timestamp::from_micros(i64::MAX), &HalfLives::default());
        assert!((0.0..=1.0).contains(&left));
        let none = HalfLives { working: Some(Duration::ZERO), ..HalfLives::default() };
        let left = decay(&memory(MemoryType::Working), at(1), &none);
        assert!(left.abs() < f64::EPSILON);
    }
}
