"""`make demo-private`: loans on private credit data that nobody but the borrower and the issuer ever sees."""
