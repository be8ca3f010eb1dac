"""Calls of routers, encoded: whom they pay, and that a swap is counted once whichever way it is paid."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.assessment.request import Address
from oracle.history.exchanges.router_calls import CALLER, NOBODY, ROUTER
from oracle.history.exchanges.routers import _v3_pays

ME, FRIEND, SELF = (Address("0x" + digit * 40) for digit in "abc")
WETH, USDC, DAI = (Address("0x" + digit * 40) for digit in "123")


def call(signature: str, *arguments: object) -> bytes:
    """Return the call data of a function by its signature; a tuple's types stand in it as they are."""
    types = signature[signature.index("(") + 1 : -1]
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(types + ","):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth and place > start:
            parts.append(types[start:place])
            start = place + 1
    return keccak(text=signature)[:4] + encode(parts, arguments)


def multicall(*calls: bytes) -> bytes:
    return call("multicall(bytes[])", list(calls))


def path(*tokens: Address) -> bytes:
    return (b"\x00\x0b\xb8").join(bytes.fromhex(token[2:]) for token in tokens)


def first_single(recipient: Address) -> bytes:
    types = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    return call(types, (USDC, WETH, 3_000, recipient, 9, 5, 1, 0))


def second_single(recipient: Address, token_in: Address = USDC, token_out: Address = WETH) -> bytes:
    types = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint160))"
    return call(types, (token_in, token_out, 3_000, recipient, 5, 1, 0))


def pairs(recipient: Address, *tokens: Address) -> bytes:
    types = "swapExactTokensForTokens(uint256,uint256,address[],address)"
    return call(types, 5, 1, list(tokens or (USDC, WETH)), recipient)


def unwrap(recipient: Address) -> bytes:
    return call("unwrapWETH9(uint256,address)", 0, recipient)


UNWRAP_TO_CALLER = call("unwrapWETH9(uint256)", 1)
FEE = call("unwrapWETH9WithFee(uint256,address,uint256,address)", 1, ME, 25, FRIEND)
FEE_TO_CALLER = call("unwrapWETH9WithFee(uint256,uint256,address)", 1, 25, FRIEND)


def sweep(token: Address, recipient: Address) -> bytes:
    return call("sweepToken(address,uint256,address)", token, 1, recipient)


SWEEP_TO_CALLER = call("sweepToken(address,uint256)", WETH, 1)
SWEEP_WITH_FEE = call("sweepTokenWithFee(address,uint256,address,uint256,address)", WETH, 1, ME, 25, FRIEND)
EXACT_OUTPUT = call("exactOutput((bytes,address,uint256,uint256))", (path(WETH, DAI, USDC), ROUTER, 5, 9))


def universal(*steps: tuple[int, bytes], deadline: bool = True) -> bytes:
    commands, inputs = bytes(kind for kind, _ in steps), [given for _, given in steps]
    if deadline:
        return call("execute(bytes,bytes[],uint256)", commands, inputs, 9)
    return call("execute(bytes,bytes[])", commands, inputs)


def over_pools(recipient: Address, *tokens: Address, kind: int = 0x00) -> tuple[int, bytes]:
    types = ("address", "uint256", "uint256", "bytes", "bool")
    return kind, encode(types, (recipient, 5, 1, path(*tokens), True))


def over_pairs(recipient: Address, *tokens: Address) -> tuple[int, bytes]:
    types = ("address", "uint256", "uint256", "address[]", "bool")
    return 0x08, encode(types, (recipient, 5, 1, list(tokens), True))


def unwraps(recipient: Address) -> tuple[int, bytes]:
    return 0x0C, encode(("address", "uint256"), (recipient, 1))


def sweeps(token: Address, recipient: Address) -> tuple[int, bytes]:
    return 0x04, encode(("address", "address", "uint256"), (token, recipient, 1))


PAID = {
    "first router, unwrap to the wallet": multicall(first_single(NOBODY), unwrap(ME)),
    "second router, unwrap to the wallet": multicall(second_single(ROUTER), unwrap(ME)),
    "second router, unwrap of one argument pays the caller": multicall(second_single(ROUTER), UNWRAP_TO_CALLER),
    "the router's own address as recipient": multicall(second_single(SELF), UNWRAP_TO_CALLER),
    "second router over pairs": multicall(pairs(ROUTER), UNWRAP_TO_CALLER),
    "over a path, exactly so much out": multicall(EXACT_OUTPUT, UNWRAP_TO_CALLER),
    "unwrap with a fee": multicall(first_single(NOBODY), FEE),
    "unwrap with a fee, to the caller": multicall(second_single(ROUTER), FEE_TO_CALLER),
    "swept as tokens": multicall(first_single(NOBODY), sweep(WETH, ME)),
    "swept as tokens to the caller": multicall(second_single(ROUTER), SWEEP_TO_CALLER),
    "swept with a fee": multicall(first_single(NOBODY), SWEEP_WITH_FEE),
    "a multicall inside a multicall": multicall(multicall(first_single(NOBODY)), multicall(unwrap(ME))),
    "a multicall with a deadline": call("multicall(uint256,bytes[])", 9, [second_single(ROUTER), UNWRAP_TO_CALLER]),
    "universal, pools": universal(over_pools(ROUTER, USDC, WETH), unwraps(CALLER)),
    "universal, pools backwards": universal(over_pools(ROUTER, WETH, DAI, USDC, kind=0x01), unwraps(ME)),
    "universal, allowed to fail": universal(over_pools(ROUTER, USDC, WETH, kind=0x80), unwraps(ME)),
    "universal, pairs, no deadline": universal(over_pairs(ROUTER, USDC, WETH), unwraps(CALLER), deadline=False),
    "universal, a portion goes elsewhere": universal(
        over_pools(ROUTER, USDC, WETH),
        (0x06, encode(("address", "address", "uint256"), (WETH, FRIEND, 25))),
        unwraps(CALLER),
    ),
    "universal, swept": universal(over_pools(ROUTER, USDC, DAI), sweeps(DAI, CALLER)),
    "universal, a plan within": universal(
        (0x21, encode(("bytes", "bytes[]"), (b"\x00\x0c", [over_pools(ROUTER, USDC, WETH)[1], unwraps(ME)[1]])))
    ),
}
NOT_PAID = {
    "paid in tokens by the pool, then an unwrap of nothing": multicall(first_single(ME), unwrap(ME)),
    "paid to the caller by the pool, then an unwrap of nothing": multicall(second_single(CALLER), UNWRAP_TO_CALLER),
    "unwrapped for a friend": multicall(first_single(NOBODY), unwrap(FRIEND)),
    "nothing unwrapped": multicall(first_single(NOBODY)),
    "unwrapped before": multicall(unwrap(ME), first_single(NOBODY)),
    "no swap": multicall(unwrap(ME)),
    "another token swept": multicall(first_single(NOBODY), sweep(DAI, ME)),
    "paid to a friend": multicall(second_single(FRIEND), UNWRAP_TO_CALLER),
    "universal, the last leg pays the wallet and dust is swept": universal(
        over_pools(ROUTER, USDC, DAI), over_pairs(CALLER, DAI, WETH), sweeps(DAI, CALLER)
    ),
    "universal, paid by the pool, wrapped coins left": universal(over_pools(CALLER, WETH, USDC), unwraps(CALLER)),
    # What stands above the swaps crosses a bridge: one bit more is another command, not a swap that may fail.
    "universal, sent over a bridge": universal(over_pools(ROUTER, USDC, WETH, kind=0x40), unwraps(CALLER)),
    "universal, cut": universal(over_pools(ROUTER, USDC, WETH), unwraps(CALLER))[:-64],
    "a multicall in itself without end": b"\xac\x96\x50\xd8" * 40,
    "nothing": b"",
}


@pytest.mark.parametrize("data", PAID.values(), ids=PAID)
def test_router__when_it_is_paid_and_pays_the_wallet__then_a_swap(data: bytes) -> None:
    assert _v3_pays(data, ME, SELF)


@pytest.mark.parametrize("data", NOT_PAID.values(), ids=NOT_PAID)
def test_router__when_the_pool_paid_or_another_was_paid__then_none(data: bytes) -> None:
    assert not _v3_pays(data, ME, SELF)
