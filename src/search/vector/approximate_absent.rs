//! Stands in for the approximate index where the crate was built without the feature `ann`: there
//! is none, and none can be made.

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// Near vectors of one dimension.
#[derive(Debug)]
pub(crate) enum Approximate {}

impl Approximate {
    pub(crate) fn new(_dimension: usize, _count: usize) -> Result<Self> {
        Err(absent())
    }

    pub(crate) fn open(_path: &Path, _dimension: usize) -> Result<Self> {
        Err(absent())
    }

    pub(crate) fn save(&self, _path: &Path) -> Result<()> {
        match *self {}
    }

    pub(crate) fn add(&self, _carrier: NodeId, _values: &[f32]) -> Result<()> {
        match *self {}
    }

    pub(crate) fn remove(&self, _carrier: NodeId) -> Result<()> {
        match *self {}
    }

    pub(crate) fn has_room_for(&self, _count: usize) -> bool {
        match *self {}
    }

    pub(crate) fn search(&self, _values: &[f32], _count: usize) -> Option<Vec<NodeId>> {
        match *self {}
    }

    pub(crate) fn len(&self) -> usize {
        match *self {}
    }

    pub(crate) fn size_bytes(&self) -> usize {
        match *self {}
    }
}

fn absent() -> Error {
    Error::invalid("approximate index", "this build has none: the feature `ann` is off")
}
