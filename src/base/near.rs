//! Which texts are nearly the same: `MinHash` signatures over runs of words, and banding to find
//! likely pairs without comparing all.
//!
//! The share of equal values in two signatures estimates the Jaccard similarity of the sets of runs
//! (Broder, "On the resemblance and containment of documents", 1997), here to within about 0.04.
//! Signatures are cut into bands; texts that agree in a whole band are compared. Texts of
//! similarity 0.8 are missed about once in ten million times, those of 0.5 once in eight.
//!
//! Many long texts are compared by [`Texts`]. A short text has too few runs for that: [`sketch`]
//! says where to look for others like it, and [`Shingles`] compares two texts word by word.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::id::NodeId;

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
/// Hashes of a sketch. Two texts that share half of their runs agree in one of them nineteen times
/// in twenty, and those that share four fifths all but once in six hundred.
pub(crate) const SKETCH: usize = 4;
/// Words that turn a statement into its opposite; `t` is what is left of `don't`.
const NEGATIONS: [&str; 8] = ["not", "no", "never", "none", "nor", "cannot", "without", "t"];

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
pub(crate) struct Texts(BTreeMap<NodeId, Signature>);

impl Texts {
    /// Adds a piece of a text.
    pub(crate) fn add(&mut self, id: NodeId, text: &str) {
        let words: Vec<u64> = words_of(text).collect();
        let signature = self.0.entry(id).or_default();
        for run in words.windows(RUN) {
            let hash = hash_of(run);
            if signature.first.len() < RUNS_MIN {
                signature.first.insert(hash);
            }
            keep_least(&mut signature.least, hash);
        }
    }

    /// Pairs, the smaller id first, that are alike by at least `threshold`, with how alike they
    /// are; in order.
    pub(crate) fn pairs(mut self, threshold: f64) -> Vec<(NodeId, NodeId, f64)> {
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

/// Where to look for texts like this one: the least hashes of its runs of words. Texts that are
/// alike agree in one of them, at the same place. `None` for a text without words.
pub(crate) fn sketch(text: &str) -> Option<[u32; SKETCH]> {
    let words: Vec<u64> = words_of(text).collect();
    let mut least = [u32::MAX; SKETCH];
    // A text that is shorter than a run is one run.
    for run in words.windows(RUN.min(words.len().max(1))) {
        keep_least(&mut least, hash_of(run));
    }
    (!words.is_empty()).then_some(least)
}

/// The words of a text and its pairs of words, to be compared with those of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shingles {
    /// Sorted, each once.
    shingles: Vec<u64>,
    /// Words with a digit and words that deny, sorted, each once.
    decisive: Vec<u64>,
}

impl Shingles {
    /// Those of a text. Linear in its words, but for a sort.
    pub(crate) fn of(text: &str) -> Self {
        let words: Vec<u64> = words_of(text).collect();
        let pairs = words.windows(2).map(hash_of);
        let shingles = sorted(words.iter().map(|word| mixed(*word)).chain(pairs).collect());
        let is_decisive = |word: &&str| {
            word.contains(char::is_numeric) || NEGATIONS.contains(&&*word.to_lowercase())
        };
        let decisive = sorted(pieces_of(text).filter(is_decisive).map(word_hash).collect());
        Self { shingles, decisive }
    }

    /// The share that both have of what either has (Jaccard), 0 to 1. Two texts without words are
    /// not alike.
    pub(crate) fn likeness(&self, other: &Self) -> f64 {
        let (mut ours, mut theirs) =
            (self.shingles.iter().peekable(), other.shingles.iter().peekable());
        let mut both = 0_usize;
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek()) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => drop(ours.next()),
                std::cmp::Ordering::Greater => drop(theirs.next()),
                std::cmp::Ordering::Equal => {
                    both += 1;
                    ours.next();
                    theirs.next();
                }
            }
        }
        let either = self.shingles.len() + other.shingles.len() - both;
        if either == 0 { 0.0 } else { both as f64 / either as f64 }
    }

    /// Whether both have the same numbers and negations: texts that differ in one are alike and
    /// say something else.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.decisive == other.decisive
    }
}

fn sorted(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// The hash of a run of words.
fn hash_of(run: &[u64]) -> u64 {
    mixed(
        run.iter().fold(0, |hash, word| {
            u64::rotate_left(hash, 5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word
        }),
    )
}

/// Takes a run into the least hashes seen.
fn keep_least(least: &mut [u32], hash: u64) {
    // One hash function a value: an odd multiplier each, of which the high half counts.
    let mut multiplier = hash | 1;
    for least in least {
        multiplier = multiplier.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(hash);
        *least = (*least).min((mixed(multiplier) >> 32) as u32);
    }
}

/// The words of a text as numbers: letters and digits in lower case.
fn words_of(text: &str) -> impl Iterator<Item = u64> + '_ {
    pieces_of(text).map(word_hash)
}

/// The words of a text; in scripts without blanks every character is one.
fn pieces_of(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let end = if stands_alone(first) {
                first.len_utf8()
            } else {
                rest.find(stands_alone).unwrap_or(rest.len())
            };
            let (piece, after) = rest.split_at(end);
            rest = after;
            Some(piece)
        })
    })
}

/// Characters of scripts that write no blanks between words: Kana and Han.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// FNV-1a over the characters in lower case.
fn word_hash(word: &str) -> u64 {
    let lower = word.chars().flat_map(char::to_lowercase);
    lower.fold(0xcbf2_9ce4_8422_2325, |hash: u64, c| {
        (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
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

    #[test]
    fn short_texts_are_compared_word_by_word() {
        let likeness = |a: &str, b: &str| Shingles::of(a).likeness(&Shingles::of(b));
        let due = "The reply is due on 14 March";
        assert!((likeness(due, "the reply is DUE, on 14 March.") - 1.0).abs() < f64::EPSILON);
        assert!(likeness(due, "Reply is due on 14 March") > 0.8);
        let later = "The reply is due on 21 March";
        assert!((0.5..0.8).contains(&likeness(due, later)), "{}", likeness(due, later));
        assert!(likeness("", "").abs() < f64::EPSILON);
        assert!(!Shingles::of(due).agrees_with(&Shingles::of(later)));
        assert!(!Shingles::of("it is so").agrees_with(&Shingles::of("it isn't so")));
        assert!(Shingles::of(due).agrees_with(&Shingles::of("on 14 march it is due")));
        let han = Shingles::of("\u{6211}\u{559c}\u{6b22}\u{8336}");
        assert_eq!(han.shingles.len(), 7, "four characters and three pairs");
    }

    #[test]
    fn a_sketch_leads_to_what_is_alike() {
        let agree = |a: &str, b: &str| {
            let (a, b) = (sketch(a).unwrap(), sketch(b).unwrap());
            a.iter().zip(&b).filter(|(a, b)| a == b).count()
        };
        assert_eq!(agree("Tea!", "tea"), SKETCH);
        assert!(agree(&text(0, 100), &text(5, 100)) > 0);
        assert_eq!(agree(&text(0, 100), &text(200, 100)), 0);
        assert_eq!(sketch(" ... "), None);
    }
}
