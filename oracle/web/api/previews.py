"""Wallets read for previews: once for all who ask at the same time, and remembered at their block for a while."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from oracle.assessment.engineering import engineer
from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.assessment.history import WalletHistory
from oracle.assessment.outputs import Scores
from oracle.assessment.request import Address, BlockRef, LoanTerms
from oracle.chain.rpc import block_ref
from oracle.config.api import ApiSettings
from oracle.models.explanation import is_thin
from oracle.models.inference import Model
from oracle.models.kept_policy import policy_of
from oracle.pipeline.context import Context
from oracle.web.api.problems import Kind, Problem

_MOST_ANSWERS = 64
_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Previewed:
    """What the model would answer now."""

    scores: Scores
    thin: bool
    model_id: str
    block: BlockRef


@dataclass(slots=True)
class _Wallet:
    history: WalletHistory
    until: float
    answers: OrderedDict[tuple[LoanTerms, bytes], Previewed] = field(default_factory=OrderedDict)


class Previews:
    """Reads wallets at the newest block that is deep enough to stay, with the daemon's histories and model."""

    def __init__(self, settings: ApiSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._kept: OrderedDict[Address, _Wallet] = OrderedDict()
        self._reading: dict[Address, asyncio.Task[_Wallet]] = {}
        self._readers = asyncio.Semaphore(settings.preview_reads)

    async def preview(self, context: Context, wallet: Address, terms: LoanTerms) -> Previewed:
        """Return what the model would answer about a wallet and a loan.

        Raises PermanentFault for what would be declined, InvalidRequest for terms that no features follow from,
        a TransientFault while the chain or a source does not answer.
        """
        model = context.answering()
        read = await self._wallet(context, wallet)
        asked = (terms, model.source.model_id)
        if (known := read.answers.get(asked)) is not None:
            return known
        vector = engineer(read.history, terms)
        found = await asyncio.to_thread(_answer, model, vector.encoded, read.history.block)
        read.answers[asked] = found
        if len(read.answers) > _MOST_ANSWERS:
            read.answers.popitem(last=False)
        return found

    async def history(self, context: Context, wallet: Address, at: BlockRef) -> WalletHistory:
        """Return a wallet at a block, read anew, not more of them at once than of previews."""
        async with self._readers:
            return (await context.histories.read(wallet, at)).history

    async def _wallet(self, context: Context, wallet: Address) -> _Wallet:
        kept = self._kept.get(wallet)
        if kept is not None and kept.until > self._clock():
            self._kept.move_to_end(wallet)
            return kept
        reading = self._reading.get(wallet)
        if reading is None:
            if len(self._reading) >= self._settings.preview_reads * 16:
                raise Problem(
                    Kind.UNAVAILABLE, "too many wallets are being read: try again soon", retry_seconds=_AGAIN_SECONDS
                )
            reading = self._reading[wallet] = asyncio.create_task(self._read(context, wallet))
            reading.add_done_callback(lambda task: self._done(wallet, task))
        # Whoever began it may go away; the others still wait for it.
        return await asyncio.shield(reading)

    async def _read(self, context: Context, wallet: Address) -> _Wallet:
        async with self._readers:
            head = context.head or await block_ref(context.w3, "latest")
            at = await block_ref(context.w3, max(head.number - context.chain.confirmations + 1, 0))
            reading = await context.histories.read(wallet, at)
        return _Wallet(reading.history, self._clock() + self._settings.preview_seconds)

    def _done(self, wallet: Address, task: "asyncio.Task[_Wallet]") -> None:
        del self._reading[wallet]
        # Asked for its fault in any case: nobody may be waiting any more.
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[wallet] = task.result()
        self._kept.move_to_end(wallet)
        while len(self._kept) > self._settings.preview_wallets:
            self._kept.popitem(last=False)

    async def close(self) -> None:
        """End what is being read."""
        tasks = list(self._reading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _answer(model: Model, encoded: tuple[int, ...], block: BlockRef) -> Previewed:
    scores = model.infer(encoded, NEUTRAL_PRIVATE).scores
    thin = is_thin(scores, policy_of(model.source.directory, model.exact))
    return Previewed(scores, thin, f"0x{model.source.model_id.hex()}", block)
