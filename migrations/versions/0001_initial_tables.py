"""Initial tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("next_nonce", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "address", name=op.f("pk_accounts")),
    )
    op.create_table(
        "blocks",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(length=42), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "oracle", "number", name=op.f("pk_blocks")),
    )
    op.create_table(
        "cursors",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(length=42), nullable=False),
        sa.Column("next_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "oracle", name=op.f("pk_cursors")),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(length=42), nullable=False),
        sa.Column("request_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("user", sa.String(length=42), nullable=False),
        sa.Column("requester", sa.String(length=42), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("data_commitment", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("fee_wei", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("block_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("decline_reason", sa.Integer(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("history", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("features", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("model_id", sa.String(length=66), nullable=True),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("feature_commitment", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("outputs", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("signatures", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "state in ('requested', 'collected', 'scored', 'proven', 'signed', 'submitted', 'confirmed', 'declining', 'final', 'declined', 'closed', 'expired', 'vanished', 'dead')",
            name=op.f("ck_requests_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("chain_id", "oracle", "request_id", name=op.f("uq_requests_chain_id_oracle_request_id")),
    )
    op.create_index(op.f("ix_requests_state_run_after"), "requests", ["state", "run_after"], unique=False)
    op.create_index(op.f("ix_requests_user"), "requests", ["user"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("to", sa.String(length=42), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("gas_limit", sa.BigInteger(), nullable=False),
        sa.Column("mined_hash", sa.String(length=66), nullable=True),
        sa.Column("mined_block", sa.BigInteger(), nullable=True),
        sa.Column("mined_block_hash", sa.String(length=66), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("gas_price_wei", sa.Numeric(precision=78, scale=0), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_transactions_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("chain_id", "sender", "nonce", name=op.f("uq_transactions_chain_id_sender_nonce")),
    )
    op.create_index(op.f("ix_transactions_request"), "transactions", ["request"], unique=False)
    op.create_table(
        "transitions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.BigInteger(), nullable=False),
        sa.Column(
            "at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("source", sa.String(length=16), nullable=True),
        sa.Column("target", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_transitions_request"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
    )
    op.create_index(op.f("ix_transitions_request"), "transitions", ["request"], unique=False)
    op.create_table(
        "broadcasts",
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("max_fee_wei", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("priority_fee_wei", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction"], ["transactions.id"], name=op.f("fk_broadcasts_transaction"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_broadcasts")),
    )
    op.create_index(op.f("ix_broadcasts_transaction"), "broadcasts", ["transaction"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_broadcasts_transaction"), table_name="broadcasts")
    op.drop_table("broadcasts")
    op.drop_index(op.f("ix_transitions_request"), table_name="transitions")
    op.drop_table("transitions")
    op.drop_index(op.f("ix_transactions_request"), table_name="transactions")
    op.drop_table("transactions")
    op.drop_index(op.f("ix_requests_user"), table_name="requests")
    op.drop_index(op.f("ix_requests_state_run_after"), table_name="requests")
    op.drop_table("requests")
    op.drop_table("cursors")
    op.drop_table("blocks")
    op.drop_table("accounts")
