//! Ranges of depths and repetitions: `2`, `1..3` or `2..`, both ends included.

use std::str::FromStr;

/// The least and the greatest number, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: usize,
    pub(super) most: usize,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<usize>().map_err(|_| format!("{text:?} is no number: 2, 1..3 or 2.."))
        };
        let (least, most) = match text.split_once("..") {
            None => (number(text)?, number(text)?),
            Some((least, "")) => (number(least)?, usize::MAX),
            Some((least, most)) => (number(least)?, number(most)?),
        };
        if least > most {
            return Err(format!("{least} is behind {most}"));
        }
        Ok(Self { least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_a_number_or_two() {
        let range = |text: &str| text.parse::<Range>().map(|range| (range.least, range.most));
        assert_eq!(range("2"), Ok((2, 2)));
        assert_eq!(range("1..3"), Ok((1, 3)));
        assert_eq!(range("2.."), Ok((2, usize::MAX)));
        for wrong in ["", "..", "x", "3..1", "1..x", "-1"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
