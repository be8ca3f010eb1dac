"""The encrypted approval as it runs in the field: a process each, and a wire on which they can be ended."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from oracle.approval.fields import PARTIES, Answer
from oracle.approval.session_file import Session, read_session
from oracle.devnet.machinery.anvil import free_port
from oracle.processes import Child, start
from tests.support.commanding import command
from tests.support.lane import ENGINE_PYTHON

PROGRAM = Path(sys.executable).with_name("risk-oracle")
ALL = (*PARTIES, "server")


@dataclass
class Kill:
    """Ends `victim` when `party` sends `kind`: before the message reaches the server, or after, unanswered."""

    victim: str
    party: str
    kind: str
    delivered: bool
    done: bool = False


@dataclass
class Wire:
    """A proxy between the parties and their server."""

    world: "Processes"
    kills: list[Kill] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    async def carry(self, request: web.Request) -> web.Response:
        body = await request.read()
        party, kind = "", ""
        if request.method == "POST":
            head = json.loads(body[8 : 8 + int.from_bytes(body[4:8], "big")])
            party, kind = head["party"], head["kind"]
            self.seen.append((party, kind))
        kill = next((one for one in self.kills if not one.done and (one.party, one.kind) == (party, kind)), None)
        if kill is not None and not kill.delivered:
            await self.world.end(kill)
            return web.Response(status=502)
        answer = await self._forward(request, body)
        if kill is not None:
            await self.world.end(kill)
            return web.Response(status=502)
        return answer

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name in ("Authorization", "Content-Type")}
        to = f"http://127.0.0.1:{self.world.port}{request.path_qs}"
        try:
            async with self.world.http.request(request.method, to, data=body or None, headers=headers) as answer:
                content = await answer.read()
                return web.Response(status=answer.status, body=content, content_type=answer.content_type)
        except aiohttp.ClientError:
            return web.Response(status=502)


@dataclass
class Ended:
    """How an `approval apply` ended."""

    code: int
    output: str
    error: str

    @property
    def told(self) -> dict[str, Any]:
        assert self.code == 0, self.error
        found: dict[str, Any] = json.loads(self.output)
        return found


@dataclass
class Processes:
    """A session's processes, each with its own folder and key file below `folder`."""

    folder: Path
    http: aiohttp.ClientSession
    port: int
    wire: Wire = field(init=False)
    running: dict[str, Child] = field(default_factory=dict)
    applying: asyncio.subprocess.Process | None = None
    applied: "Ended" = field(init=False)

    def __post_init__(self) -> None:
        self.wire = Wire(self)

    @property
    def session(self) -> Session:
        return read_session(self.folder / "session.json")

    def prepare(self, url: str, model: str = "fair") -> None:
        """Make four keys and the session's file, by the commands."""
        words: list[object] = []
        for name in ALL:
            half = command("approval", "identity", self.key(name))
            (self.folder / f"{name}.json").write_text(half.output)
            words += [f"--{name}", self.folder / f"{name}.json"]
        made = command(
            "approval", "session", *words, "--url", url, "--model", model, "--out", self.folder / "session.json"
        )
        assert made.code == 0, made.error

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def answers(self, name: str, answers: Mapping[str, Any]) -> Path:
        """Write a party's answers, as a back office does: whole or not at all."""
        file = self.folder / f"{name}.answers.json"
        part = file.with_suffix(".part")
        part.write_text(json.dumps(answers))
        part.replace(file)
        return file

    def words(self, name: str, *more: str, folder: Path | None = None, key: Path | None = None) -> list[str]:
        """Return the command of a party or of the server."""
        place = os.fspath(folder or self.folder / name)
        found = ["approval"]
        if name == "server":
            found += ["serve", "--port", str(self.port)]
        elif name == "applicant":
            found += ["apply", "--json", "--answers", os.fspath(self.folder / "applicant.answers.json")]
        else:
            found += ["party", name, "--answers", os.fspath(self.folder / f"{name}.answers.json")]
        found += [os.fspath(self.folder / "session.json"), "--key", os.fspath(key or self.key(name)), "--folder", place]
        return [*found, "--python", os.fspath(ENGINE_PYTHON), *more]

    def start(self, name: str, *more: str) -> Child:
        self.running[name] = start(name, [PROGRAM, *self.words(name, *more)], self.folder / f"{name}.log")
        return self.running[name]

    async def run(self, name: str, *more: str, folder: Path | None = None, key: Path | None = None) -> Ended:
        """Run a party's command to its end."""
        return await self.program(*self.words(name, *more, folder=folder, key=key))

    async def program(self, *words: str) -> Ended:
        """Run a command of the program to its end."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(os.fspath(PROGRAM), *words, stdout=pipe, stderr=pipe)
        if words[1] == "apply":
            self.applying = process
        output, error = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, output.decode(), error.decode())

    async def last(self) -> int:
        """Return the number of the newest application."""
        async with self.http.get(f"http://127.0.0.1:{self.port}/v1/session") as answer:
            return int((await answer.json())["application"])

    async def apply(self, answers: Mapping[str, Answer], *more: str) -> Ended:
        """Apply; the applicant starts the same command again when it is ended on the wire."""
        self.answers("applicant", answers)
        while (ended := await self.run("applicant", *more)).code == -signal.SIGKILL:
            pass
        return ended

    async def end(self, kill: Kill) -> None:
        """End a process as the kernel does, and start it again."""
        kill.done = True
        if kill.victim == "applicant":
            assert self.applying is not None
            self.applying.kill()
            return
        child = self.running[kill.victim]
        # The process alone: its engine has to notice by itself.
        os.kill(child.pid, signal.SIGKILL)
        await asyncio.to_thread(child.wait, 30)
        self.start(kill.victim)

    async def said(self, name: str, words: str) -> None:
        """Wait until a process says something."""

        def found() -> bool:
            assert self.running[name].running or words in self.log(name), self.log(name)
            return words in self.log(name)

        await self.until(found)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(120):
            for _ in iter(holds, True):
                await asyncio.sleep(0.05)

    async def stop(self, name: str) -> int:
        """Ask a process to end, and return its exit code."""
        child = self.running.pop(name)
        child.signal(signal.SIGTERM)
        return await asyncio.to_thread(child.wait, 60)


@contextlib.asynccontextmanager
async def running_processes(folder: Path) -> AsyncIterator[Processes]:
    """Prepare a session on this machine, and end what was started of it."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as http:
        world = Processes(folder, http, free_port())
        app = web.Application(client_max_size=256 << 20)
        app.router.add_route("*", "/{path:.*}", world.wire.carry)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        world.wire.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        world.prepare(world.wire.url)
        try:
            yield world
        finally:
            for child in world.running.values():
                child.stop()
            await runner.cleanup()
