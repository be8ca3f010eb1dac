"""The HTTP API: keys, kept answers, webhooks, and the index for a wallet's requests"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOMENT = postgresql.TIMESTAMP(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    op.create_index(
        op.f("ix_requests_chain_id_oracle_user_request_id"), "requests", ["chain_id", "oracle", "user", "request_id"]
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(16)), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.Column("last_used_at", _MOMENT, nullable=True),
        sa.Column("replaces", sa.String(16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "api_answers",
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.String(100), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.CheckConstraint("(status is null) = (body is null)", name=op.f("ck_api_answers_status_and_body")),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name=op.f("fk_api_answers_key"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "idempotency_key", name=op.f("pk_api_answers")),
    )
    op.create_index(op.f("ix_api_answers_created_at"), "api_answers", ["created_at"])
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(42), nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.String(42), nullable=True),
        sa.Column("states", postgresql.ARRAY(sa.String(16)), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name=op.f("fk_webhooks_key"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_key"), "webhooks", ["key"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("webhook", sa.Uuid(), nullable=False),
        sa.Column("transition", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", _MOMENT, server_default=_NOW, nullable=True),
        sa.Column("delivered_at", _MOMENT, nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(op.f("ix_webhook_deliveries_created_at"), "webhook_deliveries", ["created_at"])
    op.create_index(op.f("ix_webhook_deliveries_webhook_id"), "webhook_deliveries", ["webhook", "id"])
    op.create_index(
        op.f("ix_webhook_deliveries_webhook_transition"), "webhook_deliveries", ["webhook", "transition"], unique=True
    )
    op.create_index(
        op.f("ix_webhook_deliveries_next_at"),
        "webhook_deliveries",
        ["next_at"],
        postgresql_where=sa.text("next_at is not null"),
    )
    op.create_table(
        "event_cursors",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(42), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "oracle", name=op.f("pk_event_cursors")),
    )


def downgrade() -> None:
    for table in ("event_cursors", "webhook_deliveries", "webhooks", "api_answers", "api_keys"):
        op.drop_table(table)
    op.drop_index(op.f("ix_requests_chain_id_oracle_user_request_id"), table_name="requests")
