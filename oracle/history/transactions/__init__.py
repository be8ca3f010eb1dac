"""A wallet's own transactions, each nonce accounted for: from a node, or from an Etherscan-style API."""
