//! Every maximum in one place, each with its reason.

/// Longest encoded value of one record, in bytes. A legacy cell can have 64 MiB and a record
/// several of them; redb's own bound is 3 GiB.
pub(crate) const RECORD_BYTES_MAX: usize = 256 << 20;

/// Longest cell of a legacy row that is carried, in bytes. Larger ones refuse the file, because a
/// row is held in memory as a whole.
pub(crate) const LEGACY_CELL_BYTES_MAX: usize = 64 << 20;

/// Longest text or byte string in the key of an index entry, in bytes. Longer ones are cut and end
/// in a digest, so that they still compare equal only to themselves.
pub(crate) const INDEX_PART_BYTES_MAX: usize = 480;

/// Longest key of an index entry, in bytes: four parts of the greatest length fit. Longer keys are
/// cut as parts are.
pub(crate) const INDEX_KEY_BYTES_MAX: usize = 2_048;

/// Target size of an adjacency block, in bytes: two fit a redb page of 4 KiB.
pub(crate) const ADJACENCY_BLOCK_BYTES: usize = 1_900;

/// Target size of a block of verbatim legacy rows before compression, in bytes.
pub(crate) const VERBATIM_BLOCK_BYTES: usize = 64 << 10;

/// Bytes that the buffer of one write may hold before the closure is asked to use `bulk`.
pub(crate) const WRITE_BUFFER_BYTES_MAX: usize = 512 << 20;

/// Own record types that an application can register: kinds 128 to 255.
pub(crate) const OWN_KINDS_MAX: usize = 128;

/// Default size of redb's page cache, in bytes.
pub(crate) const CACHE_BYTES_DEFAULT: usize = 64 << 20;

/// Values shorter than this are never compressed, in bytes: frames would cost more than they save.
pub(crate) const COMPRESS_BYTES_MIN: usize = 512;

/// Longest name of an edge type, an index or a record type, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// Most tables, indexes, views and triggers of a legacy database together. A schema is held in
/// memory as a whole; the largest known one has about 200.
pub(crate) const LEGACY_OBJECTS_MAX: usize = 10_000;

/// SQLite's page cache while a legacy database is read, in bytes. Tables are read in order, once.
pub(crate) const LEGACY_CACHE_BYTES: usize = 8 << 20;

/// SQLite's page cache while a legacy database is written, in bytes. Also what a sort for an index
/// holds in memory before it spills.
pub(crate) const LEGACY_OUTPUT_CACHE_BYTES: usize = 64 << 20;

/// Longest `field=word` term of the search index, in bytes; longer ones are cut and end in a
/// digest. The index itself drops terms of 64 KiB.
pub(crate) const KEYWORD_TERM_BYTES_MAX: usize = 1_024;

/// Attribute values of one record that search can filter by: a generated document must not swamp
/// the term dictionary.
pub(crate) const ATTRIBUTE_TERMS_MAX: usize = 1_024;

/// Words, phrases and filters of one query text: each costs a walk over a posting list.
pub(crate) const QUERY_CLAUSES_MAX: usize = 256;

/// The greatest weight of a word in a query text: a greater one would leave nothing of the others.
pub(crate) const QUERY_WEIGHT_MAX: f64 = 1_000.0;

/// Parentheses within parentheses in a query text: they are read by recursion.
pub(crate) const QUERY_DEPTH_MAX: usize = 16;

/// Terms that one prefix or misspelt word is replaced by and scored; what is beyond them is found,
/// but not scored by its rarity.
pub(crate) const QUERY_EXPANSIONS_MAX: usize = 64;

/// Hits that one page of a search may reach down to, offset and limit together: they are ranked in
/// memory.
pub(crate) const SEARCH_WINDOW_MAX: usize = 100_000;

/// Memory of the search indexer for documents not yet written, in bytes.
pub(crate) const INDEXER_BYTES: usize = 40 << 20;

/// Bytes of one text that are looked through for a snippet.
pub(crate) const SNIPPET_SCAN_BYTES_MAX: usize = 1 << 20;

/// Words of a record by which similar ones are found: more cost a walk over a posting list each and
/// change the answer little.
pub(crate) const LIKE_TERMS_MAX: usize = 25;

/// Terms of the search index that are looked through for a completion or a better spelling: the
/// answer comes while somebody types.
pub(crate) const SUGGESTION_TERMS_MAX: usize = 20_000;

/// Records changed since that a search at an earlier write looks at: each is indexed as it was, for
/// that one search.
pub(crate) const PAST_CHANGES_MAX: usize = 100_000;

/// Saved searches of one store: each standing one is held against every record that is written.
pub(crate) const SAVED_SEARCHES_MAX: usize = 1_000;

/// Longest text of a saved search, in bytes.
pub(crate) const SAVED_SEARCH_BYTES_MAX: usize = 64 << 10;

/// How deep folders are searched for databases: deeper ones are not installations.
pub(crate) const LEGACY_FOLDER_DEPTH_MAX: usize = 16;

/// Cycles that a search returns unless told otherwise: 31 nodes that all lead to each other have
/// more than 10^32.
pub(crate) const CYCLES_DEFAULT: usize = 1_000;

/// Jobs that one call claims or reclaims: each is a record and two index rows in one write, and a
/// worker that dies takes them all with it until its lease ends.
pub(crate) const CLAIM_JOBS_MAX: usize = 1_000;

/// Jobs with an expired lease that one claim puts back besides its own work, so that no claim has
/// to clear up after all others.
pub(crate) const CLAIM_RECLAIMS_MAX: usize = 16;

/// Entries that the undo stack of a workflow job keeps; as many as the old application keeps.
pub(crate) const WORKFLOW_UNDO_MAX: usize = 25;

/// Deliveries that a workflow job remembers; as many as the old application remembers.
pub(crate) const WORKFLOW_DELIVERIES_MAX: usize = 50;

/// Longest name of a document's file, in characters. This and the next six are what the old
/// application accepts; longer ones would stop its lists.
pub(crate) const DOCUMENT_NAME_CHARS_MAX: usize = 255;

/// Longest category of a document, in characters.
pub(crate) const DOCUMENT_CATEGORY_CHARS_MAX: usize = 100;

/// Longest path of a document's file, in characters.
pub(crate) const DOCUMENT_PATH_CHARS_MAX: usize = 500;

/// Longest purpose of a document, in characters.
pub(crate) const DOCUMENT_PURPOSE_CHARS_MAX: usize = 200;

/// Longest content type of a document, in characters.
pub(crate) const DOCUMENT_CONTENT_TYPE_CHARS_MAX: usize = 100;

/// Longest name of a document's tag, in characters.
pub(crate) const DOCUMENT_TAG_CHARS_MAX: usize = 100;

/// Longest value of a document's tag, in characters.
pub(crate) const DOCUMENT_TAG_VALUE_CHARS_MAX: usize = 255;

/// Longest name of what takes a passage from a source, in characters. This and the next two are
/// what the old application accepts.
pub(crate) const PROVENANCE_EXTRACTOR_CHARS_MAX: usize = 100;

/// Longest notes of a provenance, in characters.
pub(crate) const PROVENANCE_NOTES_CHARS_MAX: usize = 2_000;

/// Longest words of a passage, in characters.
pub(crate) const PROVENANCE_QUOTE_CHARS_MAX: usize = 2_000;

/// Changes of adjacency entries that the writes of one group hand to the graph in memory: a load
/// that changes more is cheaper to read anew, and must not be held in memory twice.
pub(crate) const EDGE_LOG_CHANGES_MAX: usize = 1 << 18;

/// Bytes that the graph may take in memory unless an option says otherwise: about forty million
/// edges.
pub(crate) const GRAPH_BYTES_DEFAULT: usize = 1 << 30;

/// Threads of one whole-graph algorithm: more than this share one memory bus anyway.
pub(crate) const GRAPH_THREADS_MAX: usize = 64;

/// Nodes that the random walks of one call may visit together: they are returned in memory, at
/// eight bytes each.
pub(crate) const WALK_NODES_MAX: usize = 1 << 28;

/// Pairs of nodes that one SimRank query may look at: each is held in memory, at about 64 bytes.
pub(crate) const SIMRANK_PAIRS_MAX: usize = 4_000_000;

/// Nodes that a subgraph holds unless the caller says otherwise: what a program draws or hands on.
pub(crate) const SUBGRAPH_NODES_DEFAULT: usize = 10_000;

/// Edges that a subgraph holds unless the caller says otherwise.
pub(crate) const SUBGRAPH_EDGES_DEFAULT: usize = 100_000;

/// Edges that an import of a graph makes in one pass: they are held in memory until then.
pub(crate) const TRANSFER_BATCH_EDGES: usize = 16_384;

/// How far behind the next new key or number one may lie that is taken in as it was elsewhere:
/// verifying tracks two bits for each key up to the greatest.
pub(crate) const RESTORE_GAP_MAX: u64 = 1 << 31;

/// Longest line of a file of records, in bytes: the largest record, of which every byte may be
/// written as an escape. It is held in memory as a whole.
pub(crate) const TRANSFER_LINE_BYTES_MAX: usize = 2 << 30;

/// Longest text of an attribute in a foreign graph file, in bytes: it is held in memory as a whole.
pub(crate) const TRANSFER_TEXT_BYTES_MAX: usize = 64 << 20;

/// Edges of a foreign graph file that may come before their nodes: they wait in memory.
pub(crate) const TRANSFER_WAITING_EDGES_MAX: usize = 4_000_000;

/// Longest label that an export writes, in characters: labels are for pictures and lists.
pub(crate) const TRANSFER_LABEL_MAX: usize = 200;

/// Letters of a regular path expression, copies of repeated ones included: each is a state, and a
/// search may come to every node in every state.
pub(crate) const EXPRESSION_LETTERS_MAX: usize = 1_024;

/// Groups, turns and repetitions of a regular path expression: they are built by recursion.
pub(crate) const EXPRESSION_DEPTH_MAX: usize = 64;

/// Values of one vector: no known model has more than a few thousand, and a sum of products of
/// bytes over this many still fits 32 bits.
pub(crate) const VECTOR_DIMENSION_MAX: usize = 65_536;

/// Bytes that vectors may take in memory unless an option says otherwise: half a million of 384
/// values.
pub(crate) const VECTOR_BYTES_DEFAULT: usize = 1 << 30;

/// Models and dimensions of which vectors are held in memory at once.
pub(crate) const VECTOR_MODELS_MAX: usize = 64;

/// Changed records that are remembered beside the vectors in memory, so that readers of an older
/// state need not read all vectors: about a megabyte.
pub(crate) const VECTOR_CHANGES_KEPT_MAX: usize = 65_536;

/// Neighbours that one search of vectors returns at most: they are ranked in memory.
pub(crate) const VECTOR_HITS_MAX: usize = 100_000;

/// Patterns of all tag rules together once they are made ready, in bytes: they are held in memory
/// while the store is open.
pub(crate) const TAG_PATTERNS_BYTES_MAX: usize = 32 << 20;

/// Rules within rules of one tag: they are read by recursion.
pub(crate) const TAG_RULE_DEPTH_MAX: usize = 16;

/// Files that mention one label of the ontology and are still linked with each other: links grow
/// with the square, and what so many mention says nothing about two of them.
pub(crate) const ENTITY_FILES_MAX: usize = 1_000;

/// Longest text of one file of settings, in bytes: people write them.
#[cfg(feature = "config")]
pub(crate) const CONFIG_BYTES_MAX: usize = 4 << 20;

/// Longest key of a setting in a store, in characters; as long as the old application accepts.
pub(crate) const CONFIG_KEY_CHARS_MAX: usize = 255;

/// Longest text of a setting that variables may fill, in bytes: a short file could name a long
/// variable without end.
pub(crate) const CONFIG_FILLED_BYTES_MAX: usize = 1 << 20;

/// Parts of a dotted key: trees of settings are walked by functions that call themselves, and
/// nobody nests settings deeper.
pub(crate) const CONFIG_KEY_PARTS_MAX: usize = 64;

/// Longest note of the last copy, in bytes: a path and two numbers.
pub(crate) const BACKUP_NOTE_BYTES_MAX: u64 = 64 << 10;

/// Longest text in one log line, in bytes: a line is for people to read.
#[cfg(feature = "log")]
pub(crate) const LOG_TEXT_BYTES_MAX: usize = 16 << 10;

/// Log lines that one write of a sink keeps: a sync each.
#[cfg(feature = "log")]
pub(crate) const LOG_BATCH_LINES: usize = 256;

/// Log lines that wait for a sink to write them; more are dropped and counted, so that nobody
/// waits for a log.
#[cfg(feature = "log")]
pub(crate) const LOG_WAITING_LINES_MAX: usize = 4_096;

/// Bytes of log lines that wait for a sink to write them: lines may have many texts.
#[cfg(feature = "log")]
pub(crate) const LOG_WAITING_BYTES_MAX: usize = 16 << 20;

/// Files that a scan reads before it writes what they are: one write and one sync each batch.
pub(crate) const SCAN_BATCH_FILES: usize = 512;

/// Bytes of files after which a scan writes what they are, so that a stopped scan loses little.
pub(crate) const SCAN_BATCH_BYTES: u64 = 256 << 20;

/// Threads that read files for one scan: more wait for the same disk.
pub(crate) const SCAN_THREADS_MAX: usize = 16;

/// Problems that a scan names one by one; more are only counted.
pub(crate) const SCAN_PROBLEMS_MAX: usize = 100;

/// Commits of a repository that are noted in one write: what is lost when a reading is cut short,
/// against a sync each.
#[cfg(feature = "git")]
pub(crate) const GIT_COMMITS_OF_A_WRITE: usize = 200;

/// Longest namespace, key, record id, agent, session and tag of a memory, in characters: they are
/// keys of indexes, which cut longer ones.
pub(crate) const MEMORY_NAME_CHARS_MAX: usize = 400;

/// Longest content of a memory, in bytes: it is compared, shown and summed up as a whole. What is
/// longer is a document.
pub(crate) const MEMORY_CONTENT_BYTES_MAX: usize = 4 << 20;

/// Tags of one memory: each is a term of the search index.
pub(crate) const MEMORY_TAGS_MAX: usize = 256;

/// Parts of records that one memory is taken from: each record is a link.
pub(crate) const MEMORY_SPANS_MAX: usize = 1_024;

/// Memories of one export or import; as many as the old application writes.
pub(crate) const MEMORY_TRANSFER_MAX: usize = 100_000;

/// Memories that are looked through at once for those that are alike: their words are held in
/// memory.
pub(crate) const MEMORY_GROUPED_MAX: usize = 20_000;

/// Memories with one hash in common that a new one is compared with, newest first: boilerplate must
/// not make writing slow.
pub(crate) const MEMORY_COMPARED_MAX: usize = 64;

/// Memories that are put into groups at once: each is compared with the first of every group.
pub(crate) const MEMORY_CLUSTERED_MAX: usize = 5_000;

/// Memories that are put into clusters at once: each is compared with every other one, two million
/// pairs of them, and the likeness of a pair takes four bytes.
pub(crate) const MEMORY_PAIRED_MAX: usize = 2_000;

/// Entities with a word of their names in common that each is compared with: names like `court`
/// must not make it quadratic.
pub(crate) const ENTITY_COMPARED_MAX: usize = 64;

/// Bytes that the memories held ready for recalls take together unless an option says otherwise:
/// about half a million memories of 150 bytes.
pub(crate) const RECALL_BYTES_DEFAULT: usize = 1 << 30;

/// Scopes whose memories are held ready for recalls at once.
pub(crate) const RECALL_SCOPES_MAX: usize = 4_096;

/// Hits that one recall returns at most: each is read and explained.
pub(crate) const RECALL_HITS_MAX: usize = 10_000;

/// Longest question of a recall that is read, in bytes: longer texts are no questions, and each
/// word costs a walk over a list.
pub(crate) const RECALL_QUESTION_BYTES_MAX: usize = 64 << 10;

/// Memories that a context chooses from: more are far below what a question is about.
pub(crate) const RECALL_CONTEXT_HITS_MAX: usize = 256;

/// Records that are undone at once: their ids are held in memory, and each is a row of one write.
pub(crate) const UNDO_RECORDS_MAX: u64 = 1 << 20;

/// Writes that an `AsyncStore` runs at a time. They share commits, and each holds a thread until
/// its commit is durable: more than this make no larger groups that pay.
#[cfg(feature = "async")]
pub(crate) const ASYNC_WRITES_MAX: usize = 32;

/// Reads, walks and searches that an `AsyncStore` runs at a time: each holds a thread.
#[cfg(feature = "async")]
pub(crate) const ASYNC_READS_MAX: usize = 32;

/// Changes that the feed of an `AsyncStore` reads ahead: they are held in memory.
#[cfg(feature = "async")]
pub(crate) const ASYNC_CHANGES_PAGE: usize = 256;

/// Files that are analyzed before what was said of them is written: one write and one sync each
/// batch, and what a killed run has to do again.
pub(crate) const ANALYZE_BATCH_FILES: usize = 256;

/// Largest file that is analyzed, in bytes: what is larger was not written by a person, and each
/// thread holds one in memory.
pub(crate) const ANALYZE_FILE_BYTES_MAX: i64 = 4 << 20;

/// Longest answer of a language model, in bytes: a few thousand tokens are asked for.
#[cfg(feature = "http")]
pub(crate) const MODEL_ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Characters of a file that a language model is shown: most have room for little more.
#[cfg(feature = "http")]
pub(crate) const MODEL_TEXT_CHARACTERS_MAX: usize = 24_000;

/// Threads that analyze files for one run: more wait for the same disk or model.
pub(crate) const ANALYZE_THREADS_MAX: usize = 16;
