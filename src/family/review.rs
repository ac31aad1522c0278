//! Files under review: their scores, their reviews, and what follows from a bad rating.
//!
//! What the old schema's triggers do happens here in the same write: a file that is added gets tags
//! by its path and rating, and a rating that newly falls to 5 or less raises an alert.

use std::ops::Deref;

use super::quality::NewAlert;
use super::{Reader, named, share};
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::record::{FileReview, FileTag, Improvement, Review, ReviewType, Severity};
use crate::store::{ReadTx, WriteTx};

/// Who gives tags and raises alerts by themselves, as the old schema names it.
const TAGGER: &str = "auto_tagger";
const DETECTOR: &str = "automated_trigger";
/// The rating from which on a file raises no alert.
const LOW_RATING: i64 = 5;

/// The scores of a file at one time; what is not known is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Rating, 1 to 10.
    pub rating: Option<i64>,
    /// How easy it is to change.
    pub maintainability: Option<f64>,
    /// How safe it is.
    pub security: Option<f64>,
    /// How fast it is.
    pub performance: Option<f64>,
    /// How well it is documented.
    pub documentation: Option<f64>,
    /// Complexity.
    pub complexity: Option<f64>,
}

/// A review to be noted.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewReview {
    record: Review,
    scores: Scores,
}

impl NewReview {
    /// The file at a path was reviewed, and these are its scores now.
    pub fn new(path: impl Into<String>, review_type: ReviewType, scores: Scores) -> Self {
        let file_path = path.into();
        Self { record: Review { file_path, review_type, ..Review::default() }, scores }
    }

    /// Sets what happened.
    pub fn trigger(mut self, text: impl Into<String>) -> Self {
        self.record.review_trigger = Some(text.into());
        self
    }

    /// Sets how long it took, in seconds.
    pub fn seconds(mut self, seconds: u32) -> Self {
        self.record.review_duration_seconds = Some(seconds.into());
        self
    }

    /// Sets the name of the prompt and the version of the model.
    pub fn model(mut self, prompt: impl Into<String>, version: impl Into<String>) -> Self {
        self.record.prompt_used = Some(prompt.into());
        self.record.model_version = Some(version.into());
        self
    }

    /// Sets notes.
    pub fn notes(mut self, text: impl Into<String>) -> Self {
        self.record.reviewer_notes = Some(text.into());
        self
    }
}

/// Files under review, of a transaction. Made by [`ReadTx::reviews`] and [`WriteTx::reviews`].
#[derive(Debug)]
pub struct Reviews<T> {
    tx: T,
}

impl ReadTx {
    /// Files under review, to look at.
    pub fn reviews(&self) -> Reviews<&Self> {
        Reviews { tx: self }
    }
}

impl WriteTx<'_> {
    /// Files under review.
    pub fn reviews(&mut self) -> Reviews<&mut Self> {
        Reviews { tx: self }
    }
}

impl<T: Deref<Target: Reader>> Reviews<T> {
    /// The file under review at a path.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not decode.
    pub fn file(&self, path: &str) -> Result<Option<(NodeId, FileReview)>> {
        if path.is_empty() { Ok(None) } else { self.tx.find("path", path) }
    }

    /// The reviews of the file at a path, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn of(&self, path: &str, limit: usize) -> Result<Vec<(NodeId, Review)>> {
        self.tx.index_descending("path", (path,))?.take(limit).collect()
    }

    /// Reviews after which files were so much better or worse, newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn by_improvement(
        &self,
        improvement: &Improvement,
        limit: usize,
    ) -> Result<Vec<(NodeId, Review)>> {
        self.tx.index_descending("improvement", (improvement,))?.take(limit).collect()
    }
}

impl Reviews<&mut WriteTx<'_>> {
    /// Puts a file under review, or replaces what is known of the one at its path, and returns its
    /// id. A new one gets tags by its path and rating; a rating that newly is 5 or less raises an
    /// alert, but not for a new file. Tag rules are asked.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty path, a rating outside 1 to 10 or a coverage outside 0 to 1.
    pub fn put(&mut self, file: &FileReview) -> Result<NodeId> {
        named("path", &file.path)?;
        rated("rating", file.rating)?;
        share("test_coverage", file.test_coverage)?;
        if let Some((id, old)) = self.file(&file.path)? {
            self.tx.put(id, file)?;
            self.alert(id, old.rating, file)?;
            self.tx.tags().apply_to_changed(id, file)?;
            return Ok(id);
        }
        let id = self.tx.insert(file)?;
        self.tag(id, file)?;
        self.tx.tags().apply_to_changed(id, file)?;
        Ok(id)
    }

    /// Notes a review and returns its id. The scores before are those that the file has; it then
    /// has those afterwards, where they are known. A file that is not under review yet is now.
    ///
    /// Better by one point of the rating is minor, by two moderate, by three or more significant;
    /// worse by any is a regression. The old schema names these and says nothing of their bounds.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty path, a rating outside 1 to 10 or a score that is not
    /// finite.
    pub fn note(&mut self, new: NewReview) -> Result<NodeId> {
        let NewReview { mut record, scores } = new;
        named("file_path", &record.file_path)?;
        rated("rating", scores.rating)?;
        let others = [
            scores.maintainability,
            scores.security,
            scores.performance,
            scores.documentation,
            scores.complexity,
        ];
        if others.iter().flatten().any(|score| !score.is_finite()) {
            return Err(Error::invalid("scores", "one is not finite"));
        }
        let known = self.file(&record.file_path)?.map(|(_, file)| file);
        let mut file = known.unwrap_or_else(|| FileReview {
            path: record.file_path.clone(),
            priority_level: Some(3),
            ..FileReview::default()
        });
        set_before(&mut record, &file);
        set_after(&mut record, scores);
        (record.overall_improvement, record.improvement_category) = improvement(&record);
        record.reviewed_at = Some(self.tx.now());
        file.rating = scores.rating.or(file.rating);
        file.maintainability_score = scores.maintainability.or(file.maintainability_score);
        file.security_score = scores.security.or(file.security_score);
        file.performance_score = scores.performance.or(file.performance_score);
        file.documentation_score = scores.documentation.or(file.documentation_score);
        file.complexity_score = scores.complexity.or(file.complexity_score);
        (file.reviewed, file.last_modified) = (true, record.reviewed_at);
        record.file = Some(self.put(&file)?);
        self.tx.insert(&record)
    }

    /// Says that somebody checked the improvement that a review claims.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is absent; [`Error::Conflict`] when it was checked already.
    pub fn verify(&mut self, id: NodeId, notes: Option<String>) -> Result<Review> {
        let now = self.tx.now();
        self.tx.update(id, |review: &mut Review| {
            if review.improvement_verified {
                return Err(Error::conflict(format!("review {id}"), "it was checked already"));
            }
            review.improvement_verified = true;
            review.verified_at = Some(now);
            review.verification_notes = notes;
            Ok(())
        })
    }

    /// Removes a file from review with its tags. Tells whether it was there. Its reviews and alerts
    /// stay.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a tag does not decode.
    pub fn remove(&mut self, id: NodeId) -> Result<bool> {
        if self.tx.get::<FileReview>(id)?.is_none() {
            return Ok(false);
        }
        let tags = self.tx.index::<FileTag>("file", (Some(id),))?;
        let tags = tags.map(|row| row.map(|(id, _)| id)).collect::<Result<Vec<_>>>()?;
        for tag in tags {
            self.tx.delete(tag)?;
        }
        self.tx.delete(id)
    }

    fn alert(&mut self, id: NodeId, before: Option<i64>, file: &FileReview) -> Result<()> {
        let Some(rating) = file.rating.filter(|rating| *rating <= LOW_RATING) else {
            return Ok(());
        };
        if before.is_some_and(|before| before <= LOW_RATING) {
            return Ok(());
        }
        let severity = match rating {
            ..=3 => Severity::Critical,
            4 => Severity::High,
            _ => Severity::Medium,
        };
        let alert = NewAlert::new(&file.path, "low_quality", "Low quality rating")
            .file(id)
            .severity(severity)
            .message(format!("File has been rated {rating} out of 10"))
            .detected_by(DETECTOR, 1.0);
        self.tx.quality().raise(alert).map(drop)
    }

    fn tag(&mut self, id: NodeId, file: &FileReview) -> Result<()> {
        let path = file.path.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| path.contains(word));
        let by_rating = file.rating.map(|rating| match rating {
            8.. => "production_ready",
            6..=7 => "needs_review",
            _ => "needs_refactor",
        });
        let by_path = [
            has(&["test"]).then_some("test"),
            has(&["security", "auth", "crypto"]).then_some("security"),
            has(&["agent", "workflow"]).then_some("agent"),
        ];
        let by_path = by_path.into_iter().flatten().map(|name| ("type", name));
        for (category, name) in by_path.chain(by_rating.map(|name| ("status", name))) {
            self.tx.insert(&FileTag {
                file: Some(id),
                file_path: Some(file.path.clone()),
                tag_name: name.into(),
                tag_category: category.into(),
                confidence: Some(1.0),
                created_by: Some(TAGGER.into()),
                created_at: Some(self.tx.now()),
                ..FileTag::default()
            })?;
        }
        Ok(())
    }
}

fn rated(field: &str, rating: Option<i64>) -> Result<()> {
    match rating {
        Some(rating) if !(1..=10).contains(&rating) => {
            Err(Error::invalid(field, format!("{rating} is not in 1 to 10")))
        }
        _ => Ok(()),
    }
}

fn set_before(review: &mut Review, file: &FileReview) {
    review.rating_before = file.rating;
    review.maintainability_before = file.maintainability_score;
    review.security_before = file.security_score;
    review.performance_before = file.performance_score;
    review.documentation_before = file.documentation_score;
    review.complexity_before = file.complexity_score;
}

fn set_after(review: &mut Review, scores: Scores) {
    review.rating_after = scores.rating;
    review.maintainability_after = scores.maintainability;
    review.security_after = scores.security;
    review.performance_after = scores.performance;
    review.documentation_after = scores.documentation;
    review.complexity_after = scores.complexity;
}

/// The difference of the ratings, and what it is called; nothing without both.
fn improvement(review: &Review) -> (Option<f64>, Option<Improvement>) {
    let (Some(before), Some(after)) = (review.rating_before, review.rating_after) else {
        return (None, None);
    };
    let difference = after.saturating_sub(before);
    let category = match difference {
        ..0 => Improvement::Regression,
        0 => Improvement::None,
        1 => Improvement::Minor,
        2 => Improvement::Moderate,
        3.. => Improvement::Significant,
    };
    (Some(difference as f64), Some(category))
}
