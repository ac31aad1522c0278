//! What can be set for the command.

use engraph::Error;
use engraph::config::{KeySpec, Schema, SettingType, UnknownKeys};

/// The settings of the command.
pub(super) fn schema() -> Result<Schema, Error> {
    use SettingType::{Bool, Duration, Integer, Text};
    let whole = |key: &str, help: &str| KeySpec::new(key, Integer).range(0.0, 2e19).help(help);
    let level = "off, error, warn, info, debug, trace, or by part; off where nothing is said";
    let id = KeySpec::new("log.correlation_id", Text).pattern("[-_.A-Za-z0-9]{1,128}$")?;
    Ok(Schema::new()
        .unknown(UnknownKeys::Refused)
        .key(KeySpec::new("output.json", Bool).default(false).help("give data as JSON"))
        .key(KeySpec::new("log.level", Text).help(level))
        .key(KeySpec::new("log.format", Text).choices(["human", "json"]).help("how lines look"))
        .key(KeySpec::new("log.file", Text).help("a file for lines, not standard error"))
        .key(id.help("what ties the lines of a call to others"))
        .key(whole("health.disk_min", "free bytes below which a store is degraded"))
        .key(whole("health.disk_failing", "free bytes below which a store is failing"))
        .key(whole("health.behind_max", "writes that search may be behind"))
        .key(KeySpec::new("health.backup_age_max", Duration).help("how old a copy may be"))
        .key(whole("health.queued_max", "jobs that may wait"))
        .key(whole("health.dead_max", "jobs that may have failed for good")))
}
