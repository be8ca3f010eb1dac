"""What a wallet did, read from the chain itself and pinned to one block: one file a source."""
