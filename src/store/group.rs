//! Writers that wait for one commit together.

use std::sync::{Condvar, Mutex, PoisonError};

use super::commit::lock;
use crate::base::error::{Error, Result};

/// Writers that become durable together.
#[derive(Debug, Default)]
pub(super) struct Group {
    phase: Mutex<Phase>,
    changed: Condvar,
}

/// How far a group has come.
#[derive(Clone, Debug, Default)]
pub(super) enum Phase {
    /// Writers still join it, or it is being made durable.
    #[default]
    Open,
    /// One of the waiters must lead.
    Lead,
    /// It is durable, or it failed for this reason.
    Done(Option<String>),
}

/// What a writer has waited for.
pub(super) enum Awaited {
    /// Its group is through.
    Done(Result<()>),
    /// It must lead.
    Lead,
}

impl Group {
    /// Waits until the group is through, or this writer must lead.
    pub(super) fn wait(&self) -> Awaited {
        let mut phase = lock(&self.phase);
        loop {
            match &*phase {
                Phase::Open => {
                    phase = self.changed.wait(phase).unwrap_or_else(PoisonError::into_inner);
                }
                Phase::Lead => {
                    *phase = Phase::Open;
                    return Awaited::Lead;
                }
                Phase::Done(None) => return Awaited::Done(Ok(())),
                Phase::Done(Some(reason)) => {
                    return Awaited::Done(Err(Error::Poisoned { reason: reason.clone() }));
                }
            }
        }
    }

    /// Says how far it has come: to all where it is through, else to one.
    pub(super) fn set(&self, phase: Phase) {
        let all = matches!(phase, Phase::Done(_));
        *lock(&self.phase) = phase;
        if all { self.changed.notify_all() } else { self.changed.notify_one() }
    }
}
