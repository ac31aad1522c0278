//! Walking a tree: which files there are, in the order of their paths.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use ignore::overrides::OverrideBuilder;
use ignore::{DirEntry, WalkBuilder};

use super::ScanOptions;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::family::file::path;

/// Something that a walk came upon.
#[derive(Debug)]
pub(super) enum Found {
    File(Seen),
    /// A link that is not followed.
    Link,
    /// No file: a pipe, a socket, a device.
    Special,
    Problem(PathBuf, String),
}

/// A regular file.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: PathBuf,
    /// The path as text.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) modified_at: Timestamp,
}

/// What lies below `root`, without the store itself, which changes while it is read.
pub(super) fn walk<'a>(
    root: &Path,
    store: &Path,
    options: &'a ScanOptions,
) -> Result<impl Iterator<Item = Found> + use<'a>> {
    let mut excluded = OverrideBuilder::new(root);
    for glob in &options.excluded {
        let bad = |error: ignore::Error| Error::invalid("exclude", error.to_string());
        excluded.add(&format!("!{glob}")).map_err(bad)?;
    }
    let bad = |error: ignore::Error| Error::invalid("exclude", error.to_string());
    let excluded = excluded.build().map_err(bad)?;
    let has_ignore_files = options.has_ignore_files;
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(!options.has_hidden)
        .ignore(has_ignore_files)
        .git_ignore(has_ignore_files)
        .git_exclude(has_ignore_files)
        .git_global(false)
        .parents(has_ignore_files)
        .require_git(false)
        .follow_links(options.follows_links)
        .max_depth(options.depth_max)
        .overrides(excluded)
        .sort_by_file_path(Ord::cmp);
    let once = Once { root: root.to_owned(), linked: Mutex::default() };
    let store = fs::canonicalize(store).unwrap_or_else(|_| store.to_owned());
    builder.filter_entry(move |entry| entry.path() != store && once.is_first(entry));
    Ok(builder.build().filter_map(|entry| found(entry, options)))
}

/// Keeps directories that links lead to from being walked twice.
struct Once {
    root: PathBuf,
    linked: Mutex<HashSet<PathBuf>>,
}

impl Once {
    fn is_first(&self, entry: &DirEntry) -> bool {
        let is_linked = entry.depth() > 0 && entry.path_is_symlink();
        if !is_linked || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
            return true;
        }
        let Ok(target) = fs::canonicalize(entry.path()) else { return true };
        // What leads upwards is a loop, which the walk reports; below the root it is walked anyway.
        if self.root.starts_with(&target) {
            return true;
        }
        if target.starts_with(&self.root) {
            return entry.path().starts_with(&target);
        }
        self.linked.lock().unwrap_or_else(PoisonError::into_inner).insert(target)
    }
}

fn found(entry: Result<DirEntry, ignore::Error>, options: &ScanOptions) -> Option<Found> {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => {
            let path = path_of(&error).unwrap_or_default();
            return Some(Found::Problem(path, reason_of(&error)));
        }
    };
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return None;
    }
    if kind.is_symlink() {
        return Some(Found::Link);
    }
    if !kind.is_file() {
        return Some(Found::Special);
    }
    let Some(name) = entry.path().to_str().map(ToOwned::to_owned) else {
        return Some(Found::Problem(entry.into_path(), "its name is no text".into()));
    };
    let extension = path::extension(path::name(&name));
    let has_extension = options.extensions.is_empty() || options.extensions.contains(&extension);
    let has_word = options.words.is_empty() || options.words.iter().any(|word| name.contains(word));
    if !has_extension || !has_word {
        return None;
    }
    let metadata = match entry.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Some(Found::Problem(entry.into_path(), reason_of(&error))),
    };
    let (size, modified_at) = (metadata.len(), modified_at(&metadata));
    Some(Found::File(Seen { path: entry.into_path(), name, size, modified_at }))
}

/// When a file was last modified; the epoch where the system does not say.
pub(super) fn modified_at(metadata: &fs::Metadata) -> Timestamp {
    let micros = metadata.modified().ok().map(|time| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    });
    Timestamp::from_micros(micros.unwrap_or_default())
}

fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::Loop { child, .. } => Some(child.clone()),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}

/// What is wrong, without the path.
fn reason_of(error: &ignore::Error) -> String {
    match error {
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => reason_of(err),
        ignore::Error::Loop { ancestor, .. } => {
            format!("a link leads back to {}", ancestor.display())
        }
        other => other.to_string(),
    }
}
