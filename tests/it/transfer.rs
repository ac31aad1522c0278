//! Graphs in and out of open formats.

use std::fs;
use std::path::{Path, PathBuf};

use engraph::graph::{Ego, Subgraph};
use engraph::record::{Document, Entity, Json, TagDefinition};
use engraph::transfer::{
    self, Attributes, Existing, ExportOptions, ExportReport, Format, ImportOptions, ImportReport,
    Nodes,
};
use engraph::{Error, NewEdge, NodeId, Store, Timestamp};

use crate::check::sound;

const HOSTILE: &str = "a \"b\" <c> & \\ \u{1b}[2J\u{9b}\u{202e}\r\n\t\u{e9}\u{1f600}";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self, name: &str) -> Store {
        Store::create(self.path(name)).unwrap()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }
}

/// Two entities, a document and a tag; parallel edges, a self loop, a link, properties, times.
fn sample(store: &Store) -> Vec<NodeId> {
    let time: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    let made = store.write(|tx| {
        let memo = tx.insert(&Document { file_name: HOSTILE.into(), ..Document::default() })?;
        let mut case = Entity::named("Smith v Jones", "Case");
        case.created_at = Some(time);
        case.metadata = Some(Json::from_text(r#"{"court": {"level": 3}}"#)?);
        let case = tx.entities().create(&case)?;
        let mut law = Entity::named("Act \u{e9}", "Statute");
        (law.created_at, law.file) = (Some(time), Some(memo));
        let law = tx.entities().create(&law)?;
        tx.insert(&TagDefinition { tag_name: "alone".into(), ..TagDefinition::default() })?;
        tx.entities().update(case, |case| {
            case.content = Some("line one\nline two".into());
            Ok(())
        })?;
        let cites = NewEdge::new(case, "cites", law).weight(0.1).valid_from(time);
        tx.add_edge(&cites.properties(Json::from_text(r#"{"page": 7, "by": "<x>"}"#)?))?;
        tx.add_edge(&NewEdge::new(case, "cites", law))?;
        tx.add_edge(&NewEdge::new(law, HOSTILE, law).weight(2.5).valid_to(time))?;
        tx.link(memo, "mentions", case)?;
        Ok(vec![memo, case, law])
    });
    made.unwrap()
}

fn exported(store: &Store, options: &ExportOptions) -> (String, ExportReport) {
    let mut out = Vec::new();
    let report = transfer::export(&store.read().unwrap(), options, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), report)
}

#[track_caller]
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(text == expected, "{name} differs; UPDATE_GOLDEN=1 accepts this:\n{text}");
}

#[test]
fn every_format_writes_the_whole_graph() {
    let home = Home::new();
    let store = home.store("s");
    sample(&store);
    for (format, name) in [
        (Format::Dot, "transfer.dot"),
        (Format::GraphMl, "transfer.graphml"),
        (Format::NodeLink, "transfer.json"),
    ] {
        let (text, report) = exported(&store, &ExportOptions::new(format));
        assert_eq!((report.nodes, report.edges, report.dangling), (4, 5, 0));
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        golden(name, &text);
    }
}

#[test]
fn full_attributes_come_back_as_they_were() {
    let home = Home::new();
    let store = home.store("s");
    let ids = sample(&store);
    for (format, name) in [(Format::GraphMl, "full.graphml"), (Format::NodeLink, "full.json")] {
        let options = ExportOptions::new(format).attributes(Attributes::Full);
        let (text, _) = exported(&store, &options);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        let file = home.file(name, &text);
        let other = home.store(&format!("{name}.engraph"));
        let report = transfer::import(&other, &file, &ImportOptions::new()).unwrap();
        assert_eq!((report.nodes, report.edges, report.left_out), (4, 5, 0));
        sound(&other);

        let (tx, here) = (other.read().unwrap(), store.read().unwrap());
        let back = |id: NodeId| -> (NodeId, Entity) {
            let entity: Entity = here.get(id).unwrap().unwrap();
            let (back, found) = tx.entities().find(&entity.entity_id).unwrap().unwrap();
            // Links name records of the store that they come from.
            assert_eq!(found, Entity { file: None, ..entity });
            (back, found)
        };
        let ((case, _), (law, _)) = (back(ids[1]), back(ids[2]));
        let memo = tx.entities().find(&ids[0].to_string()).unwrap().unwrap();
        let metadata = memo.1.metadata.unwrap().to_value().unwrap();
        let file_name = &metadata["record"]["file_name"];
        let file_name = file_name.as_str().map_or_else(
            || {
                let record = metadata["record"].as_str().unwrap();
                let record: serde_json::Value = serde_json::from_str(record).unwrap();
                record["file_name"].as_str().unwrap().to_owned()
            },
            ToOwned::to_owned,
        );
        assert_eq!(file_name, HOSTILE, "{format:?}");

        // The graph of the copy, written again, has the same edges with the same properties.
        let (again, _) = exported(&other, &ExportOptions::new(format).attributes(Attributes::Full));
        for part in ["0.1", "page", "2026-01-05T08:00:00", "valid_to", "2.5"] {
            assert_eq!(again.matches(part).count(), text.matches(part).count(), "{part}: {again}");
        }
        let near = tx.graph().neighbors(case, engraph::graph::Direction::Out).unwrap();
        let near: Vec<_> = near.iter().map(|edge| (&*edge.edge_type, edge.node)).collect();
        assert_eq!(near, [("cites", law), ("cites", law)]);
    }
}

#[test]
fn an_export_can_be_narrowed() {
    let home = Home::new();
    let store = home.store("s");
    sample(&store);
    let dot = || ExportOptions::new(Format::Dot);
    let counts = |options: &ExportOptions| {
        let report = exported(&store, options).1;
        (report.nodes, report.edges)
    };
    let entity = store.read().unwrap().kind_named("entity").unwrap();
    assert_eq!(counts(&dot().nodes(Nodes::Connected)), (3, 5));
    assert_eq!(counts(&dot().kind(entity)), (2, 3));
    assert_eq!(counts(&dot().kind(entity).edge_type("cites").edge_type("mentions")), (2, 2));
    assert_eq!(counts(&dot().edge_type("never used")), (4, 0));
    let unknown = dot().kind(engraph::Kind(99));
    let refused = transfer::export(&store.read().unwrap(), &unknown, &mut Vec::new());
    assert!(matches!(refused, Err(Error::NotFound { .. })));
}

#[test]
fn what_leads_nowhere_is_counted() {
    let home = Home::new();
    let store = home.store("s");
    let ids = sample(&store);
    assert!(store.write(|tx| tx.delete(ids[0])).unwrap());
    let (text, report) = exported(&store, &ExportOptions::new(Format::GraphMl));
    assert_eq!((report.nodes, report.edges, report.dangling), (3, 3, 1));
    assert!(!text.contains(&ids[0].to_string()));
    // In a subgraph it stands as a bare node.
    let near = store.graph().unwrap().ego(ids[2], &Ego::default()).unwrap();
    let mut out = Vec::new();
    let options = ExportOptions::new(Format::NodeLink);
    let report =
        transfer::export_subgraph(&store.read().unwrap(), &near, &options, &mut out).unwrap();
    assert_eq!((report.nodes, report.edges), (3, 4));
    let bare = format!("{{\"id\": \"{}\", \"kind\": \"document\"}}", ids[0]);
    assert!(String::from_utf8(out).unwrap().contains(&bare));
}

#[test]
fn an_empty_graph_is_one() {
    let home = Home::new();
    let store = home.store("s");
    for (format, name) in [(Format::GraphMl, "e.graphml"), (Format::NodeLink, "e.json")] {
        let mut out = Vec::new();
        let tx = store.read().unwrap();
        let options = ExportOptions::new(format);
        transfer::export_subgraph(&tx, &Subgraph::default(), &options, &mut out).unwrap();
        let file = home.file(name, &String::from_utf8(out).unwrap());
        let report = transfer::import(&store, &file, &ImportOptions::new()).unwrap();
        assert_eq!(report, ImportReport::default());
    }
}

/// A graph as other programs write it: edges first, defaults, types, drawings.
const FOREIGN: &str = r#"<?xml version="1.0"?>
<!DOCTYPE graphml>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://y.org">
  <key id="d0" for="node" attr.name="color" attr.type="string"><default>red</default></key>
  <key id="d1" for="edge" attr.name="weight" attr.type="double"/>
  <key id="d2" for="node" attr.name="size" attr.type="int"/>
  <key id="d3" for="node" attr.name="label" attr.type="string"/>
  <key id="d4" for="node"/>
  <graph edgedefault="undirected">
    <edge source="n0" target="n1"><data key="d1">90.28571428571429</data></edge>
    <node id="n0"><data key="d3">A &amp; <![CDATA[<B>]]>&#33;</data><data key="d2"> 7 </data></node>
    <node id="n1"><data key="d0">blue</data><data key="d4"><y:Shape><y:Box/></y:Shape></data></node>
    <edge id="x" source="n1" target="n1" directed="true"/>
  </graph>
</graphml>
"#;

#[test]
fn a_foreign_graph_becomes_entities_and_edges() {
    let home = Home::new();
    let store = home.store("s");
    let file = home.file("g.graphml", FOREIGN);
    let options = ImportOptions::new().prefix("g/");
    let report = transfer::import(&store, &file, &options).unwrap();
    assert_eq!((report.nodes, report.edges, report.left_out), (2, 2, 1));
    let tx = store.read().unwrap();
    let (first, entity) = tx.entities().find("g/n0").unwrap().unwrap();
    assert_eq!((entity.name.as_str(), entity.entity_type.as_str()), ("A & <B>!", "node"));
    let metadata = entity.metadata.unwrap().to_value().unwrap();
    assert_eq!(metadata, serde_json::json!({"color": "red", "size": 7}));
    let (second, entity) = tx.entities().find("g/n1").unwrap().unwrap();
    let metadata = entity.metadata.unwrap().to_value().unwrap();
    assert_eq!(metadata, serde_json::json!({"color": "blue"}));
    let options = ExportOptions::new(Format::NodeLink).attributes(Attributes::Full);
    let (text, _) = exported(&store, &options);
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let edges = told["edges"].as_array().unwrap();
    let of = |source: NodeId| {
        edges.iter().find(|edge| edge["source"] == source.to_string()).unwrap().clone()
    };
    let properties = serde_json::json!({"weight": 90.285_714_285_714_29, "directed": false});
    assert_eq!(of(first)["properties"], properties, "a weight of 64 bits is kept");
    assert_eq!(of(first)["type"], "related_to");
    assert_eq!(of(second)["properties"], serde_json::Value::Null);

    let again = transfer::import(&store, &file, &ImportOptions::new().prefix("g/"));
    assert!(matches!(again, Err(Error::Import { place, .. }) if place == "line 11"));
    let reuse = ImportOptions::new().prefix("g/").existing(Existing::Reuse);
    let report = transfer::import(&store, &file, &reuse).unwrap();
    assert_eq!((report.nodes, report.reused, report.edges), (0, 2, 2));
    sound(&store);
}

#[test]
fn node_link_of_other_programs_is_read() {
    let home = Home::new();
    let store = home.store("s");
    let text = r#"{"links": [{"source": 1, "target": "b", "key": 0, "label": "knows", "since": 4}],
        "graph": {"name": "g"}, "multigraph": false,
        "nodes": [{"id": 1, "kind": "person"}, {"id": "b", "title": "B", "x": [1, null]}],
        "more": 1}"#;
    let file = home.file("g.json", text);
    let report = transfer::import(&store, &file, &ImportOptions::new()).unwrap();
    assert_eq!((report.nodes, report.edges, report.left_out), (2, 1, 2));
    let tx = store.read().unwrap();
    let (first, entity) = tx.entities().find("1").unwrap().unwrap();
    assert_eq!((entity.name.as_str(), entity.entity_type.as_str()), ("1", "person"));
    let near = tx.graph().neighbors(first, engraph::graph::Direction::Out).unwrap();
    assert_eq!(&*near[0].edge_type, "knows");
}

/// Nothing of a broken file is kept, and the error names the place and the reason.
#[track_caller]
fn refused(name: &str, text: &str, (wanted, why): (&str, &str)) {
    let home = Home::new();
    let store = home.store("s");
    let file = home.file(name, text);
    match transfer::import(&store, &file, &ImportOptions::new()).unwrap_err() {
        Error::Import { file: named, place, reason, .. } => {
            assert_eq!(named, file);
            assert!(place.starts_with(wanted) && reason.contains(why), "{place}: {reason}");
        }
        other => unreachable!("{other:?}"),
    }
    assert_eq!(store.read().unwrap().entities().counts().unwrap().entities, 0);
}

#[test]
fn broken_graphml_is_refused_with_its_line() {
    let graph = |inner: &str| {
        format!("<graphml>\n<graph edgedefault=\"directed\">\n{inner}\n</graph>\n</graphml>")
    };
    for (text, place) in [
        (String::new(), ("line 1", "no XML")),
        ("<html/>".to_owned(), ("line 1", "html")),
        (graph("<node/>"), ("line 3", "no id")),
        (graph("<node id='a'/>\n<node id='a'/>"), ("line 4", "twice")),
        (graph("<node id='a'/>\n<edge source='a' target='b'/>"), ("line 4", "\"b\"")),
        (graph("<edge source='a'/>"), ("line 3", "target")),
        (graph("<node id='a'>\n<data key='k'>1</data></node>"), ("line 4", "declared")),
        (graph("<node id='a'><graph/></node>"), ("line 3", "within")),
        (graph("<hyperedge/>"), ("line 3", "more than two")),
        (graph("stray"), ("line 2", "text")),
        (graph("<node id='a'>"), ("line 4", "")),
        (graph("<node id='a' id='b'/>"), ("line 3", "")),
        (graph("<node id='&x;'/>"), ("line 3", "")),
        (graph("").replace("directed", "sideways"), ("line 2", "sideways")),
        (graph("").replace("</graphml>", ""), ("line 5", "early")),
        (graph("") + "<graphml/>", ("line 5", "behind")),
        (
            "<graphml><key id='k' attr.type='int'>\n<default>x</default></key></graphml>".into(),
            ("line 2", "no int"),
        ),
    ] {
        refused("g.graphml", &text, place);
    }
}

#[test]
fn broken_node_link_is_refused_with_its_line() {
    for (text, place) in [
        ("", ("line 1", "EOF")),
        ("[]", ("line 1", "an object with nodes")),
        ("{\"edges\": []}", ("line 1", "nodes")),
        ("{\"nodes\": [\n{}]}", ("line 2", "id")),
        ("{\"nodes\": [\n{\"id\": 1},\n{\"id\": \"1\"}]}", ("line 3", "twice")),
        ("{\"nodes\": [\n{\"id\": [1]}]}", ("line 2", "neither")),
        ("{\"nodes\": [{\"id\": 1}],\n\"edges\": [{\"source\": 1}]}", ("line 2", "target")),
        (
            "{\"nodes\": [{\"id\": 1}],\n\"edges\": [{\"source\": 1, \"target\": 2}]}",
            ("line 2", "\"2\""),
        ),
        (
            "{\"nodes\": [{\"id\": 1}],\n\"edges\": [{\"source\": 1, \"target\": 1, \
             \"weight\": 1e300}]}",
            ("line 2", "1e300"),
        ),
        ("{\"nodes\": [],\n\"edges\": [], \"directed\": true}", ("line 2", "behind")),
        ("{\"nodes\": [\n{\"id\": 1}", ("line 2", "EOF")),
        ("{\"nodes\": []} x", ("line 1", "trailing")),
    ] {
        refused("g.json", text, place);
    }
}

#[test]
fn a_format_that_is_not_read_is_no_import() {
    let home = Home::new();
    let store = home.store("s");
    for name in ["g.dot", "g.unknown"] {
        let file = home.file(name, "digraph {}");
        let refused = transfer::import(&store, &file, &ImportOptions::new());
        assert!(matches!(refused, Err(Error::Invalid { .. })));
    }
    let absent = transfer::import(&store, &home.path("absent.json"), &ImportOptions::new());
    assert!(matches!(absent, Err(Error::Io { .. })));
}

#[test]
fn a_writer_that_fails_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let home = Home::new();
    let store = home.store("s");
    let options = ExportOptions::new(Format::Dot);
    let failed = transfer::export(&store.read().unwrap(), &options, &mut Full);
    assert!(matches!(failed, Err(Error::Io { .. })));
}
