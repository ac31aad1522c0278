//! DOT, the language of Graphviz: labels, types and weights.

use std::io::Write;

use super::export::{EdgeRow, NodeRow, Writer, written};
use super::text::Quoted;
use crate::base::error::Result;

#[derive(Debug)]
pub(super) struct Dot;

impl Writer for Dot {
    fn begin(&mut self, out: &mut dyn Write) -> Result<()> {
        written(out.write_all(b"digraph engraph {\n  node [shape=box];\n"))
    }

    fn node(&mut self, out: &mut dyn Write, node: &NodeRow<'_>) -> Result<()> {
        let id = node.id.to_string();
        let label = node.label.as_deref().unwrap_or(&id);
        written(writeln!(
            out,
            "  {} [label={}, kind={}];",
            Quoted(&id),
            Quoted(label),
            Quoted(node.kind)
        ))
    }

    fn middle(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    fn edge(&mut self, out: &mut dyn Write, edge: &EdgeRow<'_>) -> Result<()> {
        let EdgeRow { source, target, .. } = edge;
        let label = Quoted(edge.edge_type);
        written(write!(out, "  \"{source}\" -> \"{target}\" [label={label}"))?;
        // Graphviz takes weights from 0 on; 1 is what it assumes.
        let is_told = |weight: &f32| *weight >= 0.0 && weight.to_bits() != 1.0_f32.to_bits();
        if let Some(weight) = edge.weight.filter(is_told) {
            written(write!(out, ", weight={weight}"))?;
        }
        written(out.write_all(b"];\n"))
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<()> {
        written(out.write_all(b"}\n"))
    }
}
