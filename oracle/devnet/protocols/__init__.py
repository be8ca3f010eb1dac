"""The real protocols on the local chain, each deployed from its npm package."""
