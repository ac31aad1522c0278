#!/usr/bin/env python3
"""Compares engraph's answers on random small graphs with those of networkx.

    cargo run --manifest-path benches/compare/Cargo.toml -- oracle --graphs 300 | compare.py

Each line of the input is a graph (a multigraph with directions: parallel edges, self loops, nodes
without an edge) and engraph's answers to it. An algorithm is one function here, of the same name
as in benches/compare/src/oracle.rs: it gets the graph and engraph's answer, and says what is wrong
with the answer, or nothing. Exit code 1 when an answer is wrong, 2 when nothing was compared.
"""

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


ALGORITHMS = {
    function.__name__: function
    for function in (
        weak_components,
        strong_components,
        topological_order,
        page_rank,
        personal_page_rank,
        path_lengths,
        path_weights,
        neighborhoods,
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
