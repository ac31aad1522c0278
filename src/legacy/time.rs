//! The eight ways in which the old application wrote points in time, both ways.
//!
//! Form letters are those of the application's own habits: A `2026-02-14 08:18:02`, B the same with
//! microseconds, C the same with an offset, D with `T` and microseconds, E with `T` and an offset,
//! F with `T` and `Z`, G seconds since the epoch as a number, H a date alone.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::value::{Cell, Value};
use crate::base::time::Timestamp;

const MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

/// How a column's new times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    A,
    /// `YYYY-MM-DD HH:MM:SS.ffffff`, UTC or local.
    B,
    /// `YYYY-MM-DD HH:MM:SS.ffffff+00:00`.
    C,
    /// `YYYY-MM-DDTHH:MM:SS.ffffff`, UTC or local.
    D,
    /// `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`.
    E,
    /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
    F,
    /// Seconds since the epoch, as a real number.
    G,
    /// `YYYY-MM-DD`, UTC.
    H,
}

/// What a time without a zone means in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Zoneless {
    /// It is UTC.
    #[default]
    Utc,
    /// It is the local time of the machine that wrote it.
    Local,
    /// With a fraction of a second it is local time, without one UTC: two writers share the column.
    LocalWithFraction,
}

/// A point in time as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The time.
    pub(crate) time: Timestamp,
    /// Whether the clocks of the zone never showed it: taken as if they had not been put forward.
    pub(crate) impossible: bool,
}

/// Reads a time in any form. `None` for cells that are no time.
pub(crate) fn parse_time(cell: Cell<'_>, zoneless: Zoneless, zone: &TimeZone) -> Option<Moment> {
    let exact = |micros: i64| Moment { time: Timestamp::from_micros(micros), impossible: false };
    match cell {
        Cell::Text(text) => {
            let (civil, offset) = parse_text(text)?;
            match (offset, zoneless) {
                (Some(offset), _) => civil.micros().checked_sub(offset * MICROS).map(exact),
                (None, Zoneless::Utc) => Some(exact(civil.micros())),
                (None, Zoneless::LocalWithFraction) if civil.micros == 0 => {
                    Some(exact(civil.micros()))
                }
                (None, Zoneless::Local | Zoneless::LocalWithFraction) => local(civil, zone),
            }
        }
        Cell::Integer(seconds) => seconds.checked_mul(MICROS).map(exact),
        Cell::Real(seconds) => whole_micros(seconds).map(exact),
        Cell::Null | Cell::Blob(_) => None,
    }
}

fn local(civil: Civil, zone: &TimeZone) -> Option<Moment> {
    let ambiguous = zone.to_ambiguous_timestamp(civil.to_jiff()?);
    let impossible = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let time = ambiguous.compatible().ok()?;
    Some(Moment { time: Timestamp::from_micros(time.as_microsecond()), impossible })
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be within the range")]
fn whole_micros(seconds: f64) -> Option<i64> {
    let micros = (seconds * 1e6).round();
    (micros.abs() < 9.2e18).then_some(micros as i64)
}

/// Seconds since the epoch, as exact as such a number can be.
#[expect(clippy::cast_precision_loss, reason = "the form itself has no more digits")]
fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// A date and a time of day, each part in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

impl Civil {
    /// Microseconds since the epoch when read as UTC.
    fn micros(self) -> i64 {
        let seconds = days(self.year, self.month, self.day) * DAY_SECONDS
            + self.hour * 3_600
            + self.minute * 60
            + self.second;
        seconds * MICROS + self.micros
    }

    fn to_jiff(self) -> Option<DateTime> {
        DateTime::new(
            i16::try_from(self.year).ok()?,
            i8::try_from(self.month).ok()?,
            i8::try_from(self.day).ok()?,
            i8::try_from(self.hour).ok()?,
            i8::try_from(self.minute).ok()?,
            i8::try_from(self.second).ok()?,
            i32::try_from(self.micros * 1_000).ok()?,
        )
        .ok()
    }
}

/// Days from the epoch to a date of the Gregorian calendar. March is counted as the first month,
/// so that the day that leap years add is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A date, perhaps a time, perhaps an offset in seconds.
fn parse_text(text: &[u8]) -> Option<(Civil, Option<i64>)> {
    let (date, rest) = text.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let mut civil = Civil {
        year: digits(&date[..4])?,
        month: digits(&date[5..7])?,
        day: digits(&date[8..])?,
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
    };
    let valid = (1..=12).contains(&civil.month)
        && (1..=days_in_month(civil.year, civil.month)).contains(&civil.day);
    if !valid {
        return None;
    }
    let rest = match rest.split_first() {
        None => return Some((civil, None)),
        Some((b' ' | b'T', rest)) => rest,
        Some(_) => return None,
    };
    let rest = time_of_day(rest, &mut civil)?;
    Some((civil, offset(rest)?))
}

/// Takes `HH:MM[:SS[.f]]` off the front.
fn time_of_day<'a>(text: &'a [u8], civil: &mut Civil) -> Option<&'a [u8]> {
    let (clock, mut rest) = text.split_at_checked(5)?;
    if clock[2] != b':' {
        return None;
    }
    civil.hour = digits(&clock[..2])?;
    civil.minute = digits(&clock[3..])?;
    if let Some(seconds) = rest.strip_prefix(b":") {
        let (seconds, after) = seconds.split_at_checked(2)?;
        civil.second = digits(seconds)?;
        rest = after;
        if let Some(fraction) = rest.strip_prefix(b".") {
            let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (fraction, after) = fraction.split_at(length);
            civil.micros = micros(fraction)?;
            rest = after;
        }
    }
    (civil.hour < 24 && civil.minute < 60 && civil.second < 60).then_some(rest)
}

/// One to nine digits of a fraction of a second; what is finer than a microsecond is cut.
fn micros(fraction: &[u8]) -> Option<i64> {
    if !(1..=9).contains(&fraction.len()) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(6)];
    let missing = kept.len()..6;
    Some(missing.fold(digits(kept)?, |micros, _| micros * 10))
}

/// Nothing, `Z`, or `+HH[:MM[:SS]]` with or without colons, in seconds.
#[expect(clippy::option_option, reason = "no time, a time without offset, a time with one")]
fn offset(text: &[u8]) -> Option<Option<i64>> {
    let sign = match text {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes, seconds) = match &text[1..] {
        [h1, h2] => ([*h1, *h2], *b"00", *b"00"),
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => ([*h1, *h2], [*m1, *m2], *b"00"),
        [h1, h2, b':', m1, m2, b':', s1, s2] => ([*h1, *h2], [*m1, *m2], [*s1, *s2]),
        _ => return None,
    };
    let (hours, minutes, seconds) = (digits(&hours)?, digits(&minutes)?, digits(&seconds)?);
    let valid = hours < 24 && minutes < 60 && seconds < 60;
    valid.then_some(Some(sign * (hours * 3_600 + minutes * 60 + seconds)))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

/// Writes a time in the given form. Times outside the years 1 to 9999, which no reader of the
/// forms knows, are written as numbers.
pub(crate) fn write_time(
    time: Timestamp,
    stamp: Stamp,
    zoneless: Zoneless,
    zone: &TimeZone,
) -> Value {
    let seconds = Value::Real(seconds(time));
    let Ok(instant) = jiff::Timestamp::from_microsecond(time.as_micros()) else { return seconds };
    let fraction = instant.subsec_nanosecond() != 0;
    let local = matches!(stamp, Stamp::B | Stamp::D)
        && (zoneless == Zoneless::Local || zoneless == Zoneless::LocalWithFraction && fraction);
    let offset = if local { zone.to_offset(instant) } else { Offset::UTC };
    let civil = offset.to_datetime(instant);
    if stamp == Stamp::G || civil.year() < 1 {
        return seconds;
    }
    let (separator, end) = match stamp {
        Stamp::A | Stamp::B | Stamp::G | Stamp::H => (' ', ""),
        Stamp::C => (' ', "+00:00"),
        Stamp::D => ('T', ""),
        Stamp::E => ('T', "+00:00"),
        Stamp::F => ('T', "Z"),
    };
    let date = format!("{:04}-{:02}-{:02}", civil.year(), civil.month(), civil.day());
    if stamp == Stamp::H {
        return Value::Text(date.into_bytes());
    }
    let (hour, minute, second) = (civil.hour(), civil.minute(), civil.second());
    let fraction = match civil.subsec_nanosecond() / 1_000 {
        micros if micros != 0 && stamp != Stamp::A => format!(".{micros:06}"),
        _ => String::new(),
    };
    let text = format!("{date}{separator}{hour:02}:{minute:02}:{second:02}{fraction}{end}");
    Value::Text(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, zoneless: Zoneless) -> Option<Moment> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        parse_time(Cell::Text(text.as_bytes()), zoneless, &zone)
    }

    #[track_caller]
    fn is(text: &str, zoneless: Zoneless, expected: &str) {
        let found = read(text, zoneless).unwrap();
        assert_eq!(found.time.to_string(), expected, "{text}");
    }

    #[test]
    fn all_forms_are_read() {
        let (utc, local) = (Zoneless::Utc, Zoneless::Local);
        is("2026-02-14 08:18:02", utc, "2026-02-14T08:18:02.000000Z");
        is("2026-02-14 08:18:02.000001", local, "2026-02-14T07:18:02.000001Z");
        is("2026-02-14 08:18:02.5+00:00", local, "2026-02-14T08:18:02.500000Z");
        is("2026-07-14T08:18:02.123456", local, "2026-07-14T06:18:02.123456Z");
        is("2026-02-14T08:18:02.123456-05:30", utc, "2026-02-14T13:48:02.123456Z");
        is("2026-02-14T08:18:02.123456789Z", local, "2026-02-14T08:18:02.123456Z");
        is("2026-02-14", utc, "2026-02-14T00:00:00.000000Z");
        is("0001-01-01T00:00", utc, "0001-01-01T00:00:00.000000Z");
        let number = |cell| parse_time(cell, utc, &TimeZone::UTC).map(|moment| moment.time);
        let expected = Some(Timestamp::from_micros(1_427_725_440_500_000));
        assert_eq!(number(Cell::Real(1_427_725_440.5)), expected);
        assert_eq!(number(Cell::Integer(-1)), Some(Timestamp::from_micros(-1_000_000)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "2026-02-14 24:00:00",
            "2026-02-14 08:18:60",
            "2026-02-14T08:18:02.",
            "2026-02-14 08:18:02 ",
            "2026-02-14 08:18:02+25:00",
            "20260214",
            "2026-02-14x08:18",
            "1427725440.0",
            "2026-02-14 8:18:02",
        ] {
            assert_eq!(read(text, Zoneless::Utc), None, "{text}");
        }
        for cell in
            [Cell::Null, Cell::Blob(b"2026-02-14"), Cell::Real(1e300), Cell::Integer(i64::MAX)]
        {
            assert_eq!(parse_time(cell, Zoneless::Utc, &TimeZone::UTC), None);
        }
    }

    #[test]
    fn hours_that_clocks_skip_are_told() {
        let gap = read("2026-03-29 02:30:00", Zoneless::Local).unwrap();
        assert!(gap.impossible);
        assert_eq!(gap.time.to_string(), "2026-03-29T01:30:00.000000Z");
        assert!(!read("2026-10-25 02:30:00", Zoneless::Local).unwrap().impossible);
    }

    proptest! {
        #[test]
        fn written_times_read_back(
            micros in -62_135_596_800_000_000_i64..253_402_214_400_000_000,
            stamp in prop::sample::select(vec![
                Stamp::A, Stamp::B, Stamp::C, Stamp::D, Stamp::E, Stamp::F, Stamp::H,
            ]),
        ) {
            let unit = match stamp { Stamp::A => MICROS, Stamp::H => MICROS * DAY_SECONDS, _ => 1 };
            let time = Timestamp::from_micros(micros.div_euclid(unit) * unit);
            let zone = TimeZone::get("Asia/Tokyo").unwrap();
            let zoneless = matches!(stamp, Stamp::B | Stamp::D);
            let local = if zoneless { Zoneless::Local } else { Zoneless::Utc };
            let text = write_time(time, stamp, local, &zone);
            prop_assert_eq!(parse_time(text.as_cell(), local, &zone).unwrap().time, time);
        }

        #[test]
        fn any_text_is_a_time_or_refused(text in any::<Vec<u8>>()) {
            let _moment = parse_time(Cell::Text(&text), Zoneless::Local, &TimeZone::UTC);
        }
    }

    #[test]
    fn a_column_of_two_writers_tells_them_by_the_fraction() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let both = Zoneless::LocalWithFraction;
        for (text, seconds, micros) in [
            ("2026-02-14 09:18:02.000001", 1_771_057_082, 1),
            ("2026-02-14 08:18:02", 1_771_057_082, 0),
        ] {
            let time = Timestamp::from_micros(seconds * MICROS + micros);
            assert_eq!(parse_time(Cell::Text(text.as_bytes()), both, &zone).unwrap().time, time);
            assert_eq!(write_time(time, Stamp::B, both, &zone), Value::Text(text.into()));
        }
    }
}
