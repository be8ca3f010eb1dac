"""Random but valid lives of hundreds of wallets at the real protocols, and a ledger that never looks at the chain."""
