//! The memories of one scope, held ready to be scored: postings, names, sessions, times.
//!
//! Everything that is counted, is counted over these memories alone. What is read off the whole
//! (lengths, neighbours, cohesion) is computed by [`ScopeIndex::settle`] after each batch of
//! changes, from the memories in the order of their ids: so an index that followed writes equals
//! one that was built anew.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::cohesion;
use super::words::{Words, may_be_name};
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{Memory, MemoryType};
use crate::search::Pieces;

/// No memory, session or agent.
pub(super) const NONE: u32 = u32::MAX;

/// Texts with numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(text.into(), number);
        self.texts.push(text.into());
        number
    }

    /// The number of a text that is there.
    pub(super) fn get(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }

    /// Every text with its number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.texts.iter().enumerate().map(|(number, text)| (number as u32, &**text))
    }
}

/// How often a term is in a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    pub(super) at: u32,
    pub(super) count: u32,
}

/// What is known of one memory, its text apart.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: NodeId,
    pub(super) is_there: bool,
    pub(super) memory_type: MemoryType,
    pub(super) session: u32,
    pub(super) agent: u32,
    pub(super) length: u32,
    pub(super) flags: u8,
    /// When it was said.
    pub(super) said: Option<Timestamp>,
    pub(super) valid_from: Option<Timestamp>,
    pub(super) valid_to: Option<Timestamp>,
    pub(super) retired: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) importance: Option<f32>,
    pub(super) confidence: Option<f32>,
    pub(super) access_count: i64,
    /// Terms with how often they are there, by number.
    pub(super) terms: Box<[(u32, u32)]>,
    /// Forms with how they were written.
    pub(super) forms: Box<[(u32, u8)]>,
    /// Forms that it is about.
    pub(super) subject: Box<[u32]>,
    aliases: Box<[Box<[u32]>]>,
    /// Of its folded text: equal for memories that say the same.
    pub(super) digest: u64,
    /// Its embedding, kept where an earlier state is asked.
    pub(super) embedding: Option<Box<[f32]>>,
}

impl Entry {
    /// Since when it holds: the time that it says, else when it was said.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.valid_from.or(self.said)
    }
}

/// Whether embeddings are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Embeddings {
    #[default]
    Leave,
    Keep,
}

/// The memories of one scope.
#[derive(Clone, Debug, Default)]
pub(super) struct ScopeIndex {
    pub(super) entries: Vec<Entry>,
    places: HashMap<NodeId, u32>,
    pub(super) terms: Texts,
    pub(super) postings: Vec<Vec<Posting>>,
    pub(super) forms: Texts,
    /// Memories in which a form may be a name, by form.
    pub(super) named: Vec<Vec<u32>>,
    /// How many memories write a form without a capital, and with one inside a sentence.
    cases: Vec<(u32, u32)>,
    /// Terms that stand for the same as a term, with the number of memories that say so.
    aliases: HashMap<u32, Vec<(u32, u32)>>,
    pub(super) sessions: Texts,
    pub(super) agents: Texts,
    pub(super) settled: Settled,
    gone: usize,
    bytes: usize,
    embeddings: Embeddings,
}

/// What is read off all memories of the scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled {
    /// Memories that are there.
    pub(super) count: usize,
    /// Places in the order of ids.
    pub(super) order: Vec<u32>,
    /// Terms a memory, on average.
    pub(super) length_mean: f32,
    pub(super) log_length_mean: f32,
    /// The neighbours in the session.
    pub(super) before: Vec<u32>,
    pub(super) after: Vec<u32>,
    /// Terms of a memory with two neighbours on either side.
    pub(super) window_lengths: Vec<u32>,
    pub(super) window_length_mean: f32,
    /// The session of each memory, or itself: numbers from 0 on.
    pub(super) groups: Vec<u32>,
    pub(super) group_lengths: Vec<u32>,
    pub(super) group_length_mean: f32,
    /// How much more alike neighbours are than others, 0 to 1.
    pub(super) cohesion: f32,
    /// Agents that have memories, in the order of their names.
    pub(super) agents: Vec<u32>,
    /// The first and the last time, in microseconds.
    pub(super) times: Option<(i64, i64)>,
}

impl ScopeIndex {
    /// An index without memories that keeps embeddings or not.
    pub(super) fn new(embeddings: Embeddings) -> Self {
        Self { embeddings, ..Self::default() }
    }

    /// Bytes that it takes, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether so much is gone that it is better built anew.
    pub(super) fn is_worn(&self) -> bool {
        self.gone > 1_024 && self.gone > self.entries.len() / 2
    }

    /// Where a memory is.
    pub(super) fn place(&self, id: NodeId) -> Option<u32> {
        self.places.get(&id).copied()
    }

    pub(super) fn entry(&self, place: u32) -> &Entry {
        &self.entries[place as usize]
    }

    /// How many memories have a term.
    pub(super) fn frequency(&self, term: u32) -> usize {
        self.postings.get(term as usize).map_or(0, Vec::len)
    }

    /// How telling a term is: the logarithm of BM25 (Robertson and Zaragoza 2009), never below 0.
    pub(super) fn idf(&self, term: u32) -> f32 {
        idf(self.settled.count, self.frequency(term))
    }

    /// Whether a form is a name here: written with capitals at least as often as without.
    pub(super) fn is_name(&self, form: u32) -> bool {
        self.cases.get(form as usize).is_some_and(|(lower, upper)| *lower == 0 || upper >= lower)
    }

    /// Terms that stand for the same as a term, in the order of their texts.
    pub(super) fn aliases_of(&self, term: u32) -> Vec<u32> {
        let known = self.aliases.get(&term).map_or(&[][..], Vec::as_slice);
        let mut others: Vec<u32> = known.iter().map(|(other, _)| *other).collect();
        others.sort_unstable_by_key(|other| self.terms.text(*other));
        others
    }

    /// Adds a memory, in the place of what it was.
    pub(super) fn put(&mut self, pieces: &mut Pieces, id: NodeId, memory: &Memory) {
        self.remove(id);
        let mut words = Words::of(pieces, &memory.content);
        let digest = digest_of(&memory.content);
        if let Some(agent) = &memory.agent_id {
            words.add_beside(pieces, agent);
        }
        add_key(pieces, &mut words, memory);
        let place = self.entries.len() as u32;
        let entry = self.entry_of((id, memory), &words, digest);
        for (term, count) in &entry.terms {
            let term = *term as usize;
            self.postings[term].push(Posting { at: place, count: *count });
        }
        for (form, manner) in &entry.forms {
            self.count_form(*form, *manner, place, 1);
        }
        for names in &entry.aliases {
            each_pair(names, |one, other| {
                let known = self.aliases.entry(one).or_default();
                match known.iter_mut().find(|(known, _)| *known == other) {
                    Some((_, count)) => *count += 1,
                    None => known.push((other, 1)),
                }
            });
        }
        self.bytes += bytes_of(&entry);
        self.places.insert(id, place);
        self.entries.push(entry);
    }

    /// Takes a memory out. Says whether it was there.
    pub(super) fn remove(&mut self, id: NodeId) -> bool {
        let Some(place) = self.places.remove(&id) else { return false };
        let entry = &mut self.entries[place as usize];
        entry.is_there = false;
        self.gone += 1;
        self.bytes = self.bytes.saturating_sub(bytes_of(entry));
        let terms = std::mem::take(&mut entry.terms);
        let forms = std::mem::take(&mut entry.forms);
        let aliases = std::mem::take(&mut entry.aliases);
        for (term, _) in &terms {
            let postings = &mut self.postings[*term as usize];
            if let Ok(at) = postings.binary_search_by_key(&place, |posting| posting.at) {
                postings.remove(at);
            }
        }
        for (form, manner) in &forms {
            self.count_form(*form, *manner, place, -1);
        }
        for names in &aliases {
            each_pair(names, |one, other| {
                if let Some(known) = self.aliases.get_mut(&one) {
                    for (_, count) in known.iter_mut().filter(|(known, _)| *known == other) {
                        *count = count.saturating_sub(1);
                    }
                    known.retain(|(_, count)| *count > 0);
                }
            });
        }
        true
    }

    fn count_form(&mut self, form: u32, manner: u8, place: u32, by: i32) {
        let number = form as usize;
        if self.cases.len() <= number {
            self.cases.resize(number + 1, (0, 0));
            self.named.resize_with(number + 1, Vec::new);
        }
        let (lower, upper) = &mut self.cases[number];
        if manner & super::words::LOWER != 0 {
            *lower = lower.saturating_add_signed(by);
        }
        if manner & super::words::CAPITAL != 0 {
            *upper = upper.saturating_add_signed(by);
        }
        if !may_be_name(self.forms.text(form), manner) {
            return;
        }
        let named = &mut self.named[number];
        if by > 0 {
            named.push(place);
        } else if let Ok(at) = named.binary_search(&place) {
            named.remove(at);
        }
    }

    fn entry_of(&mut self, (id, memory): (NodeId, &Memory), words: &Words, digest: u64) -> Entry {
        let terms: Box<[(u32, u32)]> =
            words.terms.iter().map(|(term, count)| (self.terms.number(term), *count)).collect();
        self.postings.resize_with(self.terms.texts.len(), Vec::new);
        let forms: Box<[(u32, u8)]> =
            words.forms.iter().map(|(form, manner)| (self.forms.number(form), *manner)).collect();
        let aliases = words
            .aliases
            .iter()
            .map(|names| names.iter().map(|name| self.terms.number(name)).collect::<Box<[u32]>>());
        let aliases: Box<[Box<[u32]>]> = aliases.collect();
        let session = memory.session_id.as_deref().filter(|session| !session.is_empty());
        let embedding = match (self.embeddings, &memory.embedding) {
            (Embeddings::Keep, Some(vector)) => Some(vector.iter().collect()),
            _ => None,
        };
        Entry {
            id,
            is_there: true,
            memory_type: memory.memory_type.clone(),
            session: session.map_or(NONE, |session| self.sessions.number(session)),
            agent: memory.agent_id.as_deref().map_or(NONE, |agent| self.agents.number(agent)),
            length: words.length,
            flags: words.flags,
            said: memory.created_at,
            valid_from: memory.valid_from,
            valid_to: memory.valid_to,
            retired: memory.retired_at,
            expires: memory.expires_at,
            importance: memory.importance_score.map(|value| value as f32),
            confidence: memory.confidence_score.map(|value| value as f32),
            access_count: memory.access_count,
            terms,
            forms,
            subject: words.subject.iter().map(|form| self.forms.number(form)).collect(),
            aliases,
            digest,
            embedding,
        }
    }

    /// Computes what is read off all memories. Linear, sorting what is not in order apart.
    pub(super) fn settle(&mut self) {
        let mut order: Vec<u32> = (0..self.entries.len() as u32)
            .filter(|place| self.entries[*place as usize].is_there)
            .collect();
        order.sort_by_key(|place| self.entries[*place as usize].id);
        let mut settled = Settled { count: order.len(), order, ..Settled::default() };
        self.settle_lengths(&mut settled);
        self.settle_sessions(&mut settled);
        let times = settled.order.iter().filter_map(|place| self.entry(*place).since());
        settled.times = times.fold(None, |times, time| {
            let time = time.as_micros();
            let (first, last) = times.unwrap_or((time, time));
            Some((time.min(first), time.max(last)))
        });
        let agents = settled.order.iter().map(|place| self.entry(*place).agent);
        settled.agents = agents.filter(|agent| *agent != NONE).collect();
        settled.agents.sort_unstable_by_key(|agent| self.agents.text(*agent));
        settled.agents.dedup();
        self.settled = settled;
        self.settled.cohesion = cohesion::measure(self);
    }

    fn settle_lengths(&self, settled: &mut Settled) {
        let count = settled.count.max(1) as f64;
        let (mut sum, mut log_sum) = (0_u64, 0.0_f64);
        for place in &settled.order {
            let length = self.entry(*place).length;
            sum += u64::from(length);
            log_sum += f64::from(length.max(2)).ln();
        }
        settled.length_mean = (sum as f64 / count) as f32;
        settled.log_length_mean = (log_sum / count) as f32;
    }

    fn settle_sessions(&self, settled: &mut Settled) {
        let places = self.entries.len();
        settled.before = vec![NONE; places];
        settled.after = vec![NONE; places];
        let mut talks: Vec<u32> = settled.order.clone();
        talks.retain(|place| self.entry(*place).session != NONE);
        talks.sort_by_key(|place| {
            let entry = self.entry(*place);
            (entry.session, entry.said, entry.id)
        });
        for pair in talks.windows(2) {
            if self.entry(pair[0]).session == self.entry(pair[1]).session {
                settled.after[pair[0] as usize] = pair[1];
                settled.before[pair[1] as usize] = pair[0];
            }
        }
        settled.window_lengths = vec![0; places];
        settled.groups = vec![NONE; places];
        let mut of_session = vec![NONE; self.sessions.texts.len()];
        let mut window_sum = 0_u64;
        for place in &settled.order {
            let entry = self.entry(*place);
            let mut length = 0;
            settled.each_in_window(*place, |other| length += self.entry(other).length);
            settled.window_lengths[*place as usize] = length;
            window_sum += u64::from(length);
            let mut group = settled.group_lengths.len() as u32;
            match of_session.get_mut(entry.session as usize) {
                Some(known) if *known != NONE => group = *known,
                Some(known) => *known = group,
                None => {}
            }
            settled.groups[*place as usize] = group;
            match settled.group_lengths.get_mut(group as usize) {
                Some(sum) => *sum += entry.length,
                None => settled.group_lengths.push(entry.length),
            }
        }
        let mean = |sum: u64, count: usize| (sum as f64 / count.max(1) as f64) as f32;
        settled.window_length_mean = mean(window_sum, settled.count);
        let group_sum = settled.group_lengths.iter().map(|length| u64::from(*length)).sum();
        settled.group_length_mean = mean(group_sum, settled.group_lengths.len());
    }
}

impl Settled {
    /// A memory and up to two neighbours on either side, in its session.
    pub(super) fn each_in_window(&self, place: u32, mut take: impl FnMut(u32)) {
        take(place);
        for side in [&self.before, &self.after] {
            let mut at = place;
            for _ in 0..2 {
                at = side[at as usize];
                if at == NONE {
                    break;
                }
                take(at);
            }
        }
    }
}

/// How telling a word is that so many of all have.
pub(super) fn idf(count: usize, frequency: usize) -> f32 {
    let (count, frequency) = (count as f32, frequency as f32);
    (1.0 + (count - frequency + 0.5).max(0.0) / (frequency + 0.5)).ln()
}

/// A key is a title, unless it only repeats the name of the record or is a number.
fn add_key(pieces: &mut Pieces, words: &mut Words, memory: &Memory) {
    if memory.key == memory.record_id || memory.key.bytes().any(|byte| byte.is_ascii_digit()) {
        return;
    }
    words.add_beside(pieces, &memory.key);
    let mut subject = Vec::new();
    pieces.each(&memory.key, &mut |piece| {
        if piece.raw.starts_with(char::is_uppercase) {
            subject.push(piece.surface);
        }
    });
    words.subject.append(&mut subject);
    words.subject.sort_unstable();
    words.subject.dedup();
}

fn each_pair(names: &[u32], mut take: impl FnMut(u32, u32)) {
    for one in names {
        for other in names.iter().filter(|other| *other != one) {
            take(*one, *other);
        }
    }
}

/// Equal for texts that differ in blanks, case and punctuation at most.
fn digest_of(content: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let letters = content.chars().filter(|c| c.is_alphanumeric());
    for letter in letters.flat_map(char::to_lowercase) {
        letter.hash(&mut hasher);
    }
    hasher.finish()
}

/// About what a memory takes: its entry, its places in lists, and its share of the texts.
fn bytes_of(entry: &Entry) -> usize {
    size_of::<Entry>()
        + entry.terms.len() * 32
        + entry.forms.len() * 28
        + entry.embedding.as_ref().map_or(0, |values| values.len() * 4)
        + 64
}
