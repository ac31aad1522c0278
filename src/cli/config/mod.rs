//! `engraph config`: the settings of the command itself, and where each is from.

mod file;
mod schema;
mod shown;

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::{env, io};

use clap::{Args, Subcommand};
use engraph::config::{Format, Layer, Schema, Settings, parse};
use serde::Serialize;
use serde_json::Value;

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};

/// What variables of the environment begin with.
const PREFIX: &str = "ENGRAPH_";
/// The variable that names a file of its own.
const FILE_VARIABLE: &str = "ENGRAPH_CONFIG";
/// Names that a file of settings may have, in a folder of them; the first that is there counts.
const NAMES: [&str; 6] =
    ["config.toml", "config.yaml", "config.yml", "config.json", "config.ini", "config.cfg"];

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the value of a setting
    Get { key: String },
    /// Keep a value in the file of the user
    Set {
        key: String,
        /// The value: JSON where it is that, else a text; `-` for a secret, which is read from
        /// standard input
        value: String,
    },
    /// Take a value out of the file of the user
    Unset { key: String },
    /// Show every setting, its value, and where it is from
    List,
    /// Show every place that has a setting; the last one counts
    Sources { key: String },
    /// Say what is wrong in files and environment
    Check,
}

/// A setting as JSON shows it.
#[derive(Serialize)]
struct Shown<'a> {
    key: &'a str,
    value: Value,
    source: &'a str,
    help: &'a str,
}

/// The settings of the command, and files that could not be read.
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) failed: Vec<(PathBuf, String)>,
}

/// Loads defaults, files and environment.
pub(crate) fn load() -> Result<Loaded, Failure> {
    let schema = schema::schema()?;
    // Variables that are no text can be nothing that is asked for here.
    let variables: Vec<(String, String)> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let mut layers = Vec::new();
    let mut failed = Vec::new();
    for path in files() {
        match read(&path) {
            Ok(Some(layer)) => layers.push(layer),
            Ok(None) => {}
            Err(reason) => failed.push((path, reason)),
        }
    }
    let ours = variables.iter().filter(|(name, _)| name != FILE_VARIABLE);
    let ours = ours.map(|(name, value)| (name.as_str(), value.as_str()));
    layers.push(Layer::environment(PREFIX, ours, &schema));
    let settings = Settings::with_variables(schema, variables);
    settings.load(layers);
    Ok(Loaded { settings, failed })
}

/// The files that may have settings, lowest first: of the machine, of the user, and the one that a
/// variable names.
fn files() -> Vec<PathBuf> {
    let dirs = env::var_os("XDG_CONFIG_DIRS").filter(|dirs| !dirs.is_empty());
    let dirs = dirs.unwrap_or_else(|| "/etc/xdg".into());
    let mut folders: Vec<PathBuf> =
        env::split_paths(&dirs).filter(|folder| folder.is_absolute()).collect();
    // The first of them counts most.
    folders.reverse();
    folders.extend(user_folder());
    let mut files: Vec<PathBuf> = folders.iter().map(|folder| file_in(folder)).collect();
    files.extend(env::var_os(FILE_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from));
    files
}

fn user_folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CONFIG_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| set("APPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".config")))
}

/// The file of settings in a folder of them; the name of a new one where there is none.
fn file_in(folder: &Path) -> PathBuf {
    let folder = folder.join("engraph");
    let files = NAMES.map(|name| folder.join(name));
    let found = files.iter().find(|file| file.exists());
    found.unwrap_or(&files[0]).clone()
}

/// The layer of a file; `None` where there is no file.
fn read(path: &Path) -> Result<Option<Layer>, String> {
    let Some(text) = file::read(path).map_err(|error| error.to_string())? else { return Ok(None) };
    let tree = parse(&text, Format::of_path(path)).map_err(|error| error.to_string())?;
    Ok(Some(Layer::new(format!("file {}", path.display()), tree)))
}

pub(super) fn run(
    arguments: &Arguments,
    loaded: &Loaded,
    output: &mut Output,
) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Get { key } => get(&loaded.settings, key, output),
        Action::Set { key, value } => {
            let value = given(loaded.settings.schema(), key, value)?;
            keep(loaded, key, &value, output)
        }
        Action::Unset { key } => keep(loaded, key, &Value::Null, output),
        Action::List => list(&loaded.settings, output),
        Action::Sources { key } => sources(&loaded.settings, key, output),
        Action::Check => check(loaded, output),
    }
}

/// The value that the command line gives a key. A secret is none of its words: those are seen by
/// everybody on the machine, and kept by shells.
fn given(schema: &Schema, key: &str, value: &str) -> Result<Value, Failure> {
    let json: Option<Value> = serde_json::from_str(value).ok();
    if shown::has_secret(schema, key, json.as_ref()) {
        if value != "-" {
            let message = format!("{key} is a secret, which is no argument");
            let hint = "give `-` as the value, and the secret on standard input";
            return Err(Failure::usage(message).hint(hint));
        }
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        read.map_err(|error| Failure::io("read", Path::new("standard input"), &error))?;
        return Ok(line.trim().into());
    }
    // What the schema takes as a text stays one.
    let json = json.filter(|json| schema.check_value(key, json).is_ok());
    Ok(json.unwrap_or_else(|| value.into()))
}

fn get(settings: &Settings, key: &str, output: &mut Output) -> Result<Answer, Failure> {
    let Some(value) = settings.find::<Value>(key)? else { return Ok(Answer::No) };
    let value = shown::masked(settings.schema(), key, value);
    if output.is_json() {
        output.json(&value)?;
    } else {
        output.line(super::text::escaped(&words(&value)))?;
    }
    Ok(Answer::Yes)
}

/// Writes a value into the file of the user, as the schema allows it.
fn keep(loaded: &Loaded, key: &str, value: &Value, output: &mut Output) -> Result<Answer, Failure> {
    loaded.settings.schema().check_value(key, value)?;
    let folder = user_folder().ok_or_else(|| {
        Failure::usage("no folder for settings: neither XDG_CONFIG_HOME nor HOME is set")
    })?;
    let path = file::keep(|| file_in(&folder), &folder, key, value)?;
    let shown = super::text::escaped(&path.to_string_lossy()).into_owned();
    output.note(format_args!("{key} is kept in {shown}"))?;
    Ok(Answer::Yes)
}

fn list(settings: &Settings, output: &mut Output) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["setting", "value", "from", "what it is for"]);
    for spec in settings.schema().keys() {
        let key = spec.key();
        let value = settings.find::<Value>(key)?.unwrap_or_default();
        let sources = settings.sources(key)?;
        let source = sources.last().map_or("", |(name, _)| name.as_str());
        let value = shown::masked(settings.schema(), key, value);
        if output.is_json() {
            output.json(&Shown { key, value, source, help: spec.help_text() })?;
        } else {
            rows.push([key, &words(&value), source, spec.help_text()]);
        }
    }
    if !output.is_json() {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}

fn sources(settings: &Settings, key: &str, output: &mut Output) -> Result<Answer, Failure> {
    let sources = settings.sources(key)?;
    let mut rows = Rows::new(["from", "value"]);
    for (source, value) in &sources {
        let value = shown::masked(settings.schema(), key, value.clone());
        if output.is_json() {
            output.json(&serde_json::json!({ "source": source, "value": value }))?;
        } else {
            rows.push([source.as_str(), &words(&value)]);
        }
    }
    if !output.is_json() && !sources.is_empty() {
        output.table(&rows)?;
    }
    Ok(Answer::yes_if(!sources.is_empty()))
}

fn check(loaded: &Loaded, output: &mut Output) -> Result<Answer, Failure> {
    let problems = loaded.settings.check();
    let mut rows = Rows::new(["from", "setting", "what is wrong"]);
    let unread = loaded
        .failed
        .iter()
        .map(|(path, reason)| (format!("file {}", path.display()), "", reason.as_str()));
    let wrong = problems.iter().map(|problem| {
        (problem.layer.clone().unwrap_or_default(), &*problem.key, &*problem.reason)
    });
    for (layer, key, reason) in unread.chain(wrong) {
        if output.is_json() {
            let object = serde_json::json!({ "source": layer, "key": key, "reason": reason });
            output.json(&object)?;
        } else {
            rows.push([&*layer, key, reason]);
        }
    }
    let is_well = problems.is_empty() && loaded.failed.is_empty();
    if !output.is_json() && !is_well {
        output.table(&rows)?;
    }
    Ok(Answer::yes_if(is_well))
}

/// A value as people write it.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
