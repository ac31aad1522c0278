//! Quality of files as a whole: alerts, operations on many files, and one measurement a day.

mod alert;
mod bulk;

use std::collections::HashSet;
use std::ops::Deref;
use std::time::Duration;

use super::Reader;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{
    AlertStatus, ChangeType, FileReview, HashHistory, Improvement, QualityMetrics, Record, Review,
    RiskAlert, Severity,
};
use crate::store::{ReadTx, WriteTx};
pub use alert::{NewAlert, Resolution};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// The rating from which a file is good enough for use.
const READY_RATING: i64 = 8;

/// Alerts, operations and measurements of a transaction. Made by [`ReadTx::quality`] and
/// [`WriteTx::quality`].
///
/// ```
/// use engraph::Store;
/// use engraph::family::NewAlert;
/// use engraph::record::{AlertStatus, Severity};
///
/// # let dir = tempfile::tempdir()?;
/// # let store = Store::create(dir.path().join("s"))?;
/// let alert = NewAlert::new("src/a.py", "low_quality", "Hard to read").severity(Severity::High);
/// let id = store.write(|tx| tx.quality().raise(alert))?;
/// let open = store.read()?.quality().alerts(&AlertStatus::Open, 10)?;
/// assert_eq!(open[0].0, id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Quality<T> {
    tx: T,
}

impl ReadTx {
    /// Quality of files, to look at.
    pub fn quality(&self) -> Quality<&Self> {
        Quality { tx: self }
    }
}

impl WriteTx<'_> {
    /// Quality of files.
    pub fn quality(&mut self) -> Quality<&mut Self> {
        Quality { tx: self }
    }
}

/// What [`Quality::keep_months`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct HistoryTrimmed {
    /// Changes of contents.
    pub hashes: u64,
    /// Reviews.
    pub reviews: u64,
    /// Measurements.
    pub metrics: u64,
}

impl<T: Deref<Target: Reader>> Quality<T> {
    /// Measurements, the newest day first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn metrics(&self, limit: usize) -> Result<Vec<(NodeId, QualityMetrics)>> {
        let mut found = self.tx.iter::<QualityMetrics>()?.collect::<Result<Vec<_>>>()?;
        found.sort_by_key(|(_, metrics)| std::cmp::Reverse(metrics.measured_on));
        found.truncate(limit);
        Ok(found)
    }

    /// What is measured now, of all files under review, open alerts, and what was done since the
    /// day began. Reads all of them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something does not decode.
    pub fn measured(&self, now: Timestamp) -> Result<QualityMetrics> {
        let day = day_of(now);
        let mut metrics = QualityMetrics {
            measured_on: Some(day),
            measured_at: Some(now),
            ..QualityMetrics::default()
        };
        self.measure_files(&mut metrics)?;
        self.measure_alerts(&mut metrics)?;
        self.measure_changes(day, &mut metrics)?;
        self.measure_reviews(day, &mut metrics)?;
        Ok(metrics)
    }

    fn measure_files(&self, metrics: &mut QualityMetrics) -> Result<()> {
        let (mut total, mut reviewed, mut cleaned, mut ready) = (0, 0, 0, 0);
        let mut averages = [Average::default(); 5];
        for row in self.tx.iter::<FileReview>()? {
            let (_, file) = row?;
            total += 1;
            reviewed += i64::from(file.reviewed);
            cleaned += i64::from(file.cleaned);
            ready += i64::from(file.rating.is_some_and(|rating| rating >= READY_RATING));
            let scores = [
                file.rating.map(|rating| rating as f64),
                file.maintainability_score,
                file.security_score,
                file.performance_score,
                file.documentation_score,
            ];
            for (average, score) in averages.iter_mut().zip(scores) {
                average.add(score);
            }
            match file.rating {
                Some(..=2) => metrics.files_rating_1_2 += 1,
                Some(3..=4) => metrics.files_rating_3_4 += 1,
                Some(5..=6) => metrics.files_rating_5_6 += 1,
                Some(7..=8) => metrics.files_rating_7_8 += 1,
                Some(9..) => metrics.files_rating_9_10 += 1,
                None => {}
            }
        }
        metrics.total_files = Some(total);
        metrics.files_reviewed = Some(reviewed);
        metrics.files_cleaned = Some(cleaned);
        metrics.files_production_ready = Some(ready);
        let [rating, maintainability, security, performance, documentation] =
            averages.map(Average::value);
        metrics.avg_rating = rating;
        metrics.avg_maintainability = maintainability;
        metrics.avg_security = security;
        metrics.avg_performance = performance;
        metrics.avg_documentation = documentation;
        Ok(())
    }

    fn measure_alerts(&self, metrics: &mut QualityMetrics) -> Result<()> {
        for row in self.tx.index::<RiskAlert>("status_priority", (&AlertStatus::Open,))? {
            match row?.1.severity {
                Severity::Critical => metrics.critical_alerts += 1,
                Severity::High => metrics.high_alerts += 1,
                Severity::Medium => metrics.medium_alerts += 1,
                Severity::Low => metrics.low_alerts += 1,
                Severity::Other(_) => {}
            }
        }
        Ok(())
    }

    fn measure_changes(&self, day: Timestamp, metrics: &mut QualityMetrics) -> Result<()> {
        for row in self.tx.index_from::<HashHistory>("recorded", Some(day))? {
            match row?.1.change_type {
                ChangeType::Cleanup => metrics.cleanup_operations += 1,
                ChangeType::Refactor => metrics.refactor_operations += 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn measure_reviews(&self, day: Timestamp, metrics: &mut QualityMetrics) -> Result<()> {
        let mut took = Average::default();
        let (mut improved, mut regressed) = (HashSet::new(), HashSet::new());
        for row in self.tx.index_from::<Review>("reviewed", Some(day))? {
            let (_, review) = row?;
            took.add(review.review_duration_seconds.map(|seconds| seconds as f64));
            match review.improvement_category {
                Some(Improvement::Regression) => regressed.insert(review.file_path),
                Some(Improvement::Minor | Improvement::Moderate | Improvement::Significant) => {
                    improved.insert(review.file_path)
                }
                _ => continue,
            };
        }
        metrics.files_improved = improved.len() as i64;
        metrics.files_regressed = regressed.len() as i64;
        metrics.avg_review_time = took.value();
        Ok(())
    }
}

impl Quality<&mut WriteTx<'_>> {
    /// Measures now, and keeps that as the measurement of the day, in the place of an earlier one
    /// of the same day. What it cannot know (calls and costs of a model) stays.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something does not decode.
    pub fn measure(&mut self) -> Result<NodeId> {
        let mut metrics = self.measured(self.tx.now())?;
        let day = day_of(self.tx.now());
        match self.tx.find::<QualityMetrics>("day", day)? {
            None => self.tx.insert(&metrics),
            Some((id, old)) => {
                metrics.api_calls = old.api_calls;
                metrics.api_cost = old.api_cost;
                metrics.avg_cleanup_time = old.avg_cleanup_time;
                self.tx.put(id, &metrics)?;
                Ok(id)
            }
        }
    }

    /// Adds calls of a model and what they cost to the measurement of the day, made now where there
    /// is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cost that is negative or not finite.
    pub fn add_model_calls(&mut self, calls: u32, cost: f64) -> Result<()> {
        if !cost.is_finite() || cost < 0.0 {
            return Err(Error::invalid("api_cost", format!("{cost} is no cost")));
        }
        let id = match self.tx.find::<QualityMetrics>("day", day_of(self.tx.now()))? {
            Some((id, _)) => id,
            None => self.measure()?,
        };
        let change = |metrics: &mut QualityMetrics| {
            metrics.api_calls += i64::from(calls);
            metrics.api_cost = Some(metrics.api_cost.unwrap_or_default() + cost);
            Ok(())
        };
        self.tx.update(id, change).map(drop)
    }

    /// Removes changes of contents, reviews and measurements that are older than so many months of
    /// 30 days. Never happens by itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no month at all; [`Error::Corrupt`] when something does not decode.
    pub fn keep_months(&mut self, months: u32) -> Result<HistoryTrimmed> {
        if months == 0 {
            return Err(Error::invalid("months", "nothing would be kept"));
        }
        let age = i64::from(months).saturating_mul(30 * 24 * 3_600 * 1_000_000);
        let end = Timestamp::from_micros(self.tx.now().as_micros().saturating_sub(age));
        Ok(HistoryTrimmed {
            hashes: self.trim::<HashHistory>("recorded", end, |it| it.recorded_at)?,
            reviews: self.trim::<Review>("reviewed", end, |it| it.reviewed_at)?,
            metrics: self.trim::<QualityMetrics>("measured", end, |it| it.measured_at)?,
        })
    }

    fn trim<R: Record>(
        &mut self,
        index: &str,
        end: Timestamp,
        time: fn(&R) -> Option<Timestamp>,
    ) -> Result<u64> {
        let mut old = Vec::new();
        for row in self.tx.index::<R>(index, ())? {
            let (id, record) = row?;
            match time(&record) {
                Some(time) if time >= end => break,
                Some(_) => old.push(id),
                // Nobody knows how old it is.
                None => {}
            }
        }
        for id in &old {
            self.tx.delete(*id)?;
        }
        Ok(old.len() as u64)
    }
}

/// The first moment of the day in UTC.
fn day_of(time: Timestamp) -> Timestamp {
    let day = DAY.as_micros() as i64;
    Timestamp::from_micros(time.as_micros().div_euclid(day).saturating_mul(day))
}

#[derive(Clone, Copy, Debug, Default)]
struct Average {
    sum: f64,
    count: u32,
}

impl Average {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}
