"""A node that answers from memory: recorded answers over HTTP, alone or in batches, so that its reader is measured.

`python -m tests.benchmarks.memory_node FILE` serves a file of answers (JSON lines: method, params, answer) on a free
local port, which it prints; `bench_counts` gives how many requests and calls there were.
"""

import asyncio
import json
import sys
from typing import Any, Final, cast

COUNTS: Final = "bench_counts"


def key_of(method: str, params: Any) -> str:
    """Return the name under which an answer is found again."""
    return json.dumps([method, params], sort_keys=True)


class MemoryNode:
    """The answers, as the bytes that follow a request's number."""

    def __init__(self, path: str) -> None:
        self.posts = self.calls = 0
        self._answers = {}
        with open(path) as lines:
            for line in lines:
                method, params, answer = json.loads(line)
                self._answers[key_of(method, params)] = json.dumps(answer)[1:].encode()

    def reply(self, body: bytes) -> bytes:
        """Return the whole HTTP response to a body."""
        asked = json.loads(body)
        if isinstance(asked, list):
            content = b"[" + b",".join(self._one(one) for one in asked) + b"]"
        else:
            content = self._one(asked)
        self.posts += 1
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(content),
            content,
        )

    def _one(self, asked: dict[str, Any]) -> bytes:
        if asked["method"] == COUNTS:
            told = json.dumps({"result": [self.posts, self.calls]})[1:].encode()
        else:
            self.calls += 1
            told = self._answers[key_of(asked["method"], asked["params"])]
        return b'{"jsonrpc":"2.0","id":%d,%b' % (asked["id"], told)


class Connection(asyncio.Protocol):
    """One connection that is kept open: a response to each POST, in order."""

    def __init__(self, node: MemoryNode) -> None:
        self._node = node
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._received += data
        while True:
            head, separator, rest = self._received.partition(b"\r\n\r\n")
            if not separator:
                return
            lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
            length = next(int(value) for name, _, value in lines if name.lower() == b"content-length")
            if len(rest) < length:
                return
            self._received = rest[length:]
            self._transport.write(self._node.reply(rest[:length]))


async def _serve(path: str) -> None:
    node = MemoryNode(path)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(node), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
