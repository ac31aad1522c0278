//! The `engraph` command: the parser and the subcommands are in `cli`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
