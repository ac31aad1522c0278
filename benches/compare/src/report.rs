//! Runs children in turns and reports medians; turns results into tables.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::child::{Measured, Task};
use crate::graph::python;
use crate::{
    Options, Outcome, graph, legacy, queue, recall, records, search, texts, transfer, vector,
};

type Runs = BTreeMap<(String, String), Vec<Measured>>;

/// Runs suites and prints a line a measure.
pub fn run(suites: &[String], options: &Options) -> Outcome {
    let suites: Vec<&str> = match suites {
        [only] if only == "all" => {
            vec!["records", "graph", "search", "vector", "recall", "legacy", "queue", "transfer"]
        }
        given => given.iter().map(String::as_str).collect(),
    };
    let mut lines = Vec::new();
    emit(&mut lines, options, &header(options))?;
    for suite in suites {
        let systems = match suite {
            "records" => records::SYSTEMS,
            "graph" => graph::SYSTEMS,
            "search" => search::SYSTEMS,
            "vector" => vector::SYSTEMS,
            "recall" => recall::SYSTEMS,
            "legacy" => legacy::SYSTEMS,
            "queue" => queue::SYSTEMS,
            "transfer" => transfer::SYSTEMS,
            other => return Err(format!("no suite {other}").into()),
        };
        let chosen: Vec<&str> = systems
            .iter()
            .copied()
            .filter(|name| options.system.is_empty() || options.system.iter().any(|s| s == name))
            .filter(|name| python::is_there(name) && vector::is_there(name))
            .collect();
        let mut runs = Runs::new();
        for turn in 0..options.runs {
            for system in &chosen {
                eprintln!("{suite}: run {} of {}, {system}", turn + 1, options.runs);
                for measured in child(suite, system, options)? {
                    let key = (measured.measure.clone(), (*system).to_owned());
                    runs.entry(key).or_default().push(measured);
                }
            }
        }
        check_answers(suite, &runs)?;
        for ((measure, system), measured) in &runs {
            emit(&mut lines, options, &line(suite, measure, system, measured))?;
        }
    }
    Ok(())
}

fn emit(lines: &mut Vec<String>, options: &Options, value: &Value) -> Outcome {
    let line = value.to_string();
    writeln!(std::io::stdout(), "{line}")?;
    lines.push(line);
    if let Some(out) = &options.out {
        fs::write(out, lines.join("\n") + "\n")?;
    }
    Ok(())
}

fn child(suite: &str, system: &str, options: &Options) -> Outcome<Vec<Measured>> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("engraph-compare-");
    let folder = match &options.dir {
        Some(dir) => builder.tempdir_in(dir)?,
        None => builder.tempdir()?,
    };
    let task = Task {
        suite: suite.to_owned(),
        system: system.to_owned(),
        folder: folder.path().to_owned(),
        workload: options.workload.clone(),
    };
    let output = task.command(None)?.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{suite}: {system} ended with {}", output.status).into());
    }
    output.stdout.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

fn check_answers(suite: &str, runs: &Runs) -> Outcome {
    let mut answers: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for ((measure, system), measured) in runs {
        for check in measured.iter().filter_map(|one| one.check.as_deref()) {
            let (first, other) = answers.entry(measure).or_insert((check, system));
            if *first != check {
                let what = format!("{suite} {measure}: {system} answers {check}, {other} {first}");
                return Err(what.into());
            }
        }
    }
    Ok(())
}

/// Unit and direction of a measure, fixed by its name.
fn unit(measure: &str) -> (&'static str, &'static str) {
    match measure {
        "dijkstra_p50" | "reimport_unchanged" => ("ms", "lower"),
        "pagerank20"
        | "pagerank20_2"
        | "wcc"
        | "scc"
        | "louvain"
        | "triangles"
        | "betweenness_sampled" => ("ms", "lower"),
        "louvain_modularity" => ("modularity", "higher"),
        "load" => ("edges/s", "higher"),
        "index" | "index_2" => ("docs/s", "higher"),
        "memory_after_open" => ("MB", "lower"),
        "segments_after_10k_writes" => ("segments", "lower"),
        name if name.starts_with("claim_complete_") => ("jobs/s", "higher"),
        name if name.contains("_per_edge") => ("bytes", "lower"),
        name if name.ends_with("_p50") || name.ends_with("_p99") => ("us", "lower"),
        name if name.starts_with("open_") || name.ends_with("_ms") => ("ms", "lower"),
        name if name.starts_with("peak_memory") || name == "disk" => ("MB", "lower"),
        "size_ratio" | "write_overhead" => ("ratio", "lower"),
        "recall_at_10" | "approximate_recall_at_10" => ("share", "higher"),
        "index_vectors" => ("vectors/s", "higher"),
        "searchable_s" => ("s", "lower"),
        "scan" | "jsonl_export" | "jsonl_import" => ("records/s", "higher"),
        "import" | "export" => ("rows/s", "higher"),
        _ => ("ops/s", "higher"),
    }
}

fn line(suite: &str, measure: &str, system: &str, measured: &[Measured]) -> Value {
    let mut values: Vec<f64> = measured.iter().map(|one| one.value).collect();
    values.sort_by(f64::total_cmp);
    let (unit, better) = unit(measure);
    let first = measured.first();
    json!({
        "suite": suite,
        "measure": measure,
        "system": system,
        "value": rounded(values[values.len() / 2]),
        "unit": unit,
        "better": better,
        "runs": values.len(),
        "min": rounded(values[0]),
        "max": rounded(values[values.len() - 1]),
        "n": first.map_or(0, |one| one.n),
        "check": first.and_then(|one| one.check.clone()),
    })
}

fn rounded(value: f64) -> f64 {
    if value.abs() >= 1_000.0 { value.round() } else { (value * 1_000.0).round() / 1_000.0 }
}

fn header(options: &Options) -> Value {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(':').map(|(_, name)| name.trim().to_owned())
    });
    json!({"run": {
        "date": jiff::Timestamp::now().to_string(),
        "commit": said("git", &["rev-parse", "--short", "HEAD"]),
        "machine": cpu,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "rustc": said("rustc", &["--version"]),
        "versions": versions(),
        "seed": 1,
        "options": {
            "runs": options.runs,
            "size": options.workload.size,
            "scale": options.workload.scale,
            "edge_factor": options.workload.edge_factor,
            "texts": texts::name(options.workload.wordnet.as_deref()),
            "dir": options.dir,
        },
    }})
}

/// The versions of what is measured: of crates as the lock file has them, of Python packages as
/// Python says.
fn versions() -> Value {
    let lock = include_str!("../Cargo.lock");
    let mut versions = serde_json::Map::new();
    versions.insert("sqlite".into(), rusqlite::version().into());
    for name in ["engraph", "redb", "petgraph", "tantivy", "rusqlite"] {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let found = lock.split_once(&entry).and_then(|(_, rest)| rest.split_once('"'));
        versions.insert(name.into(), found.map(|(version, _)| version).into());
    }
    for name in python::SYSTEMS {
        versions.insert((*name).into(), python::version(name).into());
    }
    versions.into()
}

/// Prints result files as a Markdown table: a row a measure, a column a system.
pub fn table(files: &[PathBuf]) -> Outcome {
    let mut rows: BTreeMap<(String, String, String), BTreeMap<String, f64>> = BTreeMap::new();
    let mut systems: Vec<String> = Vec::new();
    for file in files {
        for value in read_lines(file)? {
            let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            if value["measure"].is_null() {
                continue;
            }
            let system = text("system");
            if !systems.contains(&system) {
                systems.push(system.clone());
            }
            let row = (text("suite"), text("measure"), text("unit"));
            rows.entry(row).or_default().insert(system, value["value"].as_f64().unwrap_or(0.0));
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "| suite | measure | unit | {} |", systems.join(" | "))?;
    writeln!(out, "|---|---|---|{}", "--:|".repeat(systems.len()))?;
    for ((suite, measure, unit), values) in &rows {
        let cells: Vec<String> = systems
            .iter()
            .map(|system| values.get(system).map_or_else(String::new, f64::to_string))
            .collect();
        writeln!(out, "| {suite} | {measure} | {unit} | {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// The values of a result file.
pub fn read_lines(file: &Path) -> Outcome<Vec<Value>> {
    BufReader::new(File::open(file)?)
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(system: &str, checks: &[Option<&str>]) -> ((String, String), Vec<Measured>) {
        let measured = |check: &Option<&str>| Measured {
            measure: "get_p50".into(),
            value: 1.0,
            n: 1,
            check: check.map(str::to_owned),
        };
        (("get_p50".into(), system.into()), checks.iter().map(measured).collect())
    }

    #[test]
    fn answers_that_differ_are_an_error() {
        let ours = run("engraph", &[Some("1"), Some("1")]);
        let same = run("limit", &[None, Some("1")]);
        let other = run("sqlite", &[Some("1"), Some("2")]);
        assert!(check_answers("records", &Runs::from([ours.clone(), same])).is_ok());
        let failure = check_answers("records", &Runs::from([ours, other])).unwrap_err();
        assert_eq!(failure.to_string(), "records get_p50: sqlite answers 2, engraph 1");
    }

    #[test]
    fn units_follow_names() {
        for (measure, expected) in [
            ("khop2_p50", "us"),
            ("dijkstra_p50", "ms"),
            ("pagerank20", "ms"),
            ("open_first_hop", "ms"),
            ("memory_per_edge_rss", "bytes"),
            ("memory_after_open", "MB"),
            ("load", "edges/s"),
            ("index_2", "docs/s"),
            ("disk", "MB"),
            ("write_overhead", "ratio"),
            ("claim_complete_8", "jobs/s"),
            ("jsonl_import", "records/s"),
            ("claim_complete_batch", "jobs/s"),
        ] {
            assert_eq!(unit(measure).0, expected, "{measure}");
        }
    }
}
