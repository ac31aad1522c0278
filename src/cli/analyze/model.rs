//! Models that look at files, over HTTP, as the settings `analysis.*` name them.

use std::time::Duration;

use engraph::Secret;
use engraph::config::Settings;
use engraph::family::{Analyzer, HttpAnalyzer, HttpOptions, Protocol};

use crate::cli::failure::Failure;

/// Where Ollama listens unless it is told otherwise.
const OLLAMA: &str = "http://localhost:11434";

pub(super) fn analyzer(name: &str, settings: &Settings) -> Result<Box<dyn Analyzer>, Failure> {
    let protocol = if name == "openai" { Protocol::OpenAi } else { Protocol::Ollama };
    let text = |key: &str| settings.find_checked::<String>(key);
    let url = match (text("analysis.url")?, protocol) {
        (Some(url), _) => url,
        (None, Protocol::Ollama) => OLLAMA.to_owned(),
        // Texts of files go nowhere that nobody has named.
        (None, Protocol::OpenAi) => return Err(missing("analysis.url", "--url URL")),
    };
    let model = text("analysis.model")?;
    let model = model.ok_or_else(|| missing("analysis.model", "--model NAME"))?;
    let mut options = HttpOptions::new(protocol, url, model);
    match key(settings)? {
        // An empty one says that the server wants none.
        Some(key) if key.is_empty() => {}
        Some(key) => options = options.key(Secret::new(key)),
        None if protocol == Protocol::OpenAi => return Err(no_key()),
        None => {}
    }
    if let Some(timeout) = settings.find_checked::<Duration>("analysis.timeout")? {
        options = options.timeout(timeout);
    }
    if let Some(retries) = settings.find_checked::<u64>("analysis.retries")? {
        options = options.attempts_max(u32::try_from(retries).unwrap_or(u32::MAX - 1) + 1);
    }
    if let Some(interval) = settings.find_checked::<Duration>("analysis.interval")? {
        options = options.interval(interval);
    }
    Ok(Box::new(HttpAnalyzer::new(options)?))
}

/// The key, as files and environment have it. It is never an argument: those are seen by all.
fn key(settings: &Settings) -> Result<Option<String>, Failure> {
    let key = settings.find_checked::<String>("analysis.key")?;
    let key = key.map(|key| key.trim().to_owned());
    if key.as_ref().is_some_and(|key| key.contains("${")) {
        return Err(Failure::usage("analysis.key names a variable that is not set"));
    }
    Ok(key)
}

fn missing(key: &str, flag: &str) -> Failure {
    Failure::usage(format!("{key} is not set"))
        .hint(format!("give `{flag}`, or keep it with `engraph config set {key} VALUE`"))
}

fn no_key() -> Failure {
    Failure::usage("analysis.key is not set").hint(
        "set the variable ENGRAPH_ANALYSIS_KEY, to an empty text where the server wants no key; or \
         give `engraph config set analysis.key -` the key on its standard input",
    )
}
