//! Stems of the words that texts say again and again.
//!
//! To stem a word costs many times what looking it up does. A surface has one pair of places in the
//! table, and a pair is one line of the processor's cache, so that looking there costs at most one
//! miss; of three words with the same places the two that came last are remembered. Nothing but
//! time depends on what is remembered.

use std::hash::BuildHasher as _;

use rustc_hash::FxBuildHasher;

/// Longest surface that is remembered, in bytes.
const SURFACE_BYTES_MAX: usize = 24;

/// Longest ending that a stem puts in place of another, in bytes.
const ENDING_BYTES_MAX: usize = 5;

/// Pairs of places of a table: at first, for a writer of a few records has one too, and at most,
/// 1 MiB.
const PAIRS_MIN: usize = 32;
const PAIRS_MAX: usize = 16_384;

/// What a table grows by. What is remembered moves along.
const GROWTH: usize = 4;

/// A surface and its stem: so many bytes of the surface, and an ending. No surface is empty, so
/// that an empty one says that the place is free.
#[derive(Clone, Copy, Debug)]
struct Place {
    surface: [u8; SURFACE_BYTES_MAX],
    ending: [u8; ENDING_BYTES_MAX],
    surface_bytes: u8,
    kept_bytes: u8,
    ending_bytes: u8,
}

const FREE: Place = Place {
    surface: [0; SURFACE_BYTES_MAX],
    ending: [0; ENDING_BYTES_MAX],
    surface_bytes: 0,
    kept_bytes: 0,
    ending_bytes: 0,
};

impl Place {
    fn new(surface: &str, kept: usize, ending: &str) -> Option<Self> {
        let mut place = FREE;
        place.surface.get_mut(..surface.len())?.copy_from_slice(surface.as_bytes());
        place.ending.get_mut(..ending.len())?.copy_from_slice(ending.as_bytes());
        place.surface_bytes = surface.len() as u8;
        place.kept_bytes = kept as u8;
        place.ending_bytes = ending.len() as u8;
        Some(place)
    }

    fn surface(&self) -> &[u8] {
        &self.surface[..usize::from(self.surface_bytes)]
    }

    fn ending(&self) -> &[u8] {
        &self.ending[..usize::from(self.ending_bytes)]
    }
}

/// The places of a surface; what came last is first.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Pair([Place; 2]);

impl Pair {
    fn put(&mut self, place: Place) {
        self.0 = [place, self.0[0]];
    }
}

/// Remembered stems, by surface.
#[derive(Debug, Default)]
pub(super) struct Stems {
    pairs: Vec<Pair>,
    /// What was remembered since the table has its size.
    put: usize,
}

impl Stems {
    /// Writes the stem of `surface` over `out`, as it is remembered or as `stem` says; `false`, and
    /// nothing is written, where it is the surface itself.
    pub(super) fn write(
        &mut self,
        surface: &str,
        out: &mut String,
        stem: impl FnOnce(&str, &mut String),
    ) -> bool {
        if surface.is_empty() || surface.len() > SURFACE_BYTES_MAX {
            out.clear();
            stem(surface, out);
            return out != surface;
        }
        if self.put >= self.pairs.len() && self.pairs.len() < PAIRS_MAX {
            self.grow();
        }
        let at = pair_of(surface.as_bytes(), self.pairs.len());
        let pair = &mut self.pairs[at];
        if let Some(place) = pair.0.iter().find(|place| place.surface() == surface.as_bytes()) {
            let kept = usize::from(place.kept_bytes);
            if kept == surface.len() && place.ending_bytes == 0 {
                return false;
            }
            // Both were parts of texts, cut between characters.
            if let (Some(kept), Ok(ending)) =
                (surface.get(..kept), std::str::from_utf8(place.ending()))
            {
                out.clear();
                out.push_str(kept);
                out.push_str(ending);
                return true;
            }
        }
        out.clear();
        stem(surface, out);
        let kept = common_start(surface, out);
        if let Some(new) = Place::new(surface, kept, &out[kept..]) {
            self.put += 1;
            pair.put(new);
        }
        out != surface
    }

    fn grow(&mut self) {
        let count = (self.pairs.len() * GROWTH).clamp(PAIRS_MIN, PAIRS_MAX);
        let before = std::mem::replace(&mut self.pairs, vec![Pair([FREE; 2]); count]);
        self.put = 0;
        for place in before.into_iter().flat_map(|pair| pair.0).filter(|it| it.surface_bytes > 0) {
            self.pairs[pair_of(place.surface(), count)].put(place);
        }
    }
}

/// The pair of a surface among so many, a power of two.
fn pair_of(surface: &[u8], count: usize) -> usize {
    FxBuildHasher.hash_one(surface) as usize & (count - 1)
}

/// The bytes of the characters with which both begin.
fn common_start(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stemmer that takes an `s` off and makes an `i` of a last `y`; counts what it is asked.
    fn stem(surface: &str, out: &mut String) {
        out.push_str(surface.strip_suffix('s').unwrap_or(surface));
        if let Some(start) = surface.strip_suffix('y') {
            out.clear();
            out.push_str(start);
            out.push('i');
        }
    }

    #[track_caller]
    fn check(stems: &mut Stems, surface: &str, expected: &str) {
        let mut found = "before".to_owned();
        let is_other = stems.write(surface, &mut found, stem);
        assert_eq!(is_other, surface != expected);
        assert!(!is_other || found == expected, "{found} {expected}");
    }

    #[test]
    fn what_is_remembered_is_what_was_said() {
        let mut stems = Stems::default();
        let long = format!("{}s", "w".repeat(SURFACE_BYTES_MAX));
        for surface in ["words", "happy", "\u{3bb}\u{3b4}y", "s", "word", &long, "words"] {
            let mut expected = String::new();
            stem(surface, &mut expected);
            for _ in 0..3 {
                check(&mut stems, surface, &expected);
            }
        }
    }

    #[test]
    fn a_word_said_again_is_not_stemmed_again() {
        let mut stems = Stems::default();
        let mut asked = 0;
        for surface in ["words", "word"].iter().cycle().take(10) {
            stems.write(surface, &mut String::new(), |surface, out| {
                asked += 1;
                stem(surface, out);
            });
        }
        assert_eq!(asked, 2);
    }

    #[test]
    fn more_words_than_places_take_each_others() {
        let mut stems = Stems::default();
        for _ in 0..2 {
            for number in 0..PAIRS_MAX * 3 {
                check(&mut stems, &format!("w{number}s"), &format!("w{number}"));
            }
        }
        assert_eq!(stems.pairs.len(), PAIRS_MAX);
    }

    #[test]
    fn stems_that_share_nothing_or_too_little_are_right_too() {
        let mut stems = Stems::default();
        let other = "x".repeat(ENDING_BYTES_MAX + 1);
        for stem in ["", "ab", "b", "\u{e4}b", other.as_str()] {
            let surface = format!("a{}", stem.len());
            for _ in 0..2 {
                let mut found = String::new();
                assert!(stems.write(&surface, &mut found, |_, out| out.push_str(stem)));
                assert_eq!(found, stem);
            }
        }
    }
}
