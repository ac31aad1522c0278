//! What upper layers keep in memory beside an open store: one value a type, made at its first use.
//!
//! The store knows nothing of it. Such a value must follow the change log by itself.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::read::ReadTx;

/// Values of upper layers, by their type.
#[derive(Default)]
pub(crate) struct Attached(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}

impl Attached {
    fn get<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = values.get(&TypeId::of::<T>()).map(Arc::clone);
        if let Some(Ok(known)) = known.map(Arc::downcast::<T>) {
            return known;
        }
        let value = Arc::new(T::default());
        let shared: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(&value);
        values.insert(TypeId::of::<T>(), shared);
        value
    }
}

impl ReadTx {
    /// The value of a type that is kept beside the store of this reader.
    pub(crate) fn attached<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        self.core().attached.get()
    }
}
