//! How much each signal of a recall counts: one table.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};

/// Makes the table of signals: the enum, the weights, and the way from one to the other.
macro_rules! signals {
    ($($(#[doc = $doc:literal])+ $variant:ident $field:ident $name:literal $weight:literal,)+) => {
        /// What speaks for a memory, or against it. `docs/memory.md` has the formula of each.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum RecallSignal {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl RecallSignal {
            /// Every signal, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in the table and in answers.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        /// How much each signal counts. A weight of 0 leaves the signal out, and it is then not
        /// computed where that costs something.
        ///
        /// ```
        /// use engraph::family::RecallWeights;
        ///
        /// let weights = RecallWeights { vector: 0.5, ..RecallWeights::default() };
        /// assert!(weights.words > weights.vector);
        /// assert_eq!(RecallWeights::legacy().importance_as_is, 0.2);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct RecallWeights {
            $($(#[doc = $doc])+ pub $field: f32,)+
        }

        impl Default for RecallWeights {
            fn default() -> Self {
                Self { $($field: $weight,)+ }
            }
        }

        impl RecallWeights {
            /// No signal counts.
            #[must_use]
            pub fn none() -> Self {
                Self { $($field: 0.0,)+ }
            }

            /// The weight of a signal.
            #[must_use]
            pub fn of(&self, signal: RecallSignal) -> f32 {
                match signal {
                    $(RecallSignal::$variant => self.$field,)+
                }
            }

            /// The same with another weight for one signal.
            #[must_use]
            pub fn with(mut self, signal: RecallSignal, weight: f32) -> Self {
                match signal {
                    $(RecallSignal::$variant => self.$field = weight,)+
                }
                self
            }
        }
    };
}

// The numbers are the learned ones of `examples/recall_learn.rs`, rounded to a coarse step; see
// docs/memory.md for their origin.
signals! {
    /// The question's words in the memory: BM25 over the namespace, as a share of what a memory
    /// with every word would have.
    Words words "words" 0.6,
    /// Words of the same everyday subject as the question's ("live" and "moved"), where the
    /// question's own word is not there.
    Groups groups "groups" 0.2,
    /// The question's words in the memory with two neighbours on either side in its session, times
    /// the cohesion of the namespace.
    Window window "window" 0.15,
    /// The question's words in the whole session, times the cohesion.
    Session session "session" 0.6,
    /// The question's words in the memory before, where that one asks: this one answers. Times the
    /// cohesion.
    Answers answers "answers" 0.35,
    /// The question names the agent whose memory it is.
    Speaker speaker "speaker" 0.05,
    /// The memory ends by asking something itself. Times the cohesion.
    Asks asks "asks" -0.06,
    /// It names a time, and the question asks when. Times the cohesion.
    When when "when" 0.14,
    /// It names a number, and the question asks how many, how much or how long.
    Amount amount "amount" 0.05,
    /// It says more than others: logarithm of its words, less the mean. Times the cohesion.
    Length length "length" 0.03,
    /// It is of the time that the question names, or the newest before it.
    Period period "period" 0.12,
    /// It is later than the time that the question names.
    Later later "later" -0.13,
    /// It has words of the question and is new, and the question asks how things are now.
    Now now "now" 0.6,
    /// It shares rare names, codes or identifiers with one of the best by words.
    NameLink name_link "name_link" 0.17,
    /// What it is about is named by one of the best by words.
    SubjectLink subject_link "subject_link" 0.27,
    /// What it is about is named by the question.
    Subject subject "subject" 0.14,
    /// An edge of the graph joins it with one of the best by words.
    Edge edge "edge" 0.1,
    /// Its vector is near the question's: the cosine, where vectors were given.
    Vector vector "vector" 0.2,
    /// The mean of its vector's nearness and that of its neighbours. Times the cohesion.
    VectorWindow vector_window "vector_window" 0.2,
    /// How much it matters, less a half; nothing where that is not known.
    Importance importance "importance" 0.02,
    /// How sure it is, less a half; nothing where that is not known.
    Confidence confidence "confidence" 0.02,
    /// How often it was read: the logarithm, 1 for a thousand times.
    Use usage "use" 0.01,
    /// The share of the question's words that its content has, or the nearness of its vector where
    /// that is more: the similarity of the old application.
    Overlap overlap "overlap" 0.0,
    /// How sure it is, 0.5 where that is not known or 0: the relevance of the old application.
    ConfidenceAsIs confidence_as_is "confidence_as_is" 0.0,
    /// How much it matters, 0 where that is not known, as the old application takes it.
    ImportanceAsIs importance_as_is "importance_as_is" 0.0,
}

/// The number of signals.
pub(super) const SIGNALS: usize = RecallSignal::ALL.len();

impl RecallWeights {
    /// The old application's: 0.4 of similarity, 0.4 of relevance, 0.2 of importance.
    #[must_use]
    pub fn legacy() -> Self {
        Self { overlap: 0.4, confidence_as_is: 0.4, importance_as_is: 0.2, ..Self::none() }
    }

    /// The question's words and nothing else: plain BM25.
    #[must_use]
    pub fn words_only() -> Self {
        Self { words: 1.0, ..Self::none() }
    }

    /// The preset of that name: `default`, `legacy` or `words`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another name.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "default" => Ok(Self::default()),
            "legacy" => Ok(Self::legacy()),
            "words" => Ok(Self::words_only()),
            _ => {
                let reason = format!("{name:?}; there are default, legacy and words");
                Err(Error::invalid("preset of weights", reason))
            }
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        for signal in RecallSignal::ALL {
            let weight = self.of(*signal);
            if !weight.is_finite() {
                let field = format!("weight of {}", signal.name());
                return Err(Error::invalid(field, format!("{weight} is no finite number")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_name_and_a_weight_of_its_own() {
        let mut names: Vec<_> = RecallSignal::ALL.iter().map(|signal| signal.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SIGNALS);
        for (place, signal) in RecallSignal::ALL.iter().enumerate() {
            assert_eq!(*signal as usize, place);
            let changed = RecallWeights::none().with(*signal, 7.0);
            let others = RecallSignal::ALL.iter().filter(|other| changed.of(**other) != 0.0);
            assert_eq!(others.copied().collect::<Vec<_>>(), [*signal]);
        }
    }

    #[test]
    fn presets_have_names_and_weights_are_finite() {
        assert_eq!(RecallWeights::preset("legacy").unwrap(), RecallWeights::legacy());
        assert!(RecallWeights::preset("best").is_err());
        assert!(RecallWeights::default().check().is_ok());
        assert!(RecallWeights { words: f32::NAN, ..RecallWeights::none() }.check().is_err());
    }
}
