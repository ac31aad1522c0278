//! Opening the store that a command names, for as little as the command needs.

use std::path::Path;

use engraph::{Error, Store};

/// Opens a store to look at it. Writes nothing where that is possible: only a store that was not
/// closed cleanly is opened for writing, because it has to be recovered first.
pub(crate) fn open_to_read(store: &Path) -> Result<Store, Error> {
    match Store::open_read_only(store) {
        Err(Error::Engine { .. }) => Store::open(store),
        opened => opened,
    }
}

/// Closes a store and says whether that worked, unless the work itself failed.
pub(crate) fn closing<T, E: From<Error>>(
    store: &Store,
    work: impl FnOnce(&Store) -> Result<T, E>,
) -> Result<T, E> {
    let done = work(store);
    let closed = store.close();
    let value = done?;
    closed?;
    Ok(value)
}
