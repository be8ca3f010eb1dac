"""Under which open circuit's id a request was proven with its features in the clear"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("open_model_id", sa.String(66), nullable=True))


def downgrade() -> None:
    # The older release signs committed statements alone: what was proven otherwise is proven again.
    op.execute(
        "update requests set state = 'collected', claim = null, claimed_by = null, proof = null, signatures = null "
        "where open_model_id is not null and state in ('proven', 'signed')"
    )
    op.drop_column("requests", "open_model_id")
