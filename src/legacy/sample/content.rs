//! Documents with their texts, tags and counts, and the curated knowledge about them.

use rusqlite::{Connection, params};

use super::text::{CATEGORIES, FILE_TYPES, TAGS, Text, count, nth, python_time, time};
use super::{Filled, rows, share};

/// Fills the tables of documents and knowledge.
pub(super) fn fill(db: &Connection, documents: i64) -> Filled {
    fill_documents(db, documents)?;
    fill_derived(db, documents)?;
    fill_terms(db, share(documents, 4))?;
    fill_questions(db, share(documents, 4))?;
    fill_personas(db)?;
    fill_ontology(db)
}

fn name(number: i64) -> String {
    let mut text = Text::of(10, number);
    format!("{}_{}_{number:04}.txt", text.object(), text.subject())
}

/// The text of a document.
fn body(number: i64) -> String {
    let mut text = Text::of(11, number);
    let sentences = 3 + text.below(12);
    let mut body = text.paragraph(sentences);
    if number % 5 == 1 {
        let day = 1 + text.below(28);
        let deadline = format!(" The reply is due on {day} March; the deadline is final.");
        body.push_str(&deadline);
    }
    body
}

fn fill_documents(db: &Connection, documents: i64) -> Filled {
    let sql = "INSERT INTO documents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    rows(db, sql, documents, |statement, number| {
        let mut text = Text::of(12, number);
        let category = text.pick(CATEGORIES);
        let file_name = name(number);
        let path = format!("archive/{category}/{file_name}");
        let purpose = (number % 3 != 0).then(|| format!("{} {}", text.subject(), text.object()));
        let updated = (number % 4 == 0).then(|| python_time(number + 600));
        let file_type = text.pick(FILE_TYPES);
        statement.execute(params![
            number,
            file_name,
            file_type,
            category,
            path,
            purpose,
            time(number),
            updated
        ])
    })?;
    let sql = "INSERT INTO document_content VALUES (?1, ?2, ?3, 'text/plain', ?4)";
    rows(db, sql, documents, |statement, number| {
        statement.execute(params![number, number, body(number), time(number)])
    })?;
    let sql = "INSERT INTO document_tags VALUES (?1, ?2, ?3, ?4, ?5)";
    rows(db, sql, documents * 2, |statement, number| {
        let document = (number + 1) / 2;
        let tag = nth(TAGS, Text::of(13, document).below(count(TAGS)) + number % 2);
        let value = (number % 7 == 0).then_some("checked");
        statement.execute(params![number, document, tag, value, time(document)])
    })
}

fn fill_derived(db: &Connection, documents: i64) -> Filled {
    let sql = "INSERT INTO document_analytics VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    rows(db, sql, documents, |statement, number| {
        let body = body(number);
        let words = count(&body.split_whitespace().collect::<Vec<_>>());
        let sentences = count(&body.matches('.').collect::<Vec<_>>());
        let top = format!("[{{\"term\": \"the\", \"count\": {}}}]", words / 4);
        statement.execute(params![
            number,
            count(body.as_bytes()),
            words,
            sentences,
            top,
            time(number)
        ])
    })?;
    let sql = "INSERT INTO search_indices VALUES (?1, ?2, ?3, 1.0, ?4, ?5)";
    rows(db, sql, documents, |statement, number| {
        let body = body(number).to_lowercase();
        let mut words: Vec<&str> =
            body.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3).collect();
        words.sort_unstable();
        words.dedup();
        statement.execute(params![
            number,
            number,
            words.join(" "),
            time(number),
            python_time(number)
        ])
    })
}

fn fill_terms(db: &Connection, terms: i64) -> Filled {
    let sql = "INSERT INTO manager_knowledge (id, term, category, canonical_value, jurisdiction, \
               is_canonical, aliases_json, description, attributes_json, source, confidence, \
               status, verified, created_at) \
               VALUES (?1, ?2, ?3, ?4, 'EU', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    rows(db, sql, terms, |statement, number| {
        let mut text = Text::of(20, number);
        let term = format!("{} {number}", text.object());
        let category = text.pick(&["framework", "entity", "system_issue"]);
        let status = text.pick(&["proposed", "verified", "curated", "rejected"]);
        statement.execute(params![
            number,
            term,
            category,
            term.to_uppercase(),
            number % 2,
            format!("[\"{term} (short)\", \"t{number}\"]"),
            text.sentence(),
            format!("{{\"weight\": {}, \"origin\": \"sample\"}}", text.fraction()),
            format!("file:{number}"),
            text.fraction(),
            status,
            i64::from(status == "verified"),
            time(number),
        ])
    })
}

fn fill_questions(db: &Connection, questions: i64) -> Filled {
    let sql = "INSERT INTO manager_questions VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'taskmaster', ?7, ?8)";
    rows(db, sql, questions, |statement, number| {
        let mut text = Text::of(21, number);
        let word = text.object();
        let is_open = number % 3 != 0;
        statement.execute(params![
            number,
            format!("What does {word} mean here?"),
            format!("{{\"file_id\": {number}, \"file\": \"{}\"}}", name(number)),
            word,
            if is_open { "open" } else { "answered" },
            (!is_open).then(|| text.sentence()),
            time(number),
            (!is_open).then(|| time(number + 30)),
        ])
    })?;
    let sql =
        "INSERT INTO knowledge_proposals VALUES (?1, ?2, ?3, ?4, 'taskmaster', ?5, ?6, ?7, ?8)";
    rows(db, sql, share(questions, 2), |statement, number| {
        let mut text = Text::of(22, number);
        let payload = format!("{{\"name\": \"{}\", \"entity_type\": \"Person\"}}", text.subject());
        let status = text.pick(&["proposed", "approved", "rejected"]);
        let note = (status == "rejected").then_some("named twice");
        let confidence = text.fraction();
        let changed = (status != "proposed").then(|| time(number + 10));
        statement.execute(params![
            number,
            "entity",
            payload,
            confidence,
            status,
            note,
            time(number),
            changed
        ])
    })
}

fn fill_personas(db: &Connection) -> Filled {
    const NAMES: &[&str] = &["archivist", "paralegal", "reviewer"];
    const SKILLS: &[&str] = &["classify", "summarise", "extract_dates", "find_duplicates"];
    let sql = "INSERT INTO manager_personas VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, NULL)";
    rows(db, sql, count(NAMES), |statement, number| {
        let name = nth(NAMES, number - 1);
        let prompt = format!("You are the {name} of this archive.");
        let rules = "{\"modes\": [\"analyze_indexed\"], \"content_types\": [\"text\"]}";
        let settings = "{\"temperature\": 0.2}";
        statement.execute(params![number, name, name, prompt, rules, settings, time(number)])
    })?;
    let sql = "INSERT INTO manager_skills VALUES (?1, ?2, ?3, ?4, 1, ?5, NULL)";
    rows(db, sql, count(SKILLS), |statement, number| {
        let name = nth(SKILLS, number - 1);
        let config = "{\"enabled\": true, \"source\": \"builtin\"}";
        statement.execute(params![number, name, format!("Can {name}"), config, time(number)])
    })?;
    let sql = "INSERT INTO manager_persona_skills VALUES (?1, ?2, ?3)";
    rows(db, sql, 6, |statement, number| {
        statement.execute(params![(number + 1) / 2, 1 + number % 4, time(number)])
    })
}

fn fill_ontology(db: &Connection) -> Filled {
    const TERMS: &[&str] = &["Person", "Organisation", "Statute", "Case", "Deadline"];
    let sql = "INSERT INTO ontology_registry VALUES (?1, 'domain', ?2, ?3, ?4, ?5, ?6)";
    rows(db, sql, 2, |statement, number| {
        let status = if number == 2 { "active" } else { "deprecated" };
        let schema = "{\"labels\": [\"Person\", \"Case\"]}";
        let lineage = (number == 2).then_some("{\"from\": \"1.0\"}");
        statement.execute(params![
            number,
            format!("{number}.0"),
            status,
            schema,
            lineage,
            time(number)
        ])
    })?;
    let sql = "INSERT INTO ontology_terms VALUES (?1, 2, ?2, ?3, ?4, 'active')";
    rows(db, sql, count(TERMS), |statement, number| {
        let label = nth(TERMS, number - 1);
        let attributes = format!("{{\"order\": {number}}}");
        statement.execute(params![number, label.to_lowercase(), label, attributes])
    })?;
    let sql = "INSERT INTO ontology_relationships VALUES (?1, 2, ?2, ?3, 'related_to', '{}')";
    rows(db, sql, count(TERMS) - 1, |statement, number| {
        let term = |number: i64| nth(TERMS, number).to_lowercase();
        statement.execute(params![number, term(number - 1), term(number)])
    })?;
    let sql = "INSERT INTO schema_migrations VALUES (?1, ?2, ?3, NULL, 1, NULL)";
    rows(db, sql, 3, |statement, number| {
        let names = ["baseline", "legacy_schema_upgrades", "manager_knowledge_jurisdiction"];
        statement.execute(params![number, nth(&names, number - 1), time(number)])
    })
}
