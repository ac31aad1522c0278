//! redb by hand with the trees that the work needs: records, a unique index, an ordered index and a
//! change log; the same codec and keys, tables kept open, commits of several threads grouped.

use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, RwLock};

use redb::{
    Database, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
};

use super::System;
use crate::data::Memory;
use crate::{Failure, Outcome};

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
const UNIQUE: TableDefinition<'_, &[u8], u64> = TableDefinition::new("unique");
const CREATED: TableDefinition<'_, &[u8], ()> = TableDefinition::new("created");
const CHANGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("changes");

struct Tables {
    records: ReadOnlyTable<u64, &'static [u8]>,
    created: ReadOnlyTable<&'static [u8], ()>,
}

enum Job {
    Put(Memory),
    Update(u64),
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(u64, Job)>,
    last_group: usize,
    next_ticket: u64,
    done: u64,
    leading: bool,
    failed: Option<String>,
}

pub struct Limit {
    database: Database,
    tables: RwLock<Arc<Tables>>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

fn encode(memory: &Memory) -> Outcome<Vec<u8>> {
    let mut bytes = vec![1];
    bytes.extend(rmp_serde::to_vec_named(memory)?);
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Outcome<Memory> {
    Ok(rmp_serde::from_slice(bytes.get(1..).ok_or("no bytes")?)?)
}

fn unique_key(memory: &Memory) -> Vec<u8> {
    let mut key = vec![128, 0];
    for part in [&memory.namespace, &memory.key] {
        key.extend_from_slice(part.as_bytes());
        key.extend_from_slice(&[0, 0]);
    }
    key
}

fn created_prefix(created: i64) -> Vec<u8> {
    let mut key = vec![128, 1];
    key.extend_from_slice(&((created as u64) ^ (1 << 63)).to_be_bytes());
    key
}

fn created_key(created: i64, id: u64) -> Vec<u8> {
    let mut key = created_prefix(created);
    key.extend_from_slice(&id.to_be_bytes()[1..]);
    key
}

fn change(id: u64) -> Vec<u8> {
    let mut value = vec![0; 8];
    value.push(1);
    value.extend_from_slice(&id.to_be_bytes()[2..]);
    value.push(1);
    value
}

impl Limit {
    fn start(database: Database) -> Outcome<Self> {
        let transaction = database.begin_write()?;
        transaction.open_table(RECORDS)?;
        transaction.open_table(UNIQUE)?;
        transaction.open_table(CREATED)?;
        transaction.open_table(CHANGES)?;
        transaction.commit()?;
        let tables = RwLock::new(Arc::new(tables(&database)?));
        Ok(Self { database, tables, queue: Mutex::default(), changed: Condvar::new() })
    }

    fn publish(&self) -> Outcome {
        let fresh = Arc::new(tables(&self.database)?);
        *self.tables.write().map_err(|_| "lock")? = fresh;
        Ok(())
    }

    fn tables(&self) -> Outcome<Arc<Tables>> {
        Ok(Arc::clone(&*self.tables.read().map_err(|_| "lock")?))
    }

    /// Joins the waiting group; whoever finds no leader leads.
    fn submit(&self, job: Job) -> Outcome {
        let mut queue = self.queue.lock().map_err(|_| "lock")?;
        let ticket = queue.next_ticket + 1;
        queue.next_ticket = ticket;
        queue.waiting.push((ticket, job));
        if queue.leading && queue.waiting.len() >= queue.last_group {
            self.changed.notify_all();
        }
        loop {
            if let Some(failed) = &queue.failed {
                return Err(failed.clone().into());
            }
            if queue.done >= ticket {
                return Ok(());
            }
            if queue.leading {
                queue = self.changed.wait(queue).map_err(|_| "lock")?;
                continue;
            }
            queue.leading = true;
            if queue.last_group > 1 && queue.waiting.len() < queue.last_group {
                let wait = std::time::Duration::from_micros(100);
                queue = self.changed.wait_timeout(queue, wait).map_err(|_| "lock")?.0;
            }
            let group = std::mem::take(&mut queue.waiting);
            queue.last_group = group.len();
            drop(queue);
            let outcome = self.commit(&group);
            queue = self.queue.lock().map_err(|_| "lock")?;
            queue.leading = false;
            match outcome {
                Ok(()) => queue.done = group.last().map_or(queue.done, |(ticket, _)| *ticket),
                Err(failure) => queue.failed = Some(failure.to_string()),
            }
            self.changed.notify_all();
        }
    }

    fn commit(&self, group: &[(u64, Job)]) -> Outcome {
        let transaction = self.database.begin_write()?;
        apply(&transaction, group.iter().map(|(_, job)| job))?;
        transaction.commit()?;
        self.publish()
    }
}

fn apply<'j>(transaction: &WriteTransaction, jobs: impl Iterator<Item = &'j Job>) -> Outcome {
    let mut records = transaction.open_table(RECORDS)?;
    let mut unique = transaction.open_table(UNIQUE)?;
    let mut created = transaction.open_table(CREATED)?;
    let mut changes = transaction.open_table(CHANGES)?;
    let mut next = records.last()?.map_or(1, |(key, _)| key.value() + 1);
    let seq = changes.last()?.map_or(1, |(key, _)| key.value() + 1);
    for (seq, job) in (seq..).zip(jobs) {
        let id = match job {
            Job::Put(memory) => {
                let key = unique_key(memory);
                if unique.get(&key[..])?.is_some() {
                    return Err("key is taken".into());
                }
                records.insert(next, &encode(memory)?[..])?;
                unique.insert(&key[..], next)?;
                created.insert(&created_key(memory.created, next)[..], ())?;
                next += 1;
                next - 1
            }
            Job::Update(id) => {
                let mut memory = {
                    let found = records.get(*id)?.ok_or("a record is missing")?;
                    decode(found.value())?
                };
                memory.importance += 1.0;
                records.insert(*id, &encode(&memory)?[..])?;
                *id
            }
        };
        changes.insert(seq, &change(id)[..])?;
    }
    Ok(())
}

fn tables(database: &Database) -> Outcome<Tables> {
    let read = database.begin_read()?;
    Ok(Tables { records: read.open_table(RECORDS)?, created: read.open_table(CREATED)? })
}

impl System for Limit {
    fn create(folder: &Path) -> Outcome<Self> {
        let mut builder = Database::builder();
        Self::start(builder.set_cache_size(64 << 20).create(folder.join("data.redb"))?)
    }

    fn open(folder: &Path) -> Outcome<Self> {
        let mut builder = Database::builder();
        let database = builder.set_cache_size(64 << 20).open(folder.join("data.redb"))?;
        let tables = RwLock::new(Arc::new(tables(&database)?));
        Ok(Self { database, tables, queue: Mutex::default(), changed: Condvar::new() })
    }

    fn put(&self, memory: &Memory) -> Outcome<u64> {
        self.submit(Job::Put(memory.clone())).map(|()| 0)
    }

    fn bulk(&self, memories: &mut dyn Iterator<Item = Memory>) -> Outcome {
        let mut by_key = Vec::new();
        let mut by_time = Vec::new();
        let transaction = self.database.begin_write()?;
        {
            let mut records = transaction.open_table(RECORDS)?;
            let mut cursor = records.upper_bound_mut(Bound::<u64>::Unbounded)?;
            for (id, memory) in (1..).zip(memories) {
                cursor.insert_before(id, &encode(&memory)?[..])?;
                by_key.push((unique_key(&memory), id));
                by_time.push(created_key(memory.created, id));
            }
            cursor.close()?;
            by_key.sort_unstable();
            let mut unique = transaction.open_table(UNIQUE)?;
            let mut cursor = unique.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
            for (key, id) in &by_key {
                cursor.insert_before(&key[..], id)?;
            }
            cursor.close()?;
            by_time.sort_unstable();
            let mut created = transaction.open_table(CREATED)?;
            let mut cursor = created.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
            for key in &by_time {
                cursor.insert_before(&key[..], ())?;
            }
            cursor.close()?;
            let mut changes = transaction.open_table(CHANGES)?;
            changes.insert(1, &change(by_key.len() as u64)[..])?;
        }
        transaction.commit()?;
        self.publish()
    }

    fn get(&self, id: u64) -> Outcome<Option<Memory>> {
        let tables = self.tables()?;
        tables.records.get(id)?.map(|value| decode(value.value())).transpose()
    }

    fn update(&self, id: u64) -> Outcome {
        self.submit(Job::Update(id))
    }

    fn page(&self, created: i64, rows: usize, take: &mut dyn FnMut(Memory)) -> Outcome {
        let tables = self.tables()?;
        let from = created_prefix(created);
        for row in tables.created.range::<&[u8]>(&from[..]..)?.take(rows) {
            let (key, _) = row?;
            let key = key.value();
            let mut id = [0; 8];
            id[1..].copy_from_slice(&key[key.len() - 7..]);
            let found = tables.records.get(u64::from_be_bytes(id))?;
            take(decode(found.ok_or("a record is missing")?.value())?);
        }
        Ok(())
    }

    fn scan(&self, take: &mut dyn FnMut(Memory)) -> Outcome {
        let tables = self.tables()?;
        for row in tables.records.iter()? {
            take(decode(row?.1.value())?);
        }
        Ok(())
    }

    fn close(self) -> Outcome {
        self.database.close().map_err(Failure::from)
    }
}
