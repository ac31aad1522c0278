//! The `engraph` command: parser and dispatch. One file a subcommand; each uses the public
//! interface of the library and nothing else.

mod analyze;
mod audit;
mod backup;
mod bench;
mod compact;
mod completions;
mod config;
mod demo;
mod doc;
mod draft;
mod erase;
mod export;
mod failure;
mod file;
mod forget;
mod get;
mod git;
mod graph;
mod health;
mod import;
mod init;
mod knowledge;
mod list;
mod log;
mod memory;
mod migrate;
mod org;
mod output;
mod persona;
mod place;
mod progress;
mod recall;
mod records;
mod report;
mod search;
mod shown;
mod similar;
mod stats;
mod sync;
mod tag;
mod target;
mod task;
mod text;
mod trim;
mod undo;
mod verify;

use std::process::ExitCode;
use std::time::Instant;

use clap::{ArgMatches, Args, FromArgMatches as _, Parser, Subcommand};

use engraph::config::{Schema, Settings};
use engraph::log::category::CLI;

use failure::{Answer, Code, EXIT_CODES, Failure};
use output::{Form, Output};

/// Head of the options that every subcommand has.
const EVERYWHERE: &str = "Everywhere";

/// Embedded graph-and-memory store: typed records, one graph, full-text search, one directory.
#[derive(Debug, Parser)]
#[command(name = "engraph", version, after_help = after_help(), max_term_width = 100)]
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

    #[command(flatten)]
    log: log::LogArguments,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new, empty store
    Init(init::Arguments),
    /// Take databases of the old application in, or records as JSON lines
    Import(import::Arguments),
    /// Copy databases of the old application, take them in, compare, report; and undo all of it
    Migrate(migrate::Arguments),
    /// Keep in step with a database that the old application goes on using
    Sync(sync::Arguments),
    /// Give databases back to the old application, or records as JSON lines
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
    /// Remember, list, change and review memories
    Memory(Box<memory::Arguments>),
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
    /// See what commits did to files, note it, read it from repositories
    Git(git::Arguments),
    /// Erase records, or everything of a subject, for good
    Erase(erase::Arguments),
    /// Put earlier values back
    Undo(undo::Arguments),
    /// Forget states from too long ago, and say how long they are kept
    Trim(trim::Arguments),
    /// Look at memories before they count, merge or drop them
    Draft(draft::Arguments),
    /// Show reports on files, measure their quality
    Report(report::Arguments),
    /// Prove that indexes, graph and change log agree with the records
    Verify(verify::Arguments),
    /// Count what a store holds
    Stats(stats::Arguments),
    /// Tell whether a store is well, and why not
    Health(health::Arguments),
    /// Look at the settings of this command, keep some in a file
    Config(config::Arguments),
    /// Write the data file anew without what is dead in it
    Compact(compact::Arguments),
    /// Copy a store as of its newest write
    Backup(backup::Arguments),
    /// Measure how well and how fast it works on data of your own
    Bench(bench::Arguments),
    /// See all of it at work on a small made-up installation
    Demo(demo::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Runs the command that the process was started as.
pub(crate) fn run() -> ExitCode {
    let parsed = parser()
        .try_get_matches()
        .and_then(|matches| Ok((called(&matches), Command::from_arg_matches(&matches)?)));
    let (call, command) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return parsed_otherwise(&error),
    };
    let usual = if command.global.json { Form::Json } else { Form::People };
    let loaded = match config::load() {
        Ok(loaded) => loaded,
        Err(failure) => return failure.report(usual).into(),
    };
    let form = match loaded.settings.get_or("output.json", false) {
        Ok(true) => Form::Json,
        Ok(false) | Err(_) => usual,
    };
    let mut output = Output::new(form);
    // A wrong setting must not keep anybody from mending it.
    let for_log = match &command.action {
        Action::Config(_) => Settings::new(Schema::new()),
        _ => loaded.settings.clone(),
    };
    let code = match log::start(&command.global.log, &for_log, &call) {
        Ok(span) => span.in_scope(|| {
            let start = Instant::now();
            tracing::info!(target: CLI, "call began");
            let done = warned(&command.action, &loaded, &mut output)
                .and_then(|()| dispatch(&command.action, &loaded, &mut output))
                .and_then(|answer| output.flush().map(|()| answer));
            let code = ended(done, &mut output, form);
            let millis = || start.elapsed().as_millis() as u64;
            tracing::info!(target: CLI, exit_code = code as u8, millis = millis(), "call ended");
            code
        }),
        Err(failure) => failure.report(form),
    };
    // The descriptor may be a closed pipe: what is still buffered must not be written again.
    output.forget();
    code.into()
}

/// Tells which files of settings are not in force, once, where the command does not tell itself;
/// fails where the form of the output is set to what is none.
fn warned(action: &Action, loaded: &config::Loaded, output: &mut Output) -> Result<(), Failure> {
    if matches!(action, Action::Config(_)) {
        return Ok(());
    }
    for (path, reason) in &loaded.failed {
        let path = text::escaped(&path.to_string_lossy()).into_owned();
        let reason = text::escaped(reason).into_owned();
        output.note(format_args!("warning: the settings in {path} are not used: {reason}"))?;
    }
    loaded.settings.find_checked::<bool>("output.json")?;
    Ok(())
}

/// What stands below the help of the command itself.
fn after_help() -> String {
    format!("{}\n\n{EXIT_CODES}", log::LOGGING)
}

/// The exit code of a command, whose failure is told.
fn ended(done: Result<Answer, Failure>, output: &mut Output, form: Form) -> Code {
    match done {
        Ok(answer) => answer.code(),
        Err(failure) => {
            // What was found before the failure is given out; a second failure adds nothing.
            drop(output.flush());
            tracing::error!(target: CLI, failure = failure.message(), "call failed");
            failure.report(form)
        }
    }
}

/// The names of the subcommand that was called, without what was given to it.
fn called(matches: &ArgMatches) -> String {
    let mut names = Vec::new();
    let mut next = matches.subcommand();
    while let Some((name, below)) = next {
        names.push(name);
        next = below.subcommand();
    }
    names.join(" ")
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

fn dispatch(
    action: &Action,
    loaded: &config::Loaded,
    output: &mut Output,
) -> Result<Answer, Failure> {
    match action {
        Action::Config(arguments) => config::run(arguments, loaded, output),
        Action::Init(arguments) => init::run(arguments, output),
        Action::Import(arguments) => import::run(arguments, output),
        Action::Migrate(arguments) => migrate::run(arguments, output),
        Action::Sync(arguments) => sync::run(arguments, output),
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
        Action::Memory(arguments) => memory::run(arguments, output),
        Action::Persona(arguments) => persona::run(arguments, output),
        Action::Tag(arguments) => tag::run(arguments, output),
        Action::File(arguments) => file::run(arguments, output),
        Action::Analyze(arguments) => analyze::run(arguments, &loaded.settings, output),
        Action::Audit(arguments) => audit::run(arguments, output),
        Action::Git(arguments) => git::run(arguments, output),
        Action::Erase(arguments) => erase::run(arguments, output),
        Action::Undo(arguments) => undo::run(arguments, output),
        Action::Trim(arguments) => trim::run(arguments, output),
        Action::Draft(arguments) => draft::run(arguments, output),
        Action::Report(arguments) => report::run(arguments, output),
        Action::Verify(arguments) => verify::run(arguments, output),
        Action::Stats(arguments) => stats::run(arguments, output),
        Action::Health(arguments) => health::run(arguments, &loaded.settings, output),
        Action::Compact(arguments) => compact::run(arguments, output),
        Action::Backup(arguments) => backup::run(arguments, output),
        Action::Bench(arguments) => bench::run(arguments, output),
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
