"""Why each assessment came out as it did, and what would change it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "explanations",
        sa.Column("request", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.String(length=66), nullable=False),
        sa.Column("thin", sa.Boolean(), nullable=False),
        sa.Column("anomaly_score", sa.Float(), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(content is null) <> (fault is null)", name=op.f("ck_explanations_content_or_fault")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_explanations_request"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_explanations")),
    )


def downgrade() -> None:
    op.drop_table("explanations")
