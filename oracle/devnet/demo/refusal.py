"""Why a wallet of the demo was not simply approved, and what would change it: read from the daemon's database."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.devnet.stack import Stack
from oracle.models.telling import recourse_lines
from oracle.pipeline import requests_view

# Points of 100 by which an output must differ from a borrower's in good standing to be worth telling.
_TELLING: Final = 10.0
_REASONS: Final = 3
_WORSE: Final = (("score", -1), ("fraud_likelihood", 1))
_WAYS_OUT: Final = 2


async def tell_why(session: AsyncSession, stack: Stack, request_id: int) -> list[str]:
    """Return the main reasons for a request's scores and its recourse, as lines."""
    found = await requests_view.look_up(session, stack.chain.chain_id, stack.oracle_address, request_id)
    told = found["explanation"]
    if told is None or told["fault"]:
        return [f"why      not explained: {told['fault'] if told else 'not scored yet'}"]
    return list(_lines(told))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    worse = {name: way * (told["outputs"][name]["points"] - told["outputs"][name]["baseline"]) for name, way in _WORSE}
    for output, way in sorted(_WORSE, key=lambda one: -worse[one[0]]):
        if worse[output] >= _TELLING:
            against = [reason for reason in told["outputs"][output]["reasons"] if way * reason["points"] > 0]
            yield from (f"why      {reason['text']}" for reason in against[:_REASONS])
    if told["thin"]:
        yield "why      thin: too little is known of this wallet for its score to say much"
    yield from (f"change   {line.removeprefix('recourse: ')}" for line in list(recourse_lines(told))[:_WAYS_OUT])
