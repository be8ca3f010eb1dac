"""Who asked for a transaction that waits to be replaced by a dearer form"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transactions", sa.Column("bump_by", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("transactions", "bump_by")
