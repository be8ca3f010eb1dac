"""What calls of Uniswap's routers do: swaps that the router is paid for, and what it then pays to whom.

A router's call is taken apart into steps, whichever router it is: the first one and the second, alone or in multicalls
within multicalls, and the Universal Router's commands. What a pool pays to the wallet itself is in the pool's log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from oracle.assessment.request import Address
from oracle.history.reading.abi import Function

SELECTOR_BYTES: Final = 4
_ADDRESS_BYTES: Final = 20
# Deeper than any caller nests, and no deeper than this can be read.
_DEEPEST: Final = 8

NOBODY: Final = Address("0x" + "00" * 20)
CALLER: Final = Address("0x" + "00" * 19 + "01")
ROUTER: Final = Address("0x" + "00" * 19 + "02")
"""The newer routers' words for who calls them and for themselves; the first one calls itself NOBODY."""


@dataclass(frozen=True, slots=True)
class Swapped:
    """A swap of one token for another that pays a recipient."""

    token_in: Address
    token_out: Address
    recipient: Address


@dataclass(frozen=True, slots=True)
class PaidOut:
    """What the router held and paid to a recipient: a token, or (None) coins."""

    token: Address | None
    recipient: Address


Step = Swapped | PaidOut

_MULTICALLS: Final = tuple(
    # Alone, with a deadline, or with the hash of the block before.
    Function("multicall", (*before, "bytes[]"), ())
    for before in ((), ("uint256",), ("bytes32",))
)

_SINGLE: Final = "(address,address,uint24,address,{}uint256,uint256,uint160)"
_PATH: Final = "(bytes,address,{}uint256,uint256)"
# The first router takes a deadline within the arguments, the second does not.
_SINGLES: Final = tuple(
    Function(name, (_SINGLE.format(deadline),), ())
    for name in ("exactInputSingle", "exactOutputSingle")
    for deadline in ("uint256,", "")
)
_PATHS_IN: Final = tuple(Function("exactInput", (_PATH.format(deadline),), ()) for deadline in ("uint256,", ""))
_PATHS_OUT: Final = tuple(Function("exactOutput", (_PATH.format(deadline),), ()) for deadline in ("uint256,", ""))
# The second router's way over pairs: amounts, path, recipient.
_PAIRS: Final = tuple(
    Function(name, ("uint256", "uint256", "address[]", "address"), ())
    for name in ("swapExactTokensForTokens", "swapTokensForExactTokens")
)
# Where a recipient stands among the arguments; without one the caller is paid.
_UNWRAPS: Final = (
    (Function("unwrapWETH9", ("uint256", "address"), ()), 1),
    (Function("unwrapWETH9", ("uint256",), ()), None),
    (Function("unwrapWETH9WithFee", ("uint256", "address", "uint256", "address"), ()), 1),
    (Function("unwrapWETH9WithFee", ("uint256", "uint256", "address"), ()), None),
)
_SWEEPS: Final = (
    (Function("sweepToken", ("address", "uint256", "address"), ()), 2),
    (Function("sweepToken", ("address", "uint256"), ()), None),
    (Function("sweepTokenWithFee", ("address", "uint256", "address", "uint256", "address"), ()), 2),
    (Function("sweepTokenWithFee", ("address", "uint256", "uint256", "address"), ()), None),
)

_EXECUTES: Final = (
    Function("execute", ("bytes", "bytes[]", "uint256"), ()),
    Function("execute", ("bytes", "bytes[]"), ()),
)
# The highest bit lets a command fail. Bridges stand above 0x3F, and are no swaps.
_COMMAND_BITS: Final = 0x7F
_SUB_PLAN: Final = 0x21
_SWAP_OVER_POOLS: Final = (("address", "uint256", "uint256", "bytes"), {0x00: False, 0x01: True})
_SWAP_OVER_PAIRS: Final = (("address", "uint256", "uint256", "address[]"), (0x08, 0x09))
# Token and recipient: sweep, transfer, a portion; what is unwrapped names no token.
_PAYS_TOKEN: Final = (0x04, 0x05, 0x06)
_UNWRAP: Final = 0x0C


def steps_of(data: bytes, depth: int = 0) -> Iterator[Step]:
    """Yield what a call does, in order; nothing for what is no call of a router, or does not decode."""
    if depth > _DEEPEST:
        return
    if (calls := _first(_MULTICALLS, data)) is not None:
        for call in calls[-1]:
            yield from steps_of(call, depth + 1)
    elif (plan := _first(_EXECUTES, data)) is not None:
        yield from _commands(plan[0], plan[1], depth)
    else:
        step = _swap(data) or _pay_out(data)
        if step is not None:
            yield step


def _swap(data: bytes) -> Swapped | None:
    if (found := _first(_SINGLES, data)) is not None:
        token_in, token_out, _, recipient = found[0][:4]
        return Swapped(_address(token_in), _address(token_out), _address(recipient))
    if (found := _first(_PAIRS, data)) is not None:
        return _over_pairs(found[2], found[3])
    for functions, backwards in ((_PATHS_IN, False), (_PATHS_OUT, True)):
        if (found := _first(functions, data)) is not None:
            return _over_pools(found[0][0], found[0][1], backwards)
    return None


def _pay_out(data: bytes) -> PaidOut | None:
    for functions, is_token in ((_UNWRAPS, False), (_SWEEPS, True)):
        for function, recipient_at in functions:
            if (found := arguments_of(function, data)) is not None:
                recipient = CALLER if recipient_at is None else _address(found[recipient_at])
                return PaidOut(_address(found[0]) if is_token else None, recipient)
    return None


def _commands(commands: bytes, inputs: Sequence[bytes], depth: int) -> Iterator[Step]:
    for command, given in zip(commands, inputs, strict=False):
        kind = command & _COMMAND_BITS
        try:
            if kind in _SWAP_OVER_POOLS[1]:
                recipient, _, _, path = decode(_SWAP_OVER_POOLS[0], given)
                step: Step | None = _over_pools(path, recipient, _SWAP_OVER_POOLS[1][kind])
            elif kind in _SWAP_OVER_PAIRS[1]:
                recipient, _, _, path = decode(_SWAP_OVER_PAIRS[0], given)
                step = _over_pairs(path, recipient)
            elif kind in _PAYS_TOKEN:
                token, recipient = (_address(one) for one in decode(("address", "address"), given))
                step = PaidOut(None if token == NOBODY else token, recipient)
            elif kind == _UNWRAP:
                step = PaidOut(None, _address(decode(("address",), given)[0]))
            elif kind == _SUB_PLAN and depth < _DEEPEST:
                within, inner = decode(("bytes", "bytes[]"), given)
                yield from _commands(within, inner, depth + 1)
                continue
            else:
                continue
        except DecodingError:
            continue
        if step is not None:
            yield step


def _over_pools(path: bytes, recipient: Any, backwards: bool) -> Swapped | None:
    if len(path) < 2 * _ADDRESS_BYTES:
        return None
    ends = [Address("0x" + part.hex()) for part in (path[:_ADDRESS_BYTES], path[-_ADDRESS_BYTES:])]
    token_in, token_out = reversed(ends) if backwards else ends
    return Swapped(token_in, token_out, _address(recipient))


def _over_pairs(path: Sequence[Any], recipient: Any) -> Swapped | None:
    return Swapped(_address(path[0]), _address(path[-1]), _address(recipient)) if path else None


def _first(functions: Sequence[Function], data: bytes) -> tuple[Any, ...] | None:
    return next((found for found in (arguments_of(one, data) for one in functions) if found is not None), None)


def arguments_of(function: Function, data: bytes) -> tuple[Any, ...] | None:
    """Return the arguments of a call of this function, None for a call of another."""
    if data[:SELECTOR_BYTES] != function.selector:
        return None
    try:
        return function.decode_call(data)
    except DecodingError:
        return None


def _address(value: Any) -> Address:
    return Address(str(value).lower())
