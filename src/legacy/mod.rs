//! SQLite in and out: the databases of the application that people come from.
//!
//! The only folder that names `rusqlite`. A source is opened without touching its folder, its rows
//! are kept verbatim, and what goes out is equal cell for cell to what came in, except where it was
//! changed here.

mod against;
mod born;
pub(crate) mod check;
mod collate;
#[cfg(test)]
mod copy;
pub(crate) mod database;
pub(crate) mod detect;
pub(crate) mod export;
#[cfg(test)]
mod families;
mod fault;
mod feed;
pub(crate) mod fresh;
pub(crate) mod fulltext;
mod header;
pub(crate) mod import;
mod intake;
mod judge;
mod loadable;
mod log;
mod made;
mod migrate;
mod migrate_backup;
mod migrate_report;
mod migrate_rollback;
mod migrate_state;
#[cfg(test)]
mod old_readers;
pub(crate) mod ops;
mod outgoing;
pub(crate) mod output;
pub(crate) mod plan;
mod python_json;
mod quarantine;
mod queue;
pub(crate) mod report;
mod route;
pub(crate) mod row;
mod rules;
pub mod sample;
pub(crate) mod scalar;
pub(crate) mod scan;
pub(crate) mod schema;
pub(crate) mod shape;
mod sound;
pub(crate) mod source;
mod stand_in;
mod sync;
mod sync_conflicts;
mod sync_mark;
#[cfg(test)]
mod sync_model;
mod sync_snapshot;
mod sync_watch;
pub(crate) mod time;
mod update;
pub(crate) mod value;

pub(crate) use crate::storage::cells as block;
pub use against::{Comparison, Difference, verify_against};
pub use export::{ExportOptions, Mode, export};
pub use import::{ImportOptions, import};
pub use migrate::{MigrateOptions, MigrationProgress, migrate, unfinished_migration};
pub use migrate_report::{MigratedFile, MigrationReport};
pub use migrate_rollback::{PutBack, RollbackReport, rollback};
pub use migrate_state::{BackupPart, MigrationStep};
pub use output::Existing;
pub use report::{
    Conflict, ExportReport, ExportedFile, Fate, FileReport, ImportReport, Progress, RowChanges,
};
pub use source::Damage;
pub use sync::{Recognised, SyncOptions, SyncReport, sync};
pub use sync_conflicts::{OpenConflict, Side, conflicts, resolve};
pub use sync_watch::{Pace, Round, Surroundings, watch};
