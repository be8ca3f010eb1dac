"""Private credit data as a borrower holds it: schema, passport, encoding, salt, commitment, opening, sealing, files."""
