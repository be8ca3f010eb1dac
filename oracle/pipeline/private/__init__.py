"""A request's private data on this side: what runs in the prover's process, and what the daemon does around it."""
