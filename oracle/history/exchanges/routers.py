"""Swaps that a router paid out in coins: no pool's log names the wallet, but its own calls of the router do.

The router unwraps what the pool paid it, so that the pool's log names the router. Which calls pay whom stands in their
arguments, and the wallet's transactions are read and counted against its nonce anyway: this takes no request more. A
call that somebody else made for the wallet, and swaps through other contracts that unwrap, stay unseen: to find them
every receipt of the wallet's would have to be asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from eth_abi.exceptions import DecodingError

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, BlockRef
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

# Alone, with a deadline, or with the hash of the block before.
_MULTICALLS: Final = tuple(
    Function("multicall", (*before, "bytes[]"), ()) for before in ((), ("uint256",), ("bytes32",))
)
_UNWRAP: Final = Function("unwrapWETH9", ("uint256", "address"), ())  # least amount, recipient
# The first router takes a deadline within the arguments, the second does not.
_V3_SWAPS: Final = tuple(
    Function(name, (types,), ())
    for name, types in (
        ("exactInputSingle", "(address,address,uint24,address,uint256,uint256,uint256,uint160)"),
        ("exactOutputSingle", "(address,address,uint24,address,uint256,uint256,uint256,uint160)"),
        ("exactInput", "(bytes,address,uint256,uint256,uint256)"),
        ("exactOutput", "(bytes,address,uint256,uint256,uint256)"),
        ("exactInputSingle", "(address,address,uint24,address,uint256,uint256,uint160)"),
        ("exactOutputSingle", "(address,address,uint24,address,uint256,uint256,uint160)"),
        ("exactInput", "(bytes,address,uint256,uint256)"),
        ("exactOutput", "(bytes,address,uint256,uint256)"),
    )
)
_V3_SELECTORS: Final = frozenset(swap.selector for swap in _V3_SWAPS)
_SELECTOR_BYTES: Final = 4

Pays = Callable[[bytes, Address], bool]


@dataclass(frozen=True, slots=True)
class Router:
    """One exchange's router; `pays` says whether a call of it swaps, and pays an address in coins."""

    exchange: str
    pays: Pays


Routers = Mapping[Address, Router]
NO_ROUTERS: Final[Routers] = MappingProxyType({})


def routers_of(exchanges: Iterable[Exchange]) -> Routers:
    """Return the routers that a configuration names."""
    return {
        address: Router(one.name, _v2_pays if isinstance(one, UniswapV2Exchange) else _v3_pays)
        for one in exchanges
        for address in one.routers
    }


async def check_routers(reader: ChainReader, exchange: Exchange, at: BlockRef) -> None:
    """Raise ConfigurationFault unless an exchange's routers trade with its factory."""
    named = await all_of(reader.call(router, _FACTORY, block_hash=at.hash) for router in exchange.routers)
    for router, (factory,) in zip(exchange.routers, named, strict=True):
        if str(factory).lower() != exchange.factory:
            raise ConfigurationFault(
                f"router {router} of {exchange.name} trades with factory {factory}, expected {exchange.factory}"
            )


def _v2_pays(data: bytes, wallet: Address) -> bool:
    return any(
        arguments is not None and str(arguments[_V2_RECIPIENT_AT]).lower() == wallet
        for arguments in (_arguments(swap, data) for swap in _V2_SWAPS)
    )


def _v3_pays(data: bytes, wallet: Address) -> bool:
    calls: Sequence[bytes] = next(
        (found[-1] for found in (_arguments(one, data) for one in _MULTICALLS) if found is not None), ()
    )
    unwrapped = [arguments for arguments in (_arguments(_UNWRAP, call) for call in calls) if arguments is not None]
    return any(str(recipient).lower() == wallet for _, recipient in unwrapped) and any(
        call[:_SELECTOR_BYTES] in _V3_SELECTORS for call in calls
    )


def _arguments(function: Function, data: bytes) -> tuple[Any, ...] | None:
    """Return the arguments of a call of this function, None for a call of another."""
    if data[:_SELECTOR_BYTES] != function.selector:
        return None
    try:
        return function.decode_call(data)
    except DecodingError:
        return None
