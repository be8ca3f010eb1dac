"""What a measurement of drift reads and leaves behind."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store.model_tables import DriftRow, LoanCursorRow, LoanOutcomeRow
from oracle.store.tables import RequestRow

MOST_REQUESTS: Final = 50_000
"""A window with more of them is measured on its newest."""

_ANSWERED: Final = (State.CONFIRMED.value, State.FINAL.value)


async def window(
    session: AsyncSession, chain_id: int, oracle: Address, days: int, model_id: str
) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Return the encoded features of the window's requests, and (score, category) of those that the model scored."""
    query = (
        select(RequestRow.features["encoded"], RequestRow.model_id, RequestRow.scores)
        .where(
            RequestRow.chain_id == chain_id,
            RequestRow.oracle == oracle,
            RequestRow.features.is_not(None),
            RequestRow.created_at >= func.now() - timedelta(days=days),
        )
        .order_by(RequestRow.id.desc())
        .limit(MOST_REQUESTS)
    )
    encoded, scored = [], []
    for features, own_model, scores in (await session.execute(query)).all():
        if features is None:
            continue  # JSON's null
        encoded.append(list(features))
        if own_model == model_id and scores:
            scored.append((int(scores["score_bps"]), int(scores["category"])))
    return encoded, scored


async def keep(session: AsyncSession, row: DriftRow) -> None:
    """Add a measurement."""
    session.add(row)
    await session.flush()


async def measurements(session: AsyncSession, chain_id: int, oracle: Address, most: int) -> Sequence[DriftRow]:
    """Return the newest measurements, newest first."""
    query = select(DriftRow).filter_by(chain_id=chain_id, oracle=oracle).order_by(DriftRow.id.desc()).limit(most)
    return (await session.scalars(query)).all()


async def loans_read_to(session: AsyncSession, chain_id: int, lender: Address) -> int | None:
    """Return the block up to which a lender's loans were read, None for a new lender."""
    query = select(LoanCursorRow.block_number).filter_by(chain_id=chain_id, lender=lender)
    return await session.scalar(query)


async def keep_loans(
    session: AsyncSession, chain_id: int, lender: Address, to_block: int, opened: dict[int, int], ended: dict[int, Any]
) -> None:
    """Record a lender's loans up to a block: `opened` request ids by loan id, then `ended` (outcome, block) by loan id.

    Loans that are not known are left out: they were asked for before the lender's start block.
    """
    key = {"chain_id": chain_id, "lender": lender}
    for loan_id, request_id in opened.items():
        values = {"request_id": Decimal(request_id), "outcome": "requested", "block_number": to_block}
        added = upsert(LoanOutcomeRow).values(**key, loan_id=Decimal(loan_id), **values)
        await session.execute(added.on_conflict_do_nothing())
    for loan_id, (outcome, block) in ended.items():
        row = await session.get(LoanOutcomeRow, {**key, "loan_id": Decimal(loan_id)})
        if row is not None:
            row.outcome, row.block_number = outcome, block
    cursor = upsert(LoanCursorRow).values(**key, block_number=to_block)
    await session.execute(
        cursor.on_conflict_do_update(index_elements=["chain_id", "lender"], set_={"block_number": to_block})
    )


async def outcomes(session: AsyncSession, chain_id: int, oracle: Address, model_id: str) -> list[tuple[int, str]]:
    """Return (probability of default in basis points, outcome) of a model's answered requests with a loan."""
    query = (
        select(RequestRow.scores["probability_of_default_bps"].as_integer(), LoanOutcomeRow.outcome)
        .join(
            LoanOutcomeRow,
            (LoanOutcomeRow.chain_id == RequestRow.chain_id) & (LoanOutcomeRow.request_id == RequestRow.request_id),
        )
        .where(
            RequestRow.chain_id == chain_id,
            RequestRow.oracle == oracle,
            RequestRow.model_id == model_id,
            RequestRow.state.in_(_ANSWERED),
        )
    )
    return [(int(bps), outcome) for bps, outcome in (await session.execute(query)).all()]
