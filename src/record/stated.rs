//! What several families say in the same way: keys that may be empty, and relations.

use super::Facts;
use crate::base::id::NodeId;
use crate::base::limits::NAME_BYTES_MAX;

/// The type of a stated edge whose record does not name one.
const RELATED: &str = "related_to";

impl<'a> Facts<'a> {
    /// As [`Facts::unique`] for a text; an empty one, which stands for none, is no key.
    pub(crate) fn unique_text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.unique(name, text);
        }
    }

    /// For records that relate two others: an edge when both ends are known, else a link to the
    /// one that is. Weighs 1 where nothing is said.
    #[expect(clippy::cast_possible_truncation, reason = "edges weigh in 32-bit floats")]
    pub(crate) fn relation(
        &mut self,
        source: Option<NodeId>,
        edge_type: &'a str,
        target: Option<NodeId>,
        weight: Option<f64>,
    ) {
        match (source, target) {
            (Some(source), Some(target)) => {
                let weight = weight.map_or(1.0, |weight| weight as f32);
                self.edge(source, edge_name(edge_type), target, weight);
            }
            (source, target) => {
                self.link("source", source);
                self.link("target", target);
            }
        }
    }
}

/// The type of an edge from free text: never empty, and no longer than a name can be.
fn edge_name(text: &str) -> &str {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if text.is_empty() { RELATED } else { &text[..end] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_type_is_never_empty_and_never_too_long() {
        assert_eq!(edge_name(""), RELATED);
        assert_eq!(edge_name("cites"), "cites");
        let long = "\u{e9}".repeat(NAME_BYTES_MAX);
        let cut = edge_name(&long);
        assert_eq!(cut.len(), NAME_BYTES_MAX - 1);
        assert!(long.starts_with(cut));
    }

    #[test]
    fn a_relation_without_an_end_links_the_other() {
        let node = NodeId::from_u64(7);
        let mut facts = Facts::default();
        facts.relation(Some(node), "cites", None, Some(0.5));
        assert!(facts.edges.is_empty());
        assert_eq!(facts.links, [("source", node)]);
        facts.relation(Some(node), "cites", Some(node), None);
        assert!((facts.edges[0].weight - 1.0).abs() < f32::EPSILON);
    }
}
