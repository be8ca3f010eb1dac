"""What runs on the Python that `openfhe` fits: nothing here imports more than it, numpy and the standard library."""
