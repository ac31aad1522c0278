//! In which order SQLite keeps rows, so that the rows of two files can be paired.

use std::cmp::Ordering;

use super::schema::{KeyPart, Storage, TableText};
use super::value::{Cell, Encoding};

/// In which order the rows of a table come, and so which rows belong together.
#[derive(Debug, PartialEq)]
pub(super) enum Order {
    /// By row id.
    Row,
    /// By the key of a table without row ids.
    Key { parts: Vec<Part>, encoding: Encoding },
    /// By name, in memory.
    Name,
}

/// A part of a key: its place on either side.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    theirs: usize,
    ours: usize,
    collation: Collation,
    descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Collation {
    Binary,
    NoCase,
    RightTrim,
}

impl Order {
    /// The order that a table has on both sides.
    pub(super) fn of(name: &str, theirs: &TableText, ours: &TableText, encoding: Encoding) -> Self {
        if name.eq_ignore_ascii_case("sqlite_sequence") {
            return Self::Name;
        }
        if theirs.storage != Storage::Keyed || ours.storage != Storage::Keyed {
            return Self::Row;
        }
        let part = |part: &KeyPart| {
            let collation = match part.collation.to_ascii_uppercase().as_str() {
                "BINARY" => Collation::Binary,
                "NOCASE" => Collation::NoCase,
                "RTRIM" => Collation::RightTrim,
                _ => return None,
            };
            let column = ours.column(&theirs.columns[part.column].name)?;
            let descending = part.descending;
            Some(Part { theirs: part.column, ours: column, collation, descending })
        };
        // Rows under a collation of another program are paired by their numbers.
        match theirs.key.iter().map(part).collect::<Option<Vec<_>>>() {
            Some(parts) => Self::Key { parts, encoding },
            None => Self::Row,
        }
    }

    /// Which of two rows, each with its row id and cells, comes first.
    pub(super) fn compare(
        &self,
        (row, theirs): (i64, &[Cell<'_>]),
        (other, ours): (i64, &[Cell<'_>]),
    ) -> Ordering {
        let Self::Key { parts, encoding } = self else { return row.cmp(&other) };
        for part in parts {
            let order = collate(&theirs[part.theirs], &ours[part.ours], part.collation, *encoding);
            if order != Ordering::Equal {
                return if part.descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }
}

/// The order in which SQLite keeps cells.
fn collate(
    left: &Cell<'_>,
    right: &Cell<'_>,
    collation: Collation,
    encoding: Encoding,
) -> Ordering {
    let class = |cell: &Cell<'_>| match cell {
        Cell::Null => 0,
        Cell::Integer(_) | Cell::Real(_) => 1,
        Cell::Text(_) => 2,
        Cell::Blob(_) => 3,
    };
    match (left, right) {
        (Cell::Integer(a), Cell::Integer(b)) => a.cmp(b),
        (Cell::Real(a), Cell::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Cell::Integer(a), Cell::Real(b)) => integer_to_real(*a, *b),
        (Cell::Real(a), Cell::Integer(b)) => integer_to_real(*b, *a).reverse(),
        (Cell::Blob(a), Cell::Blob(b)) => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => match collation {
            Collation::Binary => a.cmp(b),
            Collation::NoCase if encoding == Encoding::Utf8 => {
                a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase())
            }
            Collation::NoCase => {
                let lower =
                    |bytes: &[u8]| encoding.decode(bytes).map(|text| text.to_ascii_lowercase());
                lower(a).cmp(&lower(b))
            }
            Collation::RightTrim => trimmed(a).cmp(trimmed(b)),
        },
        _ => class(left).cmp(&class(right)),
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    &bytes[..end]
}

/// Compares without losing the low bits of a large integer.
fn integer_to_real(integer: i64, real: f64) -> Ordering {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if real >= BOUND {
        return Ordering::Less;
    }
    if real < -BOUND {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the bounds were looked at")]
    let whole = real.trunc() as i64;
    integer.cmp(&whole).then_with(|| 0.0.partial_cmp(&real.fract()).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_ordered_as_sqlite_orders_them() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let cells = [
            Cell::Null,
            Cell::Real(-1e300),
            Cell::Integer(i64::MIN),
            Cell::Real(-0.5),
            Cell::Integer(0),
            Cell::Real(0.5),
            Cell::Integer(9_007_199_254_740_993),
            Cell::Real(9_007_199_254_740_994.0),
            Cell::Integer(i64::MAX),
            Cell::Real(9_223_372_036_854_775_808.0),
            Cell::Text(b""),
            Cell::Text(b"B"),
            Cell::Text(b"a"),
            Cell::Text(b"a "),
            Cell::Text(b"b"),
            Cell::Blob(b""),
            Cell::Blob(b"\xff"),
        ];
        let collations = [
            (Collation::Binary, "BINARY"),
            (Collation::NoCase, "NOCASE"),
            (Collation::RightTrim, "RTRIM"),
        ];
        for (collation, name) in collations {
            let sql = format!(
                "SELECT CASE WHEN ?1 IS ?2 COLLATE {name} THEN 0
                 WHEN ?1 IS NULL OR ?1 < ?2 COLLATE {name} THEN -1 ELSE 1 END"
            );
            for left in &cells {
                for right in &cells {
                    let expected: i8 = db.query_row(&sql, [left, right], |row| row.get(0)).unwrap();
                    let found = collate(left, right, collation, Encoding::Utf8) as i8;
                    assert_eq!(found, expected, "{left:?} and {right:?} by {name}");
                }
            }
        }
    }
}
