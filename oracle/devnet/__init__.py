"""The local stack: a chain, an embedded Postgres, real protocols and wallets with true histories on them."""
