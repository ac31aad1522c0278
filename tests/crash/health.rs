//! What the health of a store says once a commit has failed.

use std::sync::Arc;

use engraph::record::Memory;
use engraph::{Check, Error, HealthOptions, Status, Store, testing};

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
