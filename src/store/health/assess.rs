//! Judges a health report by the limits of its options. Pure: numbers in, reasons out.

use super::{Check, Health, HealthOptions, Status, ViewLag};
use crate::store::readers::age;

/// Commits before their latencies say anything.
const COMMITS_MIN: u64 = 100;

/// Adds the reasons that the numbers give, and the verdict.
pub(crate) fn assess(health: &mut Health, options: &HealthOptions) {
    disk(health, options);
    readers(health, options);
    views(health, options);
    dead_bytes(health, options);
    commits(health, options);
    jobs(health, options);
    backup(health, options);
    // Stable, so that reasons of one status keep the order of the checks.
    health.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.status));
    health.status = health.reasons.first().map_or(Status::Ok, |reason| reason.status);
}

fn disk(health: &mut Health, options: &HealthOptions) {
    let Some(free) = health.sizes.disk_free_bytes else { return };
    let (status, min) = if free < options.disk_free_bytes_failing {
        (Status::Failing, options.disk_free_bytes_failing)
    } else if free < options.disk_free_bytes_min {
        (Status::Degraded, options.disk_free_bytes_min)
    } else {
        return;
    };
    health.reason(status, Check::Disk, format!("the disk has {free} bytes left, less than {min}"));
}

fn readers(health: &mut Health, options: &HealthOptions) {
    let (Some(seq), Some(age)) = (health.readers.oldest_seq, health.readers.oldest_age) else {
        return;
    };
    if age > options.reader_age_max {
        let (age, max) = (age.as_secs(), options.reader_age_max.as_secs());
        let message = format!(
            "somebody reads the state of write {} that was replaced {age} s ago, longer than {max} \
             s; its pages cannot be used again",
            seq.0
        );
        health.reason(Status::Degraded, Check::Readers, message);
    }
}

fn views(health: &mut Health, options: &HealthOptions) {
    let views = [
        (Check::Search, "the search index", health.views.search),
        (Check::Standing, "the standing searches", health.views.standing),
    ];
    for (check, name, ViewLag { behind, .. }) in views {
        let max = options.view_behind_max;
        // Nothing follows the log in a store that is open for reading only, but it says so as well.
        if behind > max {
            let message = format!("{name} are {behind} writes behind, more than {max}");
            let message = message.replace("index are", "index is");
            health.reason(Status::Degraded, check, message);
        }
    }
}

fn dead_bytes(health: &mut Health, options: &HealthOptions) {
    let Some(dead) = health.sizes.dead_bytes else { return };
    let share = dead as f64 / (health.sizes.data_bytes as f64).max(1.0);
    if dead >= options.dead_bytes_min && share > options.dead_share_max {
        let message = format!(
            "{dead} bytes of the data file are dead, {:.0} % of it; compaction gives them back",
            share * 100.0
        );
        health.reason(Status::Degraded, Check::DeadBytes, message);
    }
}

fn commits(health: &mut Health, options: &HealthOptions) {
    let commit = health.writes.latencies.commit;
    if commit.count >= COMMITS_MIN && commit.p99 > options.commit_p99_max {
        let message = format!(
            "one commit of a hundred takes longer than {} ms, more than {} ms",
            commit.p99.as_millis(),
            options.commit_p99_max.as_millis()
        );
        health.reason(Status::Degraded, Check::Commits, message);
    }
}

fn jobs(health: &mut Health, options: &HealthOptions) {
    let limits = [
        ("wait", health.jobs.queued, options.jobs_queued_max),
        ("failed too often", health.jobs.dead, options.jobs_dead_max),
    ];
    for (what, found, max) in limits {
        if let Some(max) = max.filter(|max| found > *max) {
            let message = format!("{found} jobs {what}, more than {max}");
            health.reason(Status::Degraded, Check::Jobs, message);
        }
    }
}

fn backup(health: &mut Health, options: &HealthOptions) {
    let Some(max) = options.backup_age_max else { return };
    let message = match &health.last_backup {
        None => "the store was never copied".to_owned(),
        Some(last) => {
            let age = age(last.time, health.time);
            if age <= max {
                return;
            }
            format!("the last copy is {} s old, more than {} s", age.as_secs(), max.as_secs())
        }
    };
    health.reason(Status::Degraded, Check::Backup, message);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::id::Seq;
    use crate::base::metrics::Latency;
    use crate::base::time::Timestamp;
    use crate::store::BackupNote;

    /// The reasons for a report that is all well but for one change.
    #[track_caller]
    fn check(change: impl Fn(&mut Health, &mut HealthOptions), expected: &[(Status, Check)]) {
        let mut health = Health::default();
        health.sizes.disk_free_bytes = Some(1 << 40);
        let mut options = HealthOptions::default();
        change(&mut health, &mut options);
        assess(&mut health, &options);
        let found: Vec<_> = health.reasons.iter().map(|it| (it.status, it.check)).collect();
        assert_eq!(found, expected, "{:?}", health.reasons);
        assert_eq!(health.status, expected.first().map_or(Status::Ok, |first| first.0));
    }

    #[test]
    fn what_is_within_the_limits_is_well() {
        check(|_, _| {}, &[]);
        check(|health, _| health.sizes.disk_free_bytes = None, &[]);
        check(|health, options| health.views.search.behind = options.view_behind_max, &[]);
        check(|health, options| health.readers.oldest_age = Some(options.reader_age_max), &[]);
    }

    #[test]
    fn each_limit_has_its_reason() {
        use Status::{Degraded, Failing};
        check(|health, _| health.sizes.disk_free_bytes = Some(1 << 29), &[(Degraded, Check::Disk)]);
        check(|health, _| health.sizes.disk_free_bytes = Some(1 << 25), &[(Failing, Check::Disk)]);
        check(|health, _| health.sizes.disk_free_bytes = Some(0), &[(Failing, Check::Disk)]);
        check(
            |health, options| {
                health.readers.oldest_seq = Some(Seq(3));
                health.readers.oldest_age = Some(options.reader_age_max + Duration::from_micros(1));
            },
            &[(Degraded, Check::Readers)],
        );
        check(|health, _| health.views.search.behind = 100_001, &[(Degraded, Check::Search)]);
        check(|health, _| health.views.standing.behind = 100_001, &[(Degraded, Check::Standing)]);
        check(
            |health, _| {
                (health.sizes.data_bytes, health.sizes.dead_bytes) = (1 << 30, Some(1 << 30));
            },
            &[(Degraded, Check::DeadBytes)],
        );
        check(
            |health, _| {
                let p99 = Duration::from_secs(6);
                let commit = Latency { count: 100, p99, max: p99, ..Latency::default() };
                health.writes.latencies.commit = commit;
            },
            &[(Degraded, Check::Commits)],
        );
        check(
            |health, options| {
                (health.jobs.queued, options.jobs_queued_max) = (2, Some(1));
                (health.jobs.dead, options.jobs_dead_max) = (1, Some(0));
            },
            &[(Degraded, Check::Jobs), (Degraded, Check::Jobs)],
        );
    }

    #[test]
    fn a_copy_is_missed_only_where_one_is_wanted() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let with = |max: Option<u64>, copied: Option<i64>| {
            move |health: &mut Health, options: &mut HealthOptions| {
                options.backup_age_max = max.map(Duration::from_secs);
                health.time = at(1_000);
                health.last_backup =
                    copied.map(|time| BackupNote { time: at(time), ..BackupNote::default() });
            }
        };
        check(with(None, None), &[]);
        check(with(Some(60), Some(940)), &[]);
        check(with(Some(60), Some(2_000)), &[]);
        check(with(Some(60), Some(939)), &[(Status::Degraded, Check::Backup)]);
        check(with(Some(60), None), &[(Status::Degraded, Check::Backup)]);
    }

    #[test]
    fn the_worst_comes_first() {
        check(
            |health, _| {
                health.views.search.behind = u64::MAX;
                health.reason(Status::Failing, Check::Poisoned, "a commit failed");
            },
            &[(Status::Failing, Check::Poisoned), (Status::Degraded, Check::Search)],
        );
    }
}
