//! Vocabularies that more than one family uses.

use super::text_enum::text_enum;

text_enum! {
    /// State of a file of the inventory.
    FileStatus {
        /// Readable and indexed.
        Ready = "ready",
        /// There, but its content is broken.
        Damaged = "damaged",
        /// Gone.
        Missing = "missing",
        /// There, but it cannot be opened.
        Unreadable = "unreadable",
        /// Known by name only, not read yet.
        Indexed = "indexed",
    }
}

text_enum! {
    /// State of something that runs once.
    RunStatus {
        /// Under way.
        Running = "running",
        /// Ended well.
        Completed = "completed",
        /// Ended with an error.
        Failed = "failed",
        /// Stopped by somebody.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// How bad something is.
    Severity default Medium {
        /// At once.
        Critical = "critical",
        /// Soon.
        High = "high",
        /// In its turn.
        Medium = "medium",
        /// When there is time.
        Low = "low",
    }
}
