"""The hash of a history's canonical encoding, with the request"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("history_hash", sa.String(length=66), nullable=True))


def downgrade() -> None:
    op.drop_column("requests", "history_hash")
