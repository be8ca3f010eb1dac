"""Requests that wait for private data, what the borrower hands in for them, and notices in the audit log"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MOMENT = postgresql.TIMESTAMP(timezone=True)
_FIRST, _NEW = "requested", "awaiting_proof"
_REST = (
    "collected", "scored", "proven", "signed", "submitted", "confirmed", "declining", "settling",
    "final", "declined", "closed", "expired", "vanished", "dead",
)  # fmt: skip


def _allow(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_requests_state"), "requests", type_="check")
    op.create_check_constraint(op.f("ck_requests_state"), "requests", f"state in ({', '.join(map(repr, states))})")


def _count_steps(when: str = "") -> None:
    op.execute("drop trigger tally_steps on transitions")
    op.execute(
        f"create trigger tally_steps after insert on transitions for each row {when} execute function tally_transition()"
    )


def upgrade() -> None:
    _allow((_FIRST, _NEW, *_REST))
    op.create_table(
        "openings",
        sa.Column("request", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_openings_request"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_openings")),
    )
    op.create_table(
        "posted_proofs",
        sa.Column("request", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.String(66), nullable=False),
        sa.Column("feature_commitment", sa.Numeric(78, 0), nullable=False),
        sa.Column("outputs", postgresql.JSONB(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["requests.id"], name=op.f("fk_posted_proofs_request"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_posted_proofs")),
    )
    op.add_column("transitions", sa.Column("notice", sa.String(16), nullable=True))
    # A notice is no try that failed.
    _count_steps("when (new.notice is null)")


def downgrade() -> None:
    _count_steps()
    op.execute("delete from transitions where notice is not null")
    op.drop_column("transitions", "notice")
    op.drop_table("posted_proofs")
    op.drop_table("openings")
    # The older release reads them again, and declines them.
    op.execute(
        "update requests set state = 'requested', claim = null, claimed_by = null where state = 'awaiting_proof'"
    )
    _allow((_FIRST, *_REST))
