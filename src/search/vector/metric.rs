//! How near two vectors are: the metrics, and a query that scores rows by one of them.

use super::kernel;
use crate::base::error::{Error, Result};

/// Lengths between which sums of products neither overflow nor vanish in 32 bits. Other vectors are
/// scored in 64 bits, slowly.
const PLAIN: std::ops::RangeInclusive<f64> = 1e-15..=1e15;

/// The greatest code: a value of a vector is kept as a multiple of a step, -127 to 127 of them.
const CODE_MAX: f32 = 127.0;

/// How near two vectors are. A greater score is nearer for each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Metric {
    /// The cosine of the angle between them, -1 to 1. Vectors of length zero have none and are not
    /// found.
    #[default]
    Cosine,
    /// Their scalar product; as the cosine, for vectors of length 1.
    Dot,
    /// 1 / (1 + their Euclidean distance), from 1 for equal ones towards 0.
    Euclidean,
}

/// What is known of a row beside its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    /// Its Euclidean length.
    pub(super) length: f32,
    /// Whether its length is plain, or zero.
    pub(super) is_plain: bool,
    /// The step of its codes.
    pub(super) step: f32,
    /// The distance between it and what its codes say.
    pub(super) error: f32,
}

impl Measure {
    /// Measures a row and writes its codes.
    pub(super) fn of(row: &[f32], codes: &mut Vec<i8>) -> Self {
        let square = |value: f64| value * value;
        let length = row.iter().map(|value| square(f64::from(*value))).sum::<f64>().sqrt();
        let greatest = row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let is_plain = length == 0.0 || PLAIN.contains(&length);
        let step = if is_plain { greatest / CODE_MAX } else { 0.0 };
        let mut error = 0.0;
        for value in row {
            let code = if step > 0.0 { (value / step).round() } else { 0.0 };
            let code = code.clamp(-CODE_MAX, CODE_MAX) as i8;
            error += square(f64::from(*value) - f64::from(step) * f64::from(code));
            codes.push(code);
        }
        // Rounded up, so that it stays a bound.
        let error = (error.sqrt() * 1.000_001) as f32;
        Self { length: length as f32, is_plain, step, error }
    }
}

/// A vector that others are compared with.
#[derive(Clone, Debug)]
pub(crate) struct VectorQuery {
    metric: Metric,
    dimension: usize,
    /// Padded as rows are.
    values: Vec<f32>,
    codes: Vec<i16>,
    measure: Measure,
    /// What a sum in 32 bits can be wrong by, as a share of the product of the lengths.
    rounding: f32,
}

/// What the codes say of a score: it lies between these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Between {
    pub(super) low: f32,
    pub(super) high: f32,
}

impl VectorQuery {
    /// A query for vectors near these values, which are finite.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a vector of length zero, which has no cosine.
    pub(crate) fn new(metric: Metric, vector: &[f32]) -> Result<Self> {
        let mut values = vector.to_vec();
        values.resize(kernel::stride(vector.len()), 0.0);
        let mut codes = Vec::with_capacity(values.len());
        let measure = Measure::of(&values, &mut codes);
        if metric == Metric::Cosine && values.iter().all(|value| *value == 0.0) {
            return Err(Error::invalid("vector", "all its values are zero: it has no direction"));
        }
        // Each lane adds a sixteenth of the products; a rounding is half of the last bit.
        let rounding = (values.len() / 16 + 8) as f32 * f32::EPSILON;
        let codes = codes.into_iter().map(i16::from).collect();
        Ok(Self { metric, dimension: vector.len(), values, codes, measure, rounding })
    }

    /// The number of values.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The values, where nothing but their direction counts.
    pub(crate) fn direction(&self) -> Option<&[f32]> {
        (self.metric == Metric::Cosine).then(|| &self.values[..self.dimension])
    }

    /// Values of a row with its padding.
    pub(super) fn stride(&self) -> usize {
        self.values.len()
    }

    /// The score of a padded row; `None` where there is none.
    pub(super) fn score(&self, row: &[f32], measure: &Measure) -> Option<f32> {
        if !measure.is_plain || !self.measure.is_plain {
            return self.score_slowly(row);
        }
        match self.metric {
            Metric::Cosine if measure.length == 0.0 => None,
            Metric::Cosine => {
                let cosine =
                    kernel::dot(&self.values, row) / (self.measure.length * measure.length);
                Some(cosine.clamp(-1.0, 1.0))
            }
            Metric::Dot => Some(kernel::dot(&self.values, row)),
            Metric::Euclidean => Some(nearness(kernel::squared_distance(&self.values, row))),
        }
    }

    /// As [`Self::score`], in 64 bits.
    fn score_slowly(&self, row: &[f32]) -> Option<f32> {
        let pairs = || self.values.iter().zip(row).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        // A score of 0 has no sign: equal ones are told apart by their records alone.
        let dot = || pairs().map(|(a, b)| a * b).sum::<f64>() + 0.0;
        let score = match self.metric {
            Metric::Cosine => {
                let lengths = pairs().map(|(a, _)| a * a).sum::<f64>().sqrt()
                    * pairs().map(|(_, b)| b * b).sum::<f64>().sqrt();
                (dot() / lengths).clamp(-1.0, 1.0)
            }
            Metric::Dot => dot(),
            Metric::Euclidean => {
                1.0 / (1.0 + pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt())
            }
        };
        (!score.is_nan()).then_some(score as f32)
    }

    /// Between which scores a row lies, by its codes; `None` where it has no score.
    ///
    /// With q' and r' for what the codes say of q and r: q r - q' r' = q (r - r') + (q - q') r',
    /// and the product of two vectors is at most that of their lengths (Cauchy and Schwarz).
    pub(super) fn bounds(&self, codes: &[i8], measure: &Measure) -> Option<Between> {
        if !measure.is_plain || !self.measure.is_plain {
            return Some(Between { low: f32::NEG_INFINITY, high: f32::INFINITY });
        }
        let query = &self.measure;
        let (lengths, steps) = (query.length * measure.length, query.step * measure.step);
        let product = kernel::dot_codes(codes, &self.codes) as f32 * steps;
        let slack = query.length * measure.error
            + query.error * (measure.length + measure.error)
            + self.rounding * 2.0 * lengths;
        match self.metric {
            Metric::Cosine if measure.length == 0.0 => None,
            Metric::Cosine => {
                let (cosine, slack) = (product / lengths, slack / lengths + self.rounding);
                let clamped = |score: f32| score.clamp(-1.0, 1.0);
                Some(Between { low: clamped(cosine - slack), high: clamped(cosine + slack) })
            }
            Metric::Dot => Some(Between { low: product - slack, high: product + slack }),
            Metric::Euclidean => {
                let squares = query.length * query.length + measure.length * measure.length;
                let slack = 2.0 * slack + self.rounding * 4.0 * squares;
                let square = squares - 2.0 * product;
                Some(Between { low: nearness(square + slack), high: nearness(square - slack) })
            }
        }
    }
}

fn nearness(squared_distance: f32) -> f32 {
    1.0 / (1.0 + squared_distance.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(metric: Metric, a: &[f32], b: &[f32]) -> Option<f32> {
        let query = VectorQuery::new(metric, a).unwrap();
        let mut row = b.to_vec();
        row.resize(query.stride(), 0.0);
        let measure = Measure::of(&row, &mut Vec::new());
        query.score(&row, &measure)
    }

    #[test]
    fn a_score_of_zero_has_no_sign() {
        for (a, b) in
            [([0.0, -1.0], [1.0, 0.0]), ([-0.0, 1e30], [1.0, 0.0]), ([0.0, 1.0], [-1e30, -0.0])]
        {
            for metric in [Metric::Dot, Metric::Cosine] {
                let zero = score(metric, &a, &b).unwrap();
                assert!(zero == 0.0 && zero.is_sign_positive(), "{metric:?} {a:?} {b:?}");
            }
        }
    }

    #[test]
    fn scores_are_what_the_metrics_say() {
        let (a, b) = ([3.0, 4.0], [4.0, 3.0]);
        assert_eq!(score(Metric::Cosine, &a, &b), Some(0.96));
        assert_eq!(score(Metric::Dot, &a, &b), Some(24.0));
        assert_eq!(score(Metric::Euclidean, &a, &[3.0, 7.0]), Some(0.25));
        assert_eq!(score(Metric::Cosine, &a, &[-3.0, -4.0]), Some(-1.0));
        assert_eq!(score(Metric::Cosine, &a, &[0.0, 0.0]), None);
        assert_eq!(score(Metric::Dot, &a, &[0.0, 0.0]), Some(0.0));
        assert!(VectorQuery::new(Metric::Cosine, &[0.0; 3]).is_err());
        assert!(VectorQuery::new(Metric::Dot, &[0.0; 3]).is_ok());
    }

    #[test]
    fn vectors_of_any_finite_size_have_a_direction() {
        for size in [f32::MAX, 1e20, 1.0, 1e-20, f32::MIN_POSITIVE, 1e-44] {
            for other in [f32::MAX, 1.0, 1e-44] {
                let cosine = score(Metric::Cosine, &[size, 0.0], &[other, 0.0]).unwrap();
                assert!((cosine - 1.0).abs() < 1e-6, "{size} {other}: {cosine}");
                let cosine = score(Metric::Cosine, &[size, 0.0], &[0.0, other]).unwrap();
                assert!(cosine.abs() < 1e-6, "{size} {other}: {cosine}");
            }
        }
    }
}
