"""Claims that are committed before the work begins, and the daemons that hold them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "daemons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("beat_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daemons")),
    )
    op.add_column("requests", sa.Column("claim", sa.Uuid(), nullable=True))
    op.add_column("requests", sa.Column("claimed_by", sa.Integer(), nullable=True))
    op.create_index(
        op.f("ix_requests_claimed_by"), "requests", ["claimed_by"], postgresql_where=sa.text("claimed_by is not null")
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_requests_claimed_by"), table_name="requests")
    op.drop_column("requests", "claimed_by")
    op.drop_column("requests", "claim")
    op.drop_table("daemons")
