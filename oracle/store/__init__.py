"""State: the tables in Postgres and the queries on them. The row of a request is the only truth about it."""

# All tables stand in the metadata, whichever of them a caller imports.
from oracle.store import api_tables as api_tables
from oracle.store import model_tables as model_tables
from oracle.store import operator_tables as operator_tables
from oracle.store import tally_tables as tally_tables
