"""Nonces without a request, what each signed form does, requests that are over but not yet deep"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = postgresql.TIMESTAMP(timezone=True)
_OPEN = ("requested", "collected", "scored", "proven", "signed", "submitted", "confirmed", "declining")
_OVER = ("final", "declined", "closed", "expired", "vanished", "dead")


def _allow(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_requests_state"), "requests", type_="check")
    op.create_check_constraint(op.f("ck_requests_state"), "requests", f"state in ({', '.join(map(repr, states))})")


def upgrade() -> None:
    _allow((*_OPEN, "settling", *_OVER))
    op.add_column("requests", sa.Column("settled_block", sa.BigInteger(), nullable=True))
    op.add_column("requests", sa.Column("settled_block_hash", sa.String(length=66), nullable=True))
    op.alter_column("transactions", "request", nullable=True)
    op.add_column("transactions", sa.Column("passed_block", sa.BigInteger(), nullable=True))
    op.add_column("transactions", sa.Column("next_since", _MOMENT, nullable=True))
    op.create_index(op.f("ix_transactions_mined_block"), "transactions", ["mined_block"])
    op.add_column("broadcasts", sa.Column("kind", sa.String(length=8), nullable=True))
    op.execute("update broadcasts set kind = transactions.kind from transactions where id = transaction")
    op.alter_column("broadcasts", "kind", nullable=False)


def downgrade() -> None:
    op.drop_column("broadcasts", "kind")
    op.drop_index(op.f("ix_transactions_mined_block"), table_name="transactions")
    op.drop_column("transactions", "next_since")
    op.drop_column("transactions", "passed_block")
    # The older schema has no room for a nonce that was spent on nothing.
    op.execute("delete from transactions where request is null")
    op.alter_column("transactions", "request", nullable=False)
    op.drop_column("requests", "settled_block_hash")
    op.drop_column("requests", "settled_block")
    op.execute("update requests set state = 'requested' where state = 'settling'")
    _allow((*_OPEN, *_OVER))
