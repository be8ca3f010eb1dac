"""Training: real tables in, a checked model folder out; deterministic by seed. See `pipeline.train`."""
