//! `engraph completions`: a script that lets a shell complete the command.

use clap::Args;
use clap_complete::Shell;

use super::failure::{Answer, Failure};
use super::output::Output;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    // The generator cannot report a failed write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::parser(), "engraph", &mut script);
    output.bytes(&script)?;
    Ok(Answer::Yes)
}
