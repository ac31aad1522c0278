//! The crate through its public interface: a claim with a lease, and its completion.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use engraph::family::{Lease, NewJob};
use engraph::record::QueueStatus;
use engraph::{Json, Store};

use super::Queue;
use crate::Outcome;

/// Longer than the measurement.
const LEASE: Duration = Duration::from_secs(600);

pub struct Engraph(Store);

/// Jobs that a worker takes at once.
const BATCH: usize = 100;

pub struct Worker {
    name: String,
    held: HashMap<u64, Lease>,
}

impl Engraph {
    /// Claims many jobs in one durable step and completes them in another, until none is due.
    pub fn work_in_batches(&self, worker: &mut Worker) -> Outcome<Vec<u64>> {
        let mut own = Vec::new();
        loop {
            let claimed = self.0.write(|tx| tx.jobs().claim_many(&worker.name, LEASE, BATCH))?;
            if claimed.is_empty() {
                return Ok(own);
            }
            self.0.write(|tx| {
                claimed.iter().try_for_each(|claimed| tx.jobs().complete(claimed.lease))
            })?;
            own.extend(claimed.iter().map(|claimed| claimed.lease.job.key()));
        }
    }
}

impl Queue for Engraph {
    type Worker = Worker;

    fn create(folder: &Path, jobs: u64) -> Outcome<Self> {
        let store = Store::create(folder.join("store"))?;
        store.bulk(|tx| {
            for number in 0..jobs {
                let payload = Json::from_text(format!("{{\"number\":{number}}}"))?;
                tx.jobs().enqueue(NewJob::new("index").payload(payload))?;
            }
            Ok(())
        })?;
        Ok(Self(store))
    }

    fn worker(&self, number: u64) -> Outcome<Worker> {
        Ok(Worker { name: format!("worker-{number}"), held: HashMap::new() })
    }

    fn claim(&self, worker: &mut Worker) -> Outcome<Option<u64>> {
        let claimed = self.0.write(|tx| tx.jobs().claim(&worker.name, LEASE))?;
        let Some(claimed) = claimed else { return Ok(None) };
        let number = claimed.lease.job.key();
        worker.held.insert(number, claimed.lease);
        Ok(Some(number))
    }

    fn complete(&self, worker: &mut Worker, job: u64) -> Outcome {
        let held = worker.held.remove(&job).ok_or("a job that is not held")?;
        Ok(self.0.write(|tx| tx.jobs().complete(held))?)
    }

    fn completed(&self) -> Outcome<u64> {
        let done = self.0.read()?.jobs().list(&QueueStatus::Completed, usize::MAX)?;
        Ok(done.len() as u64)
    }
}
