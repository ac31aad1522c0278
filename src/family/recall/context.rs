//! What fits into so many tokens of what a question is about.

use serde::Serialize;

use super::answer::Recalled;
use super::run::Recall;
use crate::base::error::Result;
use crate::base::id::{NodeId, Seq};
use crate::base::limits::RECALL_CONTEXT_HITS_MAX;
use crate::base::time::Timestamp;

/// A memory in a context.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ContextItem {
    /// The memory.
    pub id: NodeId,
    /// Its name.
    pub record_id: String,
    /// The namespace that it is of.
    pub namespace: String,
    /// Who remembers it.
    pub agent_id: Option<String>,
    /// When it was said.
    pub said: Option<Timestamp>,
    /// What is remembered.
    pub content: String,
    /// Its score.
    pub score: f32,
    /// Tokens of its content.
    pub tokens: usize,
}

/// A memory that did not fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The memory.
    pub id: NodeId,
    /// Its score.
    pub score: f32,
    /// Tokens of its content.
    pub tokens: usize,
}

/// The memories that fit, and those that did not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecallContext {
    /// The memories, the best first.
    pub items: Vec<ContextItem>,
    /// Tokens of all of them.
    pub tokens: usize,
    /// What a greater budget would have brought, the best first; at most 256 memories are looked
    /// at.
    pub left_out: Vec<LeftOut>,
    /// The state of the store that was asked.
    pub seq: Seq,
}

impl RecallContext {
    /// The contents one below the other, the oldest first: as they were said.
    #[must_use]
    pub fn text(&self) -> String {
        let mut items: Vec<&ContextItem> = self.items.iter().collect();
        items.sort_by_key(|item| (item.said, item.id));
        let contents: Vec<&str> = items.iter().map(|item| item.content.as_str()).collect();
        contents.join("\n")
    }
}

impl Recall<'_> {
    /// The best memories that fit into `tokens` together, counted by [`count_tokens`]. Memories are
    /// taken in the order of their scores; one that no longer fits is left out, and smaller ones
    /// after it may still come. The limit on hits says nothing here.
    ///
    /// ```
    /// use engraph::Store;
    /// use engraph::record::Memory;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Store::create(dir.path().join("s"))?;
    /// store.write(|tx| {
    ///     let content = "Greta has moved to Graz.".to_owned();
    ///     tx.insert(&Memory { record_id: "m-1".into(), content, ..Memory::default() })
    /// })?;
    /// let context = store.recall("Where does Greta live?").context(100)?;
    /// assert_eq!(context.text(), "Greta has moved to Graz.");
    /// assert_eq!(store.recall("Where does Greta live?").context(2)?.left_out.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Recall::run`].
    pub fn context(self, tokens: usize) -> Result<RecallContext> {
        self.context_counted(tokens, &count_tokens)
    }

    /// As [`Recall::context`], with another way to count the tokens of a text.
    ///
    /// # Errors
    /// As [`Recall::run`].
    pub fn context_counted(
        self,
        tokens: usize,
        count: &dyn Fn(&str) -> usize,
    ) -> Result<RecallContext> {
        let found = self.found(RECALL_CONTEXT_HITS_MAX)?;
        let mut context = RecallContext { seq: found.prepared.seq, ..RecallContext::default() };
        for ranked in &found.ranked {
            let asking = &found.prepared.askings[ranked.scope];
            let Some(memory) = asking.memory(ranked.id)? else { continue };
            let (id, score, needed) = (ranked.id, ranked.score, count(&memory.content));
            if context.tokens.saturating_add(needed) > tokens {
                context.left_out.push(LeftOut { id, score, tokens: needed });
                continue;
            }
            context.tokens += needed;
            context.items.push(ContextItem {
                id,
                record_id: memory.record_id,
                namespace: memory.namespace,
                agent_id: memory.agent_id,
                said: memory.created_at,
                content: memory.content,
                score,
                tokens: needed,
            });
        }
        Ok(context)
    }
}

impl Recalled {
    /// Tokens of the passages of all hits.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.hits.iter().filter_map(|hit| hit.snippet.as_deref()).map(count_tokens).sum()
    }
}

/// About how many tokens a model makes of a text: one for each Han character, and for the rest its
/// UTF-8 bytes and three, divided by four.
#[must_use]
pub fn count_tokens(text: &str) -> usize {
    let han = text.chars().filter(|c| is_han(*c)).map(char::len_utf8);
    let (count, bytes) = han.fold((0, 0), |(count, bytes), length| (count + 1, bytes + length));
    count + (text.len() - bytes).div_ceil(4)
}

fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_quarters_of_bytes_and_han_characters() {
        for (text, tokens) in [
            ("", 0),
            ("a", 1),
            ("abcd", 1),
            ("abcde", 2),
            ("\u{5317}\u{4eac}", 2),
            ("\u{5317}ab\u{4eac}", 3),
            ("\u{e9}\u{e9}\u{e9}", 2),
        ] {
            assert_eq!(count_tokens(text), tokens, "{text:?}");
        }
    }
}
