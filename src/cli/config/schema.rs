//! What can be set for the command.

use engraph::Error;
use engraph::config::{KeySpec, Schema, SettingType, UnknownKeys};

/// The settings of the command.
pub(super) fn schema() -> Result<Schema, Error> {
    use SettingType::{Bool, Duration, Integer, Text};
    let schema = Schema::new().unknown(UnknownKeys::Refused);
    let whole = |key: &str, help: &str| KeySpec::new(key, Integer).range(0.0, 2e19).help(help);
    let level = "off, error, warn, info, debug, trace, or by part; off where nothing is said";
    let id = KeySpec::new("log.correlation_id", Text).pattern("[-_.A-Za-z0-9]{1,128}$")?;
    let schema = schema
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
        .key(whole("health.dead_max", "jobs that may have failed for good"));
    Ok(analysis().into_iter().fold(schema, Schema::key))
}

/// Who looks at source files, and how a model is asked.
fn analysis() -> [KeySpec; 8] {
    use SettingType::{Duration, Integer, Text};
    let key = |name: &str, setting_type| KeySpec::new(format!("analysis.{name}"), setting_type);
    [
        key("analyzer", Text)
            .choices(["builtin", "openai", "ollama"])
            .default("builtin")
            .help("what looks at source files"),
        key("url", Text).help("address of the model's server"),
        key("model", Text).help("name of the model"),
        key("key", Text).secret().help("key of the model's server; empty where it wants none"),
        key("timeout", Duration).range(0.001, 86_400.0).help("how long a request may take"),
        key("retries", Integer).range(0.0, 100.0).help("how often a request is sent again"),
        key("interval", Duration).range(0.0, 86_400.0).help("time between requests at least"),
        key("threads", Integer).range(0.0, 16.0).help("files at a time; 0 is all processors"),
    ]
}
