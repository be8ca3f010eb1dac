"""Nonces that no listed transaction used: an authorisation's (EIP-7702), or those of transactions left out."""

from collections.abc import Sequence
from typing import Final

from oracle.assessment.errors import ConfigurationFault, HistoryIncomplete
from oracle.assessment.request import Address
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.reader import ChainReader

# Erigon's interface first, then the one of geth and reth.
_BY_NONCE: Final = ("ots_getTransactionBySenderAndNonce", "eth_getTransactionBySenderAndNonce")
# Each costs a request once.
_MOST_MISSING: Final = 1_000


async def check_unused(reader: ChainReader, wallet: Address, nonces: Sequence[int], listed: str) -> None:
    """Raise HistoryIncomplete for a nonce that a transaction of the wallet used; `listed` says which there are."""
    if len(nonces) > _MOST_MISSING:
        raise HistoryIncomplete(
            f"{len(nonces)} nonces of {wallet} are used by none of its {listed}: the index has a gap, ask another "
            "endpoint"
        )
    found = await all_of(_is_used(reader, wallet, one) for one in nonces)
    if None in found:
        # The lowest, whichever was asked first: the same words for the same gap.
        nonce = nonces[found.index(None)]
        raise HistoryIncomplete(
            f"no listed transaction of {wallet} has nonce {nonce}: a delegation of its code (EIP-7702) used it, or the "
            f"index has a gap. The node cannot tell, for it knows neither of {', '.join(_BY_NONCE)}: ask one that does"
        )
    lost = [one for one, used in zip(nonces, found, strict=True) if used]
    if lost:
        raise HistoryIncomplete(
            f"{wallet} used nonce {lost[0]} and {len(lost) - 1} more in transactions that are not among its {listed}: "
            "its index has a gap, ask another endpoint"
        )


async def _is_used(reader: ChainReader, wallet: Address, nonce: int) -> bool | None:
    """Return whether a transaction of the wallet used a nonce, None where the node cannot tell.

    One that none did was a delegation's.
    """
    for method in _BY_NONCE:
        try:
            return (
                await reader.request(method, [wallet, nonce if method.startswith("ots_") else hex(nonce)]) is not None
            )
        except ConfigurationFault:
            continue  # this node does not know the method
    return None
