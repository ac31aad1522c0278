//! An index of near vectors: a graph of neighbours in layers (HNSW, Malkov and Yashunin 2016).
//!
//! It names candidates and nothing more: whoever asks scores them by their values, so that a vector
//! can be missed but never gets another score. It holds one byte a value. The one place that names
//! the crate.

use std::fmt;
use std::path::Path;

use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

const ENGINE: &str = "usearch";

/// Neighbours of a vector in the graph.
const CONNECTIVITY: usize = 16;

/// Candidates that are kept while a vector is added.
const EXPANSION_ADD: usize = 128;

/// Candidates that are kept while one is looked for, where fewer are wanted.
const EXPANSION_SEARCH: usize = 64;

/// Calls at the same time. Further searches look at all vectors instead.
const CALLS_MAX: usize = 64;

/// Room for vectors that are added later, beside that for those there are.
const ROOM: usize = 4_096;

/// Near vectors of one dimension, by the cosine.
pub(crate) struct Approximate {
    index: Index,
    dimension: usize,
}

impl Approximate {
    /// One without vectors, with room for `count` and a quarter more.
    pub(crate) fn new(dimension: usize, count: usize) -> Result<Self> {
        let index = Index::new(&options(dimension)).map_err(|err| failed("create", &err))?;
        let new = Self { index, dimension };
        new.reserve(count)?;
        Ok(new)
    }

    fn reserve(&self, count: usize) -> Result<()> {
        let capacity = count + count / 4 + ROOM;
        self.index
            .reserve_capacity_and_threads(capacity, CALLS_MAX)
            .map_err(|err| failed("make room in", &err))
    }

    /// Reads one that [`Self::save`] wrote. The bytes of the file must be those: the crate does not
    /// check them.
    pub(crate) fn open(path: &Path, dimension: usize) -> Result<Self> {
        let index = Index::new(&options(dimension)).map_err(|err| failed("create", &err))?;
        index.load(text_of(path)?).map_err(|err| failed("read", &err))?;
        if index.dimensions() != dimension {
            return Err(Error::corrupt("approximate index", "its dimension is another"));
        }
        let opened = Self { index, dimension };
        opened.reserve(opened.len())?;
        Ok(opened)
    }

    /// Writes it to a file.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        self.index.save(text_of(path)?).map_err(|err| failed("write", &err))
    }

    /// Adds the vector of a carrier that it does not have. Several threads may at once.
    pub(crate) fn add(&self, carrier: NodeId, values: &[f32]) -> Result<()> {
        self.index.add(carrier.as_u64(), values).map_err(|err| failed("add to", &err))
    }

    /// Takes the vector of a carrier out, if it is there.
    pub(crate) fn remove(&self, carrier: NodeId) -> Result<()> {
        self.index.remove(carrier.as_u64()).map(drop).map_err(|err| failed("remove from", &err))
    }

    /// Whether so many more can be added.
    pub(crate) fn has_room_for(&self, count: usize) -> bool {
        self.len() + count <= self.index.capacity()
    }

    /// The carriers of about the nearest vectors; `None` where too many ask at once.
    pub(crate) fn search(&self, values: &[f32], count: usize) -> Option<Vec<NodeId>> {
        let found = self.index.search(values, count).ok()?;
        Some(found.keys.into_iter().map(NodeId::from_u64).collect())
    }

    /// How many vectors it has.
    pub(crate) fn len(&self) -> usize {
        self.index.size()
    }

    /// Bytes that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.index.memory_usage()
    }
}

impl fmt::Debug for Approximate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approximate")
            .field("dimension", &self.dimension)
            .field("vectors", &self.len())
            .finish_non_exhaustive()
    }
}

fn options(dimension: usize) -> IndexOptions {
    IndexOptions {
        dimensions: dimension,
        metric: MetricKind::Cos,
        quantization: ScalarKind::I8,
        connectivity: CONNECTIVITY,
        expansion_add: EXPANSION_ADD,
        expansion_search: EXPANSION_SEARCH,
        multi: false,
    }
}

fn failed(action: &str, error: &dyn fmt::Display) -> Error {
    Error::engine(ENGINE, format!("{action} an approximate index"), error.to_string())
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::invalid("path", "an approximate index needs one in UTF-8"))
}
