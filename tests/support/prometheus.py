"""A real Prometheus (Debian's program) on the repository's configuration, with other addresses and shorter pauses."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from oracle.devnet.machinery.anvil import free_port
from oracle.devnet.machinery.node import REPOSITORY
from oracle.processes import start

DEPLOY = REPOSITORY / "deploy"
CONFIGURATION: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text())["groups"] for rule in group["rules"]
]
SCRAPE_INTERVAL = "1s"
# Several scrapes: what Grafana puts in for $__rate_interval.
RATE_INTERVAL = "5s"


def program(name: str) -> str:
    """Return where `prometheus` or `promtool` is: installed, or unpacked by `make prometheus`."""
    unpacked = REPOSITORY / "build" / "prometheus" / "usr" / "bin"
    found = shutil.which(name, path=f"{os.environ['PATH']}:{unpacked}")
    assert found is not None, f"{name} is not here: make prometheus"
    return found


class Prometheus:
    """One that runs; what it answers comes back as its API gives it."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer; raises AssertionError with the server's word when it refused."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/api/v1/{path}", params=parameters) as response,
        ):
            said = await response.json()
        assert said["status"] == "success", f"{path} {parameters}: {said.get('error')}"
        return said["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an expression gives at this moment."""
        return list((await self.get("query", query=expression))["result"])

    async def alerts(self) -> dict[str, str]:
        """Return each alert that is on, with its runbook; one that only waits for its time is on too."""
        groups = (await self.get("rules", type="alert"))["groups"]
        return {
            rule["name"]: rule["alerts"][0]["annotations"]["runbook_url"]
            for group in groups
            for rule in group["rules"]
            if rule["alerts"]
        }


def written(folder: Path, *targets: str) -> Path:
    """Write the repository's configuration with other targets and short pauses; return the file."""
    changed = dict(CONFIGURATION, scrape_configs=[dict(one) for one in CONFIGURATION["scrape_configs"]])
    pauses = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), SCRAPE_INTERVAL)
    changed["global"] = {**CONFIGURATION["global"], **pauses}
    (job,) = changed["scrape_configs"]
    job["static_configs"] = [{"targets": list(targets)}]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(changed))
    for rules in CONFIGURATION["rule_files"]:
        shutil.copy(DEPLOY / rules, folder / rules)
    return file


@contextmanager
def prometheus(folder: Path, *targets: str) -> Iterator[Prometheus]:
    """Run one that scrapes `targets` (host:port); it may not answer yet when this gives it."""
    port = free_port()
    command = [
        program("prometheus"),
        f"--config.file={written(folder, *targets)}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    child = start("prometheus", command, folder / "prometheus.log")
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        child.stop()
