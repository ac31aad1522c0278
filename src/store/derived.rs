//! What upper layers compute from all records of a type, kept until one of them changes.
//!
//! Only closures of writes ask, and those run one at a time on top of everything accepted, so what
//! is kept is as good as new: an accepted write drops what depends on a type that it changed, and
//! a write that changed the type itself computes its own.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::error::Result;
use crate::base::id::Kind;
use crate::record::Record;
use crate::storage::changes::Gathered;
use crate::store::WriteTx;

/// A computed value of whatever type.
type Value = Arc<dyn Any + Send + Sync>;

/// Computed values of a store, by the kind that they depend on and their own type.
#[derive(Default)]
pub(crate) struct Derived(Mutex<HashMap<(Kind, TypeId), Value>>);

impl Derived {
    fn get(&self, key: (Kind, TypeId)) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone)
    }

    fn set(&self, key: (Kind, TypeId), value: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }

    /// Drops what depends on the kinds that an accepted write changed.
    pub(super) fn forget(&self, changes: &Gathered) {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.retain(|(kind, _), _| changes.count_of(*kind) == 0);
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Derived").finish_non_exhaustive()
    }
}

/// Computed values of one write that changed the type which they depend on, with the number of
/// changes before each.
#[derive(Default)]
pub(crate) struct OwnDerived(HashMap<TypeId, (u64, Value)>);

impl fmt::Debug for OwnDerived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnDerived").field("values", &self.0.len()).finish()
    }
}

impl WriteTx<'_> {
    /// What `compute` makes of all records of type `R` as this write sees them; computed anew only
    /// after one of them changed. Costs a look into a map otherwise.
    pub(crate) fn derived<R: Record, V: Any + Send + Sync>(
        &mut self,
        compute: impl FnOnce(&Self) -> Result<V>,
    ) -> Result<Arc<V>> {
        let kind = self.core().kinds.of::<R>()?;
        let (key, changes) = ((kind, TypeId::of::<V>()), self.writer.changes.count_of(kind));
        let known = if changes == 0 {
            self.core().derived.get(key)
        } else {
            let own = self.own_derived.0.get(&key.1);
            own.filter(|(count, _)| *count == changes).map(|(_, value)| Arc::clone(value))
        };
        if let Some(Ok(known)) = known.map(Arc::downcast) {
            return Ok(known);
        }
        let value = Arc::new(compute(self)?);
        let shared: Value = Arc::<V>::clone(&value);
        if changes == 0 {
            self.core().derived.set(key, shared);
        } else {
            self.own_derived.0.insert(key.1, (changes, shared));
        }
        Ok(value)
    }
}
