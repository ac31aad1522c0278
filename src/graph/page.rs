//! Pages of a walk, and the tokens that say where the next one begins.

use super::budget::End;
use super::traverse::Reached;
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;

/// One page of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The nodes, in the order of the walk.
    pub items: Vec<Reached>,
    /// Why the page ends.
    pub end: End,
    /// Where there may be more: what [`Walk::after`](super::Walk::after) takes.
    pub next: Option<String>,
}

/// Tells walks apart, so that a token is not used with another walk than its own.
pub(super) struct Mark(u32);

impl Mark {
    pub(super) fn of(asked: &str) -> Self {
        let digest = Digest::of(asked.as_bytes());
        let first = digest.as_bytes().first_chunk::<4>().copied().unwrap_or_default();
        Self(u32::from_be_bytes(first))
    }

    /// The token of the place behind a node: mark and node in hexadecimal digits.
    pub(super) fn token(&self, last: NodeId) -> String {
        format!("{:08x}{:016x}", self.0, last.as_u64())
    }

    /// The node behind which a token's page begins.
    pub(super) fn place(&self, token: &str) -> Result<NodeId> {
        let bad = |reason: &str| Error::invalid("page token", format!("{token:?} {reason}"));
        let digits = token.len() == 24 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parts = digits.then(|| token.split_at(8)).and_then(|(mark, node)| {
            let mark = u32::from_str_radix(mark, 16).ok()?;
            Some((mark, u64::from_str_radix(node, 16).ok()?))
        });
        let (mark, node) = parts.ok_or_else(|| bad("is not 24 hexadecimal digits"))?;
        if mark != self.0 {
            return Err(bad("belongs to another walk"));
        }
        Ok(NodeId::from_u64(node))
    }
}

/// The error for a place that a walk does not come to any more.
pub(super) fn gone(last: NodeId) -> Error {
    let reason = format!("the walk no longer reaches node {last}, behind which the page begins");
    Error::conflict("page token", reason)
}
