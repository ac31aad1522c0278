//! What turns texts into vectors: a function that the application brings.

use crate::base::digest::Digest;
use crate::base::error::Result;

/// Turns a text into a vector. The store has none of its own and needs none: vectors can be written
/// as they are.
///
/// ```
/// use engraph::search::{EmbedWith, Embedder};
///
/// let lengths = EmbedWith::new("lengths", |text: &str| {
///     Ok(vec![text.len() as f32, text.split(' ').count() as f32])
/// });
/// assert_eq!(lengths.embed("a reply")?, [7.0, 2.0]);
/// # Ok::<(), engraph::Error>(())
/// ```
pub trait Embedder {
    /// The name of the model, under which its vectors are kept.
    fn model(&self) -> &str;

    /// The vector of a text. Always of the same dimension.
    ///
    /// # Errors
    /// Whatever the model fails with.
    fn embed(&self, text: &str) -> Result<Vec<f32>>;
}

/// An [`Embedder`] made of a function.
#[derive(Clone, Debug)]
pub struct EmbedWith<F> {
    model: String,
    function: F,
}

impl<F: Fn(&str) -> Result<Vec<f32>>> EmbedWith<F> {
    /// The function under the name of a model.
    pub fn new(model: impl Into<String>, function: F) -> Self {
        Self { model: model.into(), function }
    }
}

impl<F: Fn(&str) -> Result<Vec<f32>>> Embedder for EmbedWith<F> {
    fn model(&self) -> &str {
        &self.model
    }

    fn embed(&self, text: &str) -> Result<Vec<f32>> {
        (self.function)(text)
    }
}

/// The stand-in of the old application's file index, `local-hash-v1`: 64 values that depend on the
/// whole text and say nothing of its meaning. Equal texts are found by it, and no similar ones.
///
/// Value i is the first 8 bytes of the SHA-256 digest of `i:text`, big-endian, scaled to -1 to 1;
/// then all are brought to length 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LocalHash;

impl LocalHash {
    /// The name of the model.
    pub const MODEL: &'static str = "local-hash-v1";
    const DIMENSION: usize = 64;
}

impl Embedder for LocalHash {
    fn model(&self) -> &str {
        Self::MODEL
    }

    fn embed(&self, text: &str) -> Result<Vec<f32>> {
        let value = |place: usize| {
            let digest = Digest::of(format!("{place}:{text}").as_bytes());
            let first = digest.as_bytes().first_chunk::<8>().copied().unwrap_or_default();
            u64::from_be_bytes(first) as f64 / u64::MAX as f64 * 2.0 - 1.0
        };
        let values: Vec<f64> = (0..Self::DIMENSION).map(value).collect();
        let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        let length = if length > 0.0 { length } else { 1.0 };
        Ok(values.into_iter().map(|value| (value / length) as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_gives_unit_vectors_that_follow_the_text() {
        let vector = LocalHash.embed("The reply is due").unwrap();
        assert_eq!((vector.len(), LocalHash.model()), (64, "local-hash-v1"));
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert_eq!(LocalHash.embed("The reply is due").unwrap(), vector);
        assert_ne!(LocalHash.embed("The reply is due.").unwrap(), vector);
        // From Python: int.from_bytes(sha256(b"0:").digest()[:8], "big") and so on.
        let empty = LocalHash.embed("").unwrap();
        for (place, expected) in EMPTY {
            assert!((empty[place] - expected).abs() < 1e-6, "{place}: {}", empty[place]);
        }
    }

    const EMPTY: [(usize, f32); 3] = [(0, 0.093_139_8), (1, -0.192_216), (63, 0.069_417_8)];
}
