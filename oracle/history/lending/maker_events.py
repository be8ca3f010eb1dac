"""MakerDAO's events: the vat notes calls instead of logging events, liquidators log what they take.

Until April 2021 that was the cat, which bites, in two releases; since then it is the dog, which barks.
"""

from dataclasses import dataclass
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.history.reading.abi import Event, Function
from oracle.history.reading.logs import Log

FROB: Final = Function("frob", ("bytes32", "address", "address", "address", "int256", "int256"), ())
"""Changes a vault: ilk, urn, collateral's and dai's counterparties, collateral and normalised debt added."""

BARK: Final = Event(
    "Bark",
    ("bytes32", "address", "uint256", "uint256", "uint256", "address", "uint256"),
    ("uint256", "uint256", "uint256", "address"),
)  # ilk*, urn*, ink, art, due, clip, id*

BITE: Final = Event("Bite", BARK.types, (*BARK.data, "uint256"))  # ilk*, urn*, ink, art, tab, flip, id

FROB_TOPIC: Final = "0x" + FROB.selector.hex().ljust(64, "0")
_SELECTOR: Final = 4
_WORD: Final = 32
_FIRST_CHANGE: Final = _SELECTOR + 4 * _WORD
_PAYLOAD: Final = 2 * _WORD  # after the offset and the length of the noted bytes


@dataclass(frozen=True, slots=True)
class VaultChange:
    """Collateral (18 decimals) and normalised debt (18 decimals) that a call added; negative when taken away."""

    collateral: int
    debt: int


def vault_taken(log: Log) -> VaultChange:
    """Return what a liquidator's event, a bite or a bark, says that it took of a vault."""
    ink, art = (int.from_bytes(log.data[place : place + _WORD], "big") for place in (0, _WORD))
    return VaultChange(-ink, -art)


def vault_change(log: Log) -> VaultChange:
    """Return what a noted frob changed; raises HistoryIncomplete when the note is cut."""
    start = _PAYLOAD + _FIRST_CHANGE
    words = log.data[start : start + 2 * _WORD]
    if len(words) < 2 * _WORD or log.data[_PAYLOAD : _PAYLOAD + _SELECTOR] != FROB.selector:
        raise HistoryIncomplete(
            f"the note of a vault's change in block {log.block_number} holds {len(log.data)} bytes that are no frob"
        )
    return VaultChange(
        int.from_bytes(words[:_WORD], "big", signed=True), int.from_bytes(words[_WORD:], "big", signed=True)
    )
