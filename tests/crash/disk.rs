//! A disk that forgets: what was not synced when it stops may be there, be there in part, or not.
//! It can also fail one operation and go on.

use std::io::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engraph::testing::Disk;

use super::kill::Random;

/// What a disk writes at once, whole or not at all.
const SECTOR: usize = 512;

#[derive(Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Default)]
struct State {
    /// What a reader sees.
    seen: Vec<u8>,
    /// What the last sync left.
    durable: Vec<u8>,
    /// What came after it, in order.
    pending: Vec<Pending>,
    operations: u64,
    syncs: u64,
    stop_at_sync: Option<u64>,
    fail_at_operation: Option<u64>,
    stopped: bool,
}

/// A disk in memory, shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForgetfulDisk(Arc<Mutex<State>>);

impl ForgetfulDisk {
    /// A disk that has these bytes.
    pub(crate) fn with(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        {
            let mut state = disk.state();
            state.durable.clone_from(&bytes);
            state.seen = bytes;
        }
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops for good instead of the sync that comes after so many.
    pub(crate) fn stop_at_sync(&self, sync: u64) {
        let mut state = self.state();
        state.stop_at_sync = Some(state.syncs + sync);
    }

    /// Fails the operation that comes after so many, and no other.
    pub(crate) fn fail_at_operation(&self, operation: u64) {
        let mut state = self.state();
        state.fail_at_operation = Some(state.operations + operation);
    }

    /// Whether it has stopped, or failed as it was told.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state();
        state.stopped || state.fail_at_operation.is_some_and(|at| state.operations > at)
    }

    /// What a process sees that opens the disk while the machine has not stopped.
    pub(crate) fn seen(&self) -> Vec<u8> {
        self.state().seen.clone()
    }

    /// What may be left after the machine stopped: of everything since the last sync, each sector
    /// may have been written or not.
    pub(crate) fn after_a_stop(&self, random: &mut Random) -> Vec<u8> {
        let state = self.state();
        let mut bytes = state.durable.clone();
        // All of it, nothing of it, or anything between: the extremes often enough to be seen.
        let share = [0, 10, 50, 90, 100][random.below(5)];
        for pending in &state.pending {
            match pending {
                Pending::Length(length) => {
                    if random.below(100) < share {
                        bytes.resize(*length, 0);
                    }
                }
                Pending::Write(offset, written) => {
                    for (number, sector) in written.chunks(SECTOR).enumerate() {
                        let start = offset + number * SECTOR;
                        if random.below(100) < share {
                            let end = start + sector.len();
                            if bytes.len() < end {
                                bytes.resize(end, 0);
                            }
                            bytes[start..end].copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        bytes
    }
}

impl State {
    fn operation(&mut self) -> Result<()> {
        self.operations += 1;
        if self.stopped {
            return Err(Error::other("the disk has stopped"));
        }
        if self.fail_at_operation == Some(self.operations - 1) {
            return Err(Error::other("the disk failed once"));
        }
        Ok(())
    }
}

impl Disk for ForgetfulDisk {
    fn length(&self) -> Result<u64> {
        let mut state = self.state();
        state.operation()?;
        Ok(state.seen.len() as u64)
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let mut state = self.state();
        state.operation()?;
        let start = usize::try_from(offset).map_err(Error::other)?;
        let bytes = state.seen.get(start..start + buffer.len());
        let bytes = bytes.ok_or_else(|| Error::other("read past the end"))?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.state();
        state.operation()?;
        let length = usize::try_from(len).map_err(Error::other)?;
        state.seen.resize(length, 0);
        state.pending.push(Pending::Length(length));
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.state();
        state.operation()?;
        let start = usize::try_from(offset).map_err(Error::other)?;
        let place = state.seen.get_mut(start..start + bytes.len());
        let place = place.ok_or_else(|| Error::other("write past the end"))?;
        place.copy_from_slice(bytes);
        state.pending.push(Pending::Write(start, bytes.to_vec()));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.state();
        if state.stop_at_sync == Some(state.syncs) {
            state.stopped = true;
        }
        state.operation()?;
        state.syncs += 1;
        let State { seen, durable, pending, .. } = &mut *state;
        durable.clone_from(seen);
        pending.clear();
        Ok(())
    }
}
