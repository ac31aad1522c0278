//! When a schedule is due next: intervals on a grid, or a cron expression in UTC. Pure.

use std::cmp::Ordering;
use std::str::FromStr as _;

use croner::Cron;
use croner::errors::CronError;
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::record::Schedule;

const MICROS_PER_MINUTE: i64 = 60_000_000;
/// What the old application takes an interval of nothing for.
const MINUTES_DEFAULT: i64 = 60;

/// The first time after `now` at which a schedule is due, `None` when it never is again. Intervals
/// are counted from `from`, not from when a run happened to start, so they do not drift; slots that
/// were missed are left out.
pub(super) fn next(
    schedule: &Schedule,
    from: Timestamp,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    match &schedule.cron {
        Some(expression) => cron(expression)?.next_after(now),
        None => Ok(Some(on_grid(from, schedule.every_minutes, now))),
    }
}

fn on_grid(from: Timestamp, minutes: i64, now: Timestamp) -> Timestamp {
    let minutes = if minutes > 0 { minutes } else { MINUTES_DEFAULT };
    let interval = minutes.saturating_mul(MICROS_PER_MINUTE);
    let passed = now.as_micros().saturating_sub(from.as_micros());
    let slots = passed.max(0) / interval + 1;
    Timestamp::from_micros(from.as_micros().saturating_add(slots.saturating_mul(interval)))
}

/// Reads a cron expression: five fields, or six with seconds first.
pub(super) fn cron(expression: &str) -> Result<Expression> {
    Cron::from_str(expression)
        .map(Expression)
        .map_err(|error| Error::invalid("cron", format!("{expression:?}: {error}")))
}

/// A cron expression that was understood.
#[derive(Debug)]
pub(super) struct Expression(Cron);

impl Expression {
    /// The first time after `time` that the expression names, where there is one.
    pub(super) fn next_after(&self, time: Timestamp) -> Result<Option<Timestamp>> {
        let moment = jiff::Timestamp::from_microsecond(time.as_micros())
            .map_err(|error| Error::invalid("time", format!("{time}: {error}")))?;
        let civil = Utc(TimeZone::UTC.to_datetime(moment));
        let Ok(Utc(next)) = self.0.find_next_occurrence(&civil, false) else { return Ok(None) };
        let next = TimeZone::UTC.to_timestamp(next).ok();
        Ok(next.map(|next| Timestamp::from_micros(next.as_microsecond())))
    }
}

/// A time in UTC as the expressions see it: no gaps, nothing twice.
#[derive(Clone, Copy, Debug)]
struct Utc(DateTime);

impl CronDateTime for Utc {
    fn to_civil(&self) -> CivilDateTime {
        let Self(time) = self;
        let part = |number: i8| u32::from(number.unsigned_abs());
        let (month, day) = (part(time.month()), part(time.day()));
        let (hour, minute) = (part(time.hour()), part(time.minute()));
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(time.year().into(), month, day),
            CivilTime::from_parts_unchecked(hour, minute, part(time.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(days.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let part = |number: u32| i8::try_from(number).map_err(|_| CronError::InvalidDate);
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute) = (part(civil.hour())?, part(civil.minute())?);
        DateTime::new(year, month, day, hour, minute, part(civil.second())?, 0)
            .map(|time| Resolution::Single(Self(time)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn slots_lie_on_a_grid_and_missed_ones_are_left_out() {
        let from = at("2026-03-01T10:00:00Z");
        for (now, expected) in [
            ("2026-03-01T09:00:00Z", "2026-03-01T10:15:00Z"),
            ("2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z"),
            ("2026-03-01T10:14:59.999999Z", "2026-03-01T10:15:00Z"),
            ("2026-03-01T10:15:00Z", "2026-03-01T10:30:00Z"),
            ("2026-03-01T12:01:07Z", "2026-03-01T12:15:00Z"),
        ] {
            assert_eq!(on_grid(from, 15, at(now)), at(expected), "{now}");
        }
        assert_eq!(on_grid(from, 0, from), at("2026-03-01T11:00:00Z"));
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(on_grid(last, i64::MAX, last), last);
    }

    #[test]
    fn a_cron_expression_names_its_times_in_utc() {
        for (expression, now, expected) in [
            ("*/20 * * * *", "2026-03-01T10:00:00Z", Some("2026-03-01T10:20:00Z")),
            ("0 9 * * MON-FRI", "2026-02-27T09:00:00Z", Some("2026-03-02T09:00:00Z")),
            ("0 0 29 2 *", "2026-03-01T00:00:00Z", Some("2028-02-29T00:00:00Z")),
            ("30 0 9 * * *", "2026-03-01T09:00:29.5Z", Some("2026-03-01T09:00:30Z")),
            ("59 23 31 12 *", "2026-12-31T23:58:59.999999Z", Some("2026-12-31T23:59:00Z")),
            ("0 0 31 2 *", "2026-03-01T00:00:00Z", None),
        ] {
            let found = cron(expression).unwrap().next_after(at(now)).unwrap();
            assert_eq!(found, expected.map(at), "{expression}");
        }
        assert!(matches!(cron("every day"), Err(Error::Invalid { .. })));
        let never = Timestamp::from_micros(i64::MAX);
        assert!(matches!(cron("* * * * *").unwrap().next_after(never), Err(Error::Invalid { .. })));
    }
}
