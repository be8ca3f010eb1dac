"""Swaps that a router paid out: no pool's log names the wallet, but its own calls of the router do.

The router unwraps or passes on what the pool paid it, so that the pool's log names the router. Which calls pay whom
stands in their arguments, and the wallet's transactions are read and counted against its nonce anyway: this takes no
request more. A call that somebody else made for the wallet, swaps through other contracts that unwrap, and those in the
pools of Uniswap V4 stay unseen: to find them every receipt of the wallet's would have to be asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.router_calls import CALLER, NOBODY, ROUTER, Swapped, arguments_of, steps_of
from oracle.history.markets import Exchange, UniswapV2Exchange
from oracle.history.reading.abi import Function
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.reader import ChainReader

_FACTORY: Final = Function("factory", (), ("address",))

# amounts in and out (or the other way round), path, recipient, deadline
_V2_TYPES: Final = ("uint256", "uint256", "address[]", "address", "uint256")
_V2_SWAPS: Final = tuple(
    Function(f"swap{name}", _V2_TYPES, ())
    for name in ("ExactTokensForETH", "TokensForExactETH", "ExactTokensForETHSupportingFeeOnTransferTokens")
)
_V2_RECIPIENT_AT: Final = 3

Pays = Callable[[bytes, Address, Address], bool]


@dataclass(frozen=True, slots=True)
class Router:
    """One exchange's router; `pays` says whether a call swaps and pays its caller: of its data, caller, and router."""

    exchange: str
    pays: Pays


Routers = Mapping[Address, Router]
NO_ROUTERS: Final[Routers] = MappingProxyType({})


def routers_of(exchanges: Iterable[Exchange]) -> Routers:
    """Return the routers that a configuration names."""
    routers: dict[Address, Router] = {}
    for one in exchanges:
        if isinstance(one, UniswapV2Exchange):
            routers |= {address: Router(one.name, _v2_pays) for address in one.routers}
        else:
            routers |= {address: Router(one.name, _v3_pays) for address in (*one.routers, *one.universal_routers)}
    return routers


async def check_routers(reader: ChainReader, exchange: Exchange, at: BlockRef) -> None:
    """Raise ConfigurationFault unless an exchange's routers trade with its factory.

    One that is not there yet at the block cannot have paid. A Universal Router trades with several factories, and tells
    none: it is not asked.
    """
    await all_of(_check_router(reader, exchange, router, at) for router in exchange.routers)


async def _check_router(reader: ChainReader, exchange: Exchange, router: Address, at: BlockRef) -> None:
    try:
        (named,) = await reader.call(router, _FACTORY, block_hash=at.hash)
    except ConfigurationFault as fault:
        if not await reader.code(router, at.hash):
            return
        raise ConfigurationFault(
            f"router {router} of {exchange.name} does not say which factory it trades with: is it one? A Universal "
            "Router belongs into universal_routers of a Uniswap V3 exchange"
        ) from fault
    factory = Address(str(named).lower())
    if factory != exchange.factory:
        raise ConfigurationFault(
            f"router {router} of {exchange.name} trades with factory {factory}, expected {exchange.factory}"
        )


def _v2_pays(data: bytes, wallet: Address, router: Address | None = None) -> bool:
    return any(
        arguments is not None and str(arguments[_V2_RECIPIENT_AT]).lower() == wallet
        for arguments in (arguments_of(swap, data) for swap in _V2_SWAPS)
    )


def _v3_pays(data: bytes, wallet: Address, router: Address | None = None) -> bool:
    """Return whether a call lets the router be paid for a swap, and has it pay on to the wallet.

    What is left over, or was paid to the wallet by the pool itself, is no swap more: its log tells of that.
    """
    held: set[Address] = set()
    for step in steps_of(data):
        if isinstance(step, Swapped):
            held.discard(step.token_in)  # a route's next leg
            # Without the router's address, whoever is not the wallet.
            if step.recipient in (NOBODY, ROUTER, router) or (
                router is None and step.recipient not in (wallet, CALLER)
            ):
                held.add(step.token_out)
        elif step.recipient in (wallet, CALLER) and (step.token in held or (step.token is None and held)):
            return True
    return False
