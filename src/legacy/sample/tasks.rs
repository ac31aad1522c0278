//! Runs and their tasks, the queue, workflows, learning paths.

use rusqlite::{Connection, params};

use super::text::{Text, nth, python_time, time};
use super::{Filled, rows, share};

/// Tasks of one run, and events of one task.
const TASKS: i64 = 2;
const EVENTS: i64 = 3;

/// Fills the tables of work.
pub(super) fn fill(db: &Connection, documents: i64) -> Filled {
    let runs = share(documents, 8);
    fill_runs(db, runs)?;
    fill_queue(db, runs)?;
    fill_paths(db, share(documents, 16))?;
    fill_workflows(db, share(documents, 16))?;
    fill_links(db, share(documents, 8))
}

fn fill_runs(db: &Connection, runs: i64) -> Filled {
    let sql = "INSERT INTO taskmaster_runs VALUES (?1, 'file_pipeline', ?2, ?3, ?4, ?5, ?6)";
    rows(db, sql, runs, |statement, number| {
        let is_done = number % 7 != 0;
        let status = if is_done { "completed" } else { "running" };
        let payload = "{\"mode\": \"analyze_indexed\", \"limit\": 50}";
        let summary = format!(
            "{{\"mode\": \"analyze_indexed\", \"analysis\": {{\"files_total\": {number}}}}}"
        );
        let (summary, end) = (is_done.then_some(summary), is_done.then(|| time(number + 5)));
        statement.execute(params![number, status, payload, summary, time(number), end])
    })?;
    let sql =
        "INSERT INTO taskmaster_tasks VALUES (?1, ?2, ?3, 'completed', 100.0, '{}', ?4, ?5, ?6)";
    rows(db, sql, runs * TASKS, |statement, number| {
        let name = nth(&["index_roots", "analyze_indexed"], number);
        let result = format!("{{\"files\": {}}}", Text::of(50, number).below(500));
        let run = (number + TASKS - 1) / TASKS;
        statement.execute(params![number, run, name, result, time(number), time(number + 2)])
    })?;
    let sql = "INSERT INTO taskmaster_events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    rows(db, sql, runs * TASKS * EVENTS, |statement, number| {
        let mut text = Text::of(51, number);
        let task = (number + EVENTS - 1) / EVENTS;
        let run = (task + TASKS - 1) / TASKS;
        let level = text.pick(&["info", "info", "warning", "error"]);
        let event = text.pick(&["task_started", "task_progress", "task_completed"]);
        let data = format!("{{\"code\": \"E{number}\", \"category\": \"pipeline\"}}");
        statement.execute(params![
            number,
            run,
            task,
            level,
            event,
            text.sentence(),
            data,
            time(number)
        ])
    })?;
    let sql = "INSERT INTO manager_skill_results VALUES (?1, ?1, ?2, 'summarise', ?3, ?4)";
    rows(db, sql, runs, |statement, number| {
        let output = format!("{{\"summary\": \"{}\"}}", Text::of(52, number).sentence());
        statement.execute(params![number, 1 + number % 3, output, time(number)])
    })
}

fn fill_queue(db: &Connection, jobs: i64) -> Filled {
    let sql = "INSERT INTO taskmaster_job_queue VALUES \
               (?1, 'analyze_indexed', ?2, ?3, ?4, 2, ?5, 'worker-1', ?6, ?6, ?7, ?6, NULL)";
    rows(db, sql, jobs, |statement, number| {
        let is_dead = number % 4 == 1;
        let status = if is_dead { "dead_letter" } else { "completed" };
        let error = is_dead.then_some("time limit reached");
        let end = (!is_dead).then(|| time(number + 3));
        let retries = if is_dead { 3 } else { 0 };
        let payload = format!("{{\"limit\": {number}}}");
        statement.execute(params![number, payload, status, retries, error, time(number), end])
    })?;
    let sql = "INSERT INTO taskmaster_dead_letters VALUES \
               (?1, ?2, 'analyze_indexed', ?3, 'time limit reached', 3, ?4)";
    rows(db, sql, (jobs + 3) / 4, |statement, number| {
        let job = number * 4 - 3;
        statement.execute(params![number, job, format!("{{\"limit\": {job}}}"), time(job + 1)])
    })?;
    let sql = "INSERT INTO taskmaster_schedules VALUES \
               (?1, ?2, 'refresh_index', '{}', 60, 1, ?3, ?4, ?3, NULL)";
    rows(db, sql, 2, |statement, number| {
        let name = format!("hourly {number}");
        statement.execute(params![number, name, time(number), time(number + 60)])
    })
}

fn fill_paths(db: &Connection, paths: i64) -> Filled {
    let sql = "INSERT INTO aedis_learning_paths VALUES (?1, ?2, 'deadlines', ?3, 1, ?4, ?5, ?5)";
    rows(db, sql, paths, |statement, number| {
        let status = if number % 2 == 0 { "completed" } else { "active" };
        let created = format!("{}Z", python_time(number));
        let heuristics = "[\"check the date first\"]";
        let (id, user) = (format!("path-{number}"), format!("user-{}", number % 5));
        statement.execute(params![id, user, status, heuristics, created])
    })?;
    let sql = "INSERT INTO aedis_learning_path_steps VALUES \
               (?1, ?2, ?3, ?4, 'deadlines', '[]', ?5, ?6, ?7, ?8)";
    rows(db, sql, paths * 3, |statement, number| {
        let (path, step) = ((number + 2) / 3, (number - 1) % 3 + 1);
        let mut text = Text::of(60, number);
        let quote = text.sentence();
        let end = quote.len();
        let spans = format!(
            "[{{\"artifact_row_id\": 1, \"start_char\": 0, \"end_char\": {end}, \
             \"quote\": \"{quote}\"}}]"
        );
        let id = format!("path-{path}::step::{step}");
        let title = format!("Find the {}", text.object());
        let done = i64::from(step == 1);
        let path = format!("path-{path}");
        statement.execute(params![path, id, title, text.sentence(), spans, step, done, step])
    })
}

fn fill_workflows(db: &Connection, jobs: i64) -> Filled {
    let sql = "INSERT INTO workflow_jobs VALUES \
               (?1, 'memory_first_v2', ?2, 'sources', ?3, 'clean', ?4, ?5, ?6, ?7, 0, NULL, NULL, \
               NULL, '[]', '{}', '{\"depth\": 0}', ?8)";
    rows(db, sql, jobs, |statement, number| {
        let is_done = number % 2 == 0;
        let status = if is_done { "completed" } else { "waiting_input" };
        let moment = |minute| python_time(minute).replace('T', " ");
        statement.execute(params![
            format!("wf_{number:012x}"),
            status,
            if is_done { 1.0 } else { 0.25 },
            moment(number),
            moment(number + 4),
            is_done.then(|| moment(number + 4)),
            format!("key-{number}"),
            "{\"completed_steps\": [\"sources\"]}",
        ])
    })?;
    let sql = "INSERT INTO workflow_idempotency_keys VALUES ('create_job', ?1, ?2, ?3, ?3)";
    rows(db, sql, jobs, |statement, number| {
        let response = format!("{{\"job_id\": \"wf_{number:012x}\"}}");
        statement.execute(params![format!("key-{number}"), response, time(number)])
    })
}

fn fill_links(db: &Connection, links: i64) -> Filled {
    let sql = "INSERT INTO memory_code_links VALUES (?1, ?2, ?3, 'references', ?4, 'system', ?5)";
    rows(db, sql, links, |statement, number| {
        let mut text = Text::of(super::memory::SEED, number);
        let (record, path) = (text.uuid(), format!("src/module_{number}.py"));
        statement.execute(params![number, record, path, text.fraction(), time(number)])
    })
}
