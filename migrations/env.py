"""Alembic's entry: migrates over the connection that `oracle.store.database.migrate` hands in."""

from alembic import context
from sqlalchemy import text

from oracle.store.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
with context.begin_transaction():
    # Two daemons may start at once; the second waits here and then finds nothing to do.
    connection.execute(text("select pg_advisory_xact_lock(7261901)"))
    context.run_migrations()
