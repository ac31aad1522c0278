//! Erasing what was imported: the row keeps its place, its cells do not come back.

use std::path::{Path, PathBuf};

use engraph::family::Erase;
use engraph::legacy::{ExportOptions, Fate, ImportOptions, export, import, sample};
use engraph::record::FileChunk;
use engraph::{Compression, NodeId, Store};

use crate::check::sound;
use crate::erase::files_with;
use crate::legacy::{old_application, python_is_there};

const PLANTED: &str = "zanzibarqueue";

/// What a query of the old application finds, a row a line.
fn asked(database: &Path, query: &str) -> String {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                  print('\\n'.join(repr(row) for row in db.execute(sys.argv[2])))";
    let output = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(database)
        .arg(query)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

struct Home {
    folder: tempfile::TempDir,
    documents: PathBuf,
    store: Store,
}

impl Home {
    /// A store with an imported database, one chunk of which has the planted word.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let documents = sample::write(folder.path(), 40).unwrap().swap_remove(0);
        plant(&documents);
        let options = Store::builder().compression(Compression::Off);
        let store = options.create(folder.path().join("store")).unwrap();
        let home = Self { folder, documents, store };
        assert_eq!(home.import().files[0].fate, Fate::Imported);
        home
    }

    fn import(&self) -> engraph::legacy::ImportReport {
        let paths = [self.documents.clone()];
        import(&self.store, &paths, &ImportOptions::new(), &mut |_| {}).unwrap()
    }

    fn export(&self, name: &str) -> engraph::legacy::ExportReport {
        let out = self.folder.path().join(name);
        export(&self.store, &out, &ExportOptions::new(), &mut |_| {}).unwrap()
    }

    fn chunk(&self) -> NodeId {
        let tx = self.store.read().unwrap();
        let mut chunks = tx.iter::<FileChunk>().unwrap().map(Result::unwrap);
        chunks.find(|(_, chunk)| chunk.content.contains(PLANTED)).unwrap().0
    }

    #[track_caller]
    fn is_clean(&self) {
        self.store.compact().unwrap();
        let found = files_with(self.store.directory(), PLANTED.as_bytes());
        assert_eq!(found, [""; 0].map(PathBuf::from));
        sound(&self.store);
    }
}

fn plant(documents: &Path) {
    let sql = format!(
        "UPDATE file_content_chunks SET title = '{PLANTED} a', content = 'the {PLANTED} of it'
         WHERE id = 7;"
    );
    old_application(documents, &sql);
}

#[test]
fn the_cells_of_an_erased_row_are_null_and_do_not_come_back() {
    if !python_is_there() {
        return;
    }
    let home = Home::new();
    let id = home.chunk();
    assert!(!files_with(home.store.directory(), PLANTED.as_bytes()).is_empty());
    let rows = asked(&home.documents, "SELECT count(*) FROM file_content_chunks");
    let before = home.export("before");
    assert_eq!((before.files[0].erased, before.files[0].changed), (0, 0));

    let erase = Erase::records([id]).author("anna").reason("asked for");
    let counts = home.store.erase(&erase).unwrap().counts;
    assert_eq!((counts.records, counts.rows), (1, 1));
    assert!(counts.cells >= 8, "{counts:?}");
    home.is_clean();

    let after = home.export("after");
    let file = &after.files[0];
    assert_eq!((file.erased, file.deleted, file.changed), (1, 0, 0), "{file:?}");
    assert!(file.notes.iter().any(|note| note.contains("1 rows were erased here")), "{file:?}");
    let ask = |query: &str| asked(&file.path, query);
    assert_eq!(ask("SELECT count(*) FROM file_content_chunks"), rows);
    let cells = "SELECT id, file_id, title, content, char_count FROM file_content_chunks \
                 WHERE id IN (6, 7)";
    assert!(ask(cells).ends_with("\n(7, None, None, None, None)"), "{}", ask(cells));
    let words = |word: &str| {
        let index = "SELECT count(*) FROM file_content_chunks_fts WHERE file_content_chunks_fts";
        format!("{index} MATCH '{word}'")
    };
    assert_eq!(ask(&words(PLANTED)), "(0,)");
    let others = asked(&home.documents, &words("the"));
    assert_ne!(others, "(0,)");
    assert_eq!(
        files_with(file.path.parent().unwrap(), PLANTED.as_bytes()),
        [""; 0].map(PathBuf::from)
    );

    old_application(
        &home.documents,
        "UPDATE file_content_chunks SET title = 'changed there' WHERE id IN (7, 8);",
    );
    let again = home.import();
    assert_eq!(again.files[0].fate, Fate::Updated);
    assert_eq!((again.files[0].erased, again.files[0].conflicts.len()), (1, 0));
    assert!(!home.store.read().unwrap().contains(id).unwrap());
    home.is_clean();
    let last = home.export("last");
    assert_eq!(last.files[0].erased, 1);
    let titles = "SELECT title FROM file_content_chunks WHERE id IN (7, 8)";
    assert_eq!(asked(&last.files[0].path, titles), "(None,)\n('changed there',)");
    assert_eq!(asked(&last.files[0].path, &words(PLANTED)), "(0,)");
}

#[test]
fn a_row_that_was_deleted_before_is_erased_and_does_not_come_again() {
    if !python_is_there() {
        return;
    }
    let home = Home::new();
    let id = home.chunk();
    home.store.write(|tx| tx.delete(id)).unwrap();
    let erase = Erase::records([id]).author("anna").reason("asked for");
    assert_eq!(home.store.erase(&erase).unwrap().counts.rows, 1);
    home.is_clean();
    let columns = "INSERT INTO file_content_chunks (id, file_id, chunk_index, content)";
    old_application(&home.documents, "DELETE FROM file_content_chunks WHERE id = 7;");
    assert_eq!(home.import().files[0].changes.removed, 1);
    let sql = format!("{columns} VALUES (7, 4, 0, '{PLANTED} again');");
    old_application(&home.documents, &sql);
    assert_eq!(home.import().files[0].erased, 1);
    assert!(!home.store.read().unwrap().contains(id).unwrap());
    home.is_clean();
}

#[test]
fn a_source_goes_as_a_whole() {
    if !python_is_there() {
        return;
    }
    let home = Home::new();
    let kept = home.store.write(|tx| tx.insert(&engraph::record::Memory::default())).unwrap();
    let source = home.store.read().unwrap().origin(home.chunk()).unwrap().source;
    let erase = Erase::of_source(source).author("anna").reason("withdrawn");
    let erased = home.store.erase(&erase).unwrap();
    assert_eq!(erased.receipt.sources, [u64::from(source)]);
    assert!(erased.counts.rows > 400, "{erased:?}");
    home.is_clean();
    assert!(home.store.read().unwrap().contains(kept).unwrap());
    assert_eq!(home.store.read().unwrap().iter::<FileChunk>().unwrap().count(), 0);
    old_application(
        &home.documents,
        &format!(
            "INSERT INTO file_content_chunks (file_id, chunk_index, content)
             VALUES (1, 77, '{PLANTED} is new');"
        ),
    );
    assert!(home.import().files[0].erased > 0);
    assert_eq!(home.store.read().unwrap().iter::<FileChunk>().unwrap().count(), 0);
    home.is_clean();
    let file = &home.export("after").files[0];
    // `IS NOT NULL` is not looked up where a column says that it is.
    let filled = "SELECT count(*) FROM documents WHERE typeof(file_name) <> 'null'";
    assert_eq!(asked(&file.path, filled), "(0,)");
    assert_ne!(asked(&file.path, "SELECT count(*) FROM documents"), "(0,)");
}
