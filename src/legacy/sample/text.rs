//! Words, sentences, times and numbers that look like those of a real installation.

use jiff::ToSpan as _;
use jiff::civil::{DateTime, date};

use crate::base::digest::Digest;

const SUBJECTS: &[&str] = &[
    "tenant",
    "landlord",
    "court",
    "insurer",
    "contractor",
    "employer",
    "council",
    "appellant",
    "auditor",
    "trustee",
    "supplier",
    "client",
    "witness",
    "registrar",
    "counsel",
    "creditor",
];
const VERBS: &[&str] = &[
    "filed",
    "answered",
    "withdrew",
    "signed",
    "disputed",
    "amended",
    "received",
    "forwarded",
    "approved",
    "reviewed",
    "rejected",
    "confirmed",
    "postponed",
    "archived",
    "cited",
    "settled",
];
const OBJECTS: &[&str] = &[
    "appeal",
    "lease",
    "invoice",
    "complaint",
    "statement",
    "contract",
    "deadline",
    "reply",
    "notice",
    "judgment",
    "policy",
    "report",
    "petition",
    "receipt",
    "hearing",
    "evidence",
];
const QUALITIES: &[&str] = &[
    "amended",
    "final",
    "disputed",
    "original",
    "late",
    "signed",
    "partial",
    "confidential",
    "missing",
    "revised",
    "binding",
    "draft",
];
const PLACES: &[&str] = &[
    "in the northern district",
    "before the first hearing",
    "without further notice",
    "under the framework agreement",
    "by registered letter",
    "on behalf of the estate",
    "within the extended period",
    "at the request of the board",
    "for the second time",
];

/// Categories of documents.
pub(super) const CATEGORIES: &[&str] = &["legal", "finance", "correspondence", "evidence"];
/// Types of files; the old application lost the last letter of some.
pub(super) const FILE_TYPES: &[&str] = &["docx", "pd", "txt", "odt"];
/// Tags of documents.
pub(super) const TAGS: &[&str] = &["deadline", "lease", "appeal", "tax", "urgent", "closed"];

/// A generator of text, seeded by what it is for and a number.
#[derive(Clone, Debug)]
pub(super) struct Text(u64);

impl Text {
    /// The texts of row `number` of what `seed` stands for.
    pub(super) fn of(seed: u64, number: i64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.cast_unsigned())
    }

    /// The next number (splitmix64).
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but without, `end`.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        let end = u128::from(end.max(1).cast_unsigned());
        i64::try_from((u128::from(self.next()) * end) >> 64).unwrap_or_default()
    }

    /// A number from 0 to 99.
    pub(super) fn percent(&mut self) -> u8 {
        u8::try_from(self.below(100)).unwrap_or_default()
    }

    /// A fraction with two digits, from 0 to 0.99.
    pub(super) fn fraction(&mut self) -> f64 {
        f64::from(self.percent()) / 100.0
    }

    pub(super) fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        nth(words, self.below(count(words)))
    }

    pub(super) fn subject(&mut self) -> &'static str {
        self.pick(SUBJECTS)
    }

    pub(super) fn object(&mut self) -> &'static str {
        self.pick(OBJECTS)
    }

    pub(super) fn sentence(&mut self) -> String {
        let (subject, verb) = (self.pick(SUBJECTS), self.pick(VERBS));
        let (quality, object) = (self.pick(QUALITIES), self.pick(OBJECTS));
        format!("The {subject} {verb} the {quality} {object} {}.", self.pick(PLACES))
    }

    pub(super) fn paragraph(&mut self, sentences: i64) -> String {
        let sentences: Vec<String> = (0..sentences).map(|_| self.sentence()).collect();
        sentences.join(" ")
    }

    /// 32 hexadecimal digits with dashes, as the old application names memories.
    pub(super) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

/// How many there are, as SQLite counts.
pub(super) fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// The word with that number, from 0; past the end it begins again.
pub(super) fn nth<'w>(words: &[&'w str], number: i64) -> &'w str {
    let position = usize::try_from(number.rem_euclid(count(words).max(1)));
    position.ok().and_then(|position| words.get(position)).copied().unwrap_or_default()
}

fn moment(minute: i64) -> DateTime {
    let start = date(2026, 1, 5).at(8, 0, 0, 0);
    start.checked_add(minute.minutes()).unwrap_or(DateTime::MAX)
}

/// As SQLite writes the present time: `2026-01-05 08:00:00`.
pub(super) fn time(minute: i64) -> String {
    moment(minute).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// As Python writes a time without a zone: `2026-01-05T08:00:00.000001`.
pub(super) fn python_time(minute: i64) -> String {
    let micros = Text::of(1, minute).below(999_999) + 1;
    format!("{}.{micros:06}", moment(minute).strftime("%Y-%m-%dT%H:%M:%S"))
}

/// As Python writes a time with a zone: `2026-01-05T08:00:00.000001+00:00`.
pub(super) fn zoned_time(minute: i64) -> String {
    format!("{}+00:00", python_time(minute))
}

/// Seconds since 1970, as a file system tells them.
pub(super) fn seconds(minute: i64) -> f64 {
    1_767_600_000.0 + f64::from(i32::try_from(minute).unwrap_or(i32::MAX)) * 60.0
}

/// 64 hexadecimal digits that stand for a content.
pub(super) fn sha256(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

/// 40 hexadecimal digits, the shape of the hash that the old application names paths by.
pub(super) fn path_hash(path: &str) -> String {
    let mut digits = sha256(path);
    digits.truncate(40);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_depend_on_nothing_but_seed_and_number() {
        let mut text = Text::of(7, 1);
        assert_eq!(text.sentence(), Text::of(7, 1).sentence());
        assert_ne!(text.sentence(), Text::of(7, 2).sentence());
        assert_eq!(text.uuid().len(), 36);
        assert!((0..100).all(|_| (0..3).contains(&text.below(3))));
    }

    #[test]
    fn times_have_the_forms_of_the_old_application() {
        assert_eq!(time(61), "2026-01-05 09:01:00");
        assert_eq!(python_time(0).len(), 26);
        assert_eq!(zoned_time(0).len(), 32);
    }
}
