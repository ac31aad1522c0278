//! `engraph tag`: which tags there are, which files have them, and the rules that give them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::family::{NewFileTag, NewTagDefinition, TagQuery, TagRule};
use engraph::{Json, ReadTx};

use super::failure::{Answer, Failure};
use super::output::{Output, Rows};
use super::records::{changing, done, looking, show};
use super::{shown, text};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the tags that are defined
    Definitions {
        /// The store's directory
        store: PathBuf,
        /// Only those of a category
        #[arg(long, value_name = "CATEGORY")]
        category: Option<String>,
    },
    /// Define a tag, with a rule that gives it if wanted
    Define {
        /// The store's directory
        store: PathBuf,
        /// Category, for example `type`
        category: String,
        /// Name
        name: String,
        /// Give it to files whose path matches this regular expression
        #[arg(long, value_name = "REGEX")]
        pattern: Option<String>,
        /// Give it to files whose path matches this glob
        #[arg(long, value_name = "GLOB", conflicts_with = "rule")]
        glob: Option<String>,
        /// Give it to files that meet this rule, in JSON
        #[arg(long, value_name = "JSON")]
        rule: Option<String>,
        /// Colour, `#RRGGBB`
        #[arg(long, value_name = "HEX")]
        color: Option<String>,
        /// What it means
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Define the tags that the old application defines by default
    Seed {
        /// The store's directory
        store: PathBuf,
    },
    /// List tags of files
    List {
        /// The store's directory
        store: PathBuf,
        /// Only those of a file, by its id or path
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
        /// Only those of a category
        #[arg(long, value_name = "CATEGORY")]
        category: Option<String>,
        /// Only those of a name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Tags to list at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Count how many files have each tag
    Counts {
        /// The store's directory
        store: PathBuf,
    },
    /// Give a file a tag
    Assign {
        /// The store's directory
        store: PathBuf,
        /// The file, by its id or path
        file: String,
        /// Name of the tag
        name: String,
        /// Category of the tag
        #[arg(long, value_name = "CATEGORY", default_value = "custom")]
        category: String,
        /// Value
        #[arg(long, value_name = "TEXT")]
        value: Option<String>,
    },
    /// Take a tag from a file
    Remove {
        /// The store's directory
        store: PathBuf,
        /// The file, by its id or path
        file: String,
        /// Name of the tag
        name: String,
        /// Category of the tag
        #[arg(long, value_name = "CATEGORY", default_value = "custom")]
        category: String,
    },
    /// Ask the rules about every file and document
    Apply {
        /// The store's directory
        store: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Definitions { store, category } => {
            looking(store, |tx| definitions(tx, category.as_deref(), output))
        }
        Action::Define { store, .. } => {
            let new = definition(&arguments.action)?;
            changing(store, |store| {
                done(output, "defined", store.write(|tx| tx.tags().define(new))?)
            })
        }
        Action::Seed { store } => changing(store, |store| {
            let count = store.write(|tx| tx.tags().seed())?;
            say(output, "defined", count as u64)
        }),
        Action::List { store, .. } => looking(store, |tx| list(tx, &arguments.action, output)),
        Action::Counts { store } => looking(store, |tx| show_counts(&tx.tags().counts()?, output)),
        Action::Assign { store, file, name, category, value } => changing(store, |store| {
            let file = super::file::named(&store.read()?, file)?;
            let mut tag = NewFileTag::new(file, name).category(category);
            if let Some(value) = value {
                tag = tag.value(value);
            }
            done(output, "assigned", store.write(|tx| tx.tags().assign(tag))?)
        }),
        Action::Remove { store, file, name, category } => changing(store, |store| {
            let id = super::file::named(&store.read()?, file)?;
            if !store.write(|tx| tx.tags().remove(id, category, name))? {
                return Err(Failure::no(format!("{file} has no tag {category}/{name}")));
            }
            done(output, "removed from", id)
        }),
        Action::Apply { store } => changing(store, |store| {
            let applied = store.bulk(|tx| tx.tags().apply_to_all())?;
            if output.is_json() {
                output.json(&applied)?;
            } else {
                let (seen, given) = (applied.looked_at, applied.given);
                let back = applied.taken_back;
                let line = format!("looked at {seen}, gave {given} tags, took back {back}");
                output.line(line)?;
            }
            Ok(Answer::Yes)
        }),
    }
}

fn definitions(
    tx: &ReadTx,
    category: Option<&str>,
    output: &mut Output,
) -> Result<Answer, Failure> {
    const FIELDS: &[&str] =
        &["category", "tag_name", "color_hex", "auto_assign_pattern", "auto_assign_rules"];
    show(tx, &tx.tags().definitions(category)?, FIELDS, output)?;
    for (id, error) in tx.tags().refused_rules()? {
        let error = error.to_string();
        output.note(format_args!("{id} gives no tags: {}", text::escaped(&error)))?;
    }
    Ok(Answer::Yes)
}

fn list(tx: &ReadTx, action: &Action, output: &mut Output) -> Result<Answer, Failure> {
    const FIELDS: &[&str] =
        &["file", "tag_category", "tag_name", "tag_value", "confidence", "created_by"];
    let mut query = TagQuery::new();
    if let Action::List { file, category, name, limit, .. } = action {
        query = query.limit(*limit);
        if let Some(file) = file {
            query = query.file(super::file::named(tx, file)?);
        }
        if let Some(category) = category {
            query = query.category(category);
        }
        if let Some(name) = name {
            query = query.name(name);
        }
    }
    show(tx, &tx.tags().list(&query)?, FIELDS, output)
}

fn definition(action: &Action) -> Result<NewTagDefinition, Failure> {
    let Action::Define { category, name, pattern, glob, rule, color, description, .. } = action
    else {
        return Err(Failure::usage("nothing to define"));
    };
    let mut new = NewTagDefinition::new(category, name);
    if let Some(pattern) = pattern {
        new = new.pattern(pattern);
    }
    if let Some(glob) = glob {
        new = new.rule(TagRule::Glob(glob.clone()));
    }
    if let Some(rule) = rule {
        new = new.rule(Json::from_text(rule.as_str())?.parse()?);
    }
    if let Some(color) = color {
        new = new.color(color);
    }
    if let Some(description) = description {
        new = new.description(description);
    }
    Ok(new)
}

fn say(output: &mut Output, what: &str, count: u64) -> Result<Answer, Failure> {
    if output.is_json() {
        output.json(&serde_json::json!({ "done": what, "count": count }))?;
    } else {
        output.line(format_args!("{what} {}", text::count(count)))?;
    }
    Ok(Answer::Yes)
}

fn show_counts(counts: &[(String, String, u64)], output: &mut Output) -> Result<Answer, Failure> {
    let mut rows = Rows::new(["category", "tag", "#files"]);
    for (category, name, count) in counts {
        if output.is_json() {
            let row = serde_json::json!({ "category": category, "tag": name, "files": count });
            output.json(&row)?;
        }
        let count = shown::plain(&(*count).into());
        rows.push([category.as_str(), name, &count]);
    }
    if !output.is_json() {
        output.table(&rows)?;
    }
    Ok(Answer::Yes)
}
