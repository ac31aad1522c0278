//! The time that a question names, and whether it asks about time, amounts or the present.
//!
//! Reads dates as they are written ("2024-05-17", "17 May 2024", "May 17, 2024"), months and
//! years, months without a year (the last one before the question), and "yesterday" and "last
//! week" seen from the time of asking. English only. All of it is in UTC.

use std::ops::Range;

use crate::base::time::Timestamp;

const DAY_MICROS: i64 = 86_400_000_000;

/// Years that are read.
const YEARS: Range<i64> = 1..9_999;

const MONTHS: [(&str, &str); 12] = [
    ("january", "jan"),
    ("february", "feb"),
    ("march", "mar"),
    ("april", "apr"),
    ("may", "may"),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sep"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
];

/// Words that say that the present state is asked for.
const NOW: &[&str] = &[
    "current",
    "currently",
    "latest",
    "newest",
    "now",
    "nowadays",
    "presently",
    "recently",
    "still",
    "today",
];
/// The same in two words or three.
const NOW_PHRASES: &[&[&str]] =
    &[&["these", "days"], &["at", "present"], &["at", "the", "moment"], &["most", "recent"]];

/// Words before a month or a year that say that it is one.
const BEFORE_MONTH: &[&str] =
    &["by", "during", "early", "in", "last", "late", "mid", "of", "since", "until"];

/// A span of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// What a question says about time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) period: Option<Period>,
    /// The bytes of the question that name it.
    pub(super) named: Range<usize>,
    pub(super) is_now: bool,
    pub(super) asks_when: bool,
    pub(super) asks_amount: bool,
}

/// A word of the question: its bytes, and its lower case.
#[derive(Debug)]
struct Word<'q> {
    range: Range<usize>,
    raw: &'q str,
    lower: String,
}

impl Asked {
    /// Reads a question that was asked at a time.
    pub(super) fn read(question: &str, asked_at: Timestamp) -> Self {
        let words = words_of(question);
        let found = (0..words.len()).find_map(|at| period_at(&words[at..], asked_at, Way::Exact));
        let found = found.or_else(|| {
            (0..words.len()).find_map(|at| period_at(&words[at..], asked_at, Way::Loose))
        });
        let (period, named) = found.map_or((None, 0..0), |(period, named)| (Some(period), named));
        let lower: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
        let has = |phrase: &[&str]| lower.windows(phrase.len()).any(|part| part == phrase);
        let is_now = lower.iter().any(|word| NOW.binary_search(word).is_ok())
            || NOW_PHRASES.iter().any(|phrase| has(phrase));
        let asks_when = match lower.get(..2) {
            Some(["when", _] | ["how", "long"] | ["since", "when"]) => true,
            Some(["what", of]) => matches!(*of, "date" | "day" | "month" | "year" | "time"),
            Some(["which", of]) => matches!(*of, "day" | "month" | "year"),
            _ => lower == ["when"],
        };
        let asks_amount = lower.windows(2).any(|pair| {
            pair[0] == "how" && matches!(pair[1], "many" | "much" | "often" | "long" | "old")
        });
        Self { period, named, is_now, asks_when, asks_amount }
    }
}

fn words_of(question: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = 0;
    while let Some(offset) = question[rest..].find(char::is_alphanumeric) {
        let start = rest + offset;
        let end = question[start..]
            .find(|c: char| !c.is_alphanumeric())
            .map_or(question.len(), |length| start + length);
        let raw = &question[start..end];
        words.push(Word { range: start..end, raw, lower: raw.to_lowercase() });
        rest = end;
    }
    words
}

/// How a time may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With a year.
    Exact,
    /// Without one, or a year alone.
    Loose,
}

/// The period that the first of these words begin to name.
fn period_at(words: &[Word<'_>], asked_at: Timestamp, way: Way) -> Option<(Period, Range<usize>)> {
    let named = |count: usize| words[0].range.start..words[count - 1].range.end;
    match way {
        Way::Exact => exact_at(words).map(|(period, count)| (period, named(count))),
        Way::Loose => loose_at(words, asked_at).map(|(period, from, count)| {
            (period, words[from].range.start..words[from + count - 1].range.end)
        }),
    }
}

fn exact_at(words: &[Word<'_>]) -> Option<(Period, usize)> {
    let number = |at: usize| words.get(at).and_then(|word| number_of(&word.lower));
    let month = |at: usize| words.get(at).and_then(|word| month_of(&word.lower));
    let year = |at: usize| number(at).filter(|_| is_year(&words[at].lower));
    if let (Some(year), Some(month), Some(day)) = (year(0), number(1), number(2))
        && words[1].lower.len() == 2
        && words[2].lower.len() == 2
        && words[1].range.start == words[0].range.end + 1
    {
        return Some((day_of(year, month, day)?, 3));
    }
    if let (Some(month), Some(day), Some(year)) = (month(0), number(1), year(2)) {
        return Some((day_of(year, month, day)?, 3));
    }
    if let Some(day) = number(0).filter(|_| words[0].lower.len() <= 4) {
        let skip = usize::from(words.get(1).is_some_and(|word| word.lower == "of"));
        if let (Some(month), Some(year)) = (month(1 + skip), year(2 + skip)) {
            return Some((day_of(year, month, day)?, 3 + skip));
        }
    }
    let month = month(0)?;
    let skip = usize::from(words.get(1).is_some_and(|word| word.lower == "of"));
    Some((month_in(year(1 + skip)?, month)?, 2 + skip))
}

/// The period, the first of the words that name it, and how many do.
fn loose_at(words: &[Word<'_>], asked_at: Timestamp) -> Option<(Period, usize, usize)> {
    let (this_year, this_month, _) = civil_of(asked_at);
    let month = |at: usize| {
        let word = words.get(at)?;
        word.raw.starts_with(char::is_uppercase).then(|| month_of(&word.lower))?
    };
    let before_now = |period: &Period| period.start <= asked_at;
    if let (Some(month), Some(day)) = (month(0), words.get(1).and_then(|it| number_of(&it.lower)))
        && (1..=31).contains(&day)
    {
        let years = [this_year, this_year - 1];
        let period = years.iter().filter_map(|year| day_of(*year, month, day)).find(before_now)?;
        return Some((period, 0, 2));
    }
    let first = words.first()?.lower.as_str();
    match (first, words.get(1).map(|word| word.lower.as_str())) {
        ("yesterday", _) => {
            let start = day_start(asked_at)?.checked_sub(DAY_MICROS)?;
            return Some((period(start, start.checked_add(DAY_MICROS)?), 0, 1));
        }
        ("last", Some("week")) => {
            let end = day_start(asked_at)?;
            return Some((period(end.checked_sub(7 * DAY_MICROS)?, end), 0, 2));
        }
        ("last", Some("month")) => {
            let (year, month) =
                if this_month == 1 { (this_year - 1, 12) } else { (this_year, this_month - 1) };
            return Some((month_in(year, month)?, 0, 2));
        }
        ("last", Some("year")) => return Some((year_of(this_year - 1)?, 0, 2)),
        _ => {}
    }
    BEFORE_MONTH.binary_search(&first).ok()?;
    if let Some(month) = month(1) {
        let years = [this_year, this_year - 1];
        let found = years.iter().filter_map(|year| month_in(*year, month)).find(before_now)?;
        return Some((found, 1, 1));
    }
    let year = words.get(1).filter(|word| is_year(&word.lower))?;
    Some((year_of(number_of(&year.lower)?)?, 1, 1))
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && (word.starts_with("19") || word.starts_with("20"))
        && number_of(word).is_some()
}

/// A number, with the ending that days have.
fn number_of(word: &str) -> Option<i64> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let ending = &word[digits.len()..];
    let is_plain = matches!(ending, "" | "st" | "nd" | "rd" | "th") && digits.len() <= 4;
    if is_plain { digits.parse().ok() } else { None }
}

fn month_of(word: &str) -> Option<i64> {
    let found = MONTHS.iter().position(|(name, short)| word == *name || word == *short);
    let found = found.or_else(|| (word == "sept").then_some(8));
    found.map(|month| month as i64 + 1)
}

fn period(start: i64, end: i64) -> Period {
    Period { start: Timestamp::from_micros(start), end: Timestamp::from_micros(end) }
}

fn day_of(year: i64, month: i64, day: i64) -> Option<Period> {
    let is_day = YEARS.contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let start = is_day.then(|| days_from_civil(year, month, day) * DAY_MICROS)?;
    // The 31st of a month of 30 days is no day.
    let (_, same_month, _) = civil_of(Timestamp::from_micros(start));
    (same_month == month).then(|| period(start, start + DAY_MICROS))
}

fn month_in(year: i64, month: i64) -> Option<Period> {
    if !YEARS.contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let start = days_from_civil(year, month, 1) * DAY_MICROS;
    Some(period(start, days_from_civil(next.0, next.1, 1) * DAY_MICROS))
}

fn year_of(year: i64) -> Option<Period> {
    if !YEARS.contains(&year) {
        return None;
    }
    let start = days_from_civil(year, 1, 1) * DAY_MICROS;
    Some(period(start, days_from_civil(year + 1, 1, 1) * DAY_MICROS))
}

fn day_start(time: Timestamp) -> Option<i64> {
    time.as_micros().div_euclid(DAY_MICROS).checked_mul(DAY_MICROS)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level
/// date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a time.
fn civil_of(time: Timestamp) -> (i64, i64, i64) {
    let days = time.as_micros().div_euclid(DAY_MICROS) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(question: &str) -> Asked {
        Asked::read(question, "2025-01-02T09:00:00Z".parse().unwrap())
    }

    #[track_caller]
    fn check(question: &str, start: &str, end: &str, named: &str) {
        let asked = read(question);
        let time = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
        let period = Period { start: time(start), end: time(end) };
        assert_eq!(asked.period, Some(period), "{question}");
        assert_eq!(&question[asked.named], named);
    }

    #[test]
    fn dates_and_months_are_read() {
        check("On 2024-02-29, what?", "2024-02-29", "2024-03-01", "2024-02-29");
        check("what on 17 May 2024", "2024-05-17", "2024-05-18", "17 May 2024");
        check("what on the 3rd of May, 2024", "2024-05-03", "2024-05-04", "3rd of May, 2024");
        check("on May 17, 2024?", "2024-05-17", "2024-05-18", "May 17, 2024");
        check("living in March 2024?", "2024-03-01", "2024-04-01", "March 2024");
        check("back in 2023?", "2023-01-01", "2024-01-01", "2023");
        check("what on December 31", "2024-12-31", "2025-01-01", "December 31");
        check("in January?", "2025-01-01", "2025-02-01", "January");
        check("what in May", "2024-05-01", "2024-06-01", "May");
        check("what happened yesterday?", "2025-01-01", "2025-01-02", "yesterday");
        check("said last month", "2024-12-01", "2025-01-01", "last month");
    }

    #[test]
    fn what_is_no_time_names_none() {
        for question in ["may I march in?", "room 2024", "2024-13-40", "", "\u{4e94}\u{6708}"] {
            assert_eq!(read(question).period, None, "{question}");
        }
    }

    #[test]
    fn dates_go_there_and_back() {
        for days in (-800_000..800_000).step_by(7_919) {
            let (year, month, day) = civil_of(Timestamp::from_micros(days * DAY_MICROS));
            assert_eq!(days_from_civil(year, month, day), days);
        }
        for extreme in [i64::MIN, i64::MAX] {
            let asked =
                Asked::read("what last week in May yesterday", Timestamp::from_micros(extreme));
            assert!(asked.named.end > 0 || asked.period.is_none());
        }
    }

    #[test]
    fn manner_of_asking_is_noted() {
        assert!(read("Where does she live these days?").is_now);
        assert!(read("what is her current job").is_now && !read("where did she live").is_now);
        assert!(read("When did he go").asks_when && read("when").asks_when);
        assert!(read("How long ago was it").asks_when && !read("tell me when").asks_when);
        assert!(read("and how many dogs").asks_amount && !read("how is it").asks_amount);
    }
}
