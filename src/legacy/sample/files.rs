//! The inventory of files, what was found in them, and what was proposed to do with them.

use rusqlite::{Connection, params};

use super::text::{Text, count, path_hash, python_time, seconds, sha256, time, zoned_time};
use super::{Filled, rows, share};

/// Fills the tables of files.
pub(super) fn fill(db: &Connection, files: i64) -> Filled {
    fill_inventory(db, files)?;
    fill_chunks(db, files)?;
    fill_entities(db, files)?;
    fill_summaries(db, files)?;
    fill_organization(db, share(files, 2), files)?;
    fill_artifacts(db, share(files, 8))
}

fn path(number: i64) -> String {
    let mut text = Text::of(30, number);
    format!("/archive/{}/{}_{number:05}.md", text.subject(), text.object())
}

fn fill_inventory(db: &Connection, files: i64) -> Filled {
    let sql = "INSERT INTO files_index VALUES \
               (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'text/markdown', 'mimetypes', ?8, '.md', \
               ?9, ?10, ?11, ?12)";
    rows(db, sql, files, |statement, number| {
        let path = path(number);
        let is_missing = number % 11 == 0;
        let size = (!is_missing).then(|| 400 + Text::of(31, number).below(9_000));
        let name = path.rsplit('/').next().unwrap_or_default();
        let metadata = format!(
            "{{\"root\": \"/archive\", \"rule_tags\": [\"note\"], \"preview\": \"{}\"}}",
            Text::of(32, number).sentence()
        );
        statement.execute(params![
            number,
            name,
            path.replace('/', "\\"),
            path,
            path_hash(&path),
            size,
            size.map(|_| seconds(number)),
            sha256(&path),
            if is_missing { "missing" } else { "ready" },
            time(number),
            is_missing.then_some("file_missing"),
            metadata,
        ])
    })?;
    let sql = "INSERT INTO scan_manifest VALUES (?1, ?2, ?3, ?4, ?5, 'ready', NULL, ?6)";
    rows(db, sql, files, |statement, number| {
        let path = path(number);
        let size = 400 + Text::of(31, number).below(9_000);
        let hash = path_hash(&path);
        statement.execute(params![hash, path, size, seconds(number), sha256(&path), time(number)])
    })?;
    let sql = "INSERT INTO file_duplicate_relationships VALUES \
               (?1, ?2, ?3, 'exact', 1.0, 'sha256', ?4, NULL)";
    rows(db, sql, files / 10, |statement, number| {
        statement.execute(params![number, number, files - number + 1, time(number)])
    })?;
    let sql = "INSERT INTO watched_directories VALUES (?1, ?2, ?3, 1, ?4, ?5, 1, ?6, NULL)";
    rows(db, sql, 2, |statement, number| {
        let (original, normalized) = (format!("C:\\in\\{number}"), format!("/mnt/c/in/{number}"));
        let (words, types) = ("[\"lease\"]", "[\".md\", \".txt\"]");
        statement.execute(params![number, original, normalized, words, types, time(number)])
    })
}

fn fill_chunks(db: &Connection, files: i64) -> Filled {
    let sql = "INSERT INTO file_content_chunks VALUES \
               (?1, ?2, ?3, 'markdown_section', ?4, ?5, ?6, ?7, ?8, ?9, NULL)";
    rows(db, sql, files * 2, |statement, number| {
        let mut text = Text::of(33, number);
        let content = text.paragraph(4);
        let length = count(content.as_bytes());
        let metadata = "{\"pipeline\": \"semantic_baseline_v1\"}";
        let file = (number + 1) / 2;
        let title = format!("{} of the {}", text.object(), text.subject());
        let tokens = length / 4;
        statement.execute(params![
            number,
            file,
            (number + 1) % 2,
            title,
            content,
            tokens,
            length,
            metadata,
            time(number)
        ])
    })?;
    let sql = "INSERT INTO file_chunk_embeddings VALUES \
               (?1, ?2, ?3, 'local-hash-v1', 8, ?4, ?5, ?6, NULL)";
    rows(db, sql, share(files, 2), |statement, number| {
        let chunk = 1 + (number - 1) % (files * 2).max(1);
        let mut text = Text::of(34, number);
        let values: Vec<String> = (0..8).map(|_| text.fraction().to_string()).collect();
        let json = format!("[{}]", values.join(", "));
        let hash = path_hash(&json);
        statement.execute(params![number, (chunk + 1) / 2, chunk, json, hash, time(number)])
    })?;
    let sql = "INSERT INTO file_extracted_tables VALUES \
               (?1, ?2, ?3, 0, 'extracted', 'csv_parser_baseline', ?4, ?5, ?6, ?7, NULL)";
    rows(db, sql, share(files, 8), |statement, number| {
        let cells = format!("[[\"{}\", \"{number}\"]]", Text::of(35, number).subject());
        let shape = "{\"row_count\": 1, \"column_count\": 2}";
        let heads = "[\"name\", \"amount\"]";
        statement.execute(params![number, number, number * 2, heads, cells, shape, time(number)])
    })
}

fn fill_entities(db: &Connection, files: i64) -> Filled {
    let sql = "INSERT INTO file_entities VALUES (?1, ?2, ?3, 'Person', ?4, ?5, ?6, '{}', ?7, NULL)";
    rows(db, sql, files, |statement, number| {
        let mut text = Text::of(36, number);
        let name = text.subject();
        let provenance = "rule:label_match";
        let confidence = text.fraction();
        statement.execute(params![number, number, name, name, confidence, provenance, time(number)])
    })?;
    let sql = "INSERT INTO file_entity_links VALUES \
               (?1, ?2, ?3, ?4, 'shared_entity', 0.7, ?5, ?6, NULL)";
    rows(db, sql, files / 2, |statement, number| {
        let other = number + 1 + Text::of(37, number).below(files - number);
        let name = Text::of(36, number).subject();
        let metadata = format!("{{\"ontology_id\": \"{name}\"}}");
        statement.execute(params![number, number, other.min(files), name, metadata, time(number)])
    })
}

fn fill_summaries(db: &Connection, files: i64) -> Filled {
    let sql = "INSERT INTO mv_timeline_summary VALUES (?1, ?2, ?3, 2, ?4)";
    rows(db, sql, files, |statement, number| {
        statement.execute(params![number, time(number), time(number + 90), time(number + 100)])
    })?;
    let sql = "INSERT INTO mv_keyword_entity_summary VALUES (?1, 1, ?2, ?3, ?4)";
    rows(db, sql, files, |statement, number| {
        let mut text = Text::of(38, number);
        statement.execute(params![number, text.below(4), text.below(9), time(number + 100)])
    })?;
    let sql = "INSERT INTO mv_file_health_summary VALUES (?1, ?2, ?3, 0, 0, ?4)";
    rows(db, sql, files, |statement, number| {
        let is_missing = number % 11 == 0;
        let status = if is_missing { "missing" } else { "ready" };
        statement.execute(params![number, status, i64::from(is_missing), time(number + 100)])
    })
}

fn fill_organization(db: &Connection, proposals: i64, files: i64) -> Filled {
    let file = |number: i64| 1 + (number - 1) % files.max(1);
    let sql = "INSERT INTO organization_proposals VALUES \
               (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'xai', 'sample-model', ?9, ?10, ?11, NULL)";
    rows(db, sql, proposals, |statement, number| {
        let mut text = Text::of(40, number);
        let folder = format!("cases/{}", text.object());
        statement.execute(params![
            number,
            file(number),
            path(file(number)),
            folder,
            format!("{}_{number}.md", text.subject()),
            text.fraction(),
            text.sentence(),
            "[\"cases/other\", \"inbox\"]",
            text.pick(&["proposed", "approved", "rejected", "applied"]),
            "{\"source\": \"organize_indexed\", \"decision_source\": \"heuristic\"}",
            time(number),
        ])
    })?;
    let sql = "INSERT INTO organization_feedback VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'cleanup', ?7)";
    rows(db, sql, share(proposals, 2), |statement, number| {
        let action = Text::of(41, number).pick(&["accept", "reject", "edit"]);
        let original = format!("{{\"id\": {number}, \"status\": \"proposed\"}}");
        let result = if action == "reject" { "{}" } else { "{\"status\": \"approved\"}" };
        statement.execute(params![
            number,
            number,
            file(number),
            action,
            original,
            result,
            time(number)
        ])
    })?;
    let sql =
        "INSERT INTO organization_actions VALUES (?1, ?2, ?3, 'move', ?4, ?5, ?6, ?7, ?8, ?9)";
    rows(db, sql, share(proposals, 2), |statement, number| {
        let is_done = number % 3 != 0;
        let from = path(file(number));
        let to = format!("/archive/cases/{number}.md");
        let error = (!is_done).then_some("[Errno 2] No such file or directory");
        let group = path_hash("group")[..32].to_owned();
        let done = i64::from(is_done);
        statement.execute(params![
            number,
            number,
            file(number),
            from,
            to,
            done,
            error,
            group,
            time(number)
        ])
    })
}

fn fill_artifacts(db: &Connection, artifacts: i64) -> Filled {
    let sql = "INSERT INTO canonical_artifacts VALUES (?1, ?2, ?3, ?4, 'text/markdown', '{}', ?5)";
    rows(db, sql, artifacts, |statement, number| {
        let (id, uri) = (format!("artifact-{number}"), format!("file://{}", path(number)));
        statement.execute(params![number, id, sha256(&id), uri, time(number)])
    })?;
    let sql = "INSERT INTO canonical_artifact_blobs VALUES (?1, ?1, ?2, ?3, ?4)";
    rows(db, sql, artifacts, |statement, number| {
        let locator = format!("blob/{number}");
        statement.execute(params![number, locator, 100 * number, time(number)])
    })?;
    let sql = "INSERT INTO canonical_artifact_events VALUES (?1, ?1, 'ingested', '{}', ?2)";
    rows(db, sql, artifacts, |statement, number| statement.execute(params![number, time(number)]))?;
    let sql = "INSERT INTO aedis_provenance_records VALUES (?1, ?1, ?2, ?3, ?4, NULL)";
    rows(db, sql, artifacts, |statement, number| {
        let extractor = "organizer:xai:sample-model";
        let source = sha256(&format!("artifact-{number}"));
        statement.execute(params![number, source, extractor, zoned_time(number)])
    })?;
    let sql = "INSERT INTO aedis_evidence_spans VALUES (?1, ?1, ?2, ?3, ?4)";
    rows(db, sql, artifacts, |statement, number| {
        let quote = Text::of(42, number).sentence();
        let end = number + count(quote.as_bytes());
        statement.execute(params![number, number, end, quote])
    })?;
    let sql = "INSERT INTO aedis_artifact_provenance_links VALUES \
               (?1, ?1, 'organization_proposal', ?2)";
    rows(db, sql, artifacts, |statement, number| {
        statement.execute(params![number, number.to_string()])
    })?;
    let sql =
        "INSERT INTO aedis_analysis_versions VALUES (?1, ?2, ?1, 1, NULL, 'draft', ?3, '[]', ?4)";
    rows(db, sql, artifacts, |statement, number| {
        let payload = format!("{{\"claim\": \"{}\"}}", Text::of(43, number).sentence());
        let changed = python_time(number).replace('T', " ");
        statement.execute(params![number, format!("analysis-{number}"), payload, changed])
    })
}
