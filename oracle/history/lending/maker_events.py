"""MakerDAO's events: the vat notes calls instead of logging events, the dog logs what it barks at."""

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
