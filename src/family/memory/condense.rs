//! Several memories in short: groups of those that say alike, and summaries of them.
//!
//! A summary is a memory of its own with `summarises` edges to those that it is made of, which
//! stay. What writes its text is a [`Summarizer`]; the built-in ones take sentences from the
//! memories and put nothing into other words.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use serde_json::json;

use super::{Memories, MemoryQuery, NewMemory, Reader, existing};
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::id::NodeId;
use crate::base::json::Json;
use crate::base::limits::MEMORY_CLUSTERED_MAX;
use crate::base::near::Shingles;
use crate::base::vector::Vector;
use crate::graph::Direction;
use crate::record::{Memory, MemoryType};
use crate::store::WriteTx;

/// The type of the edges from a summary to what it is made of.
const EDGE: &str = "summarises";
/// Who makes summaries, and how much they matter and are sure: as in the old application.
const AGENT: &str = "system_summarizer";
const IMPORTANCE: f64 = 0.7;
const CONFIDENCE: f64 = 0.9;
/// Shortest word that says something about a sentence, in characters.
const WORD_CHARS_MIN: usize = 4;

/// Writes one text in place of several.
pub trait Summarizer {
    /// What kind of summary it makes, for example `extractive`.
    fn name(&self) -> &'static str;

    /// Sums texts up in at most so many characters.
    ///
    /// # Errors
    /// What it fails with.
    fn summarize(&self, texts: &[&str], characters_max: usize) -> Result<String>;
}

/// Takes the sentences whose words are the most frequent in all texts together, and of words that
/// it has taken already less each time, in the order in which they are said (`SumBasic`: Nenkova
/// and Vanderwende, "The impact of frequency on summarization", 2005). Deterministic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractive;

/// Puts the texts one after the other and cuts what is too much, as the old application does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concatenation;

impl Summarizer for Concatenation {
    fn name(&self) -> &'static str {
        "concatenation"
    }

    fn summarize(&self, texts: &[&str], characters_max: usize) -> Result<String> {
        Ok(cut(&texts.join(" "), characters_max))
    }
}

impl Summarizer for Extractive {
    fn name(&self) -> &'static str {
        "extractive"
    }

    fn summarize(&self, texts: &[&str], characters_max: usize) -> Result<String> {
        let mut sentences: Vec<&str> = Vec::new();
        for sentence in texts.iter().flat_map(|text| sentences_of(text)) {
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        let words: Vec<Vec<String>> = sentences.iter().map(|sentence| telling(sentence)).collect();
        let mut shares: HashMap<&str, f64> = HashMap::new();
        let all = words.iter().map(Vec::len).sum::<usize>().max(1) as f64;
        for word in words.iter().flatten() {
            *shares.entry(word).or_default() += 1.0 / all;
        }
        let mut taken = BTreeSet::new();
        let mut left = characters_max;
        loop {
            let weight = |place: &usize| {
                let words = &words[*place];
                let sum: f64 = words.iter().map(|word| shares[&**word]).sum();
                sum / words.len().max(1) as f64
            };
            // Between sentences there is a blank.
            let fits = |place: &usize| sentences[*place].chars().count() < left.saturating_add(1);
            let open = (0..sentences.len()).filter(|place| !taken.contains(place)).filter(fits);
            // Of equally good ones the first.
            let Some(best) = open.rev().max_by(|a, b| weight(a).total_cmp(&weight(b))) else {
                break;
            };
            left = left.saturating_sub(sentences[best].chars().count() + 1);
            for word in words[best].iter().collect::<BTreeSet<_>>() {
                shares.entry(word).and_modify(|share| *share *= *share);
            }
            taken.insert(best);
        }
        if taken.is_empty() {
            return Ok(cut(sentences.first().copied().unwrap_or_default(), characters_max));
        }
        let texts: Vec<&str> = taken.into_iter().map(|place| sentences[place]).collect();
        Ok(texts.join(" "))
    }
}

/// When memories belong together.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MemoryGrouping {
    pub(super) words: f64,
    pub(super) vectors: f64,
    pub(super) size: usize,
}

impl Default for MemoryGrouping {
    fn default() -> Self {
        Self { words: 0.3, vectors: 0.8, size: 2 }
    }
}

impl MemoryGrouping {
    /// Groups of two and more whose embeddings have a cosine of at least 0.8 with the first one's,
    /// or, without embeddings, share at least 0.3 of their words and pairs of words with it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the share of words and pairs of words, 0 to 1.
    pub fn words_min(mut self, share: f64) -> Self {
        self.words = share;
        self
    }

    /// Sets the cosine, -1 to 1.
    pub fn vectors_min(mut self, cosine: f64) -> Self {
        self.vectors = cosine;
        self
    }

    /// Sets how many memories a group needs.
    pub fn size_min(mut self, memories: usize) -> Self {
        self.size = memories;
        self
    }
}

/// A memory as it is compared with others.
struct Compared {
    id: NodeId,
    agent: Option<String>,
    namespace: String,
    shingles: Shingles,
    embedding: Option<Vector>,
}

impl Compared {
    fn belongs_to(&self, first: &Self, grouping: &MemoryGrouping) -> bool {
        if self.namespace != first.namespace || self.agent != first.agent {
            return false;
        }
        match (&self.embedding, &first.embedding) {
            (Some(ours), Some(theirs)) if ours.dimension() == theirs.dimension() => {
                cosine(ours, theirs) >= grouping.vectors
            }
            _ => self.shingles.likeness(&first.shingles) >= grouping.words,
        }
    }
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// Groups of memories of a query that say alike, each in the order of ids: one joins the first
    /// group whose first memory, of the same namespace and agent, is alike enough. Summaries are
    /// left out. Looks at the first 5,000 and compares each with the first of every group.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not decode.
    pub fn groups(
        &self,
        query: &MemoryQuery,
        grouping: &MemoryGrouping,
    ) -> Result<Vec<Vec<NodeId>>> {
        let mut found = self.list(&query.clone().limit(MEMORY_CLUSTERED_MAX))?;
        found.retain(|(_, memory)| memory.memory_type != MemoryType::Summary);
        found.sort_by_key(|(id, _)| *id);
        let mut groups: Vec<(Compared, Vec<NodeId>)> = Vec::new();
        for (id, memory) in found {
            let shingles = Shingles::of(&memory.content);
            let Memory { namespace, agent_id: agent, embedding, .. } = memory;
            let one = Compared { id, agent, namespace, shingles, embedding };
            match groups.iter_mut().find(|(first, _)| one.belongs_to(first, grouping)) {
                Some((_, group)) => group.push(one.id),
                None => groups.push((one, vec![id])),
            }
        }
        let groups = groups.into_iter().map(|(_, group)| group);
        Ok(groups.filter(|group| group.len() >= grouping.size.max(1)).collect())
    }
}

impl Memories<&mut WriteTx<'_>> {
    /// Sums memories up in one of type summary, in the namespace of the first, of at most twice
    /// `target_length` characters, and returns it. Summing up the same memories again takes the
    /// place of the summary that is there, or leaves it where it says the same.
    ///
    /// # Errors
    /// [`Error::Invalid`] without memories or when the summary comes out empty;
    /// [`Error::NotFound`] when one is absent; what the summarizer fails with.
    pub fn summarize(
        &mut self,
        ids: &[NodeId],
        target_length: usize,
        summarizer: &impl Summarizer,
    ) -> Result<NodeId> {
        let mut memories: BTreeMap<NodeId, Memory> = BTreeMap::new();
        let mut order = Vec::new();
        for id in ids {
            if memories.insert(*id, existing(&*self.tx, *id)?).is_none() {
                order.push(*id);
            }
        }
        let Some(first) = order.first().and_then(|id| memories.get(id)) else {
            return Err(Error::invalid("ids", "there is nothing to be summed up"));
        };
        let namespace = first.namespace.clone();
        let of = |id: &NodeId| memories.get(id);
        let texts: Vec<&str> = order.iter().filter_map(of).map(|memory| &*memory.content).collect();
        let content = summarizer.summarize(&texts, target_length.saturating_mul(2))?;
        let content = cut(&content, target_length.saturating_mul(2));
        let record_ids: Vec<&str> =
            order.iter().filter_map(of).map(|memory| &*memory.record_id).collect();
        let key = Digest::of(record_ids.join("\n").as_bytes()).to_string();
        let metadata = json!({
            "original_record_ids": record_ids,
            "summary_type": summarizer.name(),
            "target_length": target_length,
        });
        let new = NewMemory::new(namespace, format!("summary-{}", &key[..16]), content)
            .memory_type(MemoryType::Summary)
            .agent(AGENT)
            .importance(IMPORTANCE)
            .confidence(CONFIDENCE)
            .metadata(Json::of(&metadata)?);
        let summary = self.remember(new)?;
        let around = self.tx.neighbors(summary, Direction::Out)?;
        let known: BTreeSet<NodeId> = around
            .into_iter()
            .filter(|near| &*near.edge_type == EDGE)
            .map(|near| near.node)
            .collect();
        for id in order.iter().filter(|id| !known.contains(id)) {
            self.tx.link(summary, EDGE, *id)?;
        }
        Ok(summary)
    }

    /// Sums up each group of memories that say alike, and returns the summaries; see
    /// [`Memories::groups`] and [`Memories::summarize`].
    ///
    /// # Errors
    /// As there.
    pub fn consolidate(
        &mut self,
        query: &MemoryQuery,
        grouping: &MemoryGrouping,
        target_length: usize,
        summarizer: &impl Summarizer,
    ) -> Result<Vec<NodeId>> {
        let groups = self.groups(query, grouping)?;
        groups.iter().map(|group| self.summarize(group, target_length, summarizer)).collect()
    }
}

fn cosine(one: &Vector, other: &Vector) -> f64 {
    let (mut product, mut ours, mut theirs) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other.iter()) {
        let (a, b) = (f64::from(a), f64::from(b));
        product += a * b;
        ours += a * a;
        theirs += b * b;
    }
    let lengths = (ours * theirs).sqrt();
    // Imported vectors may hold anything.
    if lengths > 0.0 && lengths.is_finite() { product / lengths } else { -1.0 }
}

/// The first so many characters.
fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// The sentences of a text: they end at a line's end, or at a mark that a blank follows.
fn sentences_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (sentence, after) = rest.split_at(end_of_sentence(rest));
            rest = after;
            Some(sentence.trim())
        })
        .filter(|sentence| !sentence.is_empty())
    })
}

fn end_of_sentence(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let after = characters.peek().map_or(' ', |(_, after)| *after);
        let is_end = match c {
            '.' | '!' | '?' => after.is_whitespace(),
            '\u{3002}' | '\u{ff01}' | '\u{ff1f}' => true,
            _ => false,
        };
        if is_end {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// The words that say what a sentence is about: the longer ones and those with digits.
fn telling(sentence: &str) -> Vec<String> {
    let words = sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| {
        word.chars().count() >= WORD_CHARS_MIN || word.contains(|c: char| !c.is_ascii_alphabetic())
    });
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], characters: usize, expected: &str) {
        assert_eq!(Extractive.summarize(texts, characters).unwrap(), expected);
    }

    #[test]
    fn sentences_end_at_marks_and_lines() {
        let found: Vec<_> =
            sentences_of("One is 1.5. Two!\n\nThree? \u{56db}\u{3002}\u{4e94}").collect();
        assert_eq!(found, ["One is 1.5.", "Two!", "Three?", "\u{56db}\u{3002}", "\u{4e94}"]);
    }

    #[test]
    fn the_sentence_whose_words_come_most_is_taken() {
        let texts = [
            "The deadline moved to March. Lunch was good.",
            "The deadline of the reply is in March. Rain fell.",
        ];
        check(&texts, 30, "The deadline moved to March.");
        check(&texts, 40, "The deadline moved to March. Rain fell.");
        let all = "The deadline moved to March. Lunch was good. \
            The deadline of the reply is in March. Rain fell.";
        check(&texts, 1_000, all);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_nothing_comes_of_nothing() {
        check(&["One endless sentence without an end"], 11, "One endless");
        check(&[], 10, "");
        check(&["", "\n"], 10, "");
        check(&["a. a. a."], 10, "a.");
        check(&["word"], 0, "");
        assert_eq!(Concatenation.summarize(&["ab", "cd"], 4).unwrap(), "ab c");
    }
}
