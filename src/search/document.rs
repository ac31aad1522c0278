//! Documents on their way to the engine's threads.
//!
//! Those that are handed over together share one batch, with one buffer for all their texts: a
//! short document would else cost more to allocate and free than to copy. A batch also counts
//! against what may be on the way at once; the engine itself bounds only the number of batches.

use std::iter::Map;
use std::ops::Range;
use std::slice::Iter;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tantivy::schema::Field;
use tantivy::schema::document::{self, ReferenceValue, ReferenceValueLeaf};

/// How long nothing may come through before more is let in all the same: the engine's threads are
/// writing a segment then, or have died, which only handing over to them tells.
const PATIENCE: Duration = Duration::from_millis(200);

/// Bytes of texts for which the next batch has room from the start, at most.
const ROOM_BYTES_MAX: usize = 256 << 10;

/// A number in an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Signed(i64),
    Float(f64),
}

/// A member of an object.
type Member = (String, Vec<Number>);

/// A value in a batch.
#[derive(Debug)]
enum Part {
    /// Where it is among the batch's texts.
    Text(Range<usize>),
    Unsigned(u64),
    Members(Vec<Member>),
}

/// Some documents in the making, one after the other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    texts: String,
    parts: Vec<(Field, Part)>,
    /// Where the parts of each document end.
    ends: Vec<usize>,
    /// Given back when the last document is indexed.
    _permit: Option<Permit>,
}

impl Batch {
    /// How many documents there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of their texts.
    pub(super) fn text_bytes(&self) -> usize {
        self.texts.len()
    }

    /// Ends the document at hand.
    pub(super) fn end(&mut self) {
        self.ends.push(self.parts.len());
    }

    pub(super) fn add_text(&mut self, field: Field, text: &str) {
        let start = self.texts.len();
        self.texts.push_str(text);
        self.parts.push((field, Part::Text(start..self.texts.len())));
    }

    /// The text that was added last, as a value of another field too.
    pub(super) fn add_same_text(&mut self, field: Field) {
        if let Some((_, Part::Text(range))) = self.parts.last() {
            let range = range.clone();
            self.parts.push((field, Part::Text(range)));
        }
    }

    pub(super) fn add_u64(&mut self, field: Field, number: u64) {
        self.parts.push((field, Part::Unsigned(number)));
    }

    pub(super) fn add_members(&mut self, field: Field, members: Vec<Member>) {
        self.parts.push((field, Part::Members(members)));
    }

    /// The documents. The next batch has room for as much as this one held, within reason.
    pub(super) fn take(
        &mut self,
        permit: Option<Permit>,
    ) -> impl ExactSizeIterator<Item = Document> {
        let next = Self {
            texts: String::with_capacity(self.texts.len().min(ROOM_BYTES_MAX)),
            parts: Vec::with_capacity(self.parts.len()),
            ends: Vec::with_capacity(self.ends.len()),
            _permit: None,
        };
        let batch = Arc::new(Self { _permit: permit, ..std::mem::replace(self, next) });
        (0..batch.len()).map(move |at| Document { batch: Arc::clone(&batch), at })
    }
}

/// One document of a batch.
#[derive(Clone, Debug)]
pub(super) struct Document {
    batch: Arc<Batch>,
    at: usize,
}

impl document::Document for Document {
    type Value<'a> = Value<'a>;
    type FieldsValuesIter<'a> = FieldsValues<'a>;

    fn iter_fields_and_values(&self) -> FieldsValues<'_> {
        let Batch { texts, parts, ends, .. } = &*self.batch;
        let start = self.at.checked_sub(1).map_or(0, |before| ends[before]);
        FieldsValues { texts, parts: parts[start..ends[self.at]].iter() }
    }
}

/// The values of a document, each with its field.
#[derive(Debug)]
pub(super) struct FieldsValues<'a> {
    texts: &'a str,
    parts: Iter<'a, (Field, Part)>,
}

impl<'a> Iterator for FieldsValues<'a> {
    type Item = (Field, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, part) = self.parts.next()?;
        let value = match part {
            Part::Text(range) => Value::Text(&self.texts[range.clone()]),
            Part::Unsigned(number) => Value::Unsigned(*number),
            Part::Members(members) => Value::Members(members),
        };
        Some((*field, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.parts.size_hint()
    }
}

/// A value as the engine sees it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Unsigned(u64),
    Number(Number),
    Numbers(&'a [Number]),
    Members(&'a [Member]),
}

impl<'a> Value<'a> {
    fn element(number: &'a Number) -> Self {
        Self::Number(*number)
    }

    fn member((name, numbers): &'a Member) -> (&'a str, Self) {
        (name, Self::Numbers(numbers))
    }
}

impl<'a> document::Value<'a> for Value<'a> {
    type ArrayIter = Map<Iter<'a, Number>, fn(&'a Number) -> Self>;
    type ObjectIter = Map<Iter<'a, Member>, fn(&'a Member) -> (&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        let leaf = match *self {
            Self::Text(text) => ReferenceValueLeaf::Str(text),
            Self::Unsigned(number) => ReferenceValueLeaf::U64(number),
            Self::Number(Number::Signed(number)) => ReferenceValueLeaf::I64(number),
            Self::Number(Number::Float(number)) => ReferenceValueLeaf::F64(number),
            Self::Numbers(numbers) => {
                let element: fn(&'a Number) -> Self = Self::element;
                return ReferenceValue::Array(numbers.iter().map(element));
            }
            Self::Members(members) => {
                let member: fn(&'a Member) -> (&'a str, Self) = Self::member;
                return ReferenceValue::Object(members.iter().map(member));
            }
        };
        ReferenceValue::Leaf(leaf)
    }
}

/// Bounds the bytes of what is on the way. Closes when they reach the bound and opens when half of
/// them are through, so that neither side has to be woken for every batch.
#[derive(Debug)]
pub(super) struct Gate {
    bytes_max: usize,
    way: Mutex<Way>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct Way {
    bytes: usize,
    is_closed: bool,
}

impl Gate {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, way: Mutex::default(), opened: Condvar::new() })
    }

    /// Waits until the gate is open, or nothing has come through for a while. What goes through may
    /// be larger than the bound, once.
    pub(super) fn enter(self: &Arc<Self>, bytes: usize) -> Permit {
        let mut way = self.lock();
        while way.is_closed {
            let before = way.bytes;
            let waited = self.opened.wait_timeout(way, PATIENCE);
            way = waited.unwrap_or_else(PoisonError::into_inner).0;
            if way.is_closed && way.bytes == before {
                break;
            }
        }
        way.bytes += bytes;
        way.is_closed = way.bytes >= self.bytes_max;
        Permit { gate: Arc::clone(self), bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is on the way, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    bytes: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut way = self.gate.lock();
        way.bytes -= self.bytes;
        if way.is_closed && way.bytes <= self.gate.bytes_max / 2 {
            way.is_closed = false;
            self.gate.opened.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use tantivy::schema::document::{Document as _, Value as _};

    use super::*;

    fn field(number: u32) -> Field {
        Field::from_field_id(number)
    }

    #[test]
    fn documents_of_a_batch_have_their_own_values() {
        let mut batch = Batch::default();
        batch.add_u64(field(1), 7);
        batch.add_text(field(2), "first");
        batch.add_same_text(field(3));
        batch.end();
        batch.end();
        batch.add_text(field(2), "third");
        let numbers = vec![Number::Signed(-1), Number::Float(0.5)];
        batch.add_members(field(4), vec![("n".into(), numbers)]);
        batch.end();
        assert_eq!((batch.len(), batch.text_bytes()), (3, 10));

        let documents: Vec<Document> = batch.take(None).collect();
        assert_eq!((batch.len(), batch.text_bytes()), (0, 0));
        let texts = |document: &Document| -> Vec<(u32, Option<String>)> {
            let all = document.iter_fields_and_values();
            all.map(|(field, value)| (field.field_id(), value.as_str().map(str::to_owned)))
                .collect()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(texts(&documents[0]), [(1, None), (2, text("first")), (3, text("first"))]);
        assert_eq!(texts(&documents[1]), []);
        assert_eq!(texts(&documents[2]), [(2, text("third")), (4, None)]);
        let members = documents[2].iter_fields_and_values().nth(1).unwrap().1;
        let (name, numbers) = members.as_object().unwrap().next().unwrap();
        let numbers: Vec<Value<'_>> = numbers.as_array().unwrap().collect();
        assert_eq!((name, numbers[0].as_i64(), numbers[1].as_f64()), ("n", Some(-1), Some(0.5)));
    }

    #[test]
    fn what_is_on_the_way_is_bounded() {
        let gate = Gate::new(10);
        // Too large for the gate, but the first.
        let large = gate.enter(100);
        let other = Arc::clone(&gate);
        let waiting = std::thread::spawn(move || {
            let first = other.enter(6);
            (other.lock().bytes, first)
        });
        drop(large);
        let (there, first) = waiting.join().unwrap();
        assert_eq!(there, 6);
        let second = gate.enter(4);
        assert!(gate.lock().is_closed);
        drop(second);
        assert!(gate.lock().is_closed, "more than half is there yet");
        drop(first);
        let way = gate.lock();
        assert_eq!((way.bytes, way.is_closed), (0, false));
    }

    #[test]
    fn what_never_comes_through_stops_nobody() {
        let gate = Gate::new(10);
        // As of threads that have died: their batches are never dropped.
        let lost = gate.enter(10);
        let next = gate.enter(1);
        assert_eq!(gate.lock().bytes, 11);
        drop(lost);
        drop(next);
        assert!(!gate.lock().is_closed);
    }

    #[test]
    fn a_batch_is_on_the_way_until_its_last_document_is_gone() {
        let gate = Gate::new(10);
        let mut batch = Batch::default();
        batch.end();
        batch.end();
        let mut documents: Vec<Document> = batch.take(Some(gate.enter(3))).collect();
        documents.pop();
        assert_eq!(gate.lock().bytes, 3);
        documents.pop();
        assert_eq!(gate.lock().bytes, 0);
    }
}
