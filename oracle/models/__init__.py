"""Networks, their training, and the registry of model folders that the daemon loads from."""
