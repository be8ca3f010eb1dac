"""The index of lending markets whose events index nothing"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "market_cursors",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", name=op.f("pk_market_cursors")),
    )
    op.create_table(
        "market_events",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("topic", sa.String(length=66), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", "block_number", "log_index", name=op.f("pk_market_events")),
    )
    op.create_index(
        op.f("ix_market_events_chain_id_wallet_contract_block_number"),
        "market_events",
        ["chain_id", "wallet", "contract", "block_number"],
    )


def downgrade() -> None:
    op.drop_table("market_events")
    op.drop_table("market_cursors")
