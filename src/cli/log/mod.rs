//! What the library and the command do, told in lines: on standard error, and in a file.
//!
//! Off unless `-v`, `--log-level`, `--log-file` or `RUST_LOG` asks for it. Every line of one call
//! has the same correlation id, and none has a secret in it that can be told as one.

mod file;

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use engraph::config::Settings;
use engraph::log::{Line, LineSink, Lines};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::EVERYWHERE;
use super::failure::Failure;
use file::RotatingFile;

/// The variable that says what is logged, as for other programs of this kind.
const VARIABLE: &str = "RUST_LOG";

/// What `--help` tells of the options that would be too many in the help of every subcommand.
pub(crate) const LOGGING: &str = "\
Logging, with every command:
      --log-level <LEVEL>      off, error, warn, info, debug, trace, or by part as in
                               warn,engraph::search=debug
      --log-format <FORMAT>    human or json; human on standard error, json in a file
      --log-file <FILE>        a file instead of standard error; at 10 MiB it becomes FILE.1
      --correlation-id <ID>    what ties the lines of this call to others; else made up";

/// What every subcommand understands about its log.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogArguments {
    /// Log to standard error what happens; -vv and -vvv tell more
    #[arg(short, long, global = true, help_heading = EVERYWHERE, action = ArgAction::Count)]
    verbose: u8,

    /// What is logged: a level, or directives by part
    #[arg(long, global = true, hide = true, value_name = "LEVEL")]
    log_level: Option<String>,

    /// How lines are written; JSON in a file unless said otherwise
    #[arg(long, global = true, hide = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// Log into this file instead of standard error. At 10 MiB it becomes FILE.1, up to FILE.5
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    log_file: Option<PathBuf>,

    /// The correlation id of this call; one is made up without it
    #[arg(long, global = true, hide = true, value_name = "ID")]
    correlation_id: Option<String>,
}

impl LogArguments {
    /// What the command line says, and what it does not as the settings say it.
    fn or(&self, settings: &Settings) -> Result<Self, Failure> {
        let mut all = self.clone();
        // `-v` is a level too.
        if self.log_level.is_none() && self.verbose == 0 {
            all.log_level = settings.find_checked("log.level")?;
        }
        if self.log_format.is_none()
            && let Some(format) = settings.find_checked::<String>("log.format")?
        {
            let known = LogFormat::from_str(&format, true);
            all.log_format =
                Some(known.map_err(|error| Failure::usage(format!("log.format: {error}")))?);
        }
        if self.log_file.is_none() {
            all.log_file = settings.find_checked::<String>("log.file")?.map(PathBuf::from);
        }
        if self.correlation_id.is_none() {
            all.correlation_id = settings.find_checked("log.correlation_id")?;
        }
        Ok(all)
    }
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// In words, for people.
    Human,
    /// One object a line.
    Json,
}

impl LogFormat {
    fn write(self, line: &Line) -> String {
        let mut text = match self {
            Self::Human => line.to_text(),
            Self::Json => line.to_json(),
        };
        text.push('\n');
        text
    }
}

/// Standard error. What cannot be written there cannot be told either.
struct StandardError(LogFormat);

impl LineSink for StandardError {
    fn take(&self, line: &Line) {
        drop(io::stderr().lock().write_all(self.0.write(line).as_bytes()));
    }
}

/// A file that is followed by others when it has grown.
struct File(LogFormat, RotatingFile);

impl LineSink for File {
    fn take(&self, line: &Line) {
        self.1.write(self.0.write(line).as_bytes());
    }
}

/// Starts logging, and gives the span of this call.
pub(crate) fn start(
    arguments: &LogArguments,
    settings: &Settings,
    call: &str,
) -> Result<tracing::Span, Failure> {
    let arguments = &arguments.or(settings)?;
    let Some(filter) = filter(arguments)? else { return Ok(tracing::Span::none()) };
    let registry = tracing_subscriber::registry().with(filter);
    let started = if let Some(path) = &arguments.log_file {
        let file = RotatingFile::open(path)
            .map_err(|error| Failure::io("open the log file", path, &error))?;
        let format = arguments.log_format.unwrap_or(LogFormat::Json);
        registry.with(Lines::new(File(format, file))).try_init()
    } else {
        let format = arguments.log_format.unwrap_or(LogFormat::Human);
        registry.with(Lines::new(StandardError(format))).try_init()
    };
    started.map_err(|error| Failure::usage(format!("cannot log: {error}")))?;
    let made_up = || format!("{:016x}{:016x}", random(1), random(2));
    let id = arguments.correlation_id.clone().unwrap_or_else(made_up);
    Ok(engraph::log::call(call, &id))
}

/// What is logged; `None` where nothing is.
fn filter(arguments: &LogArguments) -> Result<Option<EnvFilter>, Failure> {
    let variable = std::env::var(VARIABLE).ok().filter(|directives| !directives.is_empty());
    let level = match arguments.verbose {
        0 => None,
        1 => Some(LevelFilter::INFO),
        2 => Some(LevelFilter::DEBUG),
        _ => Some(LevelFilter::TRACE),
    };
    let (name, directives) = match (&arguments.log_level, level, variable) {
        (Some(directives), ..) => ("--log-level", directives.clone()),
        (None, Some(level), _) => ("--verbose", level.to_string()),
        (None, None, Some(directives)) => (VARIABLE, directives),
        (None, None, None) if arguments.log_file.is_some() => ("--log-file", "info".to_owned()),
        (None, None, None) => return Ok(None),
    };
    let unusable = |error| Failure::usage(format!("{name}={directives}: {error}"));
    let filter = EnvFilter::builder().parse(&directives).map_err(unusable)?;
    // The span of the call is always there: it carries the correlation id.
    let call = "engraph::call=error"
        .parse()
        .map_err(|error| Failure::usage(format!("cannot log: {error}")))?;
    Ok(Some(filter.add_directive(call)))
}

/// Sixty-four bits that nobody else has.
fn random(number: u64) -> u64 {
    RandomState::new().hash_one(number)
}
