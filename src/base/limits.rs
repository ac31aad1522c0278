//! Every maximum in one place, each with its reason.

/// Longest encoded value of one record, in bytes. A legacy cell can have 64 MiB and a record
/// several of them; redb's own bound is 3 GiB.
pub const RECORD_BYTES_MAX: usize = 256 << 20;

/// Longest cell of a legacy row that is carried, in bytes. Larger ones refuse the file, because a
/// row is held in memory as a whole.
pub const LEGACY_CELL_BYTES_MAX: usize = 64 << 20;

/// Longest key of an index entry, in bytes. Longer keys are cut and end in a digest, so that they
/// still compare equal only to themselves.
pub const INDEX_KEY_BYTES_MAX: usize = 512;

/// Target size of an adjacency block, in bytes: two fit a redb page of 4 KiB.
pub const ADJACENCY_BLOCK_BYTES: usize = 1_900;

/// Target size of a block of verbatim legacy rows before compression, in bytes.
pub const VERBATIM_BLOCK_BYTES: usize = 64 << 10;

/// Bytes that the buffer of one write may hold before the closure is asked to use `bulk`.
pub const WRITE_BUFFER_BYTES_MAX: usize = 512 << 20;

/// Writes that one group commit joins at most: bounds the latency of the first waiter.
pub const GROUP_WRITES_MAX: usize = 1_024;

/// Own record types that an application can register: kinds 128 to 255.
pub const OWN_KINDS_MAX: usize = 128;

/// Default size of redb's page cache, in bytes.
pub const CACHE_BYTES_DEFAULT: usize = 64 << 20;

/// Values shorter than this are never compressed, in bytes: frames would cost more than they save.
pub const COMPRESS_BYTES_MIN: usize = 512;

/// Longest name of an edge type, an index or a record type, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// Most tables, indexes, views and triggers of a legacy database together. A schema is held in
/// memory as a whole; the largest known one has about 200.
pub const LEGACY_OBJECTS_MAX: usize = 10_000;

/// SQLite's page cache while a legacy database is read, in bytes. Tables are read in order, once.
pub const LEGACY_CACHE_BYTES: usize = 8 << 20;
