"""Who looks at the dashboard while requests go their way, as a process of its own: browsers run on other machines.

Reads one JSON object from standard input: `address` of the dashboard, `cookies` of somebody who is signed in, how many
`viewers` watch the overview and `readers` open a page each second, drawn from `paths`. Says "looking" once all of them
do, and looks until it is ended.
"""

import asyncio
import json
import random
import sys
from collections.abc import Sequence

from aiohttp import ClientSession, ClientTimeout
from yarl import URL


async def watch(browser: ClientSession, address: str, begun: asyncio.Event | None = None) -> None:
    """Look at the overview's stream until cancelled; `begun` is set with its first bytes."""
    async with browser.get(f"{address}/live?range=1h") as stream:
        async for _ in stream.content:
            if begun:
                begun.set()


async def look(address: str, cookies: dict[str, str], viewers: int, readers: int, paths: Sequence[str]) -> None:
    """Watch and read for good; raises ClientError for a page that is not there."""
    async with ClientSession(timeout=ClientTimeout(total=None), raise_for_status=True) as browser:
        browser.cookie_jar.update_cookies(cookies, URL(address))
        chance, begun = random.Random(9), [asyncio.Event() for _ in range(viewers)]  # noqa: S311

        async def read() -> None:
            while True:
                async with browser.get(address + chance.choice(paths)) as page:
                    await page.read()
                await asyncio.sleep(1.0)

        async with asyncio.TaskGroup() as looking:
            for each in begun:
                looking.create_task(watch(browser, address, each))
            for each in begun:
                await each.wait()
            for _ in range(readers):
                looking.create_task(read())
            print("looking", flush=True)


if __name__ == "__main__":
    asyncio.run(look(**json.loads(sys.stdin.readline())))
