"""The lenders that the settings name: their pools as the chain has them now, and how far their loans were read."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from eth_utils.address import to_checksum_address

from oracle.assessment.errors import OracleError
from oracle.assessment.request import Address
from oracle.chain.rpc import endpoint_faults
from oracle.config.markets import LenderSettings
from oracle.history.reading.abi import Function
from oracle.history.reading.reader import ChainReader
from oracle.pipeline.context import Context
from oracle.store import drift
from oracle.web.dashboard.answers import parts_of, render
from oracle.web.dashboard.parts import Parts

_PATIENCE_SECONDS: Final = 5.0
_ORACLE: Final = Function("oracle", (), ("address",))
_POOL: Final = {
    "cash": Function("cash", (), ("uint256",)),
    "outstanding": Function("outstanding", (), ("uint256",)),
    "collateral": Function("collateralHeld", (), ("uint256",)),
    "loans": Function("loanCount", (), ("uint256",)),
}


@dataclass(frozen=True, slots=True)
class Pool:
    """One lender; `figures` are of the newest block in the smallest unit, empty with the `fault`."""

    name: str
    address: str
    foreign: bool
    asks_us: bool | None
    figures: dict[str, int]
    read_to: int | None
    fault: str


async def lenders(request: web.Request) -> web.Response:
    """The page."""
    parts = parts_of(request)
    context = parts.context()
    known = () if context is None else context.lenders
    pools = [] if context is None else await asyncio.gather(*(_pool(parts, context, one) for one in known))
    return render(request, "lenders.html", {"pools": pools, "daemon": parts.health is not None})


async def _pool(parts: Parts, context: Context, one: LenderSettings) -> Pool:
    address, fault = Address(one.address), ""
    figures: dict[str, int] = {}
    asks_us: bool | None = None
    async with parts.sessions() as session:
        read_to = await drift.loans_read_to(session, parts.chain_id, address)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            asks_us, figures = await _read(context, address)
    except (OracleError, TimeoutError) as away:
        # A fault's text can name an endpoint: what kind it is says enough here.
        fault = f"not read: {type(away).__name__}"
    return Pool(one.name, address, one.foreign, asks_us, figures, read_to, fault)


async def _read(context: Context, address: Address) -> tuple[bool | None, dict[str, int]]:
    if context.head is None:
        return None, {}
    reader, at = ChainReader(context.w3), context.head.hash

    async def ask(function: Function) -> Any:
        with endpoint_faults():
            [answer] = await reader.call(address, function, block_hash=at)
        return answer

    asks, *answers = await asyncio.gather(ask(_ORACLE), *(ask(one) for one in _POOL.values()))
    figures = {name: int(answer) for name, answer in zip(_POOL, answers, strict=True)}
    return to_checksum_address(asks) == to_checksum_address(context.address), figures
