//! The write-ahead log beside a database, read far enough to say what SQLite will ignore of it.
//!
//! SQLite drops an unusable log, or the end of one, in silence. An import must not: whoever loses
//! transactions has to be told.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// Low bit clear: checksums over little-endian words; set: over big-endian ones.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

/// What a write-ahead log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogState {
    /// The header is not usable, so that SQLite ignores the whole log.
    Unusable {
        /// What is wrong with it.
        reason: String,
    },
    /// The log is used up to its last complete transaction.
    Used {
        /// Complete transactions in the log.
        transactions: u64,
        /// Frames behind the last complete transaction that belong to this log and are not used.
        ignored: u64,
        /// Whether a frame is damaged or cut, as opposed to a transaction that never ended.
        damaged: bool,
    },
}

impl LogState {
    /// What is lost, in words; `None` when nothing is.
    pub(crate) fn notice(&self) -> Option<String> {
        match self {
            Self::Unusable { reason } => {
                Some(format!("log header damaged ({reason}): the -wal file was not used"))
            }
            Self::Used { ignored: 0, .. } => None,
            Self::Used { ignored, damaged, .. } => {
                let why = if *damaged { "torn or damaged" } else { "never committed" };
                Some(format!(
                    "{ignored} frames of the -wal file after its last complete transaction \
                     were ignored ({why})"
                ))
            }
        }
    }
}

/// Reads the log at `path`.
pub(crate) fn inspect(path: &Path) -> std::io::Result<LogState> {
    read(&mut BufReader::with_capacity(1 << 20, File::open(path)?))
}

fn read(log: &mut impl Read) -> std::io::Result<LogState> {
    let mut header = [0; HEADER_BYTES];
    if fill(log, &mut header)? < HEADER_BYTES {
        return Ok(unusable("shorter than a header"));
    }
    let magic = word(&header, 0);
    if magic & !1 != MAGIC {
        return Ok(unusable("wrong magic"));
    }
    let mut sum = Checksum { big: magic & 1 == 1, a: 0, b: 0 };
    sum.add(&header[..24]);
    if (sum.a, sum.b) != (word(&header, 24), word(&header, 28)) {
        return Ok(unusable("wrong checksum"));
    }
    if word(&header, 4) != VERSION {
        return Ok(unusable("unknown version"));
    }
    let page_size = word(&header, 8) as usize;
    if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
        return Ok(unusable("impossible page size"));
    }
    frames(log, page_size, [word(&header, 16), word(&header, 20)], sum)
}

/// Walks the frames. Frames with other salts are left over from before the log was restarted.
fn frames(
    log: &mut impl Read,
    page_size: usize,
    salts: [u32; 2],
    mut sum: Checksum,
) -> std::io::Result<LogState> {
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_size];
    let (mut transactions, mut ignored, mut damaged) = (0, 0, false);
    loop {
        let length = fill(log, &mut frame)?;
        if length < FRAME_HEADER_BYTES {
            damaged |= length > 0 && ignored > 0;
            break;
        }
        if [word(&frame, 8), word(&frame, 12)] != salts {
            break;
        }
        ignored += 1;
        if length < frame.len() {
            damaged = true;
            break;
        }
        if damaged {
            continue;
        }
        sum.add(&frame[..8]);
        sum.add(&frame[FRAME_HEADER_BYTES..]);
        if (sum.a, sum.b) != (word(&frame, 16), word(&frame, 20)) || word(&frame, 0) == 0 {
            damaged = true;
        } else if word(&frame, 4) > 0 {
            transactions += 1;
            ignored = 0;
        }
    }
    Ok(LogState::Used { transactions, ignored, damaged })
}

fn unusable(reason: &str) -> LogState {
    LogState::Unusable { reason: reason.to_owned() }
}

/// Fills `buffer` as far as the file goes; returns how far.
fn fill(log: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match log.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The running checksum of a log: it covers the header and every frame before.
struct Checksum {
    big: bool,
    a: u32,
    b: u32,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks_exact(8) {
            let (first, second) = (self.number(&pair[..4]), self.number(&pair[4..]));
            self.a = self.a.wrapping_add(first).wrapping_add(self.b);
            self.b = self.b.wrapping_add(second).wrapping_add(self.a);
        }
    }

    fn number(&self, bytes: &[u8]) -> u32 {
        let number = word(bytes, 0);
        if self.big { number } else { number.swap_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of frames of 512 bytes; `true` ends a transaction.
    fn log(commits: &[bool]) -> Vec<u8> {
        let mut sum = Checksum { big: true, a: 0, b: 0 };
        let mut out = Vec::new();
        for number in [MAGIC | 1, VERSION, 512, 0, 11, 22] {
            out.extend_from_slice(&u32::to_be_bytes(number));
        }
        sum.add(&out);
        out.extend_from_slice(&sum.a.to_be_bytes());
        out.extend_from_slice(&sum.b.to_be_bytes());
        for (position, commit) in (0_u8..).zip(commits) {
            let mut head = (u32::from(position) + 1).to_be_bytes().to_vec();
            head.extend_from_slice(&u32::from(*commit).to_be_bytes());
            let page = [position; 512];
            sum.add(&head);
            sum.add(&page);
            for number in [11, 22, sum.a, sum.b] {
                head.extend_from_slice(&number.to_be_bytes());
            }
            out.extend_from_slice(&head);
            out.extend_from_slice(&page);
        }
        out
    }

    #[track_caller]
    fn used(bytes: &[u8], transactions: u64, ignored: u64, damaged: bool) {
        let expected = LogState::Used { transactions, ignored, damaged };
        assert_eq!(read(&mut &bytes[..]).unwrap(), expected);
    }

    #[test]
    fn complete_torn_damaged_and_open_transactions_are_told_apart() {
        let good = log(&[false, true, false, true]);
        used(&good, 2, 0, false);
        used(&log(&[true, false]), 1, 1, false);
        used(&good[..good.len() - 9], 1, 2, true);
        let mut flipped = good.clone();
        flipped[HEADER_BYTES + 536 * 2 + 100] ^= 4;
        used(&flipped, 1, 2, true);
    }

    #[test]
    fn frames_of_an_earlier_generation_are_no_loss() {
        let mut restarted = log(&[true, true, true]);
        let third = HEADER_BYTES + 536 * 2;
        restarted[third + 8] ^= 1;
        used(&restarted, 2, 0, false);
    }

    #[test]
    fn a_damaged_header_makes_the_log_unusable() {
        let mut bytes = log(&[true]);
        bytes[25] ^= 1;
        assert!(matches!(read(&mut &bytes[..]).unwrap(), LogState::Unusable { .. }));
        assert!(read(&mut &bytes[..9]).unwrap().notice().is_some());
    }
}
