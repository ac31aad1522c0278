//! The approximate index of a model's vectors: building it, keeping it beside its matrix, and the
//! files that it is kept in.
//!
//! It is derived and never needed: what it does not know is looked at in the matrix, and where it
//! is absent all of that is. It is built when somebody asks for it, which takes minutes for a
//! million vectors. Vectors that change afterwards are remembered here and looked at one by one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::vector_rows::{State, each_vector};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::{NodeId, Seq};
use crate::base::trace::category::SEARCH;
use crate::search::vector::Approximate;
use crate::storage::place;

/// Counts up whenever the files would be other ones for the same vectors.
const VERSION: u32 = 1;

/// Vectors that are read before the threads get them.
const CHUNK: usize = 1_024;

/// An index with what it does not know.
#[derive(Debug)]
pub(super) struct Near {
    pub(super) index: Arc<Approximate>,
    /// Carriers whose vector is another one, or new, or gone.
    pub(super) fresh: BTreeSet<NodeId>,
}

impl Near {
    /// Bytes that it takes, nearly.
    pub(super) fn size_bytes(&self) -> usize {
        self.index.size_bytes() + self.fresh.len() * 2 * size_of::<NodeId>()
    }

    /// About the nearest carriers, and all that are fresh; `None` where it cannot tell.
    pub(super) fn candidates(&self, values: &[f32], count: usize) -> Option<Vec<NodeId>> {
        let mut found = self.index.search(values, count)?;
        found.retain(|carrier| !self.fresh.contains(carrier));
        found.extend(&self.fresh);
        Some(found)
    }
}

/// Builds an index of the `count` vectors of a model and dimension in a state of the store, with
/// all the threads that the machine has.
pub(super) fn build(
    state: State<'_>,
    (model, dimension): (&str, usize),
    count: usize,
) -> Result<Approximate> {
    let index = Approximate::new(dimension, count)?;
    let mut chunk: Vec<(NodeId, Vec<f32>)> = Vec::with_capacity(CHUNK);
    each_vector(state, model, &mut |found| {
        if found.values.len() == dimension {
            chunk.push((found.carrier, found.values.to_vec()));
        }
        if chunk.len() == CHUNK {
            add(&index, &chunk)?;
            chunk.clear();
        }
        Ok(ControlFlow::Continue(()))
    })?;
    add(&index, &chunk)?;
    Ok(index)
}

/// Adds vectors on several threads.
pub(super) fn add(index: &Approximate, vectors: &[(NodeId, Vec<f32>)]) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = vectors.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = |part: &[(NodeId, Vec<f32>)]| {
            part.iter().try_for_each(|(carrier, values)| index.add(*carrier, values))
        };
        let running: Vec<_> =
            vectors.chunks(share).map(|part| scope.spawn(move || work(part))).collect();
        running.into_iter().try_for_each(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// What the files of an index say about it.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    version: u32,
    model: String,
    dimension: usize,
    /// The state of the store that it shows.
    seq: u64,
    vectors: usize,
    /// Of the file beside.
    digest: Digest,
}

/// Where the files of an index are.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    stem: String,
}

impl Files {
    pub(super) fn of(folder: &Path, model: &str, dimension: usize) -> Self {
        let mut stem = Digest::of(format!("{dimension} {model}").as_bytes()).to_string();
        stem.truncate(16);
        Self { folder: folder.to_owned(), stem }
    }

    fn data(&self) -> PathBuf {
        self.folder.join(format!("{}.hnsw", self.stem))
    }

    fn note(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.stem))
    }

    /// Writes an index that shows a state. What was there before counts until the note is
    /// replaced, and does not fit it afterwards: both are found to be damaged then, and not read.
    pub(super) fn write(
        &self,
        index: &Approximate,
        (model, dimension): (&str, usize),
        seq: Seq,
    ) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|err| Error::io("create", &self.folder, err))?;
        let new = self.folder.join(format!("{}.new", self.stem));
        index.save(&new)?;
        let failed = |err| Error::io("write", &new, err);
        let file = File::open(&new).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let digest = Digest::of_readers([file]).map_err(failed)?;
        let vectors = index.len();
        let note =
            Note { version: VERSION, model: model.into(), dimension, seq: seq.0, vectors, digest };
        let note =
            serde_json::to_vec(&note).map_err(|err| Error::io("write", self.note(), err.into()))?;
        rename(&new, &self.data())?;
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&note)?;
            file.sync_all()
        });
        written.map_err(failed)?;
        rename(&new, &self.note())?;
        place::sync_parent(&self.note())
    }

    /// Reads the index, with the state that it shows. `None` where there is none, or none that can
    /// be used.
    pub(super) fn read(&self, model: &str, dimension: usize) -> Option<(Approximate, Seq)> {
        let note = fs::read(self.note()).ok()?;
        match self.try_read(&note, model, dimension) {
            Ok(read) => read,
            Err(err) => {
                tracing::warn!(
                    target: SEARCH, file = %self.data().display(), error = %err,
                    "approximate index cannot be used; build it anew"
                );
                None
            }
        }
    }

    fn try_read(
        &self,
        note: &[u8],
        model: &str,
        dimension: usize,
    ) -> Result<Option<(Approximate, Seq)>> {
        let damaged = |what: &str| Error::corrupt("approximate index", what);
        let note: Note =
            serde_json::from_slice(note).map_err(|_| damaged("its note cannot be read"))?;
        if (note.version, &*note.model, note.dimension) != (VERSION, model, dimension) {
            return Ok(None);
        }
        let data = self.data();
        let file = File::open(&data).map_err(|err| Error::io("open", &data, err))?;
        let digest = Digest::of_readers([file]).map_err(|err| Error::io("read", &data, err))?;
        if digest != note.digest {
            return Err(damaged("its bytes are not those that were written"));
        }
        let index = Approximate::open(&data, dimension)?;
        if index.len() != note.vectors {
            return Err(damaged("it has another number of vectors"));
        }
        Ok(Some((index, Seq(note.seq))))
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|err| Error::io("rename", from, err))
}

/// Removes the files of all indexes where one shows a state before `seq`, or does not say which.
pub(crate) fn remove_older(folder: &Path, seq: Seq) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let is_newer = |path: &Path| {
        let note = fs::read(path).ok().and_then(|note| serde_json::from_slice::<Note>(&note).ok());
        note.is_some_and(|note| note.seq >= seq.0)
    };
    // A file without its note, or half written, may show any state.
    let is_whole = |path: &Path| path.extension().is_none_or(|it| it != "new");
    let mut files = entries.flatten().map(|entry| entry.path());
    let all_newer = files.all(|file| is_whole(&file) && is_newer(&file.with_extension("json")));
    if all_newer { Ok(()) } else { remove_all(folder) }
}

/// Removes the files of all indexes.
pub(super) fn remove_all(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", folder, err))
        }
        _ => Ok(()),
    }
}
