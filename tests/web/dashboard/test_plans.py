"""No page's query reads a whole big table: its plan on 200,000 requests goes by an index and stays small."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from oracle.assessment.states import STAGE_OF, State
from oracle.store import board_pages, shadow_scores
from oracle.store.board_pages import Filter
from oracle.store.embedded import create_database
from tests.store.test_requests import CHAIN, ORACLE

ROWS: Final = 200_000
BIG: Final = {"shadow_scores", "requests", "transitions", "transactions", "broadcasts", "explanations"}
# A page has some 50 lines; reading hundreds of rows for them is still a look into an index.
MOST_ROWS_READ: Final = 2_000
WALLET: Final = "0x" + f"{77:040x}"
MODEL: Final = "0x" + "ab" * 32

_FILL = f"""
set session_replication_role = replica;
insert into requests (chain_id, oracle, request_id, "user", requester, terms, data_commitment, fee_wei, requested_at,
  deadline, block_number, block_hash, block_timestamp, transaction_hash, state, attempts, scores, decline_reason,
  model_id, fault)
select {CHAIN}, '{ORACLE}', n,
  '0x' || lpad(to_hex(n % 20000), 40, '0'), '0x' || lpad(to_hex(n % 7 + 1), 40, 'e'), '{{}}',
  0, 1000, 1700000000 + n / 3, 1700003600 + n, n, '0x', 1700000000, '0x' || lpad(to_hex(n), 64, '0'),
  case when n % 1000 = 0 then 'dead' when n % 50 = 0 then 'declined'
  when n > {ROWS} - 20 then 'scored' else 'final' end,
  0, case when n % 50 <> 0 then jsonb_build_object('score_bps', n % 10001, 'category', n % 3) end,
  case when n % 50 = 0 and n % 1000 <> 0 then n % 5 + 1 end,
  case when n % 9999 = 0 then '{MODEL}' else '0x01' end, case when n % 1000 = 0 then 'gone' end
from generate_series(1, {ROWS}) as n;
insert into transitions (request, source, target, reason)
select id, source, target, 'r'
from requests, (values ('requested', 'collected'), ('confirmed', 'final')) as v (source, target);
insert into transactions (chain_id, sender, nonce, request, kind, "to", data, gas_limit, mined_block, gas_used)
select {CHAIN}, '0x5', id, id, 'answer', '0x', '', 1, case when id < {ROWS} - 5 then id end, 1 from requests;
insert into broadcasts (hash, transaction, kind, raw, max_fee_wei, priority_fee_wei)
select 'b' || id, id, 'answer', '', 1, 1 from transactions;
insert into shadow_scores (request, model_id, answered_by, scores, outputs, answered, at)
select id, '0x2', '0x01', scores, '[]', scores, now() - id * interval '1 second' from requests where scores is not null;
set session_replication_role = default;
"""  # noqa: S608


@pytest.fixture(scope="module")
def filled(postgres_url: str, template: str) -> Iterator[Connection]:
    url = create_database(postgres_url, "board_plans", template)
    engine = create_engine(url)
    with engine.connect() as connection:
        for statement in _FILL.split(";\n")[:-1]:
            connection.execute(text(statement))
        connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("vacuum analyze"))
        yield connection
    engine.dispose()


LAST = (1_700_000_000 + ROWS // 2 // 3, Decimal(ROWS // 2))
FILTERS = {
    "none": Filter(),
    "state, common": Filter(state=State.FINAL),
    "state, rare": Filter(state=State.DEAD),
    "state, few": Filter(state=State.SCORED),
    "state, none": Filter(state=State.VANISHED),
    "reason": Filter(decline_reason=3),
    "reason, none": Filter(decline_reason=9),
    "wallet": Filter(user=WALLET),
    "lender": Filter(requester="0x" + "e" * 39 + "3"),
    "lender, none": Filter(requester="0x" + "9" * 40),
    "model, rare": Filter(model_id=MODEL),
    "model, common": Filter(model_id="0x01"),
    "score, common": Filter(score_from=5_000),
    "score, rare": Filter(score_from=10_000),
    "time": Filter(since=1_700_000_100, until=1_700_000_200),
    "state and time": Filter(state=State.DECLINED, since=1_700_060_000),
}
QUERIES: dict[str, Any] = {
    **{f"requests by {name}": board_pages.select_lines(CHAIN, ORACLE, by, None, 51) for name, by in FILTERS.items()},
    **{
        f"requests by {name}, a later page": board_pages.select_lines(CHAIN, ORACLE, by, LAST, 51)
        for name, by in FILTERS.items()
    },
    "search by hash": board_pages.select_by_hash(CHAIN, ORACLE, f"0x{ROWS // 2:064x}"),
    "search by an answer's hash": board_pages.select_by_hash(CHAIN, ORACLE, "b77"),
    "oldest by state": board_pages.select_oldest(CHAIN, ORACLE, tuple(STAGE_OF.values())),
    "transactions": board_pages.select_transactions(CHAIN, None, 51, waiting=False),
    "transactions, a later page": board_pages.select_transactions(CHAIN, ROWS // 2, 51, waiting=False),
    "transactions that wait": board_pages.select_transactions(CHAIN, None, 51, waiting=True),
    "forms of transactions": board_pages.select_forms(range(1, 51)),
    "dead letters": board_pages.select_dead(CHAIN, ORACLE, "", None, 51),
    "dead letters by words": board_pages.select_dead(CHAIN, ORACLE, "GON", None, 51),
    "shadows": shadow_scores.select_agreement(CHAIN, ORACLE, "day", datetime(2020, 1, 1, tzinfo=UTC), 1_000),
    "wallet": board_pages.select_of_wallet(CHAIN, ORACLE, WALLET, 200),
    "wallet that asked": board_pages.select_of_wallet(CHAIN, ORACLE, "0x" + "e" * 39 + "3", 200),
}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def plan_of(connection: Connection, statement: str) -> dict[str, Any]:
    found = connection.execute(text("explain (analyze, format json) " + statement.replace(":", r"\:")))
    return dict(found.scalar_one()[0]["Plan"])


@pytest.mark.parametrize("name", QUERIES)
def test_query__on_many_rows__goes_by_an_index(filled: Connection, name: str) -> None:
    dialect = postgresql.dialect()
    compiled = str(QUERIES[name].compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    for node in nodes(plan_of(filled, compiled)):
        read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        where = f"{node['Node Type']} on {node.get('Relation Name')}, {node.get('Index Name')}"
        if node.get("Relation Name") in BIG:
            assert node["Node Type"] != "Seq Scan", where
        assert read <= MOST_ROWS_READ, f"{where} reads {read:.0f} rows"


def test_plan__of_a_count__would_be_found_out(filled: Connection) -> None:
    found = nodes(plan_of(filled, "select state, count(*) from requests group by 1"))
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in found) > MOST_ROWS_READ
