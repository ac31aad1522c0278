//! Models where the command was built without them.

use engraph::config::Settings;
use engraph::family::Analyzer;

use crate::cli::failure::Failure;

pub(super) fn analyzer(name: &str, _settings: &Settings) -> Result<Box<dyn Analyzer>, Failure> {
    let message = format!("cannot ask {name}: this command was built without the feature `http`");
    Err(Failure::usage(message).hint("`--analyzer builtin` needs no model"))
}
