"""Several view calls as one `eth_call`: the code of a contract that is never deployed makes them and returns the words.

A node runs creation code like any other and gives back what it returns. So one read of a past block, whose state a
node may have to fetch from disk, answers for all of them.
"""

from collections.abc import Sequence
from typing import Any, Final

from oracle.assessment.request import Address
from oracle.history.reading.abi import Function

_WORD: Final = 32
# Room for the longest call data before the answers: four bytes and seven words.
_ANSWERS_AT: Final = 0x100
_MOST_CALLS: Final = 64

_MSTORE, _STATICCALL, _GAS, _RETURN = b"\x52", b"\xfa", b"\x5a", b"\xf3"
_PUSH2, _PUSH4, _PUSH20, _PUSH32 = b"\x61", b"\x63", b"\x73", b"\x7f"

Call = tuple[Address, Function, tuple[Any, ...]]
"""A contract, a function that answers one word, and its arguments."""


def creation_code(calls: Sequence[Call], gas: int | None = None) -> str:
    """Return the code, in hex, that answers each call with two words: 1 for success, and the first word it gave.

    Each call may use `gas`, or (None) all that is left.
    """
    if not 0 < len(calls) <= _MOST_CALLS:
        raise ValueError(f"{len(calls)} calls: expected 1 to {_MOST_CALLS}")
    code = b"".join(_one(place, *call, gas) for place, call in enumerate(calls))
    return "0x" + (code + _push(2 * _WORD * len(calls)) + _push(_ANSWERS_AT) + _RETURN).hex()


def read_words(data: bytes, count: int) -> list[int | None]:
    """Return each call's word, None for one that failed; raises ValueError when the answer has another length."""
    if len(data) != 2 * _WORD * count:
        raise ValueError(f"{len(data)} bytes for {count} calls, expected {2 * _WORD * count}")
    words = [int.from_bytes(data[place : place + _WORD], "big") for place in range(0, len(data), _WORD)]
    return [word if ok else None for ok, word in zip(words[::2], words[1::2], strict=True)]


def _one(place: int, contract: Address, function: Function, arguments: tuple[Any, ...], gas: int | None) -> bytes:
    call_data = bytes.fromhex(function.call_data(*arguments)[2:])
    if len(call_data) > _ANSWERS_AT:
        raise ValueError(f"{function.name} takes {len(call_data)} bytes of call data, expected at most {_ANSWERS_AT}")
    answer_at = _ANSWERS_AT + 2 * _WORD * place
    code = b""
    for start in range(0, len(call_data), _WORD):
        code += _PUSH32 + call_data[start : start + _WORD].ljust(_WORD, b"\0") + _push(start) + _MSTORE
    # Pushed in reverse: gas, address, where the call data are and how long, where the answer goes and how long.
    code += _push(_WORD) + _push(answer_at + _WORD) + _push(len(call_data)) + _push(0)
    code += _PUSH20 + bytes.fromhex(contract[2:]) + (_GAS if gas is None else _PUSH4 + gas.to_bytes(4, "big"))
    code += _STATICCALL
    return code + _push(answer_at) + _MSTORE


def _push(value: int) -> bytes:
    return _PUSH2 + value.to_bytes(2, "big")
