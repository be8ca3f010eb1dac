"""Proofs on other machines: Dask workers with the same keys, a gateway to their scheduler, and the daemon's end."""
