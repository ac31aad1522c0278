//! The inner loops: sums over two rows of numbers, in SIMD registers.
//!
//! Additions happen in an order that the code fixes, without fused operations, so that a score is
//! the same to the bit on every machine and wherever a row lies.

use wide::{f32x8, i8x16, i16x16, i32x8};

/// Rows are padded with zeros to a multiple of this many values.
const LANES: usize = 16;

/// Values of a row with its padding.
pub(super) fn stride(dimension: usize) -> usize {
    dimension.next_multiple_of(LANES)
}

/// The scalar product of two padded rows.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (mut low, mut high) = (f32x8::ZERO, f32x8::ZERO);
    for ([a_low, a_high], [b_low, b_high]) in pairs(a).iter().zip(pairs(b)) {
        low += f32x8::new(*a_low) * f32x8::new(*b_low);
        high += f32x8::new(*a_high) * f32x8::new(*b_high);
    }
    total(low + high)
}

/// The square of the distance between two padded rows.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let (mut low, mut high) = (f32x8::ZERO, f32x8::ZERO);
    for ([a_low, a_high], [b_low, b_high]) in pairs(a).iter().zip(pairs(b)) {
        let first = f32x8::new(*a_low) - f32x8::new(*b_low);
        let second = f32x8::new(*a_high) - f32x8::new(*b_high);
        low += first * first;
        high += second * second;
    }
    total(low + high)
}

/// The scalar product of two padded rows of codes; exact.
pub(super) fn dot_codes(a: &[i8], b: &[i16]) -> i32 {
    let mut sums = i32x8::ZERO;
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        sums += i16x16::from_i8x16(i8x16::new(*a)).dot(i16x16::new(*b));
    }
    sums.to_array().iter().sum()
}

fn pairs(row: &[f32]) -> &[[[f32; 8]; 2]] {
    row.as_chunks::<8>().0.as_chunks::<2>().0
}

/// The sum of the lanes. The crate's own sum has another order with wider registers.
fn total(sums: f32x8) -> f32 {
    let lanes = sums.to_array();
    let pair = |lane: usize| lanes[lane] + lanes[lane + 4];
    (pair(0) + pair(2)) + (pair(1) + pair(3))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the sums are exact")]
mod tests {
    use super::*;

    #[test]
    fn sums_agree_with_plain_loops() {
        for dimension in [1_usize, 7, 16, 17, 48, 384] {
            let width = stride(dimension);
            assert!(width >= dimension && width < dimension + LANES);
            let row = |step: i32| -> Vec<f32> {
                let values = (0..dimension as i32).map(|at| ((at * step) % 17 - 8) as f32 / 4.0);
                values.chain(std::iter::repeat(0.0)).take(width).collect()
            };
            let (a, b) = (row(5), row(3));
            let pairs = || a.iter().zip(&b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
            // Quarters of small numbers: every sum is exact.
            assert_eq!(f64::from(dot(&a, &b)), pairs().map(|(a, b)| a * b).sum::<f64>());
            let expected = pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            assert_eq!(f64::from(squared_distance(&a, &b)), expected);
            let codes: Vec<i8> = (0..width).map(|at| (at * 37 % 255) as u8 as i8).collect();
            let others: Vec<i16> = (0..width).map(|at| (at * 11 % 255) as i16 - 127).collect();
            let expected: i32 =
                codes.iter().zip(&others).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            assert_eq!(dot_codes(&codes, &others), expected);
        }
    }

    #[test]
    fn codes_of_the_greatest_size_do_not_overflow() {
        let width = crate::base::limits::VECTOR_DIMENSION_MAX;
        let product = dot_codes(&vec![-127; width], &vec![-127; width]);
        assert_eq!(product, 127 * 127 * width as i32);
    }
}
