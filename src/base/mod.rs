//! Pure bytes and values: errors, identifiers, time, codec, keys, digests, limits.
//!
//! No files, no engines, no knowledge of what a kind means. Everything above may use it.

pub(crate) mod codec;
pub(crate) mod digest;
pub(crate) mod error;
pub(crate) mod id;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod limits;
pub(crate) mod metrics;
pub(crate) mod near;
pub(crate) mod salt;
#[cfg(feature = "http")]
pub(crate) mod secret;
pub(crate) mod sha1;
pub(crate) mod time;
pub(crate) mod trace;
pub(crate) mod varint;
pub(crate) mod vector;
