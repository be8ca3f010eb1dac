"""Counters that triggers feed, operators with their sessions and actions, and the indexes of the pages"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = postgresql.TIMESTAMP(timezone=True)
_WEI = sa.Numeric(78, 0)

# A change of a counter is a row of its own: updating the counter itself would make every stage wait for the others.
_FUNCTIONS = """
create function tally_request() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    insert into tally_changes (what, chain_id, subject, name, reason, count, wei)
    values ('state', old.chain_id, old.oracle, old.state, coalesce(old.decline_reason, 0), -1, -old.fee_wei);
  end if;
  if tg_op <> 'DELETE' then
    insert into tally_changes (what, chain_id, subject, name, reason, count, wei)
    values ('state', new.chain_id, new.oracle, new.state, coalesce(new.decline_reason, 0), 1, new.fee_wei);
  end if;
  return null;
end $$;

create function tally_transition() returns trigger language plpgsql as $$
declare
  asked record;
begin
  select chain_id, oracle, created_at, decline_reason into asked from requests where id = new.request;
  insert into tally_changes (what, chain_id, subject, name, target, at, seconds, count)
  values ('step', asked.chain_id, asked.oracle, coalesce(new.source, 'arrival'), new.target, new.at, new.seconds, 1);
  -- A decline is mined too, and is no answer.
  if new.target = 'confirmed' and new.source <> new.target and asked.decline_reason is null then
    insert into tally_changes (what, chain_id, subject, name, target, at, seconds, count)
    values ('step', asked.chain_id, asked.oracle, 'total', new.target, new.at,
            extract(epoch from new.at - asked.created_at), 1);
  end if;
  return null;
end $$;

create function tally_gas() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' and old.gas_used is not null then
    insert into tally_changes (what, chain_id, subject, name, count, wei)
    values ('gas', old.chain_id, old.sender, old.kind, -1, -old.gas_used * coalesce(old.gas_price_wei, 0));
  end if;
  if tg_op <> 'DELETE' and new.gas_used is not null then
    insert into tally_changes (what, chain_id, subject, name, count, wei)
    values ('gas', new.chain_id, new.sender, new.kind, 1, new.gas_used * coalesce(new.gas_price_wei, 0));
  end if;
  return null;
end $$;

create trigger tally_arrivals after insert or delete on requests
for each row execute function tally_request();

create trigger tally_states after update of state, decline_reason on requests
for each row when (
  old.state is distinct from new.state or old.decline_reason is distinct from new.decline_reason
) execute function tally_request();

create trigger tally_steps after insert on transitions
for each row execute function tally_transition();

create trigger tally_gas after insert or delete or update of gas_used, gas_price_wei, kind on transactions
for each row execute function tally_gas();
"""

# What the tables held before there were counters.
_FILLING = """
insert into request_tallies (chain_id, oracle, state, reason, count, fees_wei)
select chain_id, oracle, state, coalesce(decline_reason, 0), count(*), sum(fee_wei)
from requests group by 1, 2, 3, 4;

insert into step_tallies (chain_id, oracle, width, starts, source, target, bucket, count)
with steps as (
  select r.chain_id, r.oracle, coalesce(t.source, 'arrival') as source, t.target, t.at, t.seconds
  from transitions t join requests r on r.id = t.request
  union all
  select r.chain_id, r.oracle, 'total', t.target, t.at, extract(epoch from t.at - r.created_at)
  from transitions t join requests r on r.id = t.request
  where t.target = 'confirmed' and t.source <> t.target and r.decline_reason is null
)
select chain_id, oracle, width, to_timestamp(floor(extract(epoch from at) / width) * width), source, target,
  case when seconds is null then -1000
       else floor(ln(least(greatest(seconds, 0.001), 1000000)) / ln(1.2))::smallint end, count(*)
from steps cross join (values (60), (3600)) as periods (width)
where width = 3600 or at > now() - interval '2 days'
group by 1, 2, 3, 4, 5, 6, 7;

insert into gas_tallies (chain_id, sender, day, kind, count, wei)
select chain_id, sender, (created_at at time zone 'UTC')::date, kind, count(*),
  sum(gas_used * coalesce(gas_price_wei, 0))
from transactions where gas_used is not null group by 1, 2, 3, 4;
"""

_PAGED = ("requested_at", "request_id")


def upgrade() -> None:
    op.create_table(
        "tally_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("what", sa.String(8), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(42), nullable=False),
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("target", sa.String(16), server_default="", nullable=False),
        sa.Column("reason", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("wei", _WEI, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_changes")),
    )
    op.create_table(
        "request_tallies",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(42), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("fees_wei", _WEI, nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "oracle", "state", "reason", name=op.f("pk_request_tallies")),
    )
    op.create_table(
        "step_tallies",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("oracle", sa.String(42), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("starts", _MOMENT, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("target", sa.String(16), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "chain_id", "oracle", "width", "starts", "source", "target", "bucket", name=op.f("pk_step_tallies")
        ),
    )
    op.create_index(op.f("ix_step_tallies_width_starts"), "step_tallies", ["width", "starts"])
    op.create_table(
        "gas_tallies",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(42), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("wei", _WEI, nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "sender", "day", "kind", name=op.f("pk_gas_tallies")),
    )
    # Nobody may change a state between the count and the triggers.
    op.execute("lock table requests, transitions, transactions in share row exclusive mode")
    op.execute(_FILLING)
    op.execute(_FUNCTIONS)
    _create_operators()
    _create_indexes()


def _create_operators() -> None:
    op.create_table(
        "operators",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('viewer', 'operator')", name=op.f("ck_operators_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("name", name=op.f("uq_operators_name")),
    )
    op.create_table(
        "operator_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.BigInteger(), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["operator"], ["operators.id"], name=op.f("fk_operator_sessions_operator"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_operator_sessions")),
    )
    op.create_index(op.f("ix_operator_sessions_operator"), "operator_sessions", ["operator"])
    op.create_index(op.f("ix_operator_sessions_expires_at"), "operator_sessions", ["expires_at"])
    op.create_table(
        "operator_actions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("request", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_actions")),
    )
    op.create_index(op.f("ix_operator_actions_request"), "operator_actions", ["request"])
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", _MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_failures")),
    )


def _create_indexes() -> None:
    op.drop_index(op.f("ix_requests_user"), table_name="requests")
    op.create_index("ix_requests_by_time", "requests", ["chain_id", "oracle", *_PAGED])
    op.create_index("ix_requests_by_state", "requests", ["chain_id", "oracle", "state", *_PAGED])
    op.create_index("ix_requests_by_user", "requests", ["user", *_PAGED])
    op.create_index("ix_requests_by_requester", "requests", ["requester", *_PAGED])
    op.create_index(
        "ix_requests_by_model", "requests", ["model_id", *_PAGED], postgresql_where=sa.text("model_id is not null")
    )
    op.create_index(
        "ix_requests_by_reason",
        "requests",
        ["decline_reason", *_PAGED],
        postgresql_where=sa.text("decline_reason is not null"),
    )
    op.execute("create index ix_requests_by_score on requests (((scores ->> 'score_bps')::integer), requested_at)")
    op.create_index("ix_shadow_scores_at", "shadow_scores", ["at"])
    op.create_index("ix_requests_transaction_hash", "requests", ["transaction_hash"])


def downgrade() -> None:
    for name in (
        "transaction_hash",
        "by_score",
        "by_reason",
        "by_model",
        "by_requester",
        "by_user",
        "by_state",
        "by_time",
    ):
        op.drop_index(f"ix_requests_{name}", table_name="requests")
    op.drop_index("ix_shadow_scores_at", table_name="shadow_scores")
    op.create_index(op.f("ix_requests_user"), "requests", ["user"])
    for table in ("sign_in_failures", "operator_actions", "operator_sessions", "operators"):
        op.drop_table(table)
    for trigger, table in (
        ("tally_arrivals", "requests"),
        ("tally_states", "requests"),
        ("tally_steps", "transitions"),
        ("tally_gas", "transactions"),
    ):
        op.execute(f"drop trigger {trigger} on {table}")
    for function in ("tally_request", "tally_transition", "tally_gas"):
        op.execute(f"drop function {function}()")
    for table in ("gas_tallies", "step_tallies", "request_tallies", "tally_changes"):
        op.drop_table(table)
