//! sqlite-vec through Python: `measure.py` reads the vectors from files and prints a line a
//! measure. Where Python or the package is missing it is no system.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Data, topic};
use crate::Outcome;
use crate::child::Task;
use crate::graph::python::interpreter;

/// Whether a system of this suite can run here.
pub fn is_there(system: &str) -> bool {
    if system != "sqlite_vec" {
        return true;
    }
    let code = "import sqlite3, sqlite_vec; c = sqlite3.connect(':memory:'); \
                c.enable_load_extension(True); sqlite_vec.load(c)";
    let command = Command::new(interpreter()).args(["-c", code]).stderr(Stdio::null()).status();
    command.is_ok_and(|status| status.success())
}

/// Writes the data and runs the script.
pub fn run(task: &Task, data: &Data) -> Outcome {
    let raw = |vectors: &[Vec<f32>]| -> Vec<u8> {
        vectors.iter().flatten().flat_map(|value| value.to_le_bytes()).collect()
    };
    std::fs::write(task.folder.join("vectors.f32"), raw(&data.vectors))?;
    std::fs::write(task.folder.join("queries.f32"), raw(&data.queries))?;
    let topics = (1..=data.vectors.len() as u64).map(|number| format!("{}\n", topic(number)));
    std::fs::write(task.folder.join("topics.txt"), topics.collect::<String>())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vector/measure.py");
    let status = Command::new(interpreter()).arg(script).arg(&task.folder).status()?;
    if status.success() { Ok(()) } else { Err(format!("measure.py ended with {status}").into()) }
}
