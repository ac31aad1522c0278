//! A text that is never shown.

use std::fmt;

/// A key or a password. Formatting it in any way gives `[secret]`; it cannot be serialized, and it
/// is compared with nothing.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a text out of sight.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn no_format_shows_it() {
        let secret = Secret::new("xyz");
        let shown = format!("{secret} {secret:?} {secret:#?} {:?} {secret:>40}", Some(&secret));
        assert!(!shown.contains("xyz"), "{shown}");
        assert_eq!(secret.reveal(), "xyz");
    }
}
