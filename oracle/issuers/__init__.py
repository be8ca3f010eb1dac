"""Who knows a borrower and says so: credentials, attestations that contracts check, and a reference issuer."""
