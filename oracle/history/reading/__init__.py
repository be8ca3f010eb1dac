"""Reads from a node, an API or a subgraph: pinned to a block, complete or an error. It knows no protocol."""
