//! Operations read from a repository's commits: who changed which file, when, by how many lines.
//!
//! Only commits that are not noted yet are looked at, and what is read is written from the oldest
//! on, so that a reading that was cut short is gone on with by the next. Merges repeat what their
//! parents changed and are left out.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::path::Path;

use gix::bstr::BStr;
use gix::diff::blob::Platform as LineCache;
use gix::object::tree::diff::Change;
use gix::{Commit, ObjectId, Repository, Tree};

use super::NewGitOperation;
use crate::base::error::{Error, Result};
use crate::base::limits::GIT_COMMITS_OF_A_WRITE;
use crate::base::time::Timestamp;
use crate::record::GitOperationType;
use crate::store::{ReadTx, Store};

/// Which commits are read, and what their paths are called here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct GitReading {
    branch: Option<String>,
    root: Option<String>,
}

impl GitReading {
    /// All commits that lead to the present one; paths as the repository has them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the commits that lead to a branch or tag, for example `main` or `refs/tags/v1`.
    pub fn branch(mut self, name: impl Into<String>) -> Self {
        self.branch = Some(name.into());
        self
    }

    /// Puts a folder before the paths of the repository: the one that the inventory of files has
    /// it under, so that operations are linked with files.
    pub fn root(mut self, folder: impl Into<String>) -> Self {
        self.root = Some(folder.into());
        self
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct GitRead {
    /// Commits that were not noted before.
    pub commits: u64,
    /// Those of them that are merges, of which nothing is noted.
    pub merges: u64,
    /// Operations noted, one a file of a commit.
    pub operations: u64,
    /// Operations that were linked with a file of the inventory.
    pub linked: u64,
}

/// A fault of the repository, with what was attempted.
fn failed<E: std::error::Error + Send + Sync + 'static>(action: &str) -> impl FnOnce(E) -> Error {
    let action = action.to_owned();
    move |error| Error::engine("git", action, error)
}

impl Store {
    /// Notes what the commits of a repository did to its files, as far as that is not noted yet.
    /// Nothing of the repository is changed, and no configuration but its own is read.
    ///
    /// ```no_run
    /// # fn show(store: &engraph::Store) -> engraph::Result<()> {
    /// use engraph::family::GitReading;
    ///
    /// let reading = GitReading::new().root("/home/ada/project");
    /// let read = store.read_git("/home/ada/project".as_ref(), &reading)?;
    /// println!("{} operations of {} commits", read.operations, read.commits);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] when there is no repository, no such branch, or a damaged object;
    /// [`Error::ReadOnly`]. What was read until then stays noted.
    pub fn read_git(&self, repository: &Path, reading: &GitReading) -> Result<GitRead> {
        let action = format!("open the repository {}", repository.display());
        let repo = gix::open_opts(repository, gix::open::Options::isolated());
        let repo = repo.map_err(failed(&action))?;
        let mut read = GitRead::default();
        let Some((branch, tip)) = tip(&repo, reading)? else { return Ok(read) };
        let commits = unknown(&repo, tip, &self.read()?)?;
        let lines = || repo.diff_resource_cache_for_tree_diff().map_err(failed("compare files"));
        let mut source = Source { repo: &repo, branch, reading, lines: [lines()?, lines()?] };
        for batch in commits.chunks(GIT_COMMITS_OF_A_WRITE) {
            let mut operations = Vec::new();
            for commit in batch {
                read.commits += 1;
                read.merges += u64::from(!source.operations(*commit, &mut operations)?);
            }
            read.operations += operations.len() as u64;
            read.linked += self.write(|tx| {
                let ids = tx.git().note_all(operations.iter().cloned())?;
                let mut linked = 0;
                for id in ids {
                    let noted = tx.get::<crate::record::GitOperation>(id)?;
                    linked += u64::from(noted.is_some_and(|noted| noted.file.is_some()));
                }
                Ok(linked)
            })?;
        }
        Ok(read)
    }
}

/// The commit to begin from, with the name of its branch. `None` where nothing was committed yet.
fn tip(repo: &Repository, reading: &GitReading) -> Result<Option<(Option<String>, ObjectId)>> {
    let action = "find the branch";
    if let Some(name) = &reading.branch {
        let mut reference = repo.find_reference(name.as_str()).map_err(failed(action))?;
        let id = reference.peel_to_id().map_err(failed(action))?.detach();
        return Ok(Some((Some(reference.name().shorten().to_string()), id)));
    }
    let head = repo.head().map_err(failed(action))?;
    if head.is_unborn() {
        return Ok(None);
    }
    let branch = head.referent_name().map(|name| name.shorten().to_string());
    Ok(Some((branch, repo.head_id().map_err(failed(action))?.detach())))
}

/// The commits that lead to one and are not noted, oldest first.
fn unknown(repo: &Repository, tip: ObjectId, tx: &ReadTx) -> Result<Vec<ObjectId>> {
    let action = "walk the commits";
    let fault = RefCell::new(None);
    let walk = repo.rev_walk([tip]).selected(|id| match tx.git().of_commit(&id.to_string()) {
        Ok(noted) => noted.is_empty(),
        Err(error) => {
            fault.borrow_mut().get_or_insert(error);
            false
        }
    });
    let mut found = Vec::new();
    for commit in walk.map_err(failed(action))? {
        let commit = commit.map_err(failed(action))?;
        found.push((commit.id, commit.parent_ids.to_vec()));
    }
    if let Some(error) = fault.into_inner() {
        return Err(error);
    }
    Ok(parents_first(&found))
}

/// The commits in an order in which each comes after all of its parents. Walks end where a commit
/// is noted, so that whatever is noted must have all before it noted, too.
fn parents_first(commits: &[(ObjectId, Vec<ObjectId>)]) -> Vec<ObjectId> {
    let places: HashMap<ObjectId, usize> =
        commits.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    let mut children = vec![Vec::new(); commits.len()];
    let mut waits_for = vec![0_usize; commits.len()];
    for (place, (_, parents)) in commits.iter().enumerate() {
        for parent in parents.iter().filter_map(|parent| places.get(parent)) {
            children[*parent].push(place);
            waits_for[place] += 1;
        }
    }
    let is_free = |place: &usize| waits_for[*place] == 0;
    let mut free: VecDeque<usize> = (0..commits.len()).rev().filter(is_free).collect();
    let mut order = Vec::with_capacity(commits.len());
    while let Some(place) = free.pop_front() {
        order.push(commits[place].0);
        for child in &children[place] {
            waits_for[*child] -= 1;
            if waits_for[*child] == 0 {
                free.push_back(*child);
            }
        }
    }
    order
}

/// A repository that is being read.
struct Source<'a> {
    repo: &'a Repository,
    branch: Option<String>,
    reading: &'a GitReading,
    /// For finding what was renamed, and for counting lines.
    lines: [LineCache; 2],
}

impl Source<'_> {
    /// Adds what a commit did. `false` for a merge.
    fn operations(&mut self, id: ObjectId, into: &mut Vec<NewGitOperation>) -> Result<bool> {
        let action = format!("read commit {id}");
        let commit = self.repo.find_commit(id).map_err(failed(&action))?;
        let mut parents = commit.parent_ids();
        let parent = parents.next();
        if parents.next().is_some() {
            return Ok(false);
        }
        let before = match parent {
            None => self.repo.empty_tree(),
            Some(parent) => {
                let parent = self.repo.find_commit(parent).map_err(failed(&action))?;
                parent.tree().map_err(failed(&action))?
            }
        };
        let after = commit.tree().map_err(failed(&action))?;
        let files = self.files(&before, &after).map_err(failed(&action))?;
        let base = self.base(&commit, parent.map(|id| id.to_string()))?;
        let count = files.len() as u32;
        into.extend(files.into_iter().map(|file| {
            let mut operation = base.clone().counts(count, file.added, file.removed);
            operation.record.file_path = self.path(&file.path);
            operation.record.operation_type = file.operation;
            operation
        }));
        Ok(true)
    }

    /// What all operations of a commit have in common.
    fn base(&self, commit: &Commit<'_>, parent: Option<String>) -> Result<NewGitOperation> {
        let action = format!("read commit {}", commit.id);
        let author = commit.author().map_err(failed(&action))?;
        let named = |text: &BStr| match text.to_string().trim() {
            "" => "unknown".to_owned(),
            text => text.to_owned(),
        };
        let seconds = commit.time().map_err(failed(&action))?.seconds;
        let message = commit.message_raw().map_err(failed(&action))?.to_string();
        let operation = NewGitOperation::new("", GitOperationType::Modify, commit.id.to_string())
            .author(named(author.name), named(author.email))
            .message(message.trim_end())
            .at(Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
        let operation = parent.into_iter().fold(operation, NewGitOperation::before);
        Ok(self.branch.iter().fold(operation, NewGitOperation::branch))
    }

    fn path(&self, path: &str) -> String {
        match &self.reading.root {
            None => path.to_owned(),
            Some(root) => format!("{}/{path}", root.trim_end_matches('/')),
        }
    }

    /// The files that differ between two trees.
    fn files(&mut self, before: &Tree<'_>, after: &Tree<'_>) -> gix::error::Result<Vec<File>> {
        let [renames, lines] = &mut self.lines;
        renames.clear_resource_cache();
        let mut files = Vec::new();
        let mut changes = before.changes()?;
        changes.options(|options| {
            options.track_path().track_rewrites(Some(gix::diff::Rewrites::default()));
        });
        changes.for_each_to_obtain_tree_with_cache(after, renames, |change| {
            if let Some(file) = File::of(&change, lines)? {
                files.push(file);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        lines.clear_resource_cache();
        Ok(files)
    }
}

/// One file of a commit.
struct File {
    path: String,
    operation: GitOperationType,
    added: u32,
    removed: u32,
}

impl File {
    /// `None` for what is no file. Binary files have no lines.
    fn of(change: &Change<'_, '_, '_>, lines: &mut LineCache) -> gix::error::Result<Option<Self>> {
        let (operation, mode) = match change {
            Change::Addition { entry_mode, .. }
            | Change::Rewrite { entry_mode, copy: true, .. } => (GitOperationType::Add, entry_mode),
            Change::Deletion { entry_mode, .. } => (GitOperationType::Delete, entry_mode),
            Change::Modification { entry_mode, .. } => (GitOperationType::Modify, entry_mode),
            Change::Rewrite { entry_mode, .. } => (GitOperationType::Move, entry_mode),
        };
        if !mode.is_blob_or_symlink() {
            return Ok(None);
        }
        let path = change.location().to_string();
        let counts = change.diff(lines)?.line_counts()?;
        let (added, removed) = counts.map_or((0, 0), |counts| (counts.insertions, counts.removals));
        Ok(Some(Self { path, operation, added, removed }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gix::actor::Signature;
    use gix::bstr::BString;
    use gix::date::Time;
    use gix::objs::tree::{Entry, EntryKind};

    use super::*;
    use crate::family::NewFile;
    use crate::record::GitOperation;

    const FIRST_SECOND: i64 = 1_700_000_000;

    /// A repository that is written object by object, so that no program is needed.
    struct Written {
        repo: Repository,
        files: BTreeMap<&'static str, Vec<u8>>,
        seconds: i64,
        _folder: tempfile::TempDir,
    }

    impl Written {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let repo = gix::init(folder.path()).unwrap();
            Self { repo, files: BTreeMap::new(), seconds: FIRST_SECOND, _folder: folder }
        }

        fn path(&self) -> &Path {
            self.repo.workdir().unwrap()
        }

        /// Commits the files as they are, and lets a branch lead there.
        fn commit(&mut self, branch: &str, parents: &[ObjectId]) -> ObjectId {
            self.seconds += 60;
            let entries = self.files.iter().map(|(name, content)| Entry {
                mode: EntryKind::Blob.into(),
                filename: (*name).into(),
                oid: self.repo.write_blob(content).unwrap().detach(),
            });
            let tree = gix::objs::Tree { entries: entries.collect() };
            let tree = self.repo.write_object(&tree).unwrap().detach();
            let signature = Signature {
                name: "Ada".into(),
                email: BString::default(),
                time: Time { seconds: self.seconds, offset: 3_600 },
            };
            let commit = gix::objs::Commit {
                tree,
                parents: parents.iter().copied().collect(),
                author: signature.clone(),
                committer: signature,
                encoding: None,
                message: "what and why\n".into(),
                extra_headers: Vec::new(),
            };
            let id = self.repo.write_object(&commit).unwrap().detach();
            let place = self.repo.git_dir().join("refs/heads").join(branch);
            std::fs::write(place, format!("{id}\n")).unwrap();
            id
        }

        fn head(&self, branch: &str) {
            let place = self.repo.git_dir().join("HEAD");
            std::fs::write(place, format!("ref: refs/heads/{branch}\n")).unwrap();
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(folder.path().join("store")).unwrap();
        (folder, store)
    }

    /// What was done to which file by a commit, by how many lines.
    fn noted(store: &Store, commit: ObjectId) -> Vec<(String, String, [i64; 3])> {
        let found = store.read().unwrap().git().of_commit(&commit.to_string()).unwrap();
        let mut found: Vec<_> = found
            .into_iter()
            .map(|(_, one)| {
                let counts = [one.files_changed, one.lines_added, one.lines_removed];
                (one.operation_type.to_string(), one.file_path, counts)
            })
            .collect();
        found.sort();
        found
    }

    fn said(operation: &str, path: &str, counts: [i64; 3]) -> (String, String, [i64; 3]) {
        (operation.to_owned(), path.to_owned(), counts)
    }

    #[test]
    fn each_commit_says_what_it_did_to_each_file() {
        let (_folder, store) = store();
        let mut written = Written::new();
        written.head("main");
        let long = b"1\n2\n3\n4\n5\n6\n7\n8\n".to_vec();
        written.files.extend([("a.txt", b"one\ntwo\n".to_vec()), ("b.txt", long.clone())]);
        let first = written.commit("main", &[]);
        written.files.insert("a.txt", b"one\n2\nthree\n".to_vec());
        written.files.remove("b.txt");
        written.files.insert("moved.txt", long);
        written.files.insert("x.bin", vec![0, 1, 2, 0, 255]);
        let second = written.commit("main", &[first]);
        written.files.remove("a.txt");
        let third = written.commit("main", &[second]);
        let read = store.read_git(written.path(), &GitReading::new()).unwrap();
        assert_eq!((read.commits, read.merges, read.operations, read.linked), (3, 0, 6, 0));
        assert_eq!(
            noted(&store, first),
            [said("add", "a.txt", [2, 2, 0]), said("add", "b.txt", [2, 8, 0]),]
        );
        assert_eq!(
            noted(&store, second),
            [
                said("add", "x.bin", [3, 0, 0]),
                said("modify", "a.txt", [3, 2, 1]),
                said("move", "moved.txt", [3, 0, 0]),
            ]
        );
        assert_eq!(noted(&store, third), [said("delete", "a.txt", [1, 0, 3])]);
        let tx = store.read().unwrap();
        let (_, newest) = tx.git().of("a.txt", 1).unwrap().swap_remove(0);
        let expected = GitOperation {
            file_path: "a.txt".into(),
            operation_type: GitOperationType::Delete,
            commit_hash_before: Some(second.to_string()),
            commit_hash_after: third.to_string(),
            branch_name: Some("main".into()),
            author_name: "Ada".into(),
            author_email: "unknown".into(),
            commit_message: Some("what and why".into()),
            operated_at: Some(Timestamp::from_micros((FIRST_SECOND + 180) * 1_000_000)),
            files_changed: 1,
            lines_removed: 3,
            operation_success: true,
            ..GitOperation::default()
        };
        assert_eq!(newest, expected);
    }

    #[test]
    fn only_new_commits_are_read_and_linked_with_files() {
        let (_folder, store) = store();
        let mut written = Written::new();
        written.head("main");
        written.files.insert("a.txt", b"a\n".to_vec());
        let first = written.commit("main", &[]);
        let reading = GitReading::new().root("/home/ada/");
        store.write(|tx| tx.files().put(NewFile::new("/home/ada/a.txt"))).unwrap();
        let read = |store: &Store| {
            let read = store.read_git(written.path(), &reading).unwrap();
            (read.commits, read.operations, read.linked)
        };
        assert_eq!(read(&store), (1, 1, 1));
        assert_eq!(read(&store), (0, 0, 0));
        written.files.insert("b.txt", b"b\n".to_vec());
        let second = written.commit("main", &[first]);
        let read = store.read_git(written.path(), &reading).unwrap();
        assert_eq!((read.commits, read.operations, read.linked), (1, 1, 0));
        assert_eq!(noted(&store, second), [said("add", "/home/ada/b.txt", [1, 1, 0])]);
    }

    #[test]
    fn a_merge_repeats_nothing_and_other_branches_wait_to_be_asked_for() {
        let (_folder, store) = store();
        let mut written = Written::new();
        written.head("main");
        written.files.insert("a.txt", b"a\n".to_vec());
        let first = written.commit("main", &[]);
        written.files.insert("side.txt", b"s\n".to_vec());
        let side = written.commit("side", &[first]);
        written.files.remove("side.txt");
        written.files.insert("b.txt", b"b\n".to_vec());
        let second = written.commit("main", &[first]);
        let read = store.read_git(written.path(), &GitReading::new()).unwrap();
        assert_eq!((read.commits, noted(&store, side).len()), (2, 0));
        written.files.insert("side.txt", b"s\n".to_vec());
        written.commit("main", &[second, side]);
        let read = store.read_git(written.path(), &GitReading::new().branch("side")).unwrap();
        assert_eq!((read.commits, noted(&store, side).len()), (1, 1));
        let read = store.read_git(written.path(), &GitReading::new()).unwrap();
        assert_eq!((read.commits, read.merges, read.operations), (1, 1, 0));
    }

    #[test]
    fn a_commit_comes_after_all_of_its_parents_however_long_the_branches() {
        let mut written = Written::new();
        let mut commit = |name, parents: &[ObjectId]| {
            written.files.insert(name, name.as_bytes().to_vec());
            written.commit("main", parents)
        };
        // From the newest the root is two steps away by one branch and five by the other.
        let root = commit("root", &[]);
        let short = commit("short", &[root]);
        let mut long = commit("long 1", &[root]);
        for name in ["long 2", "long 3", "long 4"] {
            long = commit(name, &[long]);
        }
        let after = commit("after", &[short]);
        let newest = commit("newest", &[after, long]);
        let (_folder, store) = store();
        let order = unknown(&written.repo, newest, &store.read().unwrap()).unwrap();
        assert_eq!((order.len(), order[0], order[7]), (8, root, newest));
        for (place, id) in order.iter().enumerate() {
            for parent in written.repo.find_commit(*id).unwrap().parent_ids() {
                assert!(order[..place].contains(&parent.detach()), "{id} before {parent}");
            }
        }
    }

    #[test]
    fn what_is_no_repository_or_has_no_such_branch_is_an_error() {
        let (folder, store) = store();
        let nowhere = store.read_git(folder.path(), &GitReading::new());
        assert!(matches!(nowhere, Err(Error::Engine { .. })), "{nowhere:?}");
        let written = Written::new();
        written.head("main");
        let empty = store.read_git(written.path(), &GitReading::new()).unwrap();
        assert_eq!(empty, GitRead::default());
        let absent = store.read_git(written.path(), &GitReading::new().branch("gone"));
        assert!(matches!(absent, Err(Error::Engine { .. })), "{absent:?}");
    }

    #[test]
    fn a_damaged_object_is_an_error_and_what_came_before_stays() {
        let (_folder, store) = store();
        let mut written = Written::new();
        written.head("main");
        written.files.insert("a.txt", b"a\n".to_vec());
        let first = written.commit("main", &[]);
        let second = written.commit("main", &[first]).to_string();
        let place = written.repo.git_dir().join("objects").join(&second[..2]).join(&second[2..]);
        std::fs::remove_file(&place).unwrap();
        std::fs::write(&place, b"nonsense").unwrap();
        let read = store.read_git(written.path(), &GitReading::new());
        assert!(matches!(read, Err(Error::Engine { .. })), "{read:?}");
    }
}
