//! Graphs in and out of open formats: DOT, `GraphML`, and the JSON node-link form of networkx; and
//! records as JSON Lines ([`export_jsonl`], [`import_jsonl`]).
//!
//! An export writes the nodes by kind and then the edges by node, from one consistent state, and
//! never holds the graph in memory. An import takes a foreign graph in as records of the kind
//! `entity` with edges between them, whole or not at all. What a format cannot say is counted in
//! the report, never dropped in silence.
//!
//! Whatever is written is safe to show on a terminal: characters that one would obey are escaped
//! in the way of the format.
//!
//! ```
//! use engraph::record::Entity;
//! use engraph::transfer::{self, ExportOptions, Format};
//! use engraph::Store;
//!
//! # let dir = tempfile::tempdir()?;
//! let store = Store::create(dir.path().join("case.engraph"))?;
//! store.write(|tx| {
//!     let named = |name: &str| Entity { name: name.into(), ..Entity::default() };
//!     let court = tx.insert(&named("court"))?;
//!     let case = tx.insert(&named("case"))?;
//!     tx.link(case, "heard_by", court)
//! })?;
//! let mut text = Vec::new();
//! let report = transfer::export(&store.read()?, &ExportOptions::new(Format::Dot), &mut text)?;
//! assert_eq!((report.nodes, report.edges), (2, 1));
//! assert!(String::from_utf8(text)?.contains(r#"[label="heard_by"]"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dot;
mod export;
mod graphml;
mod import;
mod jsonl;
mod lines;
mod node_link;
mod text;

use std::path::Path;

use crate::base::id::Kind;
pub use export::{ExportReport, export, export_subgraph};
pub use import::{ImportReport, import};
pub use jsonl::{
    JsonlExport, JsonlExported, JsonlImport, JsonlImported, export_jsonl, import_jsonl,
    import_jsonl_from,
};

/// How a graph is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The language of Graphviz. Written only.
    Dot,
    /// `GraphML`, the XML that graph programs exchange.
    GraphMl,
    /// JSON as networkx's `node_link_graph` reads it.
    NodeLink,
}

impl Format {
    /// The format that a file's extension stands for.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "dot" | "gv" => Some(Self::Dot),
            "graphml" | "xml" => Some(Self::GraphMl),
            "json" => Some(Self::NodeLink),
            _ => None,
        }
    }
}

/// Which records of a store an export writes as nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nodes {
    /// Every record.
    #[default]
    All,
    /// Records that have an edge of whatever type.
    Connected,
}

/// Whether an export writes what nodes and edges hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attributes {
    /// Nodes have kind, type and label, edges have type and weight.
    #[default]
    Short,
    /// Nodes have their record too, edges their properties and validity. DOT stays short.
    Full,
}

/// How a graph is exported.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    format: Format,
    attributes: Attributes,
    nodes: Nodes,
    kinds: Vec<Kind>,
    edge_types: Vec<String>,
}

impl ExportOptions {
    /// Every node and edge, with short attributes.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            attributes: Attributes::default(),
            nodes: Nodes::default(),
            kinds: Vec::new(),
            edge_types: Vec::new(),
        }
    }

    /// How much of nodes and edges is written.
    #[must_use]
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Which records are nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: Nodes) -> Self {
        self.nodes = nodes;
        self
    }

    /// Also writes nodes of this kind; of every kind unless this is called. Edges with an end of
    /// another kind are left out.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Also writes edges of this type; of every type unless this is called.
    #[must_use]
    pub fn edge_type(mut self, edge_type: impl Into<String>) -> Self {
        self.edge_types.push(edge_type.into());
        self
    }
}

/// What an import does with a node whose name an entity of the store has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Refuses the file.
    #[default]
    Refuse,
    /// Takes the entity as it is; edges of the file lead to it.
    Reuse,
}

/// How a foreign graph is imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    format: Option<Format>,
    existing: Existing,
    prefix: String,
}

impl ImportOptions {
    /// The format by the file's extension, names as they are, over no existing entity.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The format, where the extension does not tell.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// What happens to nodes that are there already.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// What the names of the nodes in the store begin with, to tell two graphs apart.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}
