//! The score of every memory of a scope for a question: a weighted sum of signals.
//!
//! Pure: an index, a question and weights in, parts out. Sums run over the question's terms in
//! their order and never over a hash map, so one question always gives the same bits.

use std::collections::HashMap;

use super::index::{Entry, NONE, ScopeIndex, idf};
use super::question::Question;
use super::time::Period;
use super::weights::{RecallSignal, RecallWeights, SIGNALS};
use super::words::{ASKS, NUMBERED, TIMED};
use crate::base::time::Timestamp;

/// How fast repetition in one memory stops to count, and how much its length does (Robertson and
/// Zaragoza 2009, "The Probabilistic Relevance Framework").
const K1: f32 = 1.2;
const B: f32 = 0.5;
/// The best by words, whose links are followed.
pub(super) const STARTS: usize = 10;
/// A time this share of the whole span away counts half.
const HALF_LIFE: f32 = 0.25;
const DAY_MICROS: f32 = 86_400_000_000.0;
/// The nearness from which a vector alone makes a memory a hit.
pub(super) const VECTOR_NEAR: f32 = 0.3;
/// What a word of the same subject says beside the word itself.
const GROUP_SHARE: f32 = 1.0 / 3.0;
/// As often as this counts as use in full.
const USE_FULL: f32 = 1_000.0;

/// What each signal adds to a score, by its place in [`RecallSignal::ALL`].
pub(super) type Parts = [f32; SIGNALS];

/// Where a link comes from: one of the best by words, and the form that both have (or none, for an
/// edge).
#[derive(Clone, Copy, Debug)]
pub(super) struct Via {
    pub(super) start: u32,
    pub(super) form: u32,
    value: f32,
}

/// The base signals of every memory of a scope.
#[derive(Debug)]
pub(super) struct Scores<'a> {
    index: &'a ScopeIndex,
    question: &'a Question,
    weights: &'a RecallWeights,
    period: Option<Period>,
    is_now: bool,
    asks_when: bool,
    asks_amount: bool,
    words: Vec<f32>,
    groups: Vec<f32>,
    window: Vec<f32>,
    sessions: Vec<f32>,
    /// The nearness of vectors; NaN where there is none.
    vectors: Vec<f32>,
    overlap: Vec<f32>,
    pub(super) starts: Vec<u32>,
    pub(super) name_links: HashMap<u32, Via>,
    pub(super) subject_links: HashMap<u32, Via>,
    pub(super) edges: HashMap<u32, Via>,
}

impl<'a> Scores<'a> {
    /// Scores by words; links and vectors are added after.
    pub(super) fn new(
        index: &'a ScopeIndex,
        question: &'a Question,
        weights: &'a RecallWeights,
        asked: &super::time::Asked,
    ) -> Self {
        let places = index.entries.len();
        let mut scores = Self {
            index,
            question,
            weights,
            period: asked.period,
            is_now: asked.is_now && asked.period.is_none(),
            asks_when: asked.asks_when,
            asks_amount: asked.asks_amount,
            words: vec![0.0; places],
            groups: vec![0.0; places],
            window: Vec::new(),
            sessions: Vec::new(),
            vectors: Vec::new(),
            overlap: Vec::new(),
            starts: Vec::new(),
            name_links: HashMap::new(),
            subject_links: HashMap::new(),
            edges: HashMap::new(),
        };
        scores.score_words();
        scores.score_groups();
        if index.settled.cohesion > 0.0 {
            scores.score_windows();
            scores.score_sessions();
        }
        scores
    }

    fn whole(&self) -> f32 {
        if self.question.whole > 0.0 { self.question.whole } else { 1.0 }
    }

    fn score_words(&mut self) {
        let mean = self.index.settled.length_mean.max(1.0);
        for (term, count) in &self.question.terms {
            let share = count * self.index.idf(*term) / self.whole();
            for posting in &self.index.postings[*term as usize] {
                let length = self.index.entry(posting.at).length as f32;
                let damping = K1 * (1.0 - B + B * length / mean);
                let times = posting.count as f32;
                self.words[posting.at as usize] += share * times / (times + damping);
            }
        }
    }

    /// Of each subject the most telling word counts, where the question's own is not there.
    fn score_groups(&mut self) {
        let mut best: Vec<f32> = Vec::new();
        for stand in &self.question.stands {
            best.clear();
            best.resize(self.index.entries.len(), 0.0);
            for term in &stand.others {
                let value = self.index.idf(*term) / self.whole();
                for posting in &self.index.postings[*term as usize] {
                    let known = &mut best[posting.at as usize];
                    *known = known.max(value);
                }
            }
            if let Some(own) = stand.own {
                for posting in &self.index.postings[own as usize] {
                    best[posting.at as usize] = 0.0;
                }
            }
            for (sum, value) in self.groups.iter_mut().zip(&best) {
                *sum += value;
            }
        }
    }

    fn score_windows(&mut self) {
        let settled = &self.index.settled;
        let places = self.index.entries.len();
        let mean = settled.window_length_mean.max(1.0);
        let mut times = vec![0_u32; places];
        let mut touched: Vec<u32> = Vec::new();
        self.window = vec![0.0; places];
        for (term, count) in &self.question.terms {
            for posting in &self.index.postings[*term as usize] {
                settled.each_in_window(posting.at, |place| {
                    let known = &mut times[place as usize];
                    if *known == 0 {
                        touched.push(place);
                    }
                    *known += posting.count;
                });
            }
            let share = count * self.index.idf(*term) / self.whole();
            for place in touched.drain(..) {
                let length = settled.window_lengths[place as usize] as f32;
                let damping = K1 * (1.0 - B + B * length / mean);
                let found = std::mem::take(&mut times[place as usize]) as f32;
                self.window[place as usize] += share * found / (found + damping);
            }
        }
    }

    fn score_sessions(&mut self) {
        let settled = &self.index.settled;
        let groups = settled.group_lengths.len();
        let mean = settled.group_length_mean.max(1.0);
        let mut times = vec![0_u32; groups];
        let mut touched: Vec<u32> = Vec::new();
        self.sessions = vec![0.0; groups];
        for (term, count) in &self.question.terms {
            for posting in &self.index.postings[*term as usize] {
                let group = settled.groups[posting.at as usize];
                let known = &mut times[group as usize];
                if *known == 0 {
                    touched.push(group);
                }
                *known += posting.count;
            }
            let share = count * idf(groups, touched.len()) / self.whole();
            for group in touched.drain(..) {
                let length = settled.group_lengths[group as usize] as f32;
                let damping = K1 * (1.0 - B + B * length / mean);
                let found = std::mem::take(&mut times[group as usize]) as f32;
                self.sessions[group as usize] += share * found / (found + damping);
            }
        }
    }

    /// Adds the nearness of vectors, each at a place.
    pub(super) fn add_vectors(&mut self, near: impl Iterator<Item = (u32, f32)>) {
        self.vectors = vec![f32::NAN; self.index.entries.len()];
        for (place, score) in near {
            self.vectors[place as usize] = score;
        }
    }

    /// Counts the question's words in each memory as the old application does.
    pub(super) fn add_overlap<'q>(&mut self, surfaces: impl ExactSizeIterator<Item = &'q str>) {
        let all = surfaces.len().max(1) as f32;
        let forms: Vec<u32> =
            surfaces.filter_map(|surface| self.index.forms.get(surface)).collect();
        let share = |entry: &Entry| {
            let found = entry.forms.iter().filter(|(form, _)| forms.contains(form)).count();
            found as f32 / all
        };
        self.overlap = self.index.entries.iter().map(share).collect();
    }

    /// Chooses the best by words, from those that `may` be hits.
    pub(super) fn choose_starts(&mut self, may: &impl Fn(&Entry) -> bool) {
        let mut best: Vec<u32> = Vec::new();
        let found = |place: &u32| self.words[*place as usize] > 0.0;
        for place in self.index.settled.order.iter().copied().filter(found) {
            let score = self.words[place as usize];
            let is_full = best.len() == STARTS;
            if is_full && best.last().is_some_and(|last| self.words[*last as usize] >= score) {
                continue;
            }
            if !may(self.index.entry(place)) {
                continue;
            }
            let at = best.partition_point(|known| self.words[*known as usize] >= score);
            best.insert(at, place);
            best.truncate(STARTS);
        }
        self.starts = best;
    }

    /// Follows the names that the best by words share with others.
    pub(super) fn follow_names(&mut self) {
        let settled = &self.index.settled;
        let count = settled.count as f32;
        let often = (settled.count / 20).max(8);
        let mut shared: HashMap<u32, (f32, u32, f32)> = HashMap::new();
        for start in self.starts.clone() {
            shared.clear();
            let names = self.names_of(start);
            for form in &names {
                let having = &self.index.named[*form as usize];
                let is_asked = self.question.forms.contains(form);
                if is_asked || self.question.agent_forms.contains(form) || having.len() > often {
                    continue;
                }
                let rare = (1.0 + count / having.len() as f32).ln() / (1.0 + count).ln();
                for place in having.iter().copied().filter(|place| *place != start) {
                    let (sum, best, most) = shared.entry(place).or_insert((0.0, *form, 0.0));
                    *sum += rare;
                    if rare > *most {
                        (*best, *most) = (*form, rare);
                    }
                }
            }
            let score = self.words[start as usize];
            for (place, (rare, form, _)) in &shared {
                let value = score * rare.min(1.5);
                keep_best(&mut self.name_links, *place, Via { start, form: *form, value });
                let subject = &self.index.entry(*place).subject;
                let mut others =
                    subject.iter().filter(|form| !self.question.forms.contains(form)).peekable();
                let is_new = others.peek().is_some();
                if is_new && others.all(|form| names.contains(form)) {
                    let via = Via { start, form: *form, value: score };
                    keep_best(&mut self.subject_links, *place, via);
                }
            }
        }
    }

    /// The names in a memory, in the order of their texts.
    fn names_of(&self, place: u32) -> Vec<u32> {
        let entry = self.index.entry(place);
        let is_name = |(form, manner): &&(u32, u8)| {
            super::words::may_be_name(self.index.forms.text(*form), *manner)
                && (manner & super::words::CODE != 0 || self.index.is_name(*form))
        };
        entry.forms.iter().filter(is_name).map(|(form, _)| *form).collect()
    }

    /// Adds an edge of the graph from one of the best by words to another memory.
    pub(super) fn add_edge(&mut self, start: u32, place: u32) {
        let value = self.words[start as usize];
        if start != place {
            keep_best(&mut self.edges, place, Via { start, form: NONE, value });
        }
    }

    /// Whether anything speaks for a memory.
    fn is_found(&self, place: u32) -> bool {
        let at = place as usize;
        let session = || {
            let group = self.index.settled.groups[at];
            self.weights.session > 0.0
                && self.sessions.get(group as usize).is_some_and(|s| *s > 0.0)
        };
        self.words[at] > 0.0
            || self.groups[at] > 0.0
            || self.window.get(at).is_some_and(|window| *window > 0.0)
            || self.vectors.get(at).is_some_and(|near| *near >= VECTOR_NEAR)
            || self.overlap.get(at).is_some_and(|share| *share > 0.0)
            || session()
            || self.name_links.contains_key(&place)
            || self.edges.contains_key(&place)
    }

    /// The parts of a memory's score, weights included. `None` where nothing speaks for it.
    pub(super) fn parts(&self, place: u32) -> Option<Parts> {
        self.is_found(place).then(|| self.parts_of(place))
    }

    fn parts_of(&self, place: u32) -> Parts {
        let (at, entry) = (place as usize, self.index.entry(place));
        let mut parts = [0.0; SIGNALS];
        let mut set = |signal: RecallSignal, value: f32| {
            parts[signal as usize] = self.weights.of(signal) * value;
        };
        let value = |via: Option<&Via>| via.map_or(0.0, |via| via.value);
        set(RecallSignal::Words, self.words[at]);
        set(RecallSignal::Groups, self.groups[at]);
        set(RecallSignal::NameLink, value(self.name_links.get(&place)));
        set(RecallSignal::SubjectLink, value(self.subject_links.get(&place)));
        set(RecallSignal::Edge, value(self.edges.get(&place)));
        set(RecallSignal::Subject, self.asked_subject(entry));
        let speaks = |agent: u32| agent != NONE && self.question.agents.contains(&agent);
        set(RecallSignal::Speaker, flag(speaks(entry.agent)));
        set(RecallSignal::Amount, flag(self.asks_amount && entry.flags & NUMBERED != 0));
        self.set_context(place, &mut set);
        let relevance = self.words[at] + self.groups[at] * GROUP_SHARE;
        self.set_time(entry, relevance, &mut set);
        let near = self.vectors.get(at).copied().filter(|near| !near.is_nan());
        set(RecallSignal::Vector, near.unwrap_or(0.0));
        let centred = |value: Option<f32>| value.map_or(0.0, |value| value.clamp(0.0, 1.0) - 0.5);
        set(RecallSignal::Importance, centred(entry.importance));
        set(RecallSignal::Confidence, centred(entry.confidence));
        let reads = entry.access_count.max(0) as f32;
        set(RecallSignal::Use, ((1.0 + reads).ln() / (1.0 + USE_FULL).ln()).min(1.0));
        let overlap = self.overlap.get(at).copied().unwrap_or(0.0);
        set(RecallSignal::Overlap, overlap.max(near.unwrap_or(0.0)));
        let confidence = entry.confidence.filter(|value| *value != 0.0).unwrap_or(0.5);
        set(RecallSignal::ConfidenceAsIs, confidence);
        set(RecallSignal::ImportanceAsIs, entry.importance.unwrap_or(0.0));
        parts
    }

    /// The share of what it is about that the question names.
    fn asked_subject(&self, entry: &Entry) -> f32 {
        let asked = entry.subject.iter().filter(|form| self.question.forms.contains(form));
        match entry.subject.len() {
            0 => 0.0,
            all => asked.count() as f32 / all as f32,
        }
    }

    /// What stands around it, as much as the scope's memories belong together.
    fn set_context(&self, place: u32, set: &mut impl FnMut(RecallSignal, f32)) {
        let settled = &self.index.settled;
        let cohesion = settled.cohesion;
        if cohesion <= 0.0 {
            return;
        }
        let (at, entry) = (place as usize, self.index.entry(place));
        set(RecallSignal::Window, cohesion * self.window[at]);
        let group = settled.groups[at] as usize;
        set(RecallSignal::Session, cohesion * self.sessions.get(group).copied().unwrap_or(0.0));
        let before = settled.before[at];
        if before != NONE && self.index.entry(before).flags & ASKS != 0 {
            set(RecallSignal::Answers, cohesion * self.words[before as usize]);
        }
        set(RecallSignal::Asks, cohesion * flag(entry.flags & ASKS != 0));
        set(RecallSignal::When, cohesion * flag(self.asks_when && entry.flags & TIMED != 0));
        let length = (entry.length.max(2) as f32).ln() - settled.log_length_mean;
        set(RecallSignal::Length, cohesion * length);
        set(RecallSignal::VectorWindow, cohesion * self.vector_window(place));
    }

    fn vector_window(&self, place: u32) -> f32 {
        let settled = &self.index.settled;
        let around = [place, settled.before[place as usize], settled.after[place as usize]];
        let near = around.into_iter().filter_map(|place| self.vectors.get(place as usize));
        let (sum, count) = near
            .filter(|near| !near.is_nan())
            .fold((0.0, 0.0), |(sum, count), near| (sum + near, count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    }

    fn set_time(&self, entry: &Entry, relevance: f32, set: &mut impl FnMut(RecallSignal, f32)) {
        let (Some((first, last)), Some(since)) = (self.index.settled.times, entry.since()) else {
            return;
        };
        let span = (last.saturating_sub(first) as f32).max(DAY_MICROS);
        let fading = |from: Timestamp, to: i64| {
            let away = to.saturating_sub(from.as_micros()) as f32;
            (-away / (span * HALF_LIFE)).exp2()
        };
        let ended_by = |time: Timestamp| entry.valid_to.is_some_and(|until| until <= time);
        if let Some(period) = self.period {
            if since >= period.end {
                set(RecallSignal::Later, 1.0);
            } else if since >= period.start {
                set(RecallSignal::Period, 1.0);
            } else if !ended_by(period.start) {
                set(RecallSignal::Period, fading(since, period.start.as_micros()));
            }
        } else if self.is_now && !ended_by(Timestamp::from_micros(last)) {
            // What is new and has nothing to do with the question is no answer to it.
            set(RecallSignal::Now, relevance * fading(since, last));
        }
    }
}

fn flag(is_set: bool) -> f32 {
    f32::from(u8::from(is_set))
}

/// Keeps the better of two ways to a memory; of equal ones the one that came first.
fn keep_best(known: &mut HashMap<u32, Via>, place: u32, via: Via) {
    match known.get_mut(&place) {
        Some(best) if best.value >= via.value => {}
        Some(best) => *best = via,
        None => drop(known.insert(place, via)),
    }
}

/// The sum of the parts, in their order.
pub(super) fn sum(parts: &Parts) -> f32 {
    parts.iter().sum()
}
