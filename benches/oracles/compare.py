#!/usr/bin/env python3
"""Compares engraph's answers on random small graphs with those of networkx.

    cargo run --manifest-path benches/compare/Cargo.toml -- oracle --graphs 300 | compare.py

Each line of the input is a graph (a multigraph with directions: parallel edges, self loops, nodes
without an edge) and engraph's answers to it. An algorithm is one function here, of the same name
as in benches/compare/src/oracle.rs: it gets the graph and engraph's answer, and says what is wrong
with the answer, or nothing. Where networkx takes no multigraph, parallel edges are put together
here as the question wants it: to one, to the lightest, to their number or to their sum. Exit code 1
when an answer is wrong, 2 when nothing was compared.
"""

import collections
import itertools
import json
import math
import sys

import networkx as nx
from networkx.algorithms.link_analysis import pagerank_alg

#: Answers are numbers of floating point, added up in another order.
CLOSE = 1e-9


def near(one, other):
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=CLOSE)


def touched(graph):
    """engraph counts only nodes that have an edge."""
    return graph.subgraph(node for node in graph if graph.degree(node) > 0)


def same_parts(found, expected):
    expected = sorted(sorted(part) for part in expected)
    return None if sorted(sorted(part) for part in found) == expected else f"expected {expected}"


def same_numbers(found, expected):
    """Both are numbers by node."""
    found = {int(node): number for node, number in found.items()}
    if found.keys() != expected.keys():
        return f"nodes {sorted(found)} instead of {sorted(expected)}"
    wrong = [node for node in found if not near(found[node], expected[node])]
    return f"{[(node, found[node], expected[node]) for node in wrong]}" if wrong else None


def weak_components(graph, found):
    return same_parts(found, nx.weakly_connected_components(touched(graph)))


def strong_components(graph, found):
    return same_parts(found, nx.strongly_connected_components(touched(graph)))


def topological_order(graph, found):
    """An order is right when every edge leads forward; a cycle when it is one."""
    graph = touched(graph)
    if "cycle" in found:
        cycle = found["cycle"]
        steps = list(zip(cycle, cycle[1:] + cycle[:1]))
        broken = not cycle or any(not graph.has_edge(*step) for step in steps)
        return "no such cycle" if broken or len(set(cycle)) < len(cycle) else None
    places = {node: place for place, node in enumerate(found["order"])}
    if sorted(places) != sorted(graph) or len(found["order"]) != len(graph):
        return "other nodes"
    backward = [(s, t) for s, t in graph.edges() if places[s] >= places[t]]
    return f"backward: {backward}" if backward else None


def ranked(graph, **options):
    """PageRank without weights; the variant in plain Python, which needs neither numpy nor scipy.

    Edges have no attribute of this name, so that each counts as 1.
    """
    rank = pagerank_alg._pagerank_python
    return rank(graph.copy(), tol=1e-14, max_iter=1000, weight="no weight", **options)


def page_rank(graph, found):
    return same_numbers(found, ranked(touched(graph)))


def personal_page_rank(graph, found):
    seeds = {seed: 1.0 for seed in found["seeds"]}
    expected = ranked(touched(graph), personalization=seeds, dangling=seeds)
    return same_numbers(found["ranks"], expected)


def path_lengths(graph, found):
    """Rows of the fewest edges from each node to each, null where there is no way."""
    expected = dict(nx.all_pairs_shortest_path_length(graph))
    wrong = [
        (s, t, hops, expected[s].get(t))
        for s, row in enumerate(found)
        for t, hops in enumerate(row)
        if expected[s].get(t) != hops
    ]
    return f"{wrong}" if wrong or len(found) != len(graph) else None


def path_weights(graph, found):
    """The same for sums of weights."""
    expected = dict(nx.all_pairs_dijkstra_path_length(graph))
    for s, row in enumerate(found):
        for t, cost in enumerate(row):
            other = expected[s].get(t)
            if (cost is None) != (other is None) or (cost is not None and not near(cost, other)):
                return f"{s} to {t}: {cost} instead of {other}"
    return None


def neighborhoods(graph, found):
    """Rows of the nodes within two hops of each node, in any order."""
    for node, reached in enumerate(found):
        within = nx.single_source_shortest_path_length(graph, node, cutoff=2)
        expected = sorted(set(within) - {node})
        if sorted(reached) != expected:
            return f"from {node}: {sorted(reached)} instead of {expected}"
    return None


def edges_only(graph):
    """Directed, one edge for all parallel ones, the lightest; without loops."""
    simple = nx.DiGraph()
    simple.add_nodes_from(graph)
    for source, target, weight in graph.edges(data="weight"):
        if source != target:
            known = simple.get_edge_data(source, target, {"weight": math.inf})["weight"]
            simple.add_edge(source, target, weight=min(known, weight))
    return simple


def pairs_only(graph):
    """Undirected, without parallel edges and loops."""
    return edges_only(graph).to_undirected()


def summed(graph, number):
    """Directed, with loops, one edge for parallel ones: the sum of `number` of their weights."""
    simple = nx.DiGraph()
    simple.add_nodes_from(graph)
    for source, target, weight in graph.edges(data="weight"):
        known = simple.get_edge_data(source, target, {"weight": 0})["weight"]
        simple.add_edge(source, target, weight=known + number(weight))
    return simple


def undirected(graph):
    """Every edge by itself. networkx would take edges of both directions for one."""
    both = nx.MultiGraph()
    both.add_nodes_from(graph)
    both.add_weighted_edges_from(graph.edges(data="weight"))
    return both


def first(faults):
    """The first fault of several, with its name."""
    return next((f"{name}: {fault}" for name, fault in faults if fault), None)


def by_measure(found, expected):
    """Numbers by node, for each of several measures."""
    if sorted(found) != sorted(expected):
        return f"measures {sorted(found)} instead of {sorted(expected)}"
    return first((name, same_numbers(found[name], expected[name])) for name in found)


def rotated(cycle):
    """A cycle from its smallest node on."""
    start = cycle.index(min(cycle))
    return tuple(cycle[start:] + cycle[:start])


def same_cycles(found, expected):
    found, expected = sorted(map(tuple, found)), sorted(map(rotated, expected))
    return None if found == expected else f"{found} instead of {expected}"


def cycles(graph, found):
    simple = nx.DiGraph(graph)
    if (found["one"] is None) != nx.is_directed_acyclic_graph(simple):
        return "says wrongly whether there is one"
    one = found["one"] or []
    if any(not simple.has_edge(*step) for step in zip(one, one[1:] + one[:1])):
        return f"{one} is none"
    return found["all"] and same_cycles(found["all"], nx.simple_cycles(simple))


def short_cycles(graph, found):
    return same_cycles(found, nx.simple_cycles(nx.DiGraph(graph), length_bound=4))


def cuts(graph, found):
    simple = pairs_only(graph)
    # Of several edges none is a bridge, and networkx knows that of multigraphs.
    multiple = undirected(graph)
    multiple.remove_edges_from(list(nx.selfloop_edges(multiple, keys=True)))
    bridges = {tuple(sorted(edge)) for edge in nx.bridges(multiple)}
    ends = sorted(tuple(sorted(edge)) for edge in found["bridges"])
    if ends != sorted(bridges):
        return f"bridges {ends} instead of {sorted(bridges)}"
    if any(not graph.has_edge(*edge) for edge in found["bridges"]):
        return "a bridge is turned around"
    points = sorted(set(nx.articulation_points(simple)))
    if found["articulation_points"] != points:
        return f"articulation points instead of {points}"
    return same_parts(found["blocks"], nx.biconnected_components(simple))


def spanning_forest(graph, found):
    both = undirected(graph)
    edges = nx.minimum_spanning_edges(both, keys=False, data=True)
    weight = sum(data["weight"] for _, _, data in edges)
    if not near(found["weight"], weight):
        return f"weight {found['weight']} instead of {weight}"
    forest = nx.Graph((source, target) for source, target, _ in found["edges"])
    trees = nx.number_connected_components(nx.Graph(touched(graph)))
    if found["trees"] != trees:
        return f"{found['trees']} trees instead of {trees}"
    if len(found["edges"]) != len(graph) - nx.number_connected_components(both):
        return "other number of edges"
    if not found["edges"]:
        return None
    if not nx.is_forest(forest):
        return "no forest"
    weights = [data["weight"] for _, _, data in graph.edges(data=True)]
    is_edge = all(graph.has_edge(source, target) for source, target, _ in found["edges"])
    same = near(sum(weight for _, _, weight in found["edges"]), found["weight"])
    known = all(weight in weights for _, _, weight in found["edges"])
    return None if is_edge and same and known else "edges that are none"


def dominators(graph, found):
    simple = nx.DiGraph(graph)
    for root, answer in found:
        expected = dict(nx.immediate_dominators(simple, root))
        expected.pop(root, None)
        if dict(map(tuple, answer)) != expected:
            return f"of {root}: {answer} instead of {expected}"
    return None


def communities(graph, found):
    """Each of several partitions: whether it is one, and how good it is."""
    both = undirected(touched(graph))
    for groups, modularity in found:
        if sorted(itertools.chain(*groups)) != sorted(both):
            return "no partition"
        expected = nx.community.modularity(both, groups) if groups else 0.0
        if not near(modularity, expected):
            return f"modularity {modularity} instead of {expected}"
    return None


def degree(graph, found):
    graph = touched(graph)
    others = len(graph) - 1
    return by_measure(found, {
        "both": dict(graph.degree()),
        "out": dict(graph.out_degree()),
        "in": dict(graph.in_degree()),
        "strength": dict(graph.degree(weight="weight")),
        "normalized": {v: d / others if others else 1.0 for v, d in graph.degree()},
    })


def closeness(graph, found):
    graph = touched(graph)
    of = nx.closeness_centrality
    return by_measure(found, {
        "plain": of(graph),
        "weighted": of(graph, distance="weight"),
        "uncorrected": of(graph, wf_improved=False),
        "outward": of(graph.reverse()),
        "both": of(undirected(graph)),
    })


def harmonic(graph, found):
    graph = touched(graph)
    of = nx.harmonic_centrality
    return by_measure(found, {"plain": of(graph), "weighted": of(graph, distance="weight")})


def betweenness(graph, found):
    graph = touched(graph)
    of = nx.betweenness_centrality
    return by_measure(found, {
        "plain": of(graph, normalized=False),
        "weighted": of(graph, normalized=False, weight="weight"),
        "undirected": of(undirected(graph), normalized=False),
        "normalized": of(graph),
    })


def betweenness_of_sources(graph, found):
    graph = touched(graph)
    expected = nx.betweenness_centrality_subset(graph, found["sources"], list(graph))
    return same_numbers(found["scores"], expected)


def loosely(found, expected):
    """Numbers that are approached in rounds."""
    wrong = [v for v in expected if abs(found[str(v)] - expected[v]) > 1e-6]
    if len(found) != len(expected) or wrong:
        return f"{[(v, found[str(v)], expected[v]) for v in wrong]}"
    return None


def eigenvector(graph, found):
    """Edges are taken both ways, so that the matrix is symmetric."""
    sums = collections.Counter()
    for source, target, _ in graph.edges:
        sums[source, target] += 1
        sums[target, source] += 1
    matrix = nx.DiGraph()
    matrix.add_weighted_edges_from((*ends, count) for ends, count in sums.items())
    try:
        rounds = {"max_iter": 50_000, "tol": 1e-14}
        return loosely(found, nx.eigenvector_centrality(matrix, weight="weight", **rounds))
    except nx.PowerIterationFailedConvergence:
        return None


def katz(graph, found):
    matrix = summed(touched(graph), lambda _: 1)
    rounds = {"alpha": found["attenuation"], "weight": "weight", "max_iter": 10_000, "tol": 1e-13}
    plain = nx.katz_centrality(matrix, **rounds)
    raw = nx.katz_centrality(matrix, normalized=False, **rounds)
    return loosely(found["plain"], plain) or loosely(found["unnormalized"], raw)


def cores(graph, found):
    graph = touched(graph)
    return same_numbers(found, nx.core_number(pairs_only(graph)))


def triangles(graph, found):
    simple = pairs_only(touched(graph))
    counts, clustering = nx.triangles(simple), nx.clustering(simple)
    whole = {
        "total": sum(counts.values()) // 3,
        "transitivity": nx.transitivity(simple),
        "clustering_mean": nx.average_clustering(simple) if len(simple) else 0.0,
    }
    wrong = [name for name in whole if not near(found[name], whole[name])]
    return (
        same_numbers(found["counts"], counts)
        or same_numbers(found["clustering"], clustering)
        or (f"{wrong} instead of {whole}" if wrong else None)
    )


def common_neighbors(graph, pairs):
    return [(one, other, len(nx.common_neighbors(graph, one, other))) for one, other in pairs]


#: What networkx calls the measures. Loops stay: they count as a neighbour there, too.
MEASURES = {
    "common": common_neighbors,
    "jaccard": nx.jaccard_coefficient,
    "adamic_adar": nx.adamic_adar_index,
    "resource": nx.resource_allocation_index,
    "preferential": nx.preferential_attachment,
}


def similarity(graph, found):
    simple = nx.Graph(graph)
    for name, answers in found.items():
        scores = MEASURES[name](simple, [answer[:2] for answer in answers])
        expected = {(u, v): score for u, v, score in scores}
        wrong = [answer for answer in answers if not near(answer[2], expected[tuple(answer[:2])])]
        if wrong:
            return f"{name}: {wrong} instead of {[expected[tuple(w[:2])] for w in wrong]}"
    return None


def simrank(graph, found):
    """By the definition, five steps deep; networkx needs numpy for it."""
    before = {node: set(graph.predecessors(node)) for node in graph}
    alike = {(one, other): float(one == other) for one in graph for other in graph}
    for _ in range(5):
        deeper = {}
        for one, other in alike:
            pairs = list(itertools.product(before[one], before[other]))
            mean = sum(alike[pair] for pair in pairs) / len(pairs) if pairs else 0.0
            deeper[one, other] = 1.0 if one == other else 0.8 * mean
        alike = deeper
    wrong = [answer for answer in found if not near(answer[2], alike[tuple(answer[:2])])]
    return f"{wrong} instead of {[alike[tuple(w[:2])] for w in wrong]}" if wrong else None


def predicted_links(graph, found):
    """All pairs without an edge that have a common neighbour, best first."""
    simple = nx.Graph(graph)
    pairs = [
        (u, v) for u, v in itertools.combinations(sorted(simple), 2)
        if not simple.has_edge(u, v) and nx.common_neighbors(simple, u, v)
    ]
    for name, answers in found.items():
        expected = {(u, v): score for u, v, score in MEASURES[name](simple, pairs)}
        if sorted(tuple(a[:2]) for a in answers) != sorted(expected):
            return f"{name}: other pairs than {sorted(expected)}"
        if any(not near(score, expected[u, v]) for u, v, score in answers):
            return f"{name}: {answers} instead of {expected}"
        if any(one[2] < other[2] for one, other in zip(answers, answers[1:])):
            return f"{name}: not best first"
    return None


#: The same question, answered by another search.
def distances(graph, found):
    return path_weights(graph, found)


def same_paths(found, expected):
    found, expected = sorted(map(tuple, found)), sorted(map(tuple, expected))
    return None if found == expected else f"{found} instead of {expected}"


def all_shortest(graph, found):
    simple = edges_only(graph)

    def expected(source, target):
        has_path = nx.has_path(simple, source, target)
        return nx.all_shortest_paths(simple, source, target) if has_path else []

    return first((f"{s} to {t}", same_paths(paths, expected(s, t))) for s, t, paths in found)


def all_simple(graph, found):
    simple = edges_only(graph)
    paths = {(s, t): nx.all_simple_paths(simple, s, t, cutoff=5) for s, t, _ in found}
    return first((f"{s} to {t}", same_paths(answer, paths[s, t])) for s, t, answer in found)


def k_shortest(graph, found):
    """Of equally good paths any may be the last."""
    simple = edges_only(graph)

    def weight_of(path):
        return nx.path_weight(simple, path, "weight")

    for source, target, answer in found:
        best = {"lengths": [], "weights": []}
        if nx.has_path(simple, source, target):
            by_edges = nx.shortest_simple_paths(simple, source, target)
            by_weights = nx.shortest_simple_paths(simple, source, target, weight="weight")
            best["lengths"] = [len(path) - 1 for path in itertools.islice(by_edges, 4)]
            best["weights"] = [weight_of(path) for path in itertools.islice(by_weights, 4)]
        if answer["lengths"] != best["lengths"]:
            return f"{source} to {target}: {answer['lengths']} instead of {best['lengths']}"
        weights = [weight_of(path) for path in answer["paths"]]
        for found_weights in (weights, answer["weights"]):
            if len(found_weights) != len(best["weights"]) or not all(
                map(near, found_weights, best["weights"])
            ):
                return f"{source} to {target}: {found_weights} instead of {best['weights']}"
        if len(set(map(tuple, answer["paths"]))) < len(answer["paths"]):
            return f"{source} to {target}: one path twice"
        if any(len(set(path)) < len(path) for path in answer["paths"]):
            return f"{source} to {target}: a path with a loop"
    return None


def maximum_flow(graph, found):
    capacities = summed(graph, lambda weight: weight)
    for source, target, answer in found:
        expected = nx.maximum_flow_value(capacities, source, target, capacity="weight")
        if not near(answer["value"], expected) or not near(answer["cut"], expected):
            return f"{source} to {target}: {answer} instead of {expected}"
        kept = collections.Counter()
        carried = collections.Counter()
        for one, other, flow in answer["edges"]:
            kept[one] -= flow
            kept[other] += flow
            carried[one, other] += flow
        kept[source] += expected
        kept[target] -= expected
        if any(not near(left, 0.0) for left in kept.values()):
            return f"{source} to {target}: something gets lost or is made: {answer}"
        if any(flow > capacities.edges[edge]["weight"] + CLOSE for edge, flow in carried.items()):
            return f"{source} to {target}: more than an edge can carry: {answer}"
    return None


ALGORITHMS = {
    function.__name__: function
    for function in (
        weak_components,
        strong_components,
        topological_order,
        cycles,
        short_cycles,
        cuts,
        spanning_forest,
        dominators,
        communities,
        page_rank,
        personal_page_rank,
        degree,
        closeness,
        harmonic,
        betweenness,
        betweenness_of_sources,
        eigenvector,
        katz,
        cores,
        triangles,
        similarity,
        simrank,
        predicted_links,
        path_lengths,
        path_weights,
        distances,
        neighborhoods,
        all_shortest,
        all_simple,
        k_shortest,
        maximum_flow,
    )
}


def main():
    compared, wrong = {}, 0
    for line in sys.stdin:
        case = json.loads(line)
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(range(case["nodes"]))
        graph.add_weighted_edges_from(case["edges"])
        for name, answer in case["answers"].items():
            fault = ALGORITHMS[name](graph, answer)
            compared[name] = compared.get(name, 0) + 1
            if fault:
                wrong += 1
                print(f"graph {case['graph']} {name}: {fault}\n  {case['edges']}")
    print(f"networkx {nx.__version__}: {compared}, {wrong} wrong")
    missing = set(ALGORITHMS) - set(compared)
    if missing:
        print(f"not compared: {sorted(missing)}")
    sys.exit(1 if wrong else 2 if missing else 0)


if __name__ == "__main__":
    main()
