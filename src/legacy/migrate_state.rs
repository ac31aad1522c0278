//! What a migration has done so far, in one file of its backup folder: it can be killed at any
//! point and goes on from there.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::report::FileReport;
use crate::base::error::{Error, Result};
use crate::storage::place;

/// The file that holds the state.
const STATE_FILE: &str = "migration.json";
/// The version of its contents.
const FORMAT: u32 = 1;

/// How far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MigrationStep {
    /// The databases are being copied; there is no store yet.
    BackingUp,
    /// The databases are being taken into the store.
    Importing,
    /// The store is being compared with the databases.
    Comparing,
    /// All is done.
    Done,
    /// It is being undone.
    RollingBack,
    /// It was undone.
    RolledBack,
}

/// A file that was copied before the migration, one of those that make up a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPart {
    /// What its name has behind that of the database: nothing, `-wal` or `-journal`.
    pub suffix: String,
    /// The copy, within the backup folder.
    pub copy: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 digest.
    pub digest: String,
}

/// A database of the migration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Member {
    /// The path as it was given, which is the name of the source.
    pub(super) name: String,
    /// The same, absolute.
    pub(super) path: PathBuf,
    /// Empty as long as it was not copied.
    pub(super) parts: Vec<BackupPart>,
    /// Why it could not be copied.
    pub(super) unreadable: Option<String>,
    /// What became of it in the store.
    pub(super) import: Option<FileReport>,
}

/// The state of a migration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    pub(super) store: PathBuf,
    pub(super) zone: String,
    pub(super) salvage: bool,
    pub(super) step: MigrationStep,
    pub(super) members: Vec<Member>,
    /// The newest write of the store that the migration made and knows of.
    pub(super) seq: u64,
}

impl State {
    pub(super) fn new(store: PathBuf, zone: String, salvage: bool, members: Vec<Member>) -> Self {
        let step = MigrationStep::BackingUp;
        Self { format: FORMAT, store, zone, salvage, step, members, seq: 0 }
    }

    /// Reads the state of the migration whose backup folder this is. `None` when it is no backup
    /// folder.
    pub(super) fn load(backup: &Path) -> Result<Option<Self>> {
        let path = backup.join(STATE_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(Error::io("read", path, error)),
        };
        let corrupt = |error| Error::Corrupt {
            place: path.display().to_string(),
            detail: "is no state of a migration".into(),
            source: Some(Box::new(error)),
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(corrupt)?;
        let format = value["format"].as_u64().unwrap_or_default();
        if format > u64::from(FORMAT) {
            let what = path.display().to_string();
            return Err(Error::Version { what, found: format, supported: FORMAT.into() });
        }
        serde_json::from_value(value).map(Some).map_err(corrupt)
    }

    /// Writes the state: the old one or the new one is there, whatever happens.
    pub(super) fn save(&self, backup: &Path) -> Result<()> {
        let path = backup.join(STATE_FILE);
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::invalid("path", format!("cannot be written down: {error}")))?;
        write_whole(&path, &bytes)
    }
}

/// Writes a file in one step, durably.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut unborn = path.as_os_str().to_owned();
    unborn.push(".new");
    let unborn = PathBuf::from(unborn);
    let written = File::create(&unborn)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| Error::io("write", &unborn, error))?;
    fs::rename(&unborn, path).map_err(|error| Error::io("rename", &unborn, error))?;
    place::sync_parent(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_and_a_foreign_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(State::load(folder.path()).unwrap().is_none());
        assert!(State::load(&folder.path().join("absent")).unwrap().is_none());
        let member = Member {
            name: "old/\u{e9}.db".into(),
            path: "/old/\u{e9}.db".into(),
            parts: Vec::new(),
            unreadable: Some("no".into()),
            import: Some(FileReport { source: 3, ..FileReport::default() }),
        };
        let mut state = State::new("/store".into(), "UTC".into(), false, vec![member]);
        state.step = MigrationStep::Importing;
        state.save(folder.path()).unwrap();
        let back = State::load(folder.path()).unwrap().unwrap();
        assert_eq!(format!("{back:?}"), format!("{state:?}"));
        let file = folder.path().join(STATE_FILE);
        fs::write(&file, "{").unwrap();
        assert_eq!(State::load(folder.path()).unwrap_err().kind(), "corrupt");
        fs::write(&file, "{\"format\": 2}").unwrap();
        assert_eq!(State::load(folder.path()).unwrap_err().kind(), "version");
    }
}
