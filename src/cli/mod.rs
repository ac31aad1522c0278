//! The `engraph` command: parser and dispatch. One file a subcommand; each uses the public
//! interface of the library and nothing else.

mod analyze;
mod audit;
mod backup;
mod compact;
mod completions;
mod demo;
mod doc;
mod export;
mod failure;
mod file;
mod get;
mod graph;
mod import;
mod init;
mod knowledge;
mod list;
mod log;
mod org;
mod output;
mod persona;
mod place;
mod progress;
mod records;
mod report;
mod search;
mod shown;
mod similar;
mod stats;
mod tag;
mod task;
mod text;
mod verify;

use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand};

use failure::{Answer, Code, EXIT_CODES, Failure};
use output::{Form, Output};

/// Head of the options that every subcommand has.
const EVERYWHERE: &str = "Everywhere";

/// Embedded graph-and-memory store: typed records, one graph, full-text search, one directory.
#[derive(Debug, Parser)]
#[command(name = "engraph", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Command {
    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    action: Action,
}

/// What every subcommand understands.
#[derive(Args, Debug)]
struct Global {
    /// Give data as JSON, one object a line, and errors as JSON too
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,

    /// Log to standard error what happens; -vv and -vvv tell more
    #[arg(short, long, global = true, help_heading = EVERYWHERE, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new, empty store
    Init(init::Arguments),
    /// Take databases of the old application in
    Import(import::Arguments),
    /// Give databases back to the old application
    Export(export::Arguments),
    /// Show records by their ids
    Get(get::Arguments),
    /// List the records of a kind
    List(list::Arguments),
    /// Find records by their texts
    Search(Box<search::Arguments>),
    /// Find records by their vectors
    Similar(similar::Arguments),
    /// Ask how records are connected; graphs in and out of other programs
    Graph(graph::Arguments),
    /// Look at runs and their tasks, cancel and retry them
    Task(task::TaskArguments),
    /// Look at the job queue, and bring dead jobs back
    Job(task::JobArguments),
    /// Take documents in, list, show, tag and delete them
    Doc(doc::Arguments),
    /// Decide where files go, move them there and back
    Org(org::Arguments),
    /// Look after curated terms, questions and proposed changes
    Knowledge(knowledge::Arguments),
    /// Look at personas and skills
    Persona(persona::Arguments),
    /// Define tags, give them to files, and ask the rules that give them
    Tag(tag::Arguments),
    /// Scan directories, list files, find duplicates
    File(file::Arguments),
    /// Tell what source files are for, what they use, how branched they are
    Analyze(analyze::Arguments),
    /// See who changed what, and prove that nobody changed the record of it
    Audit(audit::Arguments),
    /// Show reports on files, measure their quality
    Report(report::Arguments),
    /// Prove that indexes, graph and change log agree with the records
    Verify(verify::Arguments),
    /// Count what a store holds
    Stats(stats::Arguments),
    /// Write the data file anew without what is dead in it
    Compact(compact::Arguments),
    /// Copy a store as of its newest write
    Backup(backup::Arguments),
    /// See all of it at work on a small made-up installation
    Demo(demo::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Runs the command that the process was started as.
pub(crate) fn run() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => return parsed_otherwise(&error),
    };
    let form = if command.global.json { Form::Json } else { Form::People };
    let mut output = Output::new(form);
    let done = log::start(command.global.verbose)
        .and_then(|()| dispatch(&command.action, &mut output))
        .and_then(|answer| output.flush().map(|()| answer));
    let code = match done {
        Ok(answer) => answer.code(),
        Err(failure) => {
            // What was found before the failure is given out; a second failure adds nothing.
            drop(output.flush());
            failure.report(form)
        }
    };
    // The descriptor may be a closed pipe: what is still buffered must not be written again.
    output.forget();
    code.into()
}

/// Help, version, or a command line that cannot be used.
fn parsed_otherwise(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ").trim_end();
        return Failure::usage(message).report(Form::Json).into();
    }
    let printed = error.print();
    let code = if error.use_stderr() { Code::Usage } else { Code::Yes };
    match printed {
        // Help into a closed pipe has been read as far as anybody wanted.
        Ok(()) | Err(_) => code.into(),
    }
}

fn dispatch(action: &Action, output: &mut Output) -> Result<Answer, Failure> {
    match action {
        Action::Init(arguments) => init::run(arguments, output),
        Action::Import(arguments) => import::run(arguments, output),
        Action::Export(arguments) => export::run(arguments, output),
        Action::Get(arguments) => get::run(arguments, output),
        Action::List(arguments) => list::run(arguments, output),
        Action::Search(arguments) => search::run(arguments, output),
        Action::Similar(arguments) => similar::run(arguments, output),
        Action::Graph(arguments) => graph::run(arguments, output),
        Action::Task(arguments) => task::run_task(arguments, output),
        Action::Job(arguments) => task::run_job(arguments, output),
        Action::Doc(arguments) => doc::run(arguments, output),
        Action::Org(arguments) => org::run(arguments, output),
        Action::Knowledge(arguments) => knowledge::run(arguments, output),
        Action::Persona(arguments) => persona::run(arguments, output),
        Action::Tag(arguments) => tag::run(arguments, output),
        Action::File(arguments) => file::run(arguments, output),
        Action::Analyze(arguments) => analyze::run(arguments, output),
        Action::Audit(arguments) => audit::run(arguments, output),
        Action::Report(arguments) => report::run(arguments, output),
        Action::Verify(arguments) => verify::run(arguments, output),
        Action::Stats(arguments) => stats::run(arguments, output),
        Action::Compact(arguments) => compact::run(arguments, output),
        Action::Backup(arguments) => backup::run(arguments, output),
        Action::Demo(arguments) => demo::run(arguments, output),
        Action::Completions(arguments) => completions::run(arguments, output),
    }
}

/// The parser, for completion scripts.
fn parser() -> clap::Command {
    <Command as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_parser_is_consistent() {
        super::parser().debug_assert();
    }
}
