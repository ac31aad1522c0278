//! `engraph git`: what commits did to files.

#[cfg(not(feature = "git"))]
#[path = "absent.rs"]
mod read;
#[cfg(feature = "git")]
mod read;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engraph::family::NewGitOperation;
use engraph::record::{GitOperation, GitOperationType};
use engraph::{NodeId, ReadTx};

use super::failure::{Answer, Failure};
use super::output::Output;
use super::records::{changing, done, looking, show};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List operations on a file or of an author, newest first, or those of a commit
    Log {
        /// The store's directory
        store: PathBuf,
        #[command(flatten)]
        of: Of,
        /// Operations to list at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Note an operation by hand
    Record(Box<Noted>),
    /// Note what the commits of a repository did, as far as that is not noted yet
    Read(Repository),
}

/// Which operations.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Of {
    /// On the file at this path
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    /// Of this author
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Of this commit
    #[arg(long, value_name = "HASH")]
    commit: Option<String>,
}

#[derive(Args, Debug)]
struct Noted {
    /// The store's directory
    store: PathBuf,
    /// Path of the file
    file: String,
    /// What was done to it, for example add, modify, move or delete
    operation: String,
    /// The commit
    commit: String,
    /// Who did it
    #[arg(long, value_name = "NAME")]
    author: String,
    /// Address of who did it
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Message of the commit
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// The branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Lines that came
    #[arg(long, value_name = "N", default_value_t = 0)]
    added: u32,
    /// Lines that went
    #[arg(long, value_name = "N", default_value_t = 0)]
    removed: u32,
}

/// A repository to be read.
#[derive(Args, Debug)]
struct Repository {
    /// The store's directory
    store: PathBuf,
    /// The repository: its folder, with or without files checked out
    #[arg(value_name = "REPOSITORY")]
    place: PathBuf,
    /// The commits that lead to this branch, instead of the present one
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// The folder that the inventory of files has the repository under
    #[arg(long, value_name = "FOLDER")]
    root: Option<String>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Result<Answer, Failure> {
    match &arguments.action {
        Action::Log { store, of, limit } => looking(store, |tx| {
            let found = operations(tx, of, *limit)?;
            let fields = [
                "operated_at",
                "operation_type",
                "file_path",
                "author_name",
                "lines_added",
                "lines_removed",
                "commit_hash_after",
            ];
            show(tx, &found, &fields, output)
        }),
        Action::Record(noted) => changing(&noted.store, |store| {
            let operation = noted.operation();
            let id = store.write(|tx| tx.git().note(operation))?;
            done(output, "noted", id)
        }),
        Action::Read(repository) => read::run(repository, output),
    }
}

fn operations(tx: &ReadTx, of: &Of, limit: usize) -> Result<Vec<(NodeId, GitOperation)>, Failure> {
    let git = tx.git();
    if let Some(path) = &of.file {
        return Ok(git.of(path, limit)?);
    }
    if let Some(author) = &of.author {
        return Ok(git.by(author, limit)?);
    }
    let mut found = git.of_commit(of.commit.as_deref().unwrap_or_default())?;
    found.truncate(limit);
    Ok(found)
}

impl Noted {
    fn operation(&self) -> NewGitOperation {
        let done = GitOperationType::from(self.operation.as_str());
        let new = NewGitOperation::new(&*self.file, done, &*self.commit)
            .author(&*self.author, &*self.email)
            .counts(1, self.added, self.removed);
        let new = self.message.iter().fold(new, NewGitOperation::message);
        self.branch.iter().fold(new, NewGitOperation::branch)
    }
}
