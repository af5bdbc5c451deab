"""Reads pictures {"names": [...], "edges": [[producer, consumer], ...]} from
stdin, one a line, and prints for each the ways "dvc dag" draws it, and its
Mermaid chart. The order of the edges in DVC's drawing depends on the addresses
of its objects, so the same graph is drawn several times."""
import json
import os
import sys

out = os.fdopen(os.dup(1), "w")

import networkx as nx
from dvc.commands.dag import _show_ascii, _show_mermaid

for line in sys.stdin:
    case = json.loads(line)
    graph = nx.DiGraph()
    graph.add_nodes_from(case["names"])
    graph.add_edges_from((case["names"][b], case["names"][a]) for a, b in case["edges"])
    drawings, keep = set(), []
    for _ in range(8):
        try:
            drawings.add(_show_ascii(graph))
        except ValueError as e:
            drawings.add("ValueError: " + str(e))
        keep.append([object() for _ in range(97)])
    print(json.dumps([sorted(drawings), _show_mermaid(graph)]), file=out, flush=True)
