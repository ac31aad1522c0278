//! The memories, and the graph of what they are about.

use rusqlite::{Connection, params};

use super::text::{Text, python_time, time};
use super::{Filled, rows, share};

/// Seeds the memories: the first word of each generator is the memory's name.
pub(super) const SEED: u64 = 70;
/// Values of an embedding.
const DIMENSION: usize = 32;

/// Fills the database of memories.
pub(super) fn fill_memories(db: &Connection, memories: i64) -> Filled {
    let sql = "INSERT INTO memory_records VALUES \
               (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12, ?13)";
    rows(db, sql, memories, |statement, number| {
        let mut text = Text::of(SEED, number);
        let record_id = text.uuid();
        let namespace = text.pick(&["legal_entities", "legal_analysis", "case_law", "documents"]);
        let content = if number % 6 == 1 {
            format!("The reply in case {number} is due on {} March.", 1 + text.below(28))
        } else {
            text.paragraph(2)
        };
        let embedding = (number % 4 == 0).then(|| embedding(&mut text));
        statement.execute(params![
            record_id,
            namespace,
            format!("{}_{number}", text.object()),
            content,
            text.pick(&["entity", "analysis", "document", "summary"]),
            (number % 3 == 0).then_some("analyst"),
            format!("doc_{}", text.below(1 << 40)),
            format!("{{\"extracted_by\": \"sample\", \"confidence\": {}}}", text.fraction()),
            text.fraction(),
            text.fraction(),
            python_time(number),
            python_time(number + 15),
            embedding,
        ])
    })?;
    let sql = "INSERT INTO knowledge_sharing VALUES (?1, ?2, ?3, ?4)";
    rows(db, sql, share(memories, 8), |statement, number| {
        let (record_id, agent) = (Text::of(SEED, number).uuid(), format!("agent-{}", number % 3));
        let relevance = Text::of(71, number).fraction();
        statement.execute(params![record_id, agent, time(number), relevance])
    })?;
    let sql = "INSERT INTO memory_code_links VALUES (?1, ?2, 'references', ?3, 'system', ?4)";
    rows(db, sql, share(memories, 4), |statement, number| {
        let (record_id, path) = (Text::of(SEED, number).uuid(), format!("src/part_{number}.py"));
        let confidence = Text::of(72, number).fraction();
        statement.execute(params![record_id, path, confidence, time(number)])
    })
}

/// Unit length, as the old application stores them.
fn embedding(text: &mut Text) -> Vec<u8> {
    let values: Vec<f32> =
        (0..DIMENSION).map(|_| f32::from(text.percent()) / 100.0 - 0.5).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(0.001);
    values.iter().flat_map(|value| (value / length).to_le_bytes()).collect()
}

/// Fills the database of the knowledge graph: a ring of things with chords, so that everything is
/// reached from everything.
pub(super) fn fill_graph(db: &Connection, entities: i64) -> Filled {
    let sql = "INSERT INTO entities (id, name, entity_type, content, jurisdiction, metadata_json) \
               VALUES (?1, ?2, ?3, ?4, 'EU', ?5)";
    rows(db, sql, entities, |statement, number| {
        let mut text = Text::of(80, number);
        let name = format!("{} {number}", text.subject());
        let kind = text.pick(&["Person", "Organisation", "Case", "Statute"]);
        let metadata = format!("{{\"legal_domain\": \"{}\"}}", text.object());
        statement.execute(params![format!("ent_{number}"), name, kind, text.sentence(), metadata])
    })?;
    let sql = "INSERT INTO relationships (id, source_id, target_id, relation_type, metadata_json) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    rows(db, sql, entities * 2, |statement, number| {
        let mut text = Text::of(81, number);
        let source = (number - 1) / 2 + 1;
        let target = if number % 2 == 1 { source % entities + 1 } else { 1 + text.below(entities) };
        let kind = text.pick(&["related_to", "cites", "part_o", "contradicts", "supports"]);
        let id = format!("rel_ent_{source}_ent_{target}_{kind}_{number}");
        let (source, target) = (format!("ent_{source}"), format!("ent_{target}"));
        let metadata = format!("{{\"note\": \"{}\"}}", text.object());
        statement.execute(params![id, source, target, kind, metadata])
    })
}
