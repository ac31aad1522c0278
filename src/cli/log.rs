//! What the library does, told on standard error: off unless `-v` or `RUST_LOG` asks for it.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::failure::Failure;

/// The variable that says what is logged, as for other programs of this kind.
const VARIABLE: &str = "RUST_LOG";

/// Starts logging. `verbose` counts the `-v`; the variable is asked when there is none.
pub(crate) fn start(verbose: u8) -> Result<(), Failure> {
    let level = match verbose {
        0 => None,
        1 => Some(LevelFilter::INFO),
        2 => Some(LevelFilter::DEBUG),
        _ => Some(LevelFilter::TRACE),
    };
    let filter = match (level, std::env::var(VARIABLE)) {
        (Some(level), _) => EnvFilter::default().add_directive(level.into()),
        (None, Ok(directives)) if !directives.is_empty() => EnvFilter::builder()
            .parse(&directives)
            .map_err(|error| Failure::usage(format!("{VARIABLE}={directives}: {error}")))?,
        (None, _) => return Ok(()),
    };
    let is_styled = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(is_styled)
        .with_target(verbose != 1);
    subscriber.try_init().map_err(|error| Failure::usage(format!("cannot log: {error}")))
}
