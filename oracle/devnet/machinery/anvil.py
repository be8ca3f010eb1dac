"""A local chain: anvil on a free port, with its clock and its snapshots in hand."""

import asyncio
import contextlib
import secrets
import socket
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from oracle.devnet.machinery.node import foundry_binary
from oracle.processes import Child, ProgramError, start
from oracle.scratch import ScratchFolder

_START_SECONDS: Final = 60.0
# More blocks than any local chain has.
_EVERY_STATE: Final = 1_000_000
_PORT_TRIES: Final = 5
_PORT_LOOKS: Final = 100
_LOWEST_PORT: Final = 10_000
_USUAL_EPHEMERAL_PORT: Final = 32_768
_PORT_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


class RpcError(ProgramError):
    """The chain answered a call with an error; `payload` is its JSON error object."""

    def __init__(self, method: str, payload: dict[str, Any]) -> None:
        super().__init__(f"{method} failed: {payload.get('message', payload)}")
        self.payload = payload


class Anvil:
    """`async with Anvil(chain_id=31337) as chain`: a chain at `chain.rpc_url` and `chain.ws_url`.

    `block_time` in seconds mines at intervals; None mines each transaction at once. `genesis_timestamp` is in
    seconds since 1970. Blocks, states and receipts are kept for the whole life of the chain; with `states_in_memory`
    only so many states, all of them in memory, where reading an old one does not wait for the disk. `hardfork` names
    another than the newest that it knows.
    """

    def __init__(
        self,
        *,
        chain_id: int = 31337,
        block_time: int | None = None,
        genesis_timestamp: int | None = None,
        port: int | None = None,
        accounts: int = 10,
        base_fee_wei: int | None = None,
        states_in_memory: int | None = None,
        hardfork: str | None = None,
        log: Path | None = None,
    ) -> None:
        self.chain_id = chain_id
        self._block_time = block_time
        self._genesis_timestamp = genesis_timestamp
        self._accounts = accounts
        self._base_fee_wei = base_fee_wei
        self._states_in_memory = states_in_memory
        self._hardfork = hardfork
        self._fixed_port = port
        self._log = log
        self._port = 0
        self._child: Child | None = None
        self._session: aiohttp.ClientSession | None = None
        self._folder: ScratchFolder | None = None
        self._ids = count(1)

    @property
    def rpc_url(self) -> str:
        """The HTTP endpoint."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def ws_url(self) -> str:
        """The WebSocket endpoint."""
        return f"ws://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id, None while it is down."""
        return None if self._child is None else self._child.pid

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End the chain; everything on it is lost."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._child is not None:
            self._child.stop()
            self._child = None
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    async def rpc(self, method: str, *params: Any) -> Any:
        """Return the `result` of one JSON-RPC call; raises RpcError."""
        if self._session is None:
            raise ProgramError("the chain is not running: use it inside `async with Anvil(...)`")
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        async with self._session.post(self.rpc_url, json=body) as response:
            answer = await response.json()
        if "error" in answer:
            raise RpcError(method, answer["error"])
        return answer["result"]

    async def block_number(self) -> int:
        """Return the newest block's number."""
        return int(await self.rpc("eth_blockNumber"), 16)

    async def timestamp(self) -> int:
        """Return the newest block's time, in seconds since 1970."""
        return int((await self.rpc("eth_getBlockByNumber", "latest", False))["timestamp"], 16)

    async def mine(self, blocks: int = 1, interval_seconds: int = 1) -> None:
        """Mine empty blocks, `interval_seconds` apart."""
        await self.rpc("anvil_mine", hex(blocks), hex(interval_seconds))

    async def warp_to(self, timestamp: int) -> None:
        """Give the next block this time (seconds since 1970); later ones go on from there with the wall clock."""
        await self.rpc("evm_setNextBlockTimestamp", hex(timestamp))

    async def warp(self, seconds: int) -> None:
        """Mine one block this many seconds after the newest one."""
        await self.warp_to(await self.timestamp() + seconds)
        await self.mine()

    async def snapshot(self) -> str:
        """Return an id for the state as it is now."""
        return str(await self.rpc("evm_snapshot"))

    async def revert(self, snapshot: str) -> None:
        """Go back to a snapshot, which is used up by it; raises ProgramError for an unknown one."""
        if not await self.rpc("evm_revert", snapshot):
            raise ProgramError(f"the chain knows no snapshot {snapshot}: each one can be used once only")

    async def set_balance(self, address: str, wei: int) -> None:
        """Set an account's native balance."""
        await self.rpc("anvil_setBalance", address, hex(wei))

    async def mine_each_transaction(self) -> None:
        """Mine every transaction at once in its own block."""
        await self.rpc("evm_setIntervalMining", 0)
        await self.rpc("evm_setAutomine", True)

    async def mine_every(self, seconds: int) -> None:
        """Mine at intervals, as a public chain does."""
        await self.rpc("evm_setAutomine", False)
        await self.rpc("evm_setIntervalMining", seconds)

    async def _start(self) -> None:
        binary = foundry_binary("anvil")
        self._folder = ScratchFolder("risk-oracle-anvil-")
        log = self._log or self._folder.path / "anvil.log"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        # Another program can take a free port between our look and anvil's start.
        for attempt in range(_PORT_TRIES):
            self._port = self._fixed_port or free_port()
            self._child = start("anvil", [binary, *self._arguments(self._folder.path)], log)
            if await self._serves():
                return
            if self._fixed_port is not None or "in use" not in self._child.tail() or attempt == _PORT_TRIES - 1:
                raise ProgramError(f"anvil did not start on port {self._port}:\n{self._child.tail()}")
            self._child.stop()

    def _arguments(self, cache: Path) -> list[str]:
        arguments = ["--quiet", "--port", str(self._port), "--chain-id", str(self.chain_id)]
        arguments += ["--accounts", str(self._accounts), "--no-cors", "--cache-path", str(cache)]
        if self._block_time is not None:
            arguments += ["--block-time", str(self._block_time)]
        if self._genesis_timestamp is not None:
            arguments += ["--timestamp", str(self._genesis_timestamp)]
        if self._states_in_memory is not None:
            arguments += ["--prune-history", str(self._states_in_memory)]
        else:
            # Of its own accord it drops those older than some 4,000 blocks.
            arguments += ["--max-persisted-states", str(_EVERY_STATE)]
        if self._hardfork is not None:
            arguments += ["--hardfork", self._hardfork]
        if self._base_fee_wei is not None:
            arguments += ["--block-base-fee-per-gas", str(self._base_fee_wei)]
        return arguments

    async def _serves(self) -> bool:
        """Return whether this very chain came up within the time limit."""
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while asyncio.get_running_loop().time() < deadline and self._child is not None and self._child.running:
            try:
                answered = int(await self.rpc("eth_chainId"), 16)
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
                continue
            # A foreign server on the same port would answer as well.
            return self._child.running and answered == self.chain_id
        return False


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on at this moment.

    It lies below the range from which the system takes ports for connections: one that is noted now and bound a
    minute later must not be a connection's own end by then.
    """
    ceiling = _first_ephemeral_port()
    for _ in range(_PORT_LOOKS):
        port = secrets.randbelow(ceiling - _LOWEST_PORT) + _LOWEST_PORT
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ProgramError(f"found no free TCP port between {_LOWEST_PORT} and {ceiling}")


def _first_ephemeral_port() -> int:
    try:
        first = int(_PORT_RANGE.read_text().split()[0])
    except FileNotFoundError:  # not Linux
        first = _USUAL_EPHEMERAL_PORT
    # Where nearly all ports are for connections, any will do.
    return first if first >= 2 * _LOWEST_PORT else _USUAL_EPHEMERAL_PORT
