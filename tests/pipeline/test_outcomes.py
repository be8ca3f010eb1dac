"""How loans ended, read from a lender's events and compared with what the lender's contract says of each loan."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.request import Address, to_address
from oracle.chain.rpc import connect
from oracle.config.markets import LenderSettings
from oracle.devnet.wallets.borrowing import LoanState
from oracle.pipeline.context import Context
from oracle.pipeline.upkeep.outcomes import read_outcomes
from oracle.store import database
from oracle.store.model_tables import LoanOutcomeRow
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIRMATIONS = 2
WORDS = {
    LoanState.REQUESTED: {"requested"},
    LoanState.ACTIVE: {"active"},
    LoanState.REPAID: {"repaid", "late"},
    LoanState.DEFAULTED: {"defaulted"},
    LoanState.WITHDRAWN: {"closed"},
}


async def loans(context: Context) -> dict[int, LoanOutcomeRow]:
    async with context.sessions() as session:
        return {int(row.loan_id): row for row in await session.scalars(select(LoanOutcomeRow))}


async def test_outcomes__read_in_two_steps__are_what_the_lender_says_of_every_loan(
    played: Played, database_url: str
) -> None:
    engine = database.connect(database_url, pool_size=2)
    await database.migrate(engine)
    w3 = connect(played.chain.rpc_url, 10.0)
    parts = SimpleNamespace(
        chain_id=played.chain.chain_id,
        address=to_address(played.lender.oracle.address),
        w3=w3,
        sessions=async_sessionmaker(engine, expire_on_commit=False),
        chain=SimpleNamespace(confirmations=CONFIRMATIONS, log_range=100),
        lenders=(LenderSettings(name="smart-lending", address=played.lender.lending.address, start_block=1),),
        head=None,
    )
    context = cast(Context, parts)
    try:
        await read_outcomes(context)
        assert await loans(context) == {}, "read without a head"
        parts.address = Address("0x" + "0d" * 20)
        parts.head = played.blocks["end"]
        await read_outcomes(context)
        assert await loans(context) == {}, "its requests are another oracle's"
        parts.address = to_address(played.lender.oracle.address)
        # Early enough that loans are open, then the rest.
        final = await loan_blocks(played)
        parts.head = await played.block(final[1] + CONFIRMATIONS - 1)
        await read_outcomes(context)
        assert (await loans(context))[1].outcome in ("requested", "active")
        parts.head = await played.block(played.blocks["end"].number + CONFIRMATIONS)
        await read_outcomes(context)
        await read_outcomes(context)
        found = await loans(context)
        assert len(found) == int(await played.transactor.read(played.lender.lending, "loanCount"))
        for loan_id, row in found.items():
            assert row.outcome in WORDS[LoanState((await loan(played, loan_id))["state"])], loan_id
            assert row.request_id == (await loan(played, loan_id))["requestId"]
        assert {row.outcome for row in found.values()} >= {"late"}
    finally:
        await w3.provider.disconnect()
        await engine.dispose()


async def loan(played: Played, loan_id: int) -> dict[str, Any]:
    """Return a loan as the lender's contract holds it."""
    contract = played.lender.lending
    names = [part["name"] for part in contract.codec.get_function_by_name("loan").abi["outputs"][0]["components"]]
    return dict(zip(names, await played.transactor.read(contract, "loan", loan_id), strict=True))


async def loan_blocks(played: Played) -> dict[int, int]:
    """Return the block in which each loan was repaid."""
    event = played.lender.lending.codec.events.LoanRepaid()
    query = {"address": played.lender.lending.address, "fromBlock": "0x0", "topics": [event.topic]}
    return {
        int(log["topics"][1], 16): int(log["blockNumber"], 16) for log in await played.chain.rpc("eth_getLogs", query)
    }
