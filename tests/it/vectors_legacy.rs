//! The embeddings of old databases: found where they are, without being stored twice.

use engraph::legacy::{ImportOptions, import};
use engraph::record::{ChunkEmbedding, Entity, Memory, Vector, VectorDocument};
use engraph::{NodeId, ReadTx, Store};

use crate::legacy::samples;

/// The vectors that a search can find: record, model, values.
fn carried(read: &ReadTx) -> Vec<(NodeId, String, Vec<f32>)> {
    let mut found = Vec::new();
    let mut add = |id: NodeId, model: &str, vector: Option<Vector>| {
        let values = vector.map(|vector| vector.to_vec()).unwrap_or_default();
        let has_direction = values.iter().any(|value| *value != 0.0);
        if has_direction && values.iter().all(|value| value.is_finite()) {
            found.push((id, model.to_owned(), values));
        }
    };
    for row in read.iter::<VectorDocument>().unwrap() {
        let (id, record) = row.unwrap();
        add(id, "vector_document", record.embedding);
    }
    for row in read.iter::<Memory>().unwrap() {
        let (id, record) = row.unwrap();
        add(id, "memory", record.embedding);
    }
    for row in read.iter::<Entity>().unwrap() {
        let (id, record) = row.unwrap();
        let model = record.embedding_model.filter(|model| !model.is_empty());
        add(id, model.as_deref().unwrap_or("entity"), record.embedding);
    }
    for row in read.iter::<ChunkEmbedding>().unwrap() {
        let (_, record) = row.unwrap();
        let chunk = record.chunk.filter(|chunk| read.contains(*chunk).unwrap());
        if let Some(chunk) = chunk {
            add(chunk, &record.embedding_model, record.embedding);
        }
    }
    found
}

#[test]
fn every_embedding_of_the_samples_is_found() {
    let Some(samples) = samples() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path().join("store")).unwrap();
    let names = [
        "vector_metadata.db",
        "unified_memory_head.db",
        "documents.db",
        "enhanced.db",
        "knowledge_graph.db",
    ];
    let files = names.map(|name| samples.join(name));
    import(&store, &files, &ImportOptions::new(), &mut |_| {}).unwrap();
    let read = store.read().unwrap();
    let carried = carried(&read);
    let kinds: std::collections::BTreeSet<u8> = carried.iter().map(|it| it.0.kind().0).collect();
    assert!(kinds.len() >= 3 && carried.len() >= 50, "{kinds:?}, {} vectors", carried.len());
    for (id, model, values) in &carried {
        // Rows that came twice can share a chunk and model; one of their vectors is told.
        assert!(read.get_vector(*id, model).unwrap().is_some(), "{id} {model}");
        let found = store.similar(model, values).top(carried.len()).run().unwrap();
        let hit = found.hits.iter().find(|hit| hit.id == *id).unwrap();
        assert!(hit.score > 0.999, "{id} {model}: {}", hit.score);
        assert!(found.hits[0].score - hit.score < 1e-3);
    }
    assert!(read.vector_models().unwrap().is_empty(), "nothing is stored a second time");
    let report = store.verify().unwrap();
    assert!(report.is_ok() && report.vectors == 0, "{report:?}");
}
