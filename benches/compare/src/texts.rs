//! Texts.
use std::path::Path;
/// Name.
pub fn name(folder: Option<&Path>) -> &'static str {
    if folder.is_some() { "wordnet" } else { "zipf" }
}
