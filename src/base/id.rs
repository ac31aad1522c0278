//! Identifiers: kinds, nodes, edges and sequence numbers, each a newtype of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Error;

const KEY_BITS: u32 = 56;
const KEY_MASK: u64 = (1 << KEY_BITS) - 1;

/// The type of a record: one byte, given by the store to the type's name.
///
/// Built-in kinds lie below 128, an application's from 128 on. Kind 0 is never given to a record
/// type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(pub u8);

impl Kind {
    /// The first kind that an application's own types can get.
    pub const FIRST_OWN: Self = Self(128);

    /// The number behind the kind, as an index.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The identity of a record, and of its node in the graph: kind (8 bits) and a key (56 bits) that
/// only grows. Never reused.
///
/// Written and parsed as `kind:key` in decimal, for example `4:17`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u64);

impl NodeId {
    /// The largest key that a node can have.
    pub const MAX_KEY: u64 = KEY_MASK;

    /// Puts kind and key together. `None` when the key needs more than 56 bits.
    #[must_use]
    pub fn new(kind: Kind, key: u64) -> Option<Self> {
        (key <= KEY_MASK).then_some(Self((u64::from(kind.0) << KEY_BITS) | key))
    }

    /// As [`NodeId::new`], the key cut to 56 bits; for keys known to fit.
    pub(crate) fn from_parts(kind: Kind, key: u64) -> Self {
        debug_assert!(key <= KEY_MASK, "a node key has 56 bits");
        Self((u64::from(kind.0) << KEY_BITS) | (key & KEY_MASK))
    }

    /// The node as one number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The node from the number that [`NodeId::as_u64`] gave.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The kind of the record.
    #[must_use]
    pub fn kind(self) -> Kind {
        Kind((self.0 >> KEY_BITS) as u8)
    }

    /// The key of the record within its kind.
    #[must_use]
    pub fn key(self) -> u64 {
        self.0 & KEY_MASK
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind().0, self.key())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl FromStr for NodeId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::invalid("node id", format!("{text:?} is not of the form kind:key"));
        let (kind, key) = text.split_once(':').ok_or_else(bad)?;
        let kind = kind.parse().map_err(|_| bad())?;
        let key = key.parse().map_err(|_| bad())?;
        Self::new(Kind(kind), key).ok_or_else(bad)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// The identity of an edge.
///
/// Edges that were made by themselves have a number of their own below 2^56. An edge that a record
/// states (see [`Facts::edge`](crate::record::Facts::edge)) has the identity of that record; a link
/// has none and reads as [`EdgeId::LINK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EdgeId(u64);

impl EdgeId {
    /// What a link, which has no identity, reads as.
    pub const LINK: Self = Self(0);

    /// The edge from its number.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The edge as one number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The record that states this edge, where one does.
    #[must_use]
    pub fn stated_by(self) -> Option<NodeId> {
        (self.0 > KEY_MASK).then_some(NodeId(self.0))
    }

    /// Whether this is a link, implied by a field of a record.
    #[must_use]
    pub fn is_link(self) -> bool {
        self == Self::LINK
    }
}

impl From<NodeId> for EdgeId {
    fn from(node: NodeId) -> Self {
        Self(node.0)
    }
}

impl fmt::Display for EdgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The number of an accepted write. Grows by one with each.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_keep_their_parts_and_their_text() {
        let node = NodeId::new(Kind(200), NodeId::MAX_KEY).unwrap();
        assert_eq!((node.kind(), node.key()), (Kind(200), NodeId::MAX_KEY));
        assert_eq!(node.to_string().parse::<NodeId>().unwrap(), node);
        assert_eq!(NodeId::new(Kind(1), NodeId::MAX_KEY + 1), None);
        for bad in ["", "1", "1:", ":1", "256:1", "1:-1", "1:99999999999999999999"] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_edge_tells_what_states_it() {
        let node = NodeId::new(Kind(3), 9).unwrap();
        assert_eq!(EdgeId::from(node).stated_by(), Some(node));
        assert_eq!(EdgeId::from_u64(7).stated_by(), None);
        assert!(EdgeId::LINK.is_link());
    }
}
