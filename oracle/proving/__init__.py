"""From a model folder to keys, and from encoded features to a proof that a contract accepts."""
