"""Requests that the API sends to the chain for its keys"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLE = "api_submissions"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(42), nullable=False),
        sa.Column("sender", sa.String(42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("user", sa.String(42), nullable=False),
        sa.Column("call_hash", sa.String(66), nullable=False),
        sa.Column("hash", sa.String(66), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("fee_wei", sa.Numeric(78, 0), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name=op.f("fk_api_submissions_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_submissions")),
        sa.UniqueConstraint(
            "chain_id", "sender", "call_hash", name=op.f("uq_api_submissions_chain_id_sender_call_hash")
        ),
        sa.UniqueConstraint("chain_id", "sender", "nonce", name=op.f("uq_api_submissions_chain_id_sender_nonce")),
    )
    op.create_index(op.f("ix_api_submissions_key_created_at"), _TABLE, ["key", "created_at"])
    op.create_index(
        op.f("ix_api_submissions_chain_id_oracle_user_nonce"), _TABLE, ["chain_id", "oracle", "user", "nonce"]
    )


def downgrade() -> None:
    op.drop_table(_TABLE)
