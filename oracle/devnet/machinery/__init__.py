"""What the local stack stands on: the chain, Node and its packages, compiled contracts, accounts."""
