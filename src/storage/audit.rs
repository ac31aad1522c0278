//! The audit chain: one entry a write, each of which carries the digest of the one before.
//!
//! An entry hashes the salted digests of its payloads, never the payloads, so that a payload can be
//! erased with its salt and the chain stays whole. Keys begin with a byte: 0 and the number of an
//! entry is its head; 1, the number and a place is an item of it; 2, a record and these two finds
//! the items of a record. Entries count up from 1 without gaps, items of an entry from 1.

use super::rows::{KeyRange, Rows, RowsMut};
use super::tables::TableId;
use crate::base::digest::{Digest, Hasher};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::salt::{SALT_BYTES, Salts};
use crate::base::time::Timestamp;
use crate::base::varint;

const HEAD: u8 = 0;
const ITEM: u8 = 1;
const BY_ID: u8 = 2;
/// Version of the form of entries, part of what is hashed.
const VERSION: u8 = 1;
const PLACE: &str = "table audit";

/// What an item of an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A record was written; the payload is its value.
    Put,
    /// A record was deleted.
    Delete,
    /// An edge was made; the payload is the edge.
    Link,
    /// An edge was removed.
    Unlink,
    /// Earlier payloads of the record were erased.
    Erase,
    /// What is audited changed; the payload is the new scope.
    Scope,
    /// Who made the write; the payload is the name.
    Author,
}

impl Act {
    fn code(self) -> u8 {
        match self {
            Self::Put => 1,
            Self::Delete => 2,
            Self::Link => 3,
            Self::Unlink => 4,
            Self::Erase => 5,
            Self::Scope => 6,
            Self::Author => 7,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        let all = [
            Self::Put,
            Self::Delete,
            Self::Link,
            Self::Unlink,
            Self::Erase,
            Self::Scope,
            Self::Author,
        ];
        all.into_iter().find(|act| act.code() == code)
    }

    /// Whether the id of such an item is a record's.
    pub(crate) fn is_of_record(self) -> bool {
        matches!(self, Self::Put | Self::Delete | Self::Erase)
    }
}

/// The head of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) seq: Seq,
    pub(crate) time: Timestamp,
    pub(crate) previous: Digest,
    pub(crate) items: u64,
    pub(crate) items_digest: Digest,
    /// The digest of the entry, as it is stored.
    pub(crate) digest: Digest,
}

/// An item of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) act: Act,
    /// A record or an edge; 0 where neither is meant.
    pub(crate) id: u64,
    pub(crate) digest: Digest,
    /// Salt and payload, unless they were erased.
    pub(crate) secret: Option<([u8; SALT_BYTES], Vec<u8>)>,
}

impl Head {
    fn hashed_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.number.to_be_bytes());
        varint::put(&mut bytes, self.seq.0);
        varint::put_signed(&mut bytes, self.time.as_micros());
        varint::put(&mut bytes, self.items);
        bytes.extend_from_slice(self.previous.as_bytes());
        bytes.extend_from_slice(self.items_digest.as_bytes());
        bytes
    }

    /// The digest that the entry must have.
    pub(crate) fn computed_digest(&self) -> Digest {
        Digest::of(&self.hashed_bytes())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.hashed_bytes();
        bytes.extend_from_slice(self.digest.as_bytes());
        bytes
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let [version] = take(rest)?;
        let number = u64::from_be_bytes(take(rest)?);
        let seq = Seq(varint::take(rest)?);
        let time = Timestamp::from_micros(varint::take_signed(rest)?);
        let items = varint::take(rest)?;
        let previous = Digest::from_bytes(take(rest)?);
        let items_digest = Digest::from_bytes(take(rest)?);
        let digest = Digest::from_bytes(take(rest)?);
        let whole = version == VERSION && rest.is_empty();
        whole.then_some(Self { number, seq, time, previous, items, items_digest, digest })
    }
}

impl Item {
    /// The digest of a payload with its salt.
    pub(crate) fn digest_of(salt: &[u8; SALT_BYTES], payload: &[u8]) -> Digest {
        Hasher::default().add(salt).add(payload).digest()
    }

    /// Adds the item to the digest over all items of an entry.
    pub(crate) fn hash_into(&self, hasher: &mut Hasher) {
        hasher.add(&[self.act.code()]).add(&self.id.to_be_bytes()).add(self.digest.as_bytes());
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.act.code()];
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.extend_from_slice(self.digest.as_bytes());
        if let Some((salt, payload)) = &self.secret {
            bytes.extend_from_slice(salt);
            bytes.extend_from_slice(payload);
        }
        bytes
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let [code] = take(rest)?;
        let act = Act::from_code(code)?;
        let id = u64::from_be_bytes(take(rest)?);
        let digest = Digest::from_bytes(take(rest)?);
        let secret = if rest.is_empty() { None } else { Some((take(rest)?, rest.to_vec())) };
        Some(Self { act, id, digest, secret })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

pub(crate) fn head_key(number: u64) -> [u8; 9] {
    let mut key = [HEAD; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn item_key(number: u64, place: u32) -> [u8; 13] {
    let mut key = [ITEM; 13];
    key[1..9].copy_from_slice(&number.to_be_bytes());
    key[9..].copy_from_slice(&place.to_be_bytes());
    key
}

pub(crate) fn by_id_key(id: u64, number: u64, place: u32) -> [u8; 21] {
    let mut key = [BY_ID; 21];
    key[1..9].copy_from_slice(&id.to_be_bytes());
    key[9..17].copy_from_slice(&number.to_be_bytes());
    key[17..].copy_from_slice(&place.to_be_bytes());
    key
}

/// The entry of one write, while the write goes on.
#[derive(Debug)]
pub(crate) struct Trail {
    number: u64,
    previous: Digest,
    items: u32,
    hasher: Hasher,
    salts: Salts,
}

impl Trail {
    /// Begins the entry after the newest one.
    pub(crate) fn begin(rows: &impl Rows) -> Result<Self> {
        let (number, previous) = match newest(rows)? {
            None => (1, Digest::from_bytes([0; 32])),
            Some(head) => (decoded(head.number.checked_add(1), "head")?, head.digest),
        };
        let (hasher, salts) = (Hasher::default(), Salts::new());
        Ok(Self { number, previous, items: 0, hasher, salts })
    }

    /// Adds an item.
    pub(crate) fn add(
        &mut self,
        rows: &mut impl RowsMut,
        act: Act,
        id: u64,
        payload: &[u8],
    ) -> Result<()> {
        let place = self.items.checked_add(1).ok_or(Error::Limit {
            what: "audited changes of one write".into(),
            max: u32::MAX.into(),
            found: u64::from(u32::MAX) + 1,
        })?;
        let salt = self.salts.next();
        let digest = Item::digest_of(&salt, payload);
        let item = Item { act, id, digest, secret: Some((salt, payload.to_vec())) };
        item.hash_into(&mut self.hasher);
        rows.put(TableId::AUDIT, &item_key(self.number, place), &item.encode())?;
        if act.is_of_record() {
            rows.put(TableId::AUDIT, &by_id_key(id, self.number, place), &[])?;
        }
        self.items = place;
        Ok(())
    }

    /// Writes the head.
    pub(crate) fn finish(&self, rows: &mut impl RowsMut, seq: Seq, time: Timestamp) -> Result<()> {
        let (number, previous) = (self.number, self.previous);
        let items_digest = self.hasher.digest();
        let items = self.items.into();
        let mut head =
            Head { number, seq, time, previous, items, items_digest, digest: items_digest };
        head.digest = head.computed_digest();
        rows.put(TableId::AUDIT, &head_key(number), &head.encode())
    }
}

/// The newest entry.
pub(crate) fn newest(rows: &impl Rows) -> Result<Option<Head>> {
    let last = rows.first(TableId::AUDIT, KeyRange::prefix(&[HEAD]).descending())?;
    last.map(|(_, value)| decoded(Head::decode(&value), "head")).transpose()
}

/// Heads with their keys' numbers, from the entry after `after` on. A head that does not decode is
/// none.
pub(crate) fn heads(
    rows: &impl Rows,
    after: u64,
) -> Result<impl Iterator<Item = Result<(u64, Option<Head>)>>> {
    let range = KeyRange::prefix(&[HEAD]).after(&head_key(after));
    let rows = rows.range(TableId::AUDIT, range)?;
    Ok(rows.map(|row| {
        let (key, value) = row?;
        let number = key.get(1..).and_then(|bytes| bytes.try_into().ok());
        let number = decoded(number, "key").map(u64::from_be_bytes)?;
        Ok((number, Head::decode(&value)))
    }))
}

/// Every item with its entry and place, of one entry or of all. An item that does not decode is
/// none.
pub(crate) fn items(
    rows: &impl Rows,
    number: Option<u64>,
) -> Result<impl Iterator<Item = Result<(u64, u32, Option<Item>)>>> {
    let key = number.map(|number| item_key(number, 0));
    let prefix = key.as_ref().map_or(&[ITEM][..], |key| &key[..9]);
    let rows = rows.range(TableId::AUDIT, KeyRange::prefix(prefix))?;
    Ok(rows.map(|row| {
        let (key, value) = row?;
        let (number, place) = decoded(place_of(&key[1..]), "key")?;
        Ok((number, place, Item::decode(&value)))
    }))
}

/// Numbers of entries that have items, before the first number or after the newest one: no head
/// leads there.
pub(crate) fn strays(rows: &impl Rows, newest: u64) -> Result<impl Iterator<Item = Result<u64>>> {
    let before = rows.range(TableId::AUDIT, KeyRange::prefix(&[ITEM]).before(&item_key(1, 0)))?;
    let after = KeyRange::prefix(&[ITEM]).after(&item_key(newest, u32::MAX));
    let after = rows.range(TableId::AUDIT, after)?;
    Ok(before.chain(after).map(|row| Ok(decoded(place_of(&row?.0[1..]), "key")?.0)))
}

/// Entry and place of the items of a record, oldest first, or of all by record.
pub(crate) fn places(
    rows: &impl Rows,
    id: Option<u64>,
) -> Result<impl Iterator<Item = Result<(u64, u64, u32)>>> {
    let key = id.map(|id| by_id_key(id, 0, 0));
    let prefix = key.as_ref().map_or(&[BY_ID][..], |key| &key[..9]);
    let rows = rows.range(TableId::AUDIT, KeyRange::prefix(prefix))?;
    Ok(rows.map(|row| {
        let (key, _) = row?;
        let split = || {
            let (id, rest) = key.get(1..)?.split_first_chunk::<8>()?;
            let (number, place) = place_of(rest)?;
            Some((u64::from_be_bytes(*id), number, place))
        };
        decoded(split(), "key")
    }))
}

fn place_of(key: &[u8]) -> Option<(u64, u32)> {
    let (number, place) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), u32::from_be_bytes(place.try_into().ok()?)))
}

/// The head of an entry.
pub(crate) fn head(rows: &impl Rows, number: u64) -> Result<Option<Head>> {
    let value = rows.get(TableId::AUDIT, &head_key(number))?;
    value.map(|value| decoded(Head::decode(&value), "head")).transpose()
}

/// One item.
pub(crate) fn item(rows: &impl Rows, number: u64, place: u32) -> Result<Option<Item>> {
    let value = rows.get(TableId::AUDIT, &item_key(number, place))?;
    value.map(|value| decoded(Item::decode(&value), "item")).transpose()
}

/// Erases salt and payload of an item. Tells whether they were there.
pub(crate) fn erase(rows: &mut impl RowsMut, number: u64, place: u32) -> Result<bool> {
    let Some(mut item) = item(rows, number, place)? else { return Ok(false) };
    let was_there = item.secret.take().is_some();
    if was_there {
        rows.put(TableId::AUDIT, &item_key(number, place), &item.encode())?;
    }
    Ok(was_there)
}

fn decoded<T>(found: Option<T>, what: &str) -> Result<T> {
    found.ok_or_else(|| Error::corrupt(PLACE, format!("a {what} does not decode")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing::MemoryRows;

    fn chain(entries: u64) -> MemoryRows {
        let mut rows = MemoryRows::default();
        for number in 1..=entries {
            let mut trail = Trail::begin(&rows).unwrap();
            trail.add(&mut rows, Act::Put, 7, b"value").unwrap();
            trail.add(&mut rows, Act::Author, 0, b"anna").unwrap();
            trail.finish(&mut rows, Seq(number), Timestamp::from_micros(-5)).unwrap();
        }
        rows
    }

    #[test]
    fn entries_follow_each_other_and_read_back() {
        let rows = chain(3);
        let heads: Vec<Head> =
            heads(&rows, 0).unwrap().map(|row| row.unwrap().1.unwrap()).collect();
        assert_eq!(heads.iter().map(|head| head.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(heads.windows(2).all(|pair| pair[1].previous == pair[0].digest));
        assert!(heads.iter().all(|head| head.digest == head.computed_digest()));
        let items: Vec<_> = items(&rows, Some(2)).unwrap().map(Result::unwrap).collect();
        assert_eq!(items.len(), 2);
        let item = items[0].2.clone().unwrap();
        let (salt, payload) = item.secret.unwrap();
        assert_eq!((&payload[..], item.digest), (&b"value"[..], Item::digest_of(&salt, b"value")));
        let places: Vec<_> = places(&rows, Some(7)).unwrap().map(Result::unwrap).collect();
        assert_eq!(places, [(7, 1, 1), (7, 2, 1), (7, 3, 1)]);
    }

    #[test]
    fn an_erased_item_keeps_its_digest() {
        let mut rows = chain(1);
        let before = item(&rows, 1, 1).unwrap().unwrap();
        assert!(erase(&mut rows, 1, 1).unwrap());
        assert!(!erase(&mut rows, 1, 1).unwrap());
        let after = item(&rows, 1, 1).unwrap().unwrap();
        assert_eq!((after.digest, after.secret), (before.digest, None));
    }

    #[test]
    fn broken_bytes_do_not_decode() {
        let rows = chain(1);
        for (key, value) in rows.table(TableId::AUDIT) {
            for length in 0..value.len() {
                match key[0] {
                    HEAD => assert_eq!(Head::decode(&value[..length]), None),
                    // Without its last bytes a payload is another one, and without all erased.
                    ITEM if length < 41 => assert_eq!(Item::decode(&value[..length]), None),
                    _ => {}
                }
            }
        }
    }
}
