//! SQLite in and out: the databases of the application that people come from.
//!
//! The only folder that names `rusqlite`. A source is opened without touching its folder, its rows
//! are kept verbatim, and what goes out is equal cell for cell to what came in, except where it was
//! changed here.

pub(crate) mod block;
pub(crate) mod check;
#[cfg(test)]
mod copy;
pub(crate) mod database;
mod fault;
mod header;
mod log;
pub(crate) mod output;
pub(crate) mod scan;
pub(crate) mod schema;
pub(crate) mod source;
pub(crate) mod time;
pub(crate) mod value;

pub use output::Existing;
pub use source::Damage;
