"""Seven wallets that live through two hundred days on the local chain, and the ledger of their orders."""
