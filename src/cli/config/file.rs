//! Writing a value into a file of settings.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use engraph::config::{Format, set_in_text};
use serde_json::Value;

use crate::cli::failure::Failure;

/// Held while a file of the folder is read and written: two calls at a time would each put back
/// what the other changed.
const LOCK: &str = "config.lock";

/// More than a file of settings may have; a device has no end.
const BYTES_MAX: u64 = (4 << 20) + 1;

/// The text of a file, as far as it can be one of settings; `None` where there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text"))
}

/// Sets a value in a file, or takes it out where it is null. Gives the file, which is asked for
/// once nobody else can make one.
pub(super) fn keep(
    file: impl FnOnce() -> PathBuf,
    folder: &Path,
    key: &str,
    value: &Value,
) -> Result<PathBuf, Failure> {
    let folder = folder.join("engraph");
    let _lock = locked(&folder).map_err(|error| Failure::io("lock", &folder, &error))?;
    let path = file();
    let text = read(&path).map_err(|error| Failure::io("read", &path, &error))?;
    let text = text.unwrap_or_default();
    let text = set_in_text(&text, Format::of_path(&path), key, value)?;
    write(&path, &text).map_err(|error| Failure::io("write", &path, &error))?;
    Ok(path)
}

/// The lock of a folder, which the system gives back with the file, also when the process dies.
fn locked(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let lock = File::options().create(true).append(true).open(folder.join(LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// Puts a whole file in the place of the old one: half of one would be read by the next call. Only
/// its owner may read it, since it may have a key in it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
