//! Suite `search`.
use crate::Outcome;
use crate::child::Task;
/// The systems of this suite.
pub const SYSTEMS: &[&str] = &[];
/// Runs the suite for a system.
pub fn run(task: &Task, _stage: Option<&str>) -> Outcome {
    task.unknown_system()
}
