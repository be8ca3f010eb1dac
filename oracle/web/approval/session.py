"""One session after another for the page: four engines, the joint keys, and the record of what the server accepted."""

import asyncio
import contextlib
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from oracle.approval.errors import ApprovalError
from oracle.approval.fields import PARTIES
from oracle.approval.layout import Layout
from oracle.approval.local_lane import LocalLane, local_lane
from oracle.approval.model import DEFAULT, CardModel, load_model
from oracle.approval.transcript import SERVER
from oracle.assessment.errors import OracleError
from oracle.web.approval.gates import RestingEngine, Word
from oracle.web.approval.record import Changes, Record
from oracle.web.approval.words import listed

# A person reads the page at their own speed; the parties wait for them, and not for one another.
_PATIENCE_SECONDS: Final = 7 * 86_400.0
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
FAULTS: Final = (OracleError, aiohttp.ClientError, OSError)
UNFORESEEN: Final = "it ended unexpectedly, and the terminal says why"


class OutOfOrder(ApprovalError):
    """A step came before one that it needs, or a second time; nothing was done."""


class Session:
    """The session that there is; use it as an async context manager. `lane` is None until its engines run."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.changes = Changes()
        self._program = program
        self._folder = folder
        self._session: asyncio.Task[None] | None = None
        self._reset(load_model(DEFAULT))

    def _reset(self, model: CardModel) -> None:
        self.model = model
        self.lane: LocalLane | None = None
        self.record = Record(self.changes)
        self.words = {party: Word() for party in PARTIES}
        self.begun_at: float | None = None
        self.fault = ""
        self._joined = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._https: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end_session()

    @property
    def ready(self) -> bool:
        """Whether the joint keys are there."""
        return self._joined.is_set()

    @property
    def begun(self) -> bool:
        """Whether a session was begun, whatever became of it."""
        return self._session is not None

    def choose(self, model: str) -> None:
        """Take a shipped model for the next session; raises ModelFault, and OutOfOrder during a session."""
        chosen = load_model(model)
        if self.begun and chosen.digest != self.model.digest:
            raise OutOfOrder(f"this session is about model {self.model.name}: end it to begin one about {chosen.name}")
        self.model = chosen

    async def make_keys(self) -> None:
        """Begin a session: four engines, and the joint keys that the three make; returns at once."""
        if self.begun:
            raise OutOfOrder("the joint keys of this session are made once and serve many applications")
        self.begun_at = time.time()
        self._session = asyncio.create_task(self._run_told())
        self._session.add_done_callback(report)
        self.changes.tell()

    async def joined(self) -> None:
        """Return once the joint keys are there; raises ApprovalError where they never will be."""
        version = -1
        while not self.ready:
            if self.fault or not self.begun:
                raise ApprovalError(self.fault or "no session was begun")
            version = await self.changes.after(version)

    async def end_session(self) -> None:
        """End the session: no process of it runs any more, its keys and messages stay on the disk, locked."""
        tasks = [*self._work, *([] if self._session is None else [self._session])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._session = None
        self._reset(self.model)
        self.changes.tell()

    def _lane(self) -> LocalLane:
        if self.fault:
            raise OutOfOrder(f"this session failed, end it and begin another: {self.fault}")
        if self.lane is None or not self.ready:
            waiting = [] if self.lane is None else self.lane.board.transcript.missing(0, "ready")
            made = f"they are being made, and not confirmed yet by {listed(waiting)}" if waiting else "step 1"
            raise OutOfOrder(f"the joint keys come first: {made}")
        return self.lane

    def _server(self) -> RestingEngine:
        engine = self._lane().engines[SERVER]
        if not isinstance(engine, RestingEngine):
            raise OutOfOrder("this lane's server does not wait for anybody")
        return engine

    async def _run_session(self) -> None:
        folder = self._folder / time.strftime("%Y%m%d-%H%M%S")
        async with contextlib.AsyncExitStack() as stack:
            lane = await stack.enter_async_context(
                local_lane(
                    self._program,
                    folder,
                    Layout(self.model),
                    patience_seconds=_PATIENCE_SECONDS,
                    server_engine=RestingEngine,
                )
            )
            for party, word in self.words.items():
                http = aiohttp.ClientSession(middlewares=(word,), timeout=_NO_TIMEOUT)
                self._https[party] = await stack.enter_async_context(http)
            self.lane = lane
            self.changes.tell()
            watching = asyncio.create_task(self.record.watch(lane, lane.http))
            stack.callback(watching.cancel)
            await lane.join()
            self._joined.set()
            self.changes.tell()
            await watching

    async def _run_told(self) -> None:
        told = UNFORESEEN
        try:
            await self._run_session()
        except FAULTS as error:
            told = str(error)
        finally:
            self.fault = told
            self.changes.tell()


def report(task: "asyncio.Task[None]") -> None:
    """Tell the terminal of an error that nobody foresaw."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        task.get_loop().call_exception_handler({"message": "the page's work failed", "exception": error, "task": task})
