//! Python packages as systems of the suite: `benches/oracles/measure.py` reads the edges from a
//! file and prints a line a measure. A package that is not there is no system, and the run line
//! says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Outcome;
use crate::child::Task;
use crate::rmat::Rmat;

/// The systems that are Python packages.
pub const SYSTEMS: &[&str] = &["networkx", "igraph"];

/// The interpreter: `ENGRAPH_PYTHON`, or `python3`.
pub fn interpreter() -> PathBuf {
    std::env::var_os("ENGRAPH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from)
}

/// The version of a package; `None` where Python or the package is missing.
pub fn version(package: &str) -> Option<String> {
    static KNOWN: [OnceLock<Option<String>>; 2] = [OnceLock::new(), OnceLock::new()];
    let place = SYSTEMS.iter().position(|name| *name == package)?;
    let ask = || {
        let code = format!("import {package}; print({package}.__version__)");
        let command =
            Command::new(interpreter()).args(["-c", &code]).stderr(Stdio::null()).output();
        let output = command.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    KNOWN[place].get_or_init(ask).clone()
}

/// Whether a system can run here: all but missing Python packages can.
pub fn is_there(system: &str) -> bool {
    !SYSTEMS.contains(&system) || version(system).is_some()
}

/// Runs the script, which prints the measures itself.
pub fn run(task: &Task) -> Outcome {
    let graph = Rmat::of(&task.workload);
    let edges = task.folder.join("edges.tsv");
    let mut text = String::new();
    for edge in &graph.edges {
        text.push_str(&format!("{}\t{}\t{}\n", edge.source, edge.target, edge.weight));
    }
    std::fs::write(&edges, text)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../oracles/measure.py");
    let status = Command::new(interpreter()).arg(script).arg(&task.system).arg(edges).status()?;
    if status.success() { Ok(()) } else { Err(format!("measure.py ended with {status}").into()) }
}
