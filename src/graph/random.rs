//! Random numbers from a seed that the caller gives: the same seed makes the same numbers on every
//! machine. Not for secrets.

/// `splitmix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for every seed, thing and number, whichever thread asks for it.
    pub(super) fn of(seed: u64, thing: u64, number: u64) -> Self {
        Self(mix(mix(mix(seed).wrapping_add(thing)).wrapping_add(number)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        finish(self.0)
    }

    /// A number below `bound`, which is at least 1, each with the same chance (Lemire: Fast random
    /// integer generation in an interval, 2019).
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        loop {
            let wide = u128::from(self.next()) * u128::from(bound);
            let low = wide as u64;
            // Short of a whole number of rounds at the low end, which would favour some numbers.
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (wide >> 64) as usize;
            }
        }
    }

    /// A number from 0 to below 1.
    pub(super) fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next() >> 11) as f64 * STEP
    }

    /// Puts items into an order of chance (Fisher, Yates: Statistical tables, 1938).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            let other = self.below(place + 1);
            items.swap(place, other);
        }
    }

    /// Chooses `wanted` of the numbers below `count`, ascending (Floyd's algorithm in Bentley:
    /// Programming pearls, 1987).
    pub(super) fn sample(&mut self, count: usize, wanted: usize) -> Vec<u32> {
        let wanted = wanted.min(count);
        let mut chosen = std::collections::BTreeSet::new();
        for last in count - wanted..count {
            let one = self.below(last + 1);
            let one = if chosen.contains(&(one as u32)) { last } else { one };
            chosen.insert(one as u32);
        }
        chosen.into_iter().collect()
    }
}

fn mix(number: u64) -> u64 {
    finish(number.wrapping_add(GOLDEN))
}

fn finish(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // The first outputs of the reference program for this seed.
        let mut random = Random::new(1_234_567);
        let found: Vec<u64> = (0..3).map(|_| random.next()).collect();
        let expected =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_below_a_bound_are_about_equally_frequent() {
        let mut random = Random::new(7);
        let mut counts = [0_u32; 10];
        for _ in 0..20_000 {
            counts[random.below(10)] += 1;
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert!(counts.iter().all(|count| (1_800..2_200).contains(count)), "{counts:?}");
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn a_sample_has_distinct_numbers_and_is_fair() {
        let mut counts = [0_u32; 8];
        for seed in 0..4_000 {
            let sample = Random::of(seed, 1, 2).sample(8, 3);
            assert!(sample.len() == 3 && sample.is_sorted_by(|a, b| a < b));
            for one in sample {
                counts[one as usize] += 1;
            }
        }
        assert!(counts.iter().all(|count| (1_350..1_650).contains(count)), "{counts:?}");
        assert_eq!(Random::new(1).sample(5, 9), [0, 1, 2, 3, 4]);
    }
}
