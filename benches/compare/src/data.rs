//! Data from a seed: the same for every system.

use serde::{Deserialize, Serialize};

/// splitmix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`: the high half of the 128-bit product.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number below `bound`, small ones far more often (Zipf, exponent near 1).
    pub fn zipf(&mut self, bound: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let drawn = (bound as f64).powf(unit) - 1.0;
        (drawn as u64).min(bound - 1)
    }
}

/// A memory of about 150 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// One of a hundred.
    pub namespace: String,
    /// Unique within the namespace.
    pub key: String,
    /// A sentence.
    pub content: String,
    /// Its type.
    pub memory_type: String,
    /// 0 to 1.
    pub importance: f64,
    /// Microseconds since the epoch.
    pub created: i64,
}

const WORDS: [&str; 32] = [
    "reply",
    "deadline",
    "court",
    "motion",
    "filed",
    "draft",
    "review",
    "letter",
    "witness",
    "statement",
    "order",
    "hearing",
    "moved",
    "monday",
    "friday",
    "contract",
    "clause",
    "payment",
    "notice",
    "appeal",
    "brief",
    "exhibit",
    "record",
    "client",
    "meeting",
    "call",
    "agreed",
    "signed",
    "sent",
    "received",
    "due",
    "march",
];

/// The memory with that number.
pub fn memory(number: u64) -> Memory {
    let mut random = Random::new(number.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut content = String::with_capacity(80);
    for _ in 0..10 {
        if !content.is_empty() {
            content.push(' ');
        }
        content.push_str(WORDS[random.below(WORDS.len() as u64) as usize]);
    }
    Memory {
        namespace: format!("case-{:03}", number % 100),
        key: format!("fact-{number:08}"),
        content,
        memory_type: ["document", "entity", "analysis", "context"][(number % 4) as usize].into(),
        importance: random.below(1_000) as f64 / 1_000.0,
        created: 1_760_000_000_000_000 + (number as i64) * 1_000,
    }
}

/// Adds a value to a checksum, in order.
pub fn mix(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17)
}

/// Bytes as one number for a checksum.
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| mix(sum, u64::from(*byte)))
}
