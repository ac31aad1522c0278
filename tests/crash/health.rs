//! What the health of a store says once a commit has failed.

use std::io::{Error as IoError, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engraph::record::Memory;
use engraph::testing::Disk;
use engraph::{Check, Error, Health, HealthOptions, Status, Store, testing};

use super::disk::ForgetfulDisk;

#[test]
fn a_poisoned_store_is_failing_and_still_says_so() {
    let home = tempfile::tempdir().unwrap();
    let disk = ForgetfulDisk::default();
    let directory = home.path().join("store");
    let store = testing::create(&directory, Store::builder(), Arc::new(disk.clone())).unwrap();
    let write = || {
        let memory = Memory { content: "text".into(), ..Memory::default() };
        store.write(|tx| tx.insert(&memory).map(drop))
    };
    write().unwrap();
    disk.stop_at_sync(0);
    assert!(matches!(write(), Err(Error::Poisoned { .. })));
    let options = HealthOptions { disk_free_bytes: Some(1 << 40), ..HealthOptions::default() };
    let health = store.health_with(&options).unwrap();
    assert_eq!(health.status, Status::Failing);
    assert_eq!(health.reasons[0].check, Check::Poisoned, "{:?}", health.reasons);
    assert_eq!(health.errors.commits, 1);
    assert_eq!(health.writes.seq.0, 1, "what was acknowledged");
}

/// A disk in memory that has an end.
#[derive(Clone, Debug)]
struct SmallDisk {
    inner: ForgetfulDisk,
    bytes: Arc<AtomicU64>,
}

impl Disk for SmallDisk {
    fn length(&self) -> Result<u64> {
        self.inner.length()
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.inner.read(offset, buffer)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        if len > self.bytes.load(Ordering::SeqCst) {
            return Err(IoError::from(ErrorKind::StorageFull));
        }
        self.inner.set_len(len)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.inner.write(offset, bytes)
    }

    fn sync(&self) -> Result<()> {
        self.inner.sync()
    }

    fn space(&self) -> Option<(u64, u64)> {
        let all = self.bytes.load(Ordering::SeqCst);
        Some((all.saturating_sub(self.inner.length().ok()?), all))
    }
}

/// The verdict, and what is said of the disk.
fn verdict(store: &Store) -> (Status, Option<(Status, String)>, Health) {
    let options = HealthOptions {
        disk_free_bytes_min: 24 << 20,
        disk_free_bytes_failing: 8 << 20,
        ..HealthOptions::default()
    };
    let health = store.health_with(&options).unwrap();
    let of_disk = health.reasons.iter().find(|reason| reason.check == Check::Disk);
    let of_disk = of_disk.map(|reason| (reason.status, reason.message.clone()));
    (health.status, of_disk, health)
}

#[test]
fn a_disk_that_fills_up_is_told_before_it_is_full_and_nothing_acknowledged_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let bytes = Arc::new(AtomicU64::new(48 << 20));
    let disk = SmallDisk { inner: ForgetfulDisk::default(), bytes: Arc::clone(&bytes) };
    let directory = home.path().join("store");
    let store = testing::create(&directory, Store::builder(), Arc::new(disk.clone())).unwrap();
    let (status, reason, health) = verdict(&store);
    assert_eq!((status, reason), (Status::Ok, None));
    assert_eq!(health.sizes.disk_total_bytes, Some(48 << 20), "the disk of the test is asked");

    let mut random = super::kill::Random(7);
    let mut seen = vec![Status::Ok];
    let mut kept = 0;
    let failed = loop {
        // Digits that do not compress away.
        let digits: Vec<String> = (0..20_000).map(|_| random.below(1 << 62).to_string()).collect();
        let content = digits.concat();
        let memory = Memory { content, ..Memory::default() };
        match store.write(|tx| tx.insert(&memory).map(drop)) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        let (status, reason, health) = verdict(&store);
        let free = health.sizes.disk_free_bytes.unwrap();
        let expected = match free {
            0..0x80_0000 => Status::Failing,
            0x80_0000..0x180_0000 => Status::Degraded,
            _ => Status::Ok,
        };
        assert_eq!(status, expected, "{free} bytes free: {:?}", health.reasons);
        if let Some((at, message)) = reason {
            assert_eq!(at, expected);
            assert!(message.starts_with(&format!("the disk has {free} bytes left")), "{message}");
        }
        if seen.last() != Some(&status) {
            seen.push(status);
        }
    };
    assert!(seen.len() > 1, "{seen:?} after {kept} writes");
    assert!(matches!(failed, Error::Poisoned { .. } | Error::Engine { .. }), "{failed:?}");
    let (status, _, health) = verdict(&store);
    assert_eq!(status, Status::Failing, "{:?}", health.reasons);
    assert_eq!(health.records["memory"], kept);

    // With room again, the store goes on from what was acknowledged.
    drop(store);
    bytes.store(256 << 20, Ordering::SeqCst);
    let store = testing::open(&directory, Store::builder(), Arc::new(disk)).unwrap();
    let (status, _, health) = verdict(&store);
    assert_eq!((status, health.records["memory"]), (Status::Ok, kept), "{:?}", health.reasons);
    assert!(store.verify().unwrap().problems.is_empty());
    store.write(|tx| tx.insert(&Memory::default()).map(drop)).unwrap();
}
