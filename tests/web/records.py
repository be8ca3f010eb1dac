"""Generated requests with their audit log, many at a time, for the web's tests and benchmarks."""

import json
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oracle.assessment.request import Address
from tests.store.test_requests import CHAIN, ORACLE

SCORES: Final = {
    "category": 0,
    "score_bps": 8_470,
    "probability_of_default_bps": 510,
    "fraud_likelihood_bps": 120,
    "interest_rate_bps": 850,
    "duration_days": 90,
    "maximum_ltv_bps": 7_500,
    "confidence_bps": 6_400,
}
COIN: Final = "0x" + "00" * 20
TERMS: Final = {
    "principal_token": COIN,
    "principal": 2**128 - 1,
    "collateral_token": COIN,
    "collateral": 10**18,
    "duration_seconds": 90 * 86_400,
}
OUTPUTS: Final = [-(2**126), 2**126 - 1, *range(8)]


def wallet(number: int) -> Address:
    """Return the address of a generated wallet."""
    return Address(f"0x{number:040x}")


def row(request_id: int, user: Address, state: str = "final", **more: Any) -> dict[str, Any]:
    """Return a request as its stages leave it."""
    return {
        "chain_id": CHAIN,
        "oracle": ORACLE,
        "request_id": request_id,
        "user": user,
        "requester": "0x" + "22" * 20,
        "terms": TERMS,
        "data_commitment": 2**253,
        "fee_wei": 2**96 - 1,
        "requested_at": 1_700_000_000 + request_id,
        "deadline": 1_700_003_600 + request_id,
        "block_number": request_id,
        "block_hash": f"0x{request_id:064x}",
        "block_timestamp": 1_700_000_000 + request_id,
        "transaction_hash": f"0x{request_id:064x}",
        "state": state,
        "attempts": 0,
        "model_id": "0x" + "01" * 32,
        "scores": SCORES,
        "outputs": OUTPUTS,
        "feature_commitment": 2**252 + 1,
        "proof": b"\x01\x02",
        "signatures": ["0x" + "ab" * 65],
        "decline_reason": None,
        **more,
    }


async def fill(connection: AsyncConnection, requests: int, wallets: int) -> None:
    """Store generated requests, evenly over wallets, five changes of state each, counted for the planner."""
    await connection.execute(
        text(
            """
            insert into requests (chain_id, oracle, request_id, "user", requester, terms, data_commitment, fee_wei,
                requested_at, deadline, block_number, block_hash, block_timestamp, transaction_hash, state, attempts,
                model_id, scores)
            select :chain, :oracle, n, '0x' || lpad(to_hex(n % :wallets), 40, '0'), :requester,
                cast(:terms as jsonb), 1, 1,
                1700000000 + n, 1700003600 + n, n, '0x' || lpad(to_hex(n), 64, '0'), 1700000000 + n,
                '0x' || lpad(to_hex(n), 64, '0'), case when n % 10 = 0 then 'declined' else 'final' end, 0,
                :model, cast(:scores as jsonb)
            from generate_series(1, :requests) as n
            """
        ),
        {
            "chain": CHAIN,
            "oracle": ORACLE,
            "requester": "0x" + "22" * 20,
            "model": "0x" + "01" * 32,
            "scores": json.dumps(SCORES),
            "terms": json.dumps(TERMS),
            "wallets": wallets,
            "requests": requests,
        },
    )
    await connection.execute(
        text(
            """
            insert into transitions (request, source, target, reason)
            select id, case step when 1 then null else 'proven' end, case step when 5 then 'final' else 'proven' end, ''
            from requests, generate_series(1, 5) as step
            """
        )
    )
    await connection.execute(text("analyze requests"))
    await connection.execute(text("analyze transitions"))
