//! Rows of a few unsigned numbers, packed to the bits in which they differ.
//!
//! A column is written as its least value and, for each row, how far the row lies above it. Low
//! bits that all share are left out as well: nodes of one kind cost nothing for the kind, and
//! weights of few binary digits are stored that short. Every row has the same length in bits, so
//! that any row is read without the ones before it.
//!
//! ```text
//! head = per column: base varint, [width byte, [shift byte, only where width > 0]]
//! rows = per row and column (value - base) >> shift in width bits, least significant bit first
//! ```
//!
//! The head of a single row has no widths, and there are no bytes behind it. Knows bytes; not what
//! the numbers mean.

use crate::base::varint;

/// How one column is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Column {
    /// The least value.
    base: u64,
    /// Low bits that all values share with the base.
    shift: u32,
    /// Bits of a value.
    width: u32,
}

impl Column {
    #[inline]
    fn value(self, packed: u64) -> u64 {
        self.base.wrapping_add(packed << self.shift)
    }
}

/// The extent of rows that are going to be packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent<const N: usize> {
    rows: usize,
    first: [u64; N],
    least: [u64; N],
    greatest: [u64; N],
    /// The bits in which some value differs from the first.
    varying: [u64; N],
}

impl<const N: usize> Default for Extent<N> {
    fn default() -> Self {
        let (first, varying, greatest) = ([0; N], [0; N], [0; N]);
        Self { rows: 0, first, least: [u64::MAX; N], greatest, varying }
    }
}

impl<const N: usize> Extent<N> {
    pub(crate) fn of(rows: impl IntoIterator<Item = [u64; N]>) -> Self {
        let mut extent = Self::default();
        rows.into_iter().for_each(|row| extent.add(row));
        extent
    }

    #[inline]
    pub(crate) fn add(&mut self, row: [u64; N]) {
        if self.rows == 0 {
            self.first = row;
        }
        self.rows += 1;
        for (place, value) in row.into_iter().enumerate() {
            self.least[place] = self.least[place].min(value);
            self.greatest[place] = self.greatest[place].max(value);
            self.varying[place] |= self.first[place] ^ value;
        }
    }

    fn columns(&self) -> [Column; N] {
        std::array::from_fn(|place| {
            if self.varying[place] == 0 {
                return Column { base: self.first[place], shift: 0, width: 0 };
            }
            let (base, shift) = (self.least[place], self.varying[place].trailing_zeros());
            let width = bits_of((self.greatest[place] - base) >> shift);
            Column { base, shift, width }
        })
    }

    /// Bytes of the packed rows, head included.
    pub(crate) fn bytes(&self) -> usize {
        let columns = self.columns();
        let one = usize::from(self.rows > 1);
        let heads = columns
            .iter()
            .map(|column| varint_bytes(column.base) + one * (1 + usize::from(column.width > 0)));
        let row: usize = columns.iter().map(|column| column.width as usize).sum();
        heads.sum::<usize>() + (self.rows * row).div_ceil(8)
    }

    /// Appends `rows`, which are those of this extent.
    pub(crate) fn pack(&self, rows: impl IntoIterator<Item = [u64; N]>, out: &mut Vec<u8>) {
        let columns = self.columns();
        for column in columns {
            varint::put(out, column.base);
            if self.rows > 1 {
                out.push(column.width as u8);
                if column.width > 0 {
                    out.push(column.shift as u8);
                }
            }
        }
        let mut bits = Bits { out, pending: 0, count: 0 };
        for row in rows {
            for (value, column) in row.into_iter().zip(columns) {
                bits.put((value - column.base) >> column.shift, column.width);
            }
        }
        bits.finish();
    }
}

fn bits_of(value: u64) -> u32 {
    64 - value.leading_zeros()
}

fn varint_bytes(number: u64) -> usize {
    (bits_of(number | 1)).div_ceil(7) as usize
}

/// Numbers of any width, one behind the other.
struct Bits<'a> {
    out: &'a mut Vec<u8>,
    pending: u128,
    count: u32,
}

impl Bits<'_> {
    #[inline]
    fn put(&mut self, value: u64, width: u32) {
        self.pending |= u128::from(value) << self.count;
        self.count += width;
        if self.count >= 64 {
            self.out.extend_from_slice(&(self.pending as u64).to_le_bytes());
            self.pending >>= 64;
            self.count -= 64;
        }
    }

    fn finish(self) {
        let bytes = self.pending.to_le_bytes();
        self.out.extend_from_slice(&bytes[..self.count.div_ceil(8) as usize]);
    }
}

/// Packed rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a, const N: usize> {
    columns: [Column; N],
    row_bits: usize,
    bytes: &'a [u8],
}

impl<const N: usize> Default for Packed<'_, N> {
    /// No rows.
    fn default() -> Self {
        Self { columns: [Column::default(); N], row_bits: 0, bytes: &[] }
    }
}

impl<'a, const N: usize> Packed<'a, N> {
    /// Takes as many rows off the front of `bytes`. `None` where they are not as they are written.
    pub(crate) fn take(bytes: &mut &'a [u8], rows: usize) -> Option<Self> {
        let mut columns = [Column::default(); N];
        for column in &mut columns {
            column.base = varint::take(bytes)?;
            if rows > 1 {
                column.width = take_byte(bytes)?;
                if column.width > 0 {
                    column.shift = take_byte(bytes)?;
                }
            }
            if column.width + column.shift > 64 {
                return None;
            }
        }
        let row_bits = columns.iter().map(|column| column.width as usize).sum();
        let length = rows.checked_mul(row_bits)?.div_ceil(8);
        let (packed, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Some(Self { columns, row_bits, bytes: packed })
    }

    /// Bits of a row.
    pub(crate) fn row_bits(&self) -> usize {
        self.row_bits
    }

    /// The row at a place below the number of rows.
    #[inline]
    pub(crate) fn row(&self, place: usize) -> [u64; N] {
        let mut at = place * self.row_bits;
        if self.row_bits <= 56
            && let Some(word) = self.bytes.get(at / 8..).and_then(<[u8]>::first_chunk::<8>)
        {
            let mut word = u64::from_le_bytes(*word) >> (at % 8);
            return self.columns.map(|column| {
                let value = column.value(word & low_bits(column.width));
                word >>= column.width;
                value
            });
        }
        self.columns.map(|column| {
            let value = column.value(bits_at(self.bytes, at, column.width));
            at += column.width as usize;
            value
        })
    }
}

fn take_byte(bytes: &mut &[u8]) -> Option<u32> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(u32::from(*byte))
}

/// A mask of the lowest bits.
#[inline]
fn low_bits(width: u32) -> u64 {
    u64::MAX.checked_shr(64 - width).unwrap_or(0)
}

/// A number anywhere in `bytes`; bits behind the end are 0.
fn bits_at(bytes: &[u8], at: usize, width: u32) -> u64 {
    let rest = bytes.get(at / 8..).unwrap_or_default();
    let mut word = [0; 16];
    let length = rest.len().min(word.len());
    word[..length].copy_from_slice(&rest[..length]);
    (u128::from_le_bytes(word) >> (at % 8)) as u64 & low_bits(width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows() -> impl Strategy<Value = Vec<[u64; 3]>> {
        let value = || {
            (any::<u64>(), 0_u32..64, 0_u32..8)
                .prop_map(|(number, small, shift)| (number >> small) << shift)
        };
        let column = prop_oneof![
            value().prop_map(|value| (value, 0)),
            (value(), value()).prop_map(|(value, step)| (value, step))
        ];
        let columns = [column.clone(), column.clone(), column];
        (columns, prop::collection::vec(any::<[u8; 3]>(), 1..50)).prop_map(|(columns, steps)| {
            let row = |step: [u8; 3]| {
                std::array::from_fn(|place| {
                    let (base, by) = columns[place];
                    base.wrapping_add(by.wrapping_mul(step[place].into()))
                })
            };
            steps.into_iter().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn rows_read_back_in_any_order(rows in rows(), behind in any::<u8>()) {
            let extent = Extent::of(rows.iter().copied());
            let mut bytes = Vec::new();
            extent.pack(rows.iter().copied(), &mut bytes);
            prop_assert_eq!(bytes.len(), extent.bytes());
            bytes.push(behind);
            let mut rest = &bytes[..];
            let packed = Packed::<3>::take(&mut rest, rows.len()).unwrap();
            prop_assert_eq!(rest, &[behind]);
            for (place, row) in rows.iter().enumerate().rev() {
                prop_assert_eq!(packed.row(place), *row);
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..60), rows in 0_usize..200,
        ) {
            let mut rest = &bytes[..];
            if let Some(packed) = Packed::<3>::take(&mut rest, rows) {
                for place in 0..rows {
                    packed.row(place);
                }
            }
        }
    }

    #[test]
    fn what_all_rows_share_costs_nothing() {
        let rows = (0..64_u64).map(|place| [(place << 8) | 7, 5, u64::MAX]);
        let extent = Extent::of(rows);
        let row_bits: u32 = extent.columns().iter().map(|column| column.width).sum();
        assert_eq!(row_bits, 6);
    }
}
