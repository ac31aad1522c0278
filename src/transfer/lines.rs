//! A reader that knows in which line it is, and refuses elements that do not end.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use crate::base::limits::TRANSFER_TEXT_BYTES_MAX;

/// Where a reader is. Cheap to clone; clones see the same place.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    breaks: Rc<Cell<u64>>,
    since: Rc<Cell<usize>>,
}

impl Place {
    /// The line that is being read, from 1.
    pub(super) fn line(&self) -> u64 {
        self.breaks.get() + 1
    }

    /// An element begins here: its bytes are counted from now on.
    pub(super) fn begin(&self) {
        self.since.set(0);
    }
}

/// Counts the line breaks that pass.
#[derive(Debug)]
pub(super) struct Lines<R> {
    inner: R,
    place: Place,
    /// Bytes that an element may have.
    bytes_max: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self::with_max(inner, TRANSFER_TEXT_BYTES_MAX)
    }

    pub(super) fn with_max(inner: R, bytes_max: usize) -> Self {
        Self { inner, place: Place::default(), bytes_max }
    }

    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.place.since.get() > self.bytes_max {
            let reason = format!("an element has more than {} bytes", self.bytes_max);
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // Only what was handed out is consumed, so that this reads nothing.
        if let Ok(available) = self.inner.fill_buf() {
            let passed = &available[..count.min(available.len())];
            let breaks = passed.split(|byte| *byte == b'\n').count() as u64 - 1;
            self.place.breaks.set(self.place.breaks.get() + breaks);
            self.place.since.set(self.place.since.get().saturating_add(passed.len()));
        }
        self.inner.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_as_they_are_read_either_way() {
        let mut lines = Lines::new(&b"a\nb\nc"[..]);
        let place = lines.place();
        assert_eq!(place.line(), 1);
        let mut two = [0; 2];
        lines.read_exact(&mut two).unwrap();
        assert_eq!(place.line(), 2);
        let mut rest = String::new();
        lines.read_line(&mut rest).unwrap();
        assert_eq!((rest.as_str(), place.line()), ("b\n", 3));
    }

    #[test]
    fn an_element_without_an_end_is_refused() {
        let mut lines = Lines::new(io::BufReader::new(io::repeat(b'x')));
        lines.place().since.set(TRANSFER_TEXT_BYTES_MAX);
        assert_eq!(lines.read(&mut [0; 4]).unwrap(), 4);
        let error = lines.read(&mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        lines.place().begin();
        assert!(lines.read(&mut [0; 4]).is_ok());
    }
}
