"""What goes wrong in a campaign, one method a fault; each counts itself once it has really happened."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from web3 import Web3

from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import GWEI, named_account
from oracle.devnet.machinery.anvil import RpcError, free_port
from oracle.devnet.stack import Stack
from oracle.processes import Child, start

BLOCK_SECONDS: Final = 1
_RESTART_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 15.0
_LONGEST_AWAY_SECONDS: Final = 3.0
_LONGEST_START_SECONDS: Final = 180.0
# Two idle cores need half of it; how many times longer it takes says how many times later all that is planned comes.
_USUAL_START_SECONDS: Final = 8.0
_MOST_SLOWNESS: Final = 20.0
_AT_ONCE: Final = 0.6
_LONGEST_FOR_A_STAKE_SECONDS: Final = 8.0
_DURING_START: Final = 0.15


@dataclass
class Faults:
    """The faults of one campaign.

    `starts` are the wall clock's times of the daemon's starts, `alone` whether it was the only one then, `codes` how it
    ended; `slow` is how many times longer each start took than the usual, at least 1.
    """

    stack: Stack
    dice: random.Random
    settings: Path
    counts: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    highest: int = 0
    said_before: int = 0
    serving: asyncio.Event = field(default_factory=asyncio.Event)
    slow: list[float] = field(default_factory=lambda: [1.0])
    alone: list[bool] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    daemon: Child | None = None
    second: Child | None = None

    async def supervise(self) -> None:
        """Keep the daemon running until cancelled, as systemd does; one that ended by itself is noted."""
        while True:
            if self.daemon is None or not self.daemon.running:
                if self.daemon is not None:
                    self.codes.append(self.daemon.wait(1))
                    await asyncio.sleep(_RESTART_SECONDS)
                self.starts.append(time.time())
                self.alone.append(self.second is None)
                self.daemon = self._start("daemon", self.settings)
                self.said_before = self.daemon.log.stat().st_size
                self.serving.clear()
            self._look()
            await asyncio.sleep(0.05)

    async def stop(self) -> int:
        """End the daemon by SIGTERM, and return its exit code; nobody must start it again meanwhile."""
        if self.daemon is None or not self.daemon.running:
            return -1
        self.daemon.signal(signal.SIGTERM)
        return await asyncio.to_thread(self.daemon.wait, _STOP_SECONDS)

    async def kill(self) -> None:
        """End the daemon as the kernel does when memory is short: mostly one that serves, sometimes one that starts."""
        if self.dice.random() > _DURING_START:
            await self.until_serving()
        if self.daemon is not None and self.daemon.running:
            self.serving.clear()
            self.said_before = self.daemon.log.stat().st_size
            self.daemon.signal(signal.SIGKILL)
            self.counts["kills"] += 1

    async def kill_prover(self) -> None:
        """End the process that makes proofs."""
        await self.until_serving()
        if self.daemon is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.daemon.pid).children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    os.kill(child.pid, signal.SIGKILL)
                    self.counts["prover_kills"] += 1
                    return

    async def reorganise(self, depth: int) -> None:
        """Take blocks away; sometimes a longer branch without their transactions is there at once."""
        chain = self.stack.chain
        # Where many share a machine, blocks pass without anything in them: nothing would be tried.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._until_at_stake(depth), _LONGEST_FOR_A_STAKE_SECONDS)
        # A block that anvil mines while it rolls back leaves numbers below the head that no block has.
        await chain.rpc("evm_setIntervalMining", 0)
        await chain.mine()
        head = await chain.block_number()
        if head < self.highest:
            # Two on top of each other would reach deeper than either.
            await chain.mine(self.highest - head)
            head = self.highest
        self.highest = head
        touched = await self._at_stake(head, depth)
        await chain.rpc("anvil_rollback", depth)
        if self.dice.random() < _AT_ONCE:
            await chain.mine(depth + 1)
        await chain.mine_every(BLOCK_SECONDS)
        self.counts["reorganisations"] += touched

    async def kill_database(self) -> None:
        """End Postgres, and bring it back a while later."""
        await asyncio.to_thread(self.stack.server.kill)
        await asyncio.sleep(self.dice.uniform(0.2, _LONGEST_AWAY_SECONDS))
        self.stack.server.revive()  # from this thread: a child ends with the thread that started it
        self.counts["database_deaths"] += 1

    async def send_foreign(self) -> None:
        """Send a transaction of the daemon's key that the daemon does not know of."""
        account = named_account("operator")
        nonce = int(await self.stack.chain.rpc("eth_getTransactionCount", account.address, "latest"), 16)
        fields = {
            "chainId": self.stack.chain.chain_id,
            "nonce": nonce,
            "to": account.address,
            "value": 1,
            "gas": 21_000,
            "maxFeePerGas": 200 * GWEI,
            "maxPriorityFeePerGas": 50 * GWEI,
        }
        raw = account.sign_transaction(fields).raw_transaction
        try:
            await self.stack.chain.rpc("eth_sendRawTransaction", Web3.to_hex(raw))
        except RpcError:
            return  # the daemon was faster with this nonce
        self.counts["foreign_transactions"] += 1

    async def start_second(self) -> None:
        """Let another daemon work on the same database."""
        text = self.settings.read_text()
        other = self.settings.with_name("second.toml")
        port = self.stack.settings.web.port
        other.write_text(text.replace(f"port = {port}", f"port = {free_port()}"))
        self.second = self._start("second", other)
        self.counts["second_daemons"] += 1

    async def kill_second(self) -> None:
        """End the other daemon."""
        if self.second is not None:
            self.second.signal(signal.SIGKILL)
            await asyncio.to_thread(self.second.wait, _STOP_SECONDS)
            self.second = None

    async def until_serving(self) -> None:
        """Wait for the daemon to get to its work, which takes long where many share a machine."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.serving.wait(), _LONGEST_START_SECONDS)

    def _look(self) -> None:
        """See whether the daemon got to its work, and how long that took it."""
        if self.serving.is_set() or self.daemon is None:
            return
        with self.daemon.log.open("rb") as log:
            log.seek(self.said_before)
            if b"subscribed_to_requests" not in log.read():
                return
        self.serving.set()
        took = time.time() - self.starts[-1]
        self.slow.append(min(max(took / _USUAL_START_SECONDS, 1.0), _MOST_SLOWNESS))

    async def _until_at_stake(self, depth: int) -> None:
        while not await self._at_stake(await self.stack.chain.block_number(), depth):  # noqa: ASYNC110
            await asyncio.sleep(BLOCK_SECONDS / 2)

    async def _at_stake(self, head: int, depth: int) -> bool:
        """Say whether the newest blocks have anything of ours in them."""
        return any([await self._matters(number) for number in range(head - depth + 1, head + 1)])

    async def _matters(self, number: int) -> bool:
        """Say whether a block has a request or a transaction of the daemon's."""
        block = await self.stack.chain.rpc("eth_getBlockByNumber", hex(number), True)
        lending, signer = self.stack.lender.lending.address.lower(), to_address(named_account("operator").address)
        return any(one["from"] == signer or (one["to"] or "").lower() == lending for one in block["transactions"])

    def _start(self, name: str, settings: Path) -> Child:
        command = [str(Path(sys.executable).with_name("risk-oracle")), "run", "--config", str(settings)]
        child = start(name, command, self.stack.folder / f"{name}.log")
        self.stack.daemons.append(child)
        return child
