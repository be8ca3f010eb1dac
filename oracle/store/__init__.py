"""State: the tables in Postgres and the queries on them. The row of a request is the only truth about it."""
