//! A health report as text that Prometheus scrapes, in its format of exposition:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;

use super::{Health, Status};
use crate::base::metrics::Latency;
use crate::base::time::Timestamp;

/// Text in the making.
#[derive(Default)]
struct Text(String);

impl Text {
    /// Begins a metric: what it is, and its kind.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let lines =
            ["# HELP engraph_", name, " ", help, "\n# TYPE engraph_", name, " ", kind, "\n"];
        self.0.extend(lines);
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str("engraph_");
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            self.0.push_str(label);
            self.0.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        self.0.push_str(if labels.is_empty() { " " } else { "} " });
        self.0.push_str(&value.to_string());
        self.0.push('\n');
    }

    /// A metric with one value.
    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, "gauge", help);
        self.value(name, &[], value);
    }

    /// As [`Text::gauge`], where there is one.
    fn gauge_if_any(&mut self, name: &str, help: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.gauge(name, help, value as f64);
        }
    }

    /// A metric with one value a label.
    fn by(&mut self, name: &str, kind: &str, help: &str, values: &[(&str, &str, u64)]) {
        self.head(name, kind, help);
        for (label, of, value) in values {
            self.value(name, &[(label, of)], *value as f64);
        }
    }
}

impl Health {
    /// The report as metrics in the text format of Prometheus, names beginning with `engraph_`.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut text = Text::default();
        verdict(self, &mut text);
        sizes(self, &mut text);
        memory(self, &mut text);
        writes(self, &mut text);
        views(self, &mut text);
        text.0
    }
}

fn verdict(health: &Health, text: &mut Text) {
    text.head("status", "gauge", "1 for the status that the store has");
    for status in [Status::Ok, Status::Degraded, Status::Failing] {
        let value = f64::from(u8::from(status == health.status));
        text.value("status", &[("status", status.as_str())], value);
    }
    text.head("reasons", "gauge", "why the store is not all well, by check");
    let mut counts = BTreeMap::new();
    for reason in &health.reasons {
        *counts.entry((reason.check, reason.status)).or_insert(0_u32) += 1;
    }
    for ((check, status), count) in counts {
        let labels = [("check", check.as_str()), ("status", status.as_str())];
        text.value("reasons", &labels, f64::from(count));
    }
}

fn sizes(health: &Health, text: &mut Text) {
    let sizes = &health.sizes;
    text.gauge("data_bytes", "size of the data file", sizes.data_bytes as f64);
    text.gauge_if_any("live_bytes", "of it, what the newest state uses", sizes.live_bytes);
    text.gauge_if_any("dead_bytes", "of it, what compaction gives back", sizes.dead_bytes);
    text.gauge("search_bytes", "size of the search index", sizes.search_bytes as f64);
    text.gauge_if_any("disk_free_bytes", "what the disk has left", sizes.disk_free_bytes);
    text.gauge_if_any("disk_total_bytes", "what the disk has", sizes.disk_total_bytes);
    text.head("records", "gauge", "records by type");
    for (kind, count) in &health.records {
        text.value("records", &[("kind", kind)], *count as f64);
    }
}

fn memory(health: &Health, text: &mut Text) {
    let cache = &health.cache;
    let vectors = cache.vectors.iter().map(|vectors| vectors.memory_bytes).sum();
    let bytes = [
        ("cache", "pages_max", cache.page_bytes_max),
        ("cache", "graph", cache.graph.memory_bytes),
        ("cache", "vectors", vectors),
    ];
    text.by("cache_bytes", "gauge", "memory, pages as far as they may grow", &bytes);
    let readers = &health.readers;
    text.gauge("readers_open", "readers of any state", readers.open as f64);
    text.gauge("readers_old_states", "replaced states still read", readers.old_states as f64);
    let age = readers.oldest_age.unwrap_or_default().as_secs_f64();
    text.gauge("readers_oldest_age_seconds", "since the oldest of them was replaced", age);
}

fn writes(health: &Health, text: &mut Text) {
    let writes = &health.writes;
    text.gauge("seq", "number of the newest write", writes.seq.0 as f64);
    time(text, "last_commit_timestamp_seconds", "when it was accepted", writes.last_commit);
    let latencies = [("commit", writes.latencies.commit), ("publish", writes.latencies.publish)];
    text.head("latency_seconds", "gauge", "how long a step of commits takes, by quantile");
    for (step, latency) in &latencies {
        latency_of(text, step, latency);
    }
    let counts = latencies.map(|(step, latency)| ("step", step, latency.count));
    text.by("steps_total", "counter", "how often a step of commits was done", &counts);
    let errors = &health.errors;
    let errors = [
        ("in", "write", errors.writes),
        ("in", "panic", errors.panics),
        ("in", "commit", errors.commits),
        ("in", "upkeep", errors.upkeep),
        ("in", "graph", errors.graph),
        ("in", "search", errors.search),
    ];
    text.by("errors_total", "counter", "what failed since the store was opened", &errors);
    let jobs = &health.jobs;
    let jobs = [
        ("state", "queued", jobs.queued),
        ("state", "running", jobs.running),
        ("state", "dead", jobs.dead),
    ];
    text.by("jobs", "gauge", "jobs by state, all queues together", &jobs);
    let last = health.last_backup.as_ref().map(|last| last.time);
    time(text, "last_backup_timestamp_seconds", "when the store was last copied", last);
}

fn latency_of(text: &mut Text, step: &str, latency: &Latency) {
    if latency.count == 0 {
        return;
    }
    let quantiles =
        [("0", latency.min), ("0.5", latency.p50), ("0.99", latency.p99), ("1", latency.max)];
    for (quantile, duration) in quantiles {
        let labels = [("step", step), ("quantile", quantile)];
        text.value("latency_seconds", &labels, duration.as_secs_f64());
    }
}

fn time(text: &mut Text, name: &str, help: &str, time: Option<Timestamp>) {
    if let Some(time) = time {
        text.gauge(name, help, time.as_micros() as f64 / 1e6);
    }
}

fn views(health: &Health, text: &mut Text) {
    let views = [
        ("search", health.views.search),
        ("graph", health.views.graph),
        ("standing", health.views.standing),
        ("vectors", health.views.vectors),
    ];
    text.head("view_watermark", "gauge", "the last write that a derived view has absorbed");
    for (view, lag) in views {
        if let Some(watermark) = lag.watermark {
            text.value("view_watermark", &[("view", view)], watermark.0 as f64);
        }
    }
    let behind = views.map(|(view, lag)| ("view", view, lag.behind));
    text.by("view_behind", "gauge", "writes that a derived view has not absorbed", &behind);
}
