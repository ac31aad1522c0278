//! Which memories to list.

use std::cmp::Reverse;
use std::ops::{ControlFlow, Deref};

use super::{Memories, Reader};
use crate::base::error::Result;
use crate::base::id::NodeId;
use crate::base::time::Timestamp;
use crate::record::{Memory, MemoryType};

/// Memories of a list where nothing is said: as in the old application.
const MEMORIES_DEFAULT: usize = 100;

/// Which memories to list: the present ones, neither retired nor expired, unless more is asked for.
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryQuery {
    namespace: Option<String>,
    memory_type: Option<MemoryType>,
    agent: Option<String>,
    session: Option<String>,
    tags: Vec<String>,
    updated: Span,
    created: Span,
    valid_at: Option<Timestamp>,
    with_retired: bool,
    with_expired: bool,
    after: Option<MemoryPlace>,
    offset: usize,
    limit: usize,
}

/// A stretch of time, both ends included.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Span {
    /// What has no time lies in no stretch that has an end.
    fn has(self, time: Option<Timestamp>) -> bool {
        self.from.is_none_or(|from| time.is_some_and(|time| time >= from))
            && self.to.is_none_or(|to| time.is_some_and(|time| time <= to))
    }
}

/// The place of a memory in a list: where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlace {
    updated_at: Option<Timestamp>,
    id: NodeId,
}

impl MemoryPlace {
    /// The place of a memory that a list gave.
    #[must_use]
    pub fn of(id: NodeId, memory: &Memory) -> Self {
        Self { updated_at: memory.updated_at, id }
    }
}

impl Default for MemoryQuery {
    fn default() -> Self {
        Self {
            namespace: None,
            memory_type: None,
            agent: None,
            session: None,
            tags: Vec::new(),
            updated: Span::default(),
            created: Span::default(),
            valid_at: None,
            with_retired: false,
            with_expired: false,
            after: None,
            offset: 0,
            limit: MEMORIES_DEFAULT,
        }
    }
}

impl MemoryQuery {
    /// The 100 present memories that were updated last.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only memories of that namespace.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Only memories of that type.
    pub fn memory_type(mut self, memory_type: impl Into<MemoryType>) -> Self {
        self.memory_type = Some(memory_type.into());
        self
    }

    /// Only memories of that agent.
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// Only memories of that session.
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// Only memories with that tag, or with one of the tags of further calls.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Only memories that were updated then or later.
    pub fn updated_after(mut self, time: Timestamp) -> Self {
        self.updated.from = Some(time);
        self
    }

    /// Only memories that were updated then or earlier.
    pub fn updated_before(mut self, time: Timestamp) -> Self {
        self.updated.to = Some(time);
        self
    }

    /// Only memories that were created then or later.
    pub fn created_after(mut self, time: Timestamp) -> Self {
        self.created.from = Some(time);
        self
    }

    /// Only memories that were created then or earlier.
    pub fn created_before(mut self, time: Timestamp) -> Self {
        self.created.to = Some(time);
        self
    }

    /// Only memories of what was true then. Those without bounds were true at all times.
    pub fn valid_at(mut self, time: Timestamp) -> Self {
        self.valid_at = Some(time);
        self
    }

    /// Retired memories too.
    pub fn with_retired(mut self) -> Self {
        self.with_retired = true;
        self
    }

    /// Expired memories too.
    pub fn with_expired(mut self) -> Self {
        self.with_expired = true;
        self
    }

    /// Only memories behind that one: the way to page. Costs what the page costs.
    pub fn after(mut self, place: MemoryPlace) -> Self {
        self.after = Some(place);
        self
    }

    /// Leaves out the first ones.
    pub fn offset(mut self, memories: usize) -> Self {
        self.offset = memories;
        self
    }

    /// Sets how many memories to list at most.
    pub fn limit(mut self, memories: usize) -> Self {
        self.limit = memories;
        self
    }

    /// Whether a memory is one of those at a time, its place aside.
    pub(super) fn is_met(&self, memory: &Memory, now: Timestamp) -> bool {
        let is =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        (self.with_expired || !memory.is_expired(now))
            && (self.with_retired || memory.retired_at.is_none_or(|retired| now < retired))
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == memory.namespace)
            && self.memory_type.as_ref().is_none_or(|wanted| *wanted == memory.memory_type)
            && is(&self.agent, &memory.agent_id)
            && is(&self.session, &memory.session_id)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| memory.tags.contains(tag)))
            && self.updated.has(memory.updated_at)
            && self.created.has(memory.created_at)
            && self.valid_at.is_none_or(|time| memory.is_valid(time))
    }

    /// The page of memories that are all among those asked for.
    pub(super) fn page(&self, mut found: Vec<(NodeId, Memory)>) -> Vec<(NodeId, Memory)> {
        found.sort_by_key(|(id, memory)| Reverse((memory.updated_at, *id)));
        if let Some(place) = self.after {
            found.retain(|(id, memory)| (memory.updated_at, *id) < (place.updated_at, place.id));
        }
        found.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

impl<T: Deref<Target: Reader>> Memories<T> {
    /// Memories, those that were updated last first. Walks the memories of the namespace, the
    /// agent or the type, the first of these that is given, or those of the session in a namespace;
    /// what the other filters leave out is read too.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn list(&self, query: &MemoryQuery) -> Result<Vec<(NodeId, Memory)>> {
        if let (Some(namespace), Some(session)) = (&query.namespace, &query.session) {
            let now = self.tx.now();
            let mut found = Vec::new();
            for row in self.tx.index::<Memory>("session", (namespace, session))? {
                let (id, memory) = row?;
                if query.is_met(&memory, now) {
                    found.push((id, memory));
                }
            }
            return Ok(query.page(found));
        }
        let mut found = Vec::new();
        let mut left_out = query.offset;
        self.visit(query, |id, memory| {
            if left_out > 0 {
                left_out -= 1;
            } else if found.len() < query.limit {
                found.push((id, memory));
            } else {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// How many memories [`Memories::list`] would give without an end. Reads them.
    ///
    /// # Errors
    /// As there.
    pub fn count(&self, query: &MemoryQuery) -> Result<usize> {
        let mut count: usize = 0;
        self.visit(query, |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count.saturating_sub(query.offset))
    }

    /// Memories of other agents, those that were updated last first: of the newest `5 * limit` of
    /// all that are present, those that name another agent, at most `limit`; as the old application
    /// asks for shared knowledge.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when one does not decode.
    pub fn of_others(&self, agent: &str, limit: usize) -> Result<Vec<(NodeId, Memory)>> {
        let newest = self.list(&MemoryQuery::new().limit(limit.saturating_mul(5)))?;
        let is_other =
            |memory: &Memory| memory.agent_id.as_deref().is_some_and(|other| other != agent);
        Ok(newest.into_iter().filter(|(_, memory)| is_other(memory)).take(limit).collect())
    }

    /// Shows the memories of a query, newest first, its offset and limit aside.
    fn visit(
        &self,
        query: &MemoryQuery,
        mut show: impl FnMut(NodeId, Memory) -> ControlFlow<()>,
    ) -> Result<()> {
        let tx = &*self.tx;
        let now = tx.now();
        let at = query.after.map(|place| (place.updated_at, place.id));
        let rows = match (&query.namespace, &query.agent, &query.memory_type, at) {
            (Some(name), _, _, None) => tx.index_descending::<Memory>("namespace", (name,))?,
            (Some(name), _, _, Some((time, id))) => {
                tx.index_before("namespace", (name,), (name, time), id)?
            }
            (None, Some(agent), _, None) => tx.index_descending("agent", (agent,))?,
            (None, Some(agent), _, Some((time, id))) => {
                tx.index_before("agent", (agent,), (agent, time), id)?
            }
            (None, None, Some(of), None) => tx.index_descending("type", (of,))?,
            (None, None, Some(of), Some((time, id))) => {
                tx.index_before("type", (of,), (of, time), id)?
            }
            (None, None, None, None) => tx.index_descending("updated", ())?,
            (None, None, None, Some((time, id))) => tx.index_before("updated", (), time, id)?,
        };
        for row in rows {
            let (id, memory) = row?;
            if query.updated.from.is_some_and(|from| memory.updated_at < Some(from)) {
                break;
            }
            if query.is_met(&memory, now) && show(id, memory).is_break() {
                break;
            }
        }
        Ok(())
    }
}
