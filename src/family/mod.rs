//! Behaviour of the families: what can be done with records of one sort, as methods reached from
//! the transactions. The shapes of the records are in `record`.

pub mod entity;
