//! `engraph health`: whether a store is well, and why not.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engraph::config::Settings;
use engraph::{Health, HealthOptions, Sizes, Status, Store, ViewLag};

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::{place, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The store's directory
    store: PathBuf,

    /// Give metrics in the text format of Prometheus
    #[arg(long, conflicts_with = "json")]
    prometheus: bool,

    /// Do not count live and dead bytes, which reads the whole data file
    #[arg(long)]
    quick: bool,

    /// Free bytes to judge by, where a quota says other than the disk
    #[arg(long, value_name = "BYTES")]
    disk_free: Option<u64>,

    /// Free bytes of the disk below which the store is degraded
    #[arg(long, value_name = "BYTES")]
    disk_min: Option<u64>,

    /// Free bytes of the disk below which the store is failing
    #[arg(long, value_name = "BYTES")]
    disk_failing: Option<u64>,

    /// Writes that the search index and standing searches may be behind
    #[arg(long, value_name = "WRITES")]
    behind_max: Option<u64>,

    /// Seconds that the last copy may be old; without this, none is needed
    #[arg(long, value_name = "SECONDS")]
    backup_age_max: Option<u64>,

    /// Jobs that may wait; without this, any number
    #[arg(long, value_name = "JOBS")]
    queued_max: Option<u64>,

    /// Jobs that may have failed for good; without this, any number
    #[arg(long, value_name = "JOBS")]
    dead_max: Option<u64>,
}

impl Arguments {
    /// What the command line says, else the settings.
    fn options(&self, settings: &Settings) -> Result<HealthOptions, Failure> {
        let usual = HealthOptions::default();
        let number = |given: Option<u64>, key: &str| match given {
            Some(given) => Ok(Some(given)),
            None => settings.find_checked::<u64>(key),
        };
        let disk_min = number(self.disk_min, "health.disk_min")?;
        let disk_failing = number(self.disk_failing, "health.disk_failing")?;
        let behind_max = number(self.behind_max, "health.behind_max")?;
        let backup_age_max = match self.backup_age_max {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => settings.find_checked("health.backup_age_max")?,
        };
        Ok(HealthOptions {
            sizes: if self.quick { Sizes::Skipped } else { Sizes::Counted },
            disk_free_bytes: self.disk_free,
            disk_free_bytes_min: disk_min.unwrap_or(usual.disk_free_bytes_min),
            disk_free_bytes_failing: disk_failing.unwrap_or(usual.disk_free_bytes_failing),
            view_behind_max: behind_max.unwrap_or(usual.view_behind_max),
            backup_age_max,
            jobs_queued_max: number(self.queued_max, "health.queued_max")?,
            jobs_dead_max: number(self.dead_max, "health.dead_max")?,
            ..usual
        })
    }
}

pub(super) fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let options = arguments.options(settings)?;
    let store = place::open_to_read(&arguments.store)?;
    place::closing(&store, |store: &Store| {
        let health = store.health_with(&options)?;
        if arguments.prometheus {
            output.bytes(health.to_prometheus().as_bytes())?;
        } else if output.is_json() {
            output.json(&health)?;
        } else {
            show(&health, output)?;
        }
        Ok(match health.status {
            Status::Ok => Answer::Yes,
            Status::Degraded => Answer::No,
            Status::Failing => Answer::Failing,
        })
    })
}

fn show(health: &Health, output: &mut Output) -> Result<(), Failure> {
    let mut verdict = Rows::new(["status", "about", "why"]);
    if health.reasons.is_empty() {
        verdict.push([health.status.as_str(), "", "all is well"]);
    }
    for reason in &health.reasons {
        verdict.push([reason.status.as_str(), reason.check.as_str(), &reason.message]);
    }
    output.table(&verdict)?;
    output.line("")?;
    let mut facts = Rows::new(["store", ""]);
    for (name, value) in facts_of(health) {
        facts.push([name, &value]);
    }
    output.table(&facts)?;
    Ok(())
}

/// What is worth a line, in a fixed order.
fn facts_of(health: &Health) -> Vec<(&'static str, String)> {
    let sizes = &health.sizes;
    let bytes = |count: Option<u64>| count.map_or_else(|| "not counted".to_owned(), text::bytes);
    let last = health.writes.last_commit;
    let mut facts = vec![
        ("data file", text::bytes(sizes.data_bytes)),
        ("  live", bytes(sizes.live_bytes)),
        ("  dead", bytes(sizes.dead_bytes)),
        ("search index", text::bytes(sizes.search_bytes)),
        ("disk, free", sizes.disk_free_bytes.map_or_else(|| "unknown".to_owned(), text::bytes)),
        ("records", text::count(health.records_total)),
        ("writes", text::count(health.writes.seq.0)),
        ("last write", last.map_or_else(|| "never".to_owned(), |time| time.to_string())),
        ("search index, behind", lag(&health.views.search)),
        ("standing searches, behind", lag(&health.views.standing)),
        ("jobs waiting", text::count(health.jobs.queued)),
        ("jobs running", text::count(health.jobs.running)),
        ("jobs dead", text::count(health.jobs.dead)),
    ];
    let backup = health.last_backup.as_ref();
    let backup = backup.map_or_else(|| "never".to_owned(), |last| last.time.to_string());
    facts.push(("last copy", backup));
    facts
}

fn lag(lag: &ViewLag) -> String {
    match lag.watermark {
        None => "not in use".to_owned(),
        Some(_) => text::counted(lag.behind, "write"),
    }
}
