"""What shadow models gave, measurements of drift, how loans ended"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_JSONB = postgresql.JSONB(astext_type=sa.Text())
_MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shadow_scores",
        sa.Column("request", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("answered_by", sa.String(length=66), nullable=False),
        sa.Column("scores", _JSONB, nullable=False),
        sa.Column("outputs", _JSONB, nullable=False),
        sa.Column("answered", _JSONB, nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["requests.id"], name=op.f("fk_shadow_scores_request"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request", "model_id", name=op.f("pk_shadow_scores")),
    )
    op.create_index(op.f("ix_shadow_scores_model_id_at"), "shadow_scores", ["model_id", "at"])
    op.create_table(
        "drift_measurements",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(length=42), nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("window_days", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("worst_psi", sa.Float(), nullable=True),
        sa.Column("content", _JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_measurements")),
    )
    op.create_index(
        op.f("ix_drift_measurements_chain_id_oracle_at"), "drift_measurements", ["chain_id", "oracle", "at"]
    )
    op.create_table(
        "loan_outcomes",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("lender", sa.String(length=42), nullable=False),
        sa.Column("loan_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("request_id", sa.Numeric(precision=78, scale=0), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "lender", "loan_id", name=op.f("pk_loan_outcomes")),
    )
    op.create_index(op.f("ix_loan_outcomes_chain_id_request_id"), "loan_outcomes", ["chain_id", "request_id"])
    op.create_table(
        "loan_cursors",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("lender", sa.String(length=42), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "lender", name=op.f("pk_loan_cursors")),
    )


def downgrade() -> None:
    for table in ("loan_cursors", "loan_outcomes", "drift_measurements", "shadow_scores"):
        op.drop_table(table)
