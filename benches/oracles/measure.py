#!/usr/bin/env python3
"""One Python package as a system of the suite `graph`; run by benches/compare.

    measure.py networkx|igraph EDGES.tsv

Reads `source target weight` and prints a JSON line a measure. Times are those of the call alone.
"""

import json
import statistics
import sys
import time


def say(measure, value, n):
    print(json.dumps({"measure": measure, "value": value, "n": n, "check": None}), flush=True)


def timed(measure, call, runs=1):
    """Says the median time of a call in milliseconds and gives its last result."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = call()
        times.append((time.perf_counter() - start) * 1e3)
    say(measure, statistics.median(times), runs)
    return result


def simple(edges):
    """Undirected weights: parallel edges and both directions added up, as one edge."""
    weights = {}
    for source, target, weight in edges:
        ends = (min(source, target), max(source, target))
        weights[ends] = weights.get(ends, 0.0) + weight
    return weights


def networkx(edges):
    import networkx as nx

    directed = nx.MultiDiGraph()
    directed.add_weighted_edges_from(edges)
    timed("wcc", lambda: sum(1 for _ in nx.weakly_connected_components(directed)))
    timed("scc", lambda: sum(1 for _ in nx.strongly_connected_components(directed)))
    graph = nx.Graph()
    graph.add_weighted_edges_from((s, t, w) for (s, t), w in simple(edges).items())
    timed("triangles", lambda: sum(nx.triangles(graph).values()) // 3)
    parts = timed("louvain", lambda: nx.community.louvain_communities(graph, seed=1))
    say("louvain_modularity", nx.community.modularity(graph, parts), 1)


def igraph(edges):
    import igraph as ig

    nodes = 1 + max(max(s, t) for s, t, _ in edges)
    directed = ig.Graph(n=nodes, edges=[(s, t) for s, t, _ in edges], directed=True)
    directed.delete_vertices([v for v, degree in enumerate(directed.degree()) if degree == 0])
    timed("wcc", lambda: len(directed.connected_components(mode="weak")), 3)
    timed("scc", lambda: len(directed.connected_components(mode="strong")), 3)
    weights = simple(edges)
    graph = ig.Graph(n=nodes, edges=list(weights), directed=False)
    values = list(weights.values())
    timed("triangles", lambda: len(graph.list_triangles()), 3)
    parts = timed("louvain", lambda: graph.community_multilevel(weights=values), 3)
    say("louvain_modularity", graph.modularity(parts, weights=values), 1)


def main():
    system, path = sys.argv[1:]
    with open(path, encoding="utf-8") as lines:
        edges = [(int(s), int(t), float(w)) for s, t, w in (line.split() for line in lines)]
    {"networkx": networkx, "igraph": igraph}[system](edges)


if __name__ == "__main__":
    main()
