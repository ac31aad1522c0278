//! The health of a store, with what only the families know: the job queue.

use std::sync::Arc;

use crate::base::error::Result;
use crate::store::{Health, HealthOptions, JobHealth, ReadTx, Store, health};

impl Store {
    /// How the store is doing, by the default limits. See [`Store::health_with`].
    ///
    /// ```
    /// use engraph::Store;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// let health = store.health()?;
    /// for reason in &health.reasons {
    ///     println!("{}: {}", reason.check.as_str(), reason.message);
    /// }
    /// assert_eq!(health.records_total, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Store::health_with`].
    pub fn health(&self) -> Result<Health> {
        self.health_with(&HealthOptions::default())
    }

    /// How the store is doing: sizes, readers, latencies, lags, errors, and a verdict by the limits
    /// of the options. Reads every page of the data file unless the options say otherwise; without
    /// that, linear in the jobs that wait, run or are dead. Never waits for writers.
    ///
    /// What cannot be read is a reason in the report, not an error.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed) after [`Store::close`].
    pub fn health_with(&self, options: &HealthOptions) -> Result<Health> {
        let mut health = health::look(self.shared(), options)?;
        let shared = self.shared();
        let read = ReadTx::new(Arc::clone(&shared.core), shared.published()?);
        let counts = read.jobs().counts();
        let counts = health.read("the job queue", counts);
        health.jobs = JobHealth {
            queued: counts.queued as u64,
            running: counts.running as u64,
            dead: counts.dead_letter as u64,
        };
        health::assess(&mut health, options);
        Ok(health)
    }
}
