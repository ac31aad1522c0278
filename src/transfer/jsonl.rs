//! Records as JSON Lines: all of a store, or of some kinds, for tools that read text, for other
//! stores, and for records that come from elsewhere.
//!
//! The first line says what the file is. Then a line a record with its id, a line an edge that was
//! made by itself (links come with the record that states them), a line a vector that lies beside
//! a record. Everything is ASCII. Taken in again, ids and numbers of edges stay as they are, so
//! that fields which name other records go on doing so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::export::written;
use super::lines::Lines;
use super::text;
use crate::base::error::{Error, Result};
use crate::base::id::{EdgeId, Kind, NodeId, Seq};
use crate::base::json::Json;
use crate::base::limits::{RESTORE_GAP_MAX, TRANSFER_BATCH_EDGES, TRANSFER_LINE_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::base::trace::category::TRANSFER;
use crate::storage::{TableId, edges, vectors};
use crate::store::restore::Restored;
use crate::store::vectors::values_of;
use crate::store::{NewEdge, ReadTx, Store, WriteTx};

/// The version of the form. Another one is refused.
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    engraph_jsonl: u32,
    /// The newest write that the records show.
    seq: Seq,
    /// The numbers of the kinds, which ids begin with.
    kinds: BTreeMap<String, u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RecordLine {
    #[serde(default)]
    id: Option<NodeId>,
    #[serde(default)]
    kind: Option<String>,
    record: Value,
}

#[derive(Debug, Serialize, Deserialize)]
struct EdgeLine {
    #[serde(default)]
    edge: Option<u64>,
    source: NodeId,
    #[serde(rename = "type")]
    edge_type: String,
    target: NodeId,
    #[serde(default = "one")]
    weight: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_to: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Json>,
}

fn one() -> f32 {
    1.0
}

#[derive(Debug, Serialize, Deserialize)]
struct VectorLine {
    id: NodeId,
    model: String,
    vector: Vec<f32>,
}

/// Which records are written as JSON Lines.
///
/// ```
/// use engraph::record::Document;
/// use engraph::transfer::{self, JsonlExport, JsonlImport};
/// use engraph::Store;
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::create(dir.path().join("s"))?;
/// store.write(|tx| tx.insert(&Document { file_name: "lease".into(), ..Document::default() }))?;
/// let file = dir.path().join("s.jsonl");
/// let mut out = std::fs::File::create(&file)?;
/// let report = transfer::export_jsonl(&store.read()?, &JsonlExport::new(), &mut out)?;
/// assert_eq!(report.records, 1);
///
/// let copy = Store::create(dir.path().join("copy"))?;
/// let taken = transfer::import_jsonl(&copy, &file, &JsonlImport::new())?;
/// assert_eq!(taken.records, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct JsonlExport {
    kinds: Vec<Kind>,
}

impl JsonlExport {
    /// Every record, edge and vector.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also records of this kind; of every kind unless this is called. Edges with an end of
    /// another kind, and vectors of another kind, are left out.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    fn has(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// What was written as JSON Lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JsonlExported {
    /// Records written.
    pub records: u64,
    /// Edges written.
    pub edges: u64,
    /// Vectors written.
    pub vectors: u64,
    /// Records of types that are not registered, which nobody here can read, by kind.
    pub left_out: BTreeMap<String, u64>,
}

/// How JSON Lines are taken in.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct JsonlImport {
    kind: Option<Kind>,
    is_replaced: bool,
}

impl JsonlImport {
    /// Lines as [`export_jsonl`] writes them; records that are there must be the same.
    pub fn new() -> Self {
        Self::default()
    }

    /// Each line is a record of this kind and nothing else, and gets a new id.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Records and vectors that are there and differ are replaced.
    pub fn replacing(mut self) -> Self {
        self.is_replaced = true;
        self
    }
}

/// What was taken in from JSON Lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JsonlImported {
    /// Records made.
    pub records: u64,
    /// Edges made.
    pub edges: u64,
    /// Vectors written where there was none.
    pub vectors: u64,
    /// Records and vectors that were there and differed.
    pub replaced: u64,
    /// Records, edges and vectors that were there already.
    pub unchanged: u64,
}

/// Writes the records of one consistent state as JSON Lines, the edges between them, and the
/// vectors beside them. Memory grows with the largest record only.
///
/// Not in it: the history, the audit chain, imported rows and origins, saved searches. Numbers that
/// are not finite have no form in JSON and become null.
///
/// # Errors
/// [`Error::Io`] when `out` fails; [`Error::Corrupt`] when rows cannot be read;
/// [`Error::NotFound`] for a kind that the store does not know.
pub fn export_jsonl(
    tx: &ReadTx,
    options: &JsonlExport,
    out: &mut dyn Write,
) -> Result<JsonlExported> {
    let core = tx.core();
    if let Some(unknown) = options.kinds.iter().find(|kind| core.kinds.name(**kind).is_none()) {
        return Err(Error::not_found("kind", unknown.0));
    }
    let mut report = JsonlExported::default();
    let kinds = tx.kinds().into_iter().map(|(kind, name)| (name, kind.0)).collect();
    line(out, &Head { engraph_jsonl: VERSION, seq: tx.seq(), kinds })?;
    for (kind, name) in tx.kinds() {
        if !options.has(kind) {
            continue;
        }
        if core.kinds.record_type(kind).is_none() {
            let count = tx.rows().count(TableId::records(kind))?;
            if count > 0 {
                report.left_out.insert(name, count);
            }
            continue;
        }
        for row in tx.iter_json(kind, None)? {
            let (id, record) = row?;
            line(out, &RecordLine { id: Some(id), kind: Some(name.clone()), record })?;
            report.records += 1;
        }
    }
    export_edges(tx, options, out, &mut report)?;
    for (model, _) in vectors::models(tx.rows())? {
        let name = named(tx, model)?;
        for row in vectors::of_model(tx.rows(), model, None)? {
            let (key, bytes) = row?;
            let id = vectors::node_of(&key)?;
            let is_read = core.kinds.record_type(id.kind()).is_some();
            if !is_read || !options.has(id.kind()) {
                continue;
            }
            let vector = values_of(&bytes);
            let vector = vector.ok_or_else(|| vectors::broken(id, "bytes that are no floats"))?;
            line(out, &VectorLine { id, model: name.clone(), vector })?;
            report.vectors += 1;
        }
    }
    written(out.flush())?;
    tracing::info!(target: TRANSFER, records = report.records, "records written as JSON lines");
    Ok(report)
}

fn named(tx: &ReadTx, number: u32) -> Result<String> {
    let name = tx.core().names.name(number).map(|name| name.to_string());
    name.ok_or_else(|| Error::corrupt("table names", format!("number {number} has no name")))
}

fn export_edges(
    tx: &ReadTx,
    options: &JsonlExport,
    out: &mut dyn Write,
    report: &mut JsonlExported,
) -> Result<()> {
    let is_wanted =
        |id: NodeId| options.has(id.kind()) && tx.core().kinds.record_type(id.kind()).is_some();
    let mut failed = None;
    edges::for_each_edge(tx.rows(), EdgeId::from_u64(1), &mut |ends| {
        if !is_wanted(ends.source) || !is_wanted(ends.target) {
            return ControlFlow::Continue(());
        }
        match export_edge(tx, ends.id, out) {
            Ok(()) => {
                report.edges += 1;
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failed.map_or(Ok(()), Err)
}

fn export_edge(tx: &ReadTx, id: EdgeId, out: &mut dyn Write) -> Result<()> {
    let edge = edges::get_edge(tx.rows(), id)?;
    let edge = edge.ok_or_else(|| Error::corrupt("table edge_sources", format!("edge {id}")))?;
    let edge_type = named(tx, edge.edge_type)?;
    let shown = EdgeLine {
        edge: Some(id.as_u64()),
        source: edge.source,
        edge_type,
        target: edge.target,
        weight: edge.weight,
        valid_from: edge.valid_from,
        valid_to: edge.valid_to,
        properties: edge.properties,
    };
    line(out, &shown)
}

fn line(out: &mut dyn Write, shown: &impl Serialize) -> Result<()> {
    text::ascii_json(out, shown)?;
    written(out.write_all(b"\n"))
}

/// Takes JSON Lines from a file into a store, in one write: all of them, or none.
///
/// Lines that [`export_jsonl`] wrote keep the ids of records and the numbers of edges, so that an
/// import which is repeated changes nothing; where the number of an edge is another's here, it gets
/// a new one. A record line without an id, with its kind beside it, gets a new one, too. Edges must
/// come after the records that they connect. Empty lines count for nothing.
///
/// Memory grows with the longest line.
///
/// # Errors
/// [`Error::Import`] with the line when it is no JSON, has no known form, names a kind that is not
/// registered or has another number here, has fields that its record does not have, or cannot be
/// stored; [`Error::Io`]; otherwise as [`Store::bulk`].
pub fn import_jsonl(store: &Store, path: &Path, options: &JsonlImport) -> Result<JsonlImported> {
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    import_jsonl_from(store, BufReader::new(file), path, options)
}

/// Takes JSON Lines from a reader, which errors call `name`. See [`import_jsonl`].
///
/// # Errors
/// As [`import_jsonl`].
pub fn import_jsonl_from(
    store: &Store,
    from: impl BufRead,
    name: &Path,
    options: &JsonlImport,
) -> Result<JsonlImported> {
    let span = tracing::info_span!(target: TRANSFER, "import", file = %name.display());
    let _entered = span.enter();
    let mut lines = Lines::with_max(from, TRANSFER_LINE_BYTES_MAX);
    store.bulk(|tx| {
        let next_edge = tx.next_edge()?.as_u64();
        let mut intake = Intake {
            tx,
            options,
            report: JsonlImported::default(),
            batch: Vec::new(),
            first: next_edge,
        };
        let place = lines.place();
        let mut bytes = Vec::new();
        loop {
            let number = place.line();
            place.begin();
            bytes.clear();
            let read = lines.read_until(b'\n', &mut bytes);
            let at = Place { file: name.to_owned(), line: number };
            match read {
                Ok(0) => break,
                Ok(_) if bytes.trim_ascii().is_empty() => {}
                Ok(_) => intake.line(&bytes).map_err(|error| at.of(error))?,
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    return Err(at.fault(error.to_string()));
                }
                Err(error) => return Err(Error::io("read", name, error)),
            }
        }
        intake.flush()?;
        Ok(intake.report)
    })
}

/// Where something is wrong.
struct Place {
    file: PathBuf,
    line: u64,
}

impl Place {
    fn fault(self, reason: String) -> Error {
        let place = format!("line {}", self.line);
        Error::Import { file: self.file, place, reason, source: None }
    }

    /// An error about one line; others, such as a full disk, stay as they are.
    fn of(self, error: Error) -> Error {
        match error {
            Error::AlreadyExists { .. }
            | Error::Invalid { .. }
            | Error::Limit { .. }
            | Error::NotFound { .. }
            | Error::Conflict { .. } => self.fault(error.to_string()),
            error => error,
        }
    }
}

struct Intake<'i, 's> {
    tx: &'i mut WriteTx<'s>,
    options: &'i JsonlImport,
    report: JsonlImported,
    /// Edges whose numbers follow each other.
    batch: Vec<NewEdge>,
    /// The number of the first of them.
    first: u64,
}

impl Intake<'_, '_> {
    fn line(&mut self, bytes: &[u8]) -> Result<()> {
        let value: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|error| Error::invalid("line", format!("no JSON object: {error}")))?;
        if let Some(kind) = self.options.kind {
            self.report.records += 1;
            return self.tx.insert_known_json(kind, Value::Object(value)).map(drop);
        }
        let has = |key: &str| value.contains_key(key);
        if has("engraph_jsonl") {
            return self.head(&parsed(value)?);
        }
        if has("record") {
            return self.record(parsed(value)?);
        }
        if has("vector") {
            return self.vector(&parsed(value)?);
        }
        if has("source") && has("target") {
            return self.edge(parsed(value)?);
        }
        let reason = "neither a record, an edge nor a vector; a file of plain records needs a kind";
        Err(Error::invalid("line", reason))
    }

    /// Ids begin with the numbers of their kinds, which must be the same here.
    fn head(&mut self, head: &Head) -> Result<()> {
        if head.engraph_jsonl != VERSION {
            let reason = format!("version {} is not known", head.engraph_jsonl);
            return Err(Error::invalid("engraph_jsonl", reason));
        }
        for (name, number) in &head.kinds {
            let here = self.tx.core().kinds.by_name(name);
            if let Some(here) = here.filter(|here| here.0 != *number) {
                let reason = format!("{name} has number {number} there, and {} here", here.0);
                return Err(Error::invalid("kinds", reason));
            }
        }
        Ok(())
    }

    fn record(&mut self, line: RecordLine) -> Result<()> {
        let kind = line.kind.as_deref().map(|name| {
            let kind = self.tx.core().kinds.by_name(name);
            kind.ok_or_else(|| Error::not_found("registered record type", name))
        });
        let kind = kind.transpose()?;
        let Some(id) = line.id else {
            let kind = kind.ok_or_else(|| Error::invalid("record", "it has no id and no kind"))?;
            self.report.records += 1;
            return self.tx.insert_known_json(kind, line.record).map(drop);
        };
        if kind.is_some_and(|kind| kind != id.kind()) {
            let reason = format!("{id} is no id of the kind beside it");
            return Err(Error::invalid("id", reason));
        }
        let restored = self.tx.restore_json(id, line.record, self.options.is_replaced)?;
        match restored {
            Restored::Made => self.report.records += 1,
            Restored::Unchanged => self.report.unchanged += 1,
            Restored::Replaced => self.report.replaced += 1,
        }
        Ok(())
    }

    fn vector(&mut self, line: &VectorLine) -> Result<()> {
        let before = self.tx.get_vector(line.id, &line.model)?;
        match before {
            Some(before) if before == line.vector => {
                self.report.unchanged += 1;
                return Ok(());
            }
            Some(_) if !self.options.is_replaced => {
                return Err(Error::already_exists("another vector of the model", line.id));
            }
            Some(_) => self.report.replaced += 1,
            None => self.report.vectors += 1,
        }
        self.tx.put_vector(line.id, &line.model, &line.vector)
    }

    fn edge(&mut self, line: EdgeLine) -> Result<()> {
        let number = line.edge;
        let new = new_edge(line);
        self.tx.check_edge(&new)?;
        let next = self.first + self.batch.len() as u64;
        let number = number.unwrap_or(next);
        if number < next {
            // One that waits here is there as well.
            self.flush()?;
            if self.tx.is_edge(EdgeId::from_u64(number), &new)? {
                self.report.unchanged += 1;
                return Ok(());
            }
        } else if number > next {
            if number - next > RESTORE_GAP_MAX {
                let reason =
                    format!("{number} is too far from the numbers that were given: {next}");
                return Err(Error::invalid("edge", reason));
            }
            self.flush()?;
            self.first = number;
        }
        self.batch.push(new);
        if self.batch.len() >= TRANSFER_BATCH_EDGES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.tx.restore_edges(EdgeId::from_u64(self.first), &self.batch)?;
        let count = self.batch.len() as u64;
        self.report.edges += count;
        self.first += count;
        self.batch.clear();
        Ok(())
    }
}

fn new_edge(line: EdgeLine) -> NewEdge {
    let mut new = NewEdge::new(line.source, line.edge_type, line.target).weight(line.weight);
    if let Some(time) = line.valid_from {
        new = new.valid_from(time);
    }
    if let Some(time) = line.valid_to {
        new = new.valid_to(time);
    }
    match line.properties {
        Some(properties) => new.properties(properties),
        None => new,
    }
}

fn parsed<T: DeserializeOwned>(value: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(value))
        .map_err(|error| Error::invalid("line", error.to_string()))
}
