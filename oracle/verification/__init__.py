"""What a stranger checks of an answer, with an RPC endpoint alone."""
