"""The rounds of a Chainlink-style price feed: which answer stood at a moment, and how much answers moved."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.request import Address
from oracle.history.reading.abi import Function
from oracle.history.reading.concurrently import Memo, all_of
from oracle.history.reading.reader import ChainReader

_ROUND_TYPES: Final = ("uint80", "int256", "uint256", "uint256", "uint80")
_LATEST_ROUND_DATA: Final = Function("latestRoundData", (), _ROUND_TYPES)
_GET_ROUND_DATA: Final = Function("getRoundData", ("uint80",), _ROUND_TYPES)
_PHASE_AGGREGATORS: Final = Function("phaseAggregators", ("uint16",), ("address",))
_LATEST_ROUND: Final = Function("latestRound", (), ("uint256",))

_PHASE_SHIFT: Final = 64
_NUMBER_MASK: Final = 2**_PHASE_SHIFT - 1
_DAYS_A_YEAR: Final = 365
_PPM: Final = 10**6
_CONTEXT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Round:
    """One answer of a feed, in its smallest unit; `id` holds the phase above its low 64 bits."""

    id: int
    answer: int
    updated_at: int


class FeedRounds:
    """A feed's rounds as the chain held them at one block."""

    def __init__(self, reader: ChainReader, feed: Address, block_hash: str) -> None:
        self._reader = reader
        self._feed = feed
        self._block_hash = block_hash
        self._rounds: Memo[int, Round] = Memo(self._read_round)
        self._lengths: Memo[int, int] = Memo(self._read_length)

    async def latest(self) -> Round:
        """Return the newest round."""
        values = await self._reader.call(self._feed, _LATEST_ROUND_DATA, block_hash=self._block_hash)
        return self._checked(values)

    async def at(self, moments: Sequence[int]) -> list[Round | None]:
        """Return the round that stood at each Unix time, None where the feed did not exist yet.

        Searches all moments at once, so that the number of waits grows with the logarithm of the rounds.
        """
        latest = await self.latest()
        phase, found = latest.id >> _PHASE_SHIFT, dict[int, Round]()
        length = latest.id & _NUMBER_MASK
        remaining = set(moments)
        while remaining:
            first = await self._rounds.get(phase << _PHASE_SHIFT | 1)
            inside = sorted(moment for moment in remaining if moment >= first.updated_at)
            rounds = await all_of(self._search(phase, length, moment) for moment in inside)
            found.update(zip(inside, rounds, strict=True))
            remaining -= set(inside)
            # Phases count from 1; a feed without a proxy has phase 0 only.
            if phase <= 1:
                break
            phase -= 1
            length = await self._lengths.get(phase) if remaining else 0
        return [found.get(moment) for moment in moments]

    async def _search(self, phase: int, length: int, moment: int) -> Round:
        low, high = 1, length
        while low < high:
            middle = (low + high + 1) // 2
            if (await self._rounds.get(phase << _PHASE_SHIFT | middle)).updated_at <= moment:
                low = middle
            else:
                high = middle - 1
        return await self._rounds.get(phase << _PHASE_SHIFT | low)

    async def _read_round(self, identity: int) -> Round:
        values = await self._reader.call(self._feed, _GET_ROUND_DATA, identity, block_hash=self._block_hash)
        return self._checked(values)

    async def _read_length(self, phase: int) -> int:
        (aggregator,) = await self._reader.call(self._feed, _PHASE_AGGREGATORS, phase, block_hash=self._block_hash)
        (length,) = await self._reader.call(
            Address(str(aggregator).lower()), _LATEST_ROUND, block_hash=self._block_hash
        )
        if not length:
            raise HistoryIncomplete(f"feed {self._feed} has no rounds in phase {phase}, expected some before the next")
        # Some aggregators number their rounds with the phase already in them.
        return int(length) & _NUMBER_MASK

    def _checked(self, values: tuple[int, ...]) -> Round:
        identity, answer, _, updated_at, _ = values
        if answer <= 0 or updated_at == 0:
            raise HistoryIncomplete(f"feed {self._feed} has no valid answer in round {identity} (got {answer})")
        return Round(identity, answer, updated_at)


def realised_volatility_ppm(prices: Sequence[int]) -> int | None:
    """Return the annualised volatility of daily prices, in millionths; None for fewer than two daily returns.

    The root of 365 times the mean squared log return, without subtracting a mean.
    """
    returns = [
        _CONTEXT.ln(_CONTEXT.divide(Decimal(after), Decimal(before))) for before, after in itertools.pairwise(prices)
    ]
    if len(returns) < 2:
        return None
    squares = Decimal(0)
    for value in returns:
        squares = _CONTEXT.add(squares, _CONTEXT.multiply(value, value))
    yearly = _CONTEXT.divide(_CONTEXT.multiply(squares, Decimal(_DAYS_A_YEAR)), Decimal(len(returns)))
    return int(_CONTEXT.multiply(_CONTEXT.sqrt(yearly), Decimal(_PPM)).to_integral_value(context=_CONTEXT))
