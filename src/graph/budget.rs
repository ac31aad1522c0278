//! How much a search may do, and how it came to its end.
//!
//! A budget bounds the nodes that are expanded and the time. What was found until it is spent is
//! handed out marked as partial by the calls that return an [`Outcome`]; those that return a plain
//! list fail instead, so that a part is never taken for the whole.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Instant;

use crate::base::error::{Error, Result};

/// Edges or nodes between two looks at the clock: a look costs as much as several edges.
const TICKS: u32 = 64;

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// Nothing more is there to be found.
    Complete,
    /// As many were found as were asked for; there may be more.
    Limit,
    /// As many nodes were expanded as were allowed.
    Nodes,
    /// The deadline has passed.
    Deadline,
    /// The caller's closure said stop.
    Stopped,
}

impl End {
    /// Whether a budget ended the search, so that it did not see what it was asked to.
    #[must_use]
    pub fn is_partial(self) -> bool {
        matches!(self, Self::Nodes | Self::Deadline)
    }
}

/// What a bounded search has found, and why it ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// What was found, in the order of the search.
    pub items: Vec<T>,
    /// Why there is no more.
    pub end: End,
}

impl<T> Outcome<T> {
    pub(super) fn new(items: Vec<T>, end: End) -> Self {
        Self { items, end }
    }

    /// The items, or an error when a budget has cut them short.
    ///
    /// # Errors
    /// [`Error::Limit`] when a budget was spent.
    pub(super) fn whole(self, budget: &Budget) -> Result<Vec<T>> {
        budget.check(self.end).map(|()| self.items)
    }
}

/// What a search may use up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) nodes_max: usize,
    pub(super) deadline: Option<Instant>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { nodes_max: usize::MAX, deadline: None }
    }
}

impl Budget {
    /// Whether nothing is bounded.
    pub(super) fn is_none(&self) -> bool {
        self.nodes_max == usize::MAX && self.deadline.is_none()
    }

    /// Turns a spent budget into an error.
    pub(super) fn check(&self, end: End) -> Result<()> {
        let (what, max, found) = match end {
            End::Nodes => {
                let max = self.nodes_max as u64;
                ("graph search in nodes expanded", max, max.saturating_add(1))
            }
            End::Deadline => {
                let past = self.deadline.map(|deadline| deadline.elapsed().as_millis());
                let past = past.and_then(|past| u64::try_from(past).ok()).unwrap_or(u64::MAX);
                ("graph search in milliseconds past its deadline", 0, past)
            }
            End::Complete | End::Limit | End::Stopped => return Ok(()),
        };
        Err(Error::Limit { what: what.into(), max, found })
    }

    /// Starts to count.
    pub(super) fn meter(&self) -> Meter {
        Meter {
            left: Cell::new(self.nodes_max),
            deadline: self.deadline,
            ticks: Cell::new(0),
            end: Cell::new(End::Complete),
        }
    }
}

/// Counts what a search uses up.
#[derive(Debug)]
pub(super) struct Meter {
    left: Cell<usize>,
    deadline: Option<Instant>,
    ticks: Cell<u32>,
    end: Cell<End>,
}

impl Meter {
    /// Asks to expand one more node. Says stop when the budget is spent.
    pub(super) fn expand(&self) -> ControlFlow<()> {
        let Some(left) = self.left.get().checked_sub(1) else { return self.stop(End::Nodes) };
        self.left.set(left);
        self.tick()
    }

    /// Looks at the clock now and then, first at the first call.
    pub(super) fn tick(&self) -> ControlFlow<()> {
        let Some(deadline) = self.deadline else { return ControlFlow::Continue(()) };
        let ticks = self.ticks.get();
        self.ticks.set(ticks.wrapping_add(1));
        if ticks.is_multiple_of(TICKS) && Instant::now() >= deadline {
            return self.stop(End::Deadline);
        }
        ControlFlow::Continue(())
    }

    /// Ends the search for this reason.
    pub(super) fn stop(&self, end: End) -> ControlFlow<()> {
        self.end.set(end);
        ControlFlow::Break(())
    }

    /// Why the search ended; [`End::Complete`] until something stops it.
    pub(super) fn end(&self) -> End {
        self.end.get()
    }

    /// Whether something has stopped the search.
    pub(super) fn is_stopped(&self) -> bool {
        self.end() != End::Complete
    }
}

/// The methods that set the budget of a builder whose field `budget` holds it.
macro_rules! budget_methods {
    () => {
        /// Expands at most so many nodes, that is, looks at their edges.
        pub fn nodes_max(mut self, nodes_max: usize) -> Self {
            self.budget.nodes_max = nodes_max;
            self
        }

        /// Ends at this time. The clock is looked at every few dozen nodes.
        pub fn deadline(mut self, deadline: std::time::Instant) -> Self {
            self.budget.deadline = Some(deadline);
            self
        }
    };
}
pub(super) use budget_methods;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_stops_after_its_nodes_or_at_its_deadline() {
        let meter = Budget { nodes_max: 2, deadline: None }.meter();
        assert!(meter.expand().is_continue() && meter.expand().is_continue());
        assert_eq!(meter.end(), End::Complete);
        assert!(meter.expand().is_break());
        assert_eq!(meter.end(), End::Nodes);
        let late = Budget { deadline: Some(Instant::now()), ..Budget::default() };
        let meter = late.meter();
        assert!(meter.expand().is_break());
        assert_eq!(meter.end(), End::Deadline);
        for end in [End::Nodes, End::Deadline] {
            let found = Outcome::new(vec![1], end).whole(&late);
            assert!(matches!(found, Err(Error::Limit { .. })), "{found:?}");
        }
        assert_eq!(Outcome::new(vec![1], End::Limit).whole(&late).unwrap(), [1]);
    }
}
