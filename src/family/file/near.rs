//! Which texts are nearly the same: `MinHash` signatures over runs of words, and banding to find
//! likely pairs without comparing all.
//!
//! The share of equal values in two signatures estimates the Jaccard similarity of the sets of runs
//! (Broder, "On the resemblance and containment of documents", 1997), here to within about 0.04.
//! Signatures are cut into bands; texts that agree in a whole band are compared. Texts of
//! similarity 0.8 are missed about once in ten million times, those of 0.5 once in eight.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::base::id::NodeId;

/// Values of a signature.
const HASHES: usize = 128;
/// Values of a band: 32 bands of four.
const BAND: usize = 4;
/// Words of a run.
const RUN: usize = 3;
/// Distinct runs below which a text says too little to be compared.
const RUNS_MIN: usize = 8;
/// Texts of a band that each is compared with: boilerplate must not make it quadratic.
const COMPARED_MAX: usize = 64;

/// A text that is read piece by piece, so that no whole text is held.
#[derive(Debug)]
struct Signature {
    least: [u32; HASHES],
    /// Up to [`RUNS_MIN`] runs.
    first: BTreeSet<u64>,
}

impl Default for Signature {
    fn default() -> Self {
        Self { least: [u32::MAX; HASHES], first: BTreeSet::new() }
    }
}

/// The signatures of many texts.
#[derive(Debug, Default)]
pub(super) struct Texts(BTreeMap<NodeId, Signature>);

impl Texts {
    /// Adds a piece of a text.
    pub(super) fn add(&mut self, id: NodeId, text: &str) {
        let words: Vec<u64> = words_of(text).collect();
        let signature = self.0.entry(id).or_default();
        for run in words.windows(RUN) {
            let hash = mixed(run.iter().fold(0, |hash, word| {
                u64::rotate_left(hash, 5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word
            }));
            if signature.first.len() < RUNS_MIN {
                signature.first.insert(hash);
            }
            // One hash function a value: an odd multiplier each, of which the high half counts.
            let mut multiplier = hash | 1;
            for least in &mut signature.least {
                multiplier = multiplier.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(hash);
                *least = (*least).min((mixed(multiplier) >> 32) as u32);
            }
        }
    }

    /// Pairs, the smaller id first, that are alike by at least `threshold`, with how alike they
    /// are; in order.
    pub(super) fn pairs(mut self, threshold: f64) -> Vec<(NodeId, NodeId, f64)> {
        self.0.retain(|_, signature| signature.first.len() >= RUNS_MIN);
        let mut candidates: BTreeSet<(NodeId, NodeId)> = BTreeSet::new();
        for band in (0..HASHES).step_by(BAND) {
            let mut groups: HashMap<&[u32], Vec<NodeId>> = HashMap::new();
            for (id, signature) in &self.0 {
                let group = groups.entry(&signature.least[band..band + BAND]).or_default();
                let from = group.len().saturating_sub(COMPARED_MAX);
                candidates.extend(group[from..].iter().map(|other| (*other, *id)));
                group.push(*id);
            }
        }
        let alike = |(first, second): (NodeId, NodeId)| {
            let (a, b) = (self.0.get(&first)?, self.0.get(&second)?);
            let equal = a.least.iter().zip(&b.least).filter(|(a, b)| a == b).count();
            let share = equal as f64 / HASHES as f64;
            (share >= threshold).then_some((first, second, share))
        };
        candidates.into_iter().filter_map(alike).collect()
    }
}

/// The words of a text as numbers: letters and digits in lower case.
fn words_of(text: &str) -> impl Iterator<Item = u64> + '_ {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| {
        let lower = word.chars().flat_map(char::to_lowercase);
        // FNV-1a over the characters.
        lower.fold(0xcbf2_9ce4_8422_2325, |hash: u64, c| {
            (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
        })
    })
}

/// The finalizer of `SplitMix64`: every bit of the input changes every bit of the output.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(key: u64) -> NodeId {
        NodeId::from_u64(key)
    }

    fn text(from: usize, count: usize) -> String {
        (from..from + count).map(|word| format!("w{word}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_estimate_is_near_the_true_similarity() {
        for (shared, expected) in [(100, 1.0), (95, 0.9), (80, 0.65), (50, 0.33), (0, 0.0)] {
            let mut texts = Texts::default();
            texts.add(id(1), &text(0, 100));
            texts.add(id(2), &text(100 - shared, 100));
            let pairs = texts.pairs(0.0);
            let found = pairs.first().map_or(0.0, |(_, _, share)| *share);
            // Texts that are less alike than half need not be compared at all.
            let is_near = (found - expected).abs() < 0.12 || (expected < 0.5 && found == 0.0);
            assert!(is_near, "{shared}: {found} instead of {expected}");
        }
    }

    #[test]
    fn letters_case_and_signs_do_not_matter_and_short_texts_say_nothing() {
        let mut texts = Texts::default();
        texts.add(id(1), &text(0, 40));
        texts.add(id(2), &text(0, 40).to_uppercase().replace(' ', ", "));
        texts.add(id(3), "one two three four five");
        texts.add(id(4), "one two three four five");
        texts.add(id(5), "");
        assert_eq!(texts.pairs(0.5), [(id(1), id(2), 1.0)]);
    }

    #[test]
    fn many_equal_texts_are_not_all_compared() {
        let mut texts = Texts::default();
        for key in 0..300 {
            texts.add(id(key), &text(0, 30));
        }
        assert!(texts.pairs(0.9).len() <= 300 * COMPARED_MAX);
    }
}
