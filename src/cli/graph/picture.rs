//! Pictures of small graphs, as SVG: nodes push each other away, edges pull them together.
//!
//! The layout is of our own: every step is plain arithmetic from fixed starting places, so that
//! one graph always gives one picture, and the work is bounded by the number of nodes.

use std::collections::BTreeMap;

use engraph::ReadTx;
use engraph::graph::{Subgraph, SubgraphEdge};

use super::node::label_of;
use super::{Failure, shown, text};

/// Most nodes of a picture: more cannot be read, and each step costs their square.
const NODES_MAX: usize = 500;
/// Longest label in a picture, in characters.
const LABEL_MAX: usize = 32;
/// Edges up to which their types are written beside them.
const TYPES_MAX: usize = 80;
/// Steps of the layout; what moves after them cannot be seen.
const STEPS: u32 = 300;
/// How long an edge would like to be.
const LENGTH: f64 = 130.0;
/// Room around the nodes, for labels.
const MARGIN: f64 = 90.0;
const RADIUS: f64 = 9.0;
/// Colours of kinds, by turns.
const COLORS: [&str; 8] =
    ["#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#e15759", "#76b7b2", "#edc948", "#9c755f"];

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    x: f64,
    y: f64,
}

impl Point {
    fn plus(self, other: Self, times: f64) -> Self {
        Self { x: self.x + other.x * times, y: self.y + other.y * times }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(other, -1.0)
    }

    fn length(self) -> f64 {
        (self.x * self.x + self.y * self.y).sqrt()
    }
}

/// Draws a part of the graph.
pub(super) fn draw(tx: &ReadTx, part: &Subgraph) -> Result<String, Failure> {
    let count = part.nodes().len();
    if count > NODES_MAX {
        let message = format!("a picture of {count} nodes: at most {NODES_MAX} can be drawn");
        return Err(Failure::usage(message).hint("--limit takes fewer; --dot is for Graphviz"));
    }
    let place = |node| part.index_of(node).unwrap_or_default();
    let edges: Vec<(usize, usize)> =
        part.edges().iter().map(|edge| (place(edge.source), place(edge.target))).collect();
    let places = layout(count, &edges);
    let mut svg = head(&places);
    let mut drawn: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (edge, (source, target)) in part.edges().iter().zip(edges.iter().copied()) {
        let turn = drawn.entry((source.min(target), source.max(target))).or_default();
        let way = way((places[source], places[target]), source > target, *turn);
        *turn += 1;
        draw_edge(&mut svg, edge, &way, part.edges().len() <= TYPES_MAX);
    }
    for (node, at) in part.nodes().iter().zip(&places) {
        let kind = shown::kind_of(tx, *node);
        let label = label_of(tx, *node)?.unwrap_or_else(|| node.to_string());
        let color = COLORS[usize::from(node.kind().0) % COLORS.len()];
        let (label, title) = (text::shortened(&label, LABEL_MAX), format!("{kind} {node}"));
        let (x, y) = (at.x, at.y);
        write_to(
            &mut svg,
            format_args!(
                "<g><title>{}</title><circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" \
             fill=\"{color}\"/><text x=\"{x:.1}\" y=\"{:.1}\">{}</text></g>\n",
                xml(&title),
                y + RADIUS + 12.0,
                xml(&label)
            ),
        );
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn write_to(svg: &mut String, part: std::fmt::Arguments<'_>) {
    svg.push_str(&part.to_string());
}

/// The size of the picture, and how things look.
fn head(places: &[Point]) -> String {
    let width = places.iter().map(|at| at.x).fold(0.0, f64::max) + MARGIN;
    let height = places.iter().map(|at| at.y).fold(0.0, f64::max) + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\">\n\
         <style>text{{font:11px sans-serif;text-anchor:middle;fill:#222}}\
         .t{{font-size:9px;fill:#777}}path{{fill:none;stroke:#999}}</style>\n\
         <defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" \
         style=\"fill:#999;stroke:none\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    )
}

/// Where nodes lie, from the margin on in both directions.
fn layout(count: usize, edges: &[(usize, usize)]) -> Vec<Point> {
    let side = LENGTH * (count as f64).sqrt();
    let mut places: Vec<Point> = (0..count)
        .map(|number| {
            // Steps of the golden ratio fill the square evenly, and no two places are the same.
            let x = (number as f64 * 0.618_033_988_75).fract();
            Point { x: x * side, y: (number as f64 + 0.5) / count as f64 * side }
        })
        .collect();
    let mut forces = vec![Point::default(); count];
    for step in 0..STEPS {
        push_apart(&places, &mut forces);
        pull_together(&places, edges, &mut forces);
        let reach = LENGTH * (1.0 - f64::from(step) / f64::from(STEPS)) * 0.5;
        let center = Point { x: side / 2.0, y: side / 2.0 };
        for (place, force) in places.iter_mut().zip(&mut forces) {
            // Parts that nothing holds must not drift away.
            let force = std::mem::take(force).plus(center.minus(*place), 0.04);
            let length = force.length().max(1e-9);
            *place = place.plus(force, length.min(reach) / length);
        }
    }
    let left = places.iter().map(|at| at.x).fold(f64::INFINITY, f64::min);
    let top = places.iter().map(|at| at.y).fold(f64::INFINITY, f64::min);
    let corner = Point { x: left - MARGIN, y: top - MARGIN };
    places.into_iter().map(|place| place.minus(corner)).collect()
}

fn push_apart(places: &[Point], forces: &mut [Point]) {
    for first in 0..places.len() {
        for second in first + 1..places.len() {
            let away = places[first].minus(places[second]);
            let length = away.length().max(1.0);
            let force = LENGTH * LENGTH / (length * length);
            forces[first] = forces[first].plus(away, force);
            forces[second] = forces[second].plus(away, -force);
        }
    }
}

fn pull_together(places: &[Point], edges: &[(usize, usize)], forces: &mut [Point]) {
    for (source, target) in edges.iter().copied().filter(|(source, target)| source != target) {
        let away = places[target].minus(places[source]);
        let force = away.length() / LENGTH;
        forces[source] = forces[source].plus(away, force);
        forces[target] = forces[target].plus(away, -force);
    }
}

/// How an edge runs: begin, what it bends to, and end.
struct Way {
    from: Point,
    bend: [Point; 2],
    to: Point,
}

/// The way of an edge that is the `turn`th between its nodes: later ones bend more, to both sides
/// by turns. A self loop is a loop beside its node.
fn way((source, target): (Point, Point), is_back: bool, turn: usize) -> Way {
    let line = target.minus(source);
    let length = line.length();
    if length < 1e-6 {
        let width = 22.0 + 10.0 * turn as f64;
        let (left, right) = (Point { x: -0.5, y: -0.9 }, Point { x: 0.5, y: -0.9 });
        return Way {
            from: source.plus(left, RADIUS),
            bend: [source.plus(left, 2.0 * width), source.plus(right, 2.0 * width)],
            to: source.plus(right, RADIUS),
        };
    }
    let step = turn.div_ceil(2) as f64 * if turn.is_multiple_of(2) { 18.0 } else { -18.0 };
    // Bends are counted from one of the two nodes, whichever way the edge leads.
    let step = if is_back { -step } else { step };
    let across = Point { x: -line.y / length, y: line.x / length };
    let middle = source.plus(line, 0.5).plus(across, step);
    let gap = (RADIUS + 2.0) / length;
    Way {
        from: source.plus(line, gap.min(0.5)),
        bend: [middle, middle],
        to: target.plus(line, -gap.min(0.5)),
    }
}

fn draw_edge(svg: &mut String, edge: &SubgraphEdge, way: &Way, is_named: bool) {
    let Way { from, bend: [first, second], to } = way;
    let edge_type = text::shortened(&edge.edge_type, LABEL_MAX);
    write_to(
        svg,
        format_args!(
            "<path d=\"M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\" marker-end=\"url(#a)\">\
         <title>{}</title></path>\n",
            from.x,
            from.y,
            first.x,
            first.y,
            second.x,
            second.y,
            to.x,
            to.y,
            xml(&edge_type)
        ),
    );
    if is_named {
        let middle = Point {
            x: (from.x + to.x + 3.0 * (first.x + second.x)) / 8.0,
            y: (from.y + to.y + 3.0 * (first.y + second.y)) / 8.0,
        };
        write_to(
            svg,
            format_args!(
                "<text class=\"t\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                middle.x,
                middle.y - 3.0,
                xml(&edge_type)
            ),
        );
    }
}

/// A text that was escaped for terminals already, within an XML document.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_a_layout_lie_apart_and_inside_the_picture() {
        let star: Vec<(usize, usize)> = (1..40).map(|node| (0, node)).collect();
        let ring: Vec<(usize, usize)> = (0..30).map(|node| (node, (node + 1) % 30)).collect();
        for (count, edges) in [(40, &star[..]), (30, &ring), (25, &[]), (1, &[(0, 0)])] {
            let places = layout(count, edges);
            assert_eq!(places, layout(count, edges), "one graph, one picture");
            for (number, place) in places.iter().enumerate() {
                assert!(place.x >= MARGIN - 0.1 && place.x < 10_000.0, "{place:?}");
                assert!(place.y >= MARGIN - 0.1 && place.y < 10_000.0, "{place:?}");
                for other in &places[..number] {
                    assert!(place.minus(*other).length() > 2.0 * RADIUS, "{place:?} {other:?}");
                }
            }
        }
        assert_eq!(layout(0, &[]), []);
    }

    #[test]
    fn what_is_connected_lies_near() {
        let places = layout(9, &[(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]);
        let distance = |a: usize, b: usize| places[a].minus(places[b]).length();
        assert!(distance(0, 1) < distance(0, 3) && distance(3, 4) < distance(2, 4), "{places:?}");
    }

    #[test]
    fn parallel_edges_do_not_lie_on_each_other() {
        let ends = (Point { x: 0.0, y: 0.0 }, Point { x: 100.0, y: 0.0 });
        let there = way(ends, false, 1).bend[0];
        let back = way((ends.1, ends.0), true, 2).bend[0];
        let straight = way(ends, false, 0).bend[0];
        assert!(there.minus(back).length() > 10.0 && there.minus(straight).length() > 10.0);
        assert!(back.minus(straight).length() > 10.0);
    }
}
