"""The chain: endpoint, contract calls, events, fees, signatures and transactions. Nothing here knows the database."""
