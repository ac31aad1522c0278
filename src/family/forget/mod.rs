//! Forgetting on purpose: legal holds, erasing, policies and undoing.
//!
//! Forgetting is a deletion like others, which the history remembers and which can be undone;
//! erasing leaves a receipt and nothing else. A legal hold wins over both.

mod erase;
mod hold;
mod policy;

pub use erase::{Erase, Erased, Selected};
pub use hold::{Held, Holds, NewHold};
pub use policy::{ForgetCause, ForgetPlan, ForgetPolicy, Forgettable, Forgotten};
