"""Every query over Prometheus, of alerts and dashboards, asked of a real one that scrapes the daemon's own page."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio
from aiohttp import ClientError, web
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.store import database
from oracle.web.server import Watched, application
from tests.store.test_requests import CHAIN, ORACLE
from tests.support.board import board_read_url, board_template, well
from tests.support.grafana import Query, filled, queries
from tests.support.prometheus import (
    CONFIGURATION,
    DEPLOY,
    RATE_INTERVAL,
    RULES,
    Prometheus,
    program,
    prometheus,
    written,
)

__all__ = ["board_read_url", "board_template"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

ALERTS = [Query(f"alert: {rule['alert']}", "prometheus", rule["expr"]) for rule in RULES]
QUERIES = [*queries("prometheus"), *ALERTS]
OURS = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
# What Prometheus itself adds to a scrape.
ITS_OWN = {"up"}
_COMPARED = re.compile(r"^(.*?) (?:==|!=|>=|<=|>|<) [\d.]+$", re.DOTALL)
_MATCHED = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")


def touch(trouble: bool) -> None:
    """Give every metric a value, as hours of work would: those that a daemon has in peace, or all troubles at once."""
    metrics.HEAD_BLOCK.set(1_000)
    metrics.SEARCHED_BLOCK.set(800 if trouble else 1_000)
    for gauge in (metrics.NONCE_GAP_SECONDS, metrics.OLDEST_SUBMITTED_SECONDS, metrics.UNATTENDED_SECONDS):
        gauge.set(5_000 if trouble else 0)
    metrics.DEAD_LETTERS.set(3 if trouble else 0)
    metrics.ENDPOINT_UP.labels("rpc.example").set(not trouble)
    metrics.ENDPOINT_LATENCY.labels("rpc.example").set(0.1)
    metrics.ENDPOINT_LAG.labels("rpc.example").set(0)
    metrics.ENDPOINT_FAILURES.labels("rpc.example").set(0)
    metrics.DRIFT_PSI.labels("feature", "balance").set(0.9 if trouble else 0.1)
    metrics.DRIFT_REQUESTS.set(400)
    metrics.OUTCOMES.labels("repaid").set(30)
    metrics.OUTCOME_BRIER.set(0.03)
    metrics.API_ANSWERS.labels("assess", "200").inc()
    metrics.API_SECONDS.labels("assess").observe(0.02)
    metrics.HISTORY_CALLS.observe(60)
    metrics.HISTORY_API_CALLS.observe(3)
    metrics.EXPLANATION_SECONDS.observe(0.02)
    for stage in ("collect", "prove"):
        metrics.STAGE_SECONDS.labels(stage).observe(1.2)
    if trouble:
        metrics.STAGE_FAULTS.labels("prove").inc(1_000)
        metrics.EXPLANATION_FAULTS.inc(10)
        metrics.SHADOW_FAULTS.inc(10)
        metrics.API_ANSWERS.labels("assess", "500").inc(1_000)


def forget() -> None:
    """Drop what tests before left of endpoints, parts and drift that are none of this daemon's: it shares a process."""
    gauges = (metrics.ENDPOINT_UP, metrics.ENDPOINT_LATENCY, metrics.ENDPOINT_LAG, metrics.ENDPOINT_FAILURES)
    for gauge in (*gauges, metrics.PART_OK, metrics.DRIFT_PSI):
        gauge.clear()


async def until(met: Callable[[], Awaitable[Any]], what: str) -> Any:
    for _ in range(1_200):
        try:
            if found := await met():
                return found
        except (ClientError, OSError):
            pass  # it is still starting
        await asyncio.sleep(0.05)
    raise AssertionError(f"in a minute never: {what}")


class Daemon:
    """The daemon's own page of metrics over a filled database."""

    def __init__(self, address: str, watched: Watched) -> None:
        self.address, self.watched = address, watched


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(board_read_url: str) -> AsyncIterator[Daemon]:
    engine = database.connect(board_read_url, pool_size=2)
    context = cast(
        Context, SimpleNamespace(sessions=async_sessionmaker(engine), chain_id=CHAIN, address=ORACLE, health=well())
    )
    watched = Watched(context.health, context)
    runner = web.AppRunner(application(watched), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    forget()
    metrics.API_ANSWERS.labels("assess", "500")
    try:
        yield Daemon("{}:{}".format(*runner.addresses[0][:2]), watched)
    finally:
        await runner.cleanup()
        await engine.dispose()
        forget()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scraping(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    """One that has scraped a daemon in peace often enough for a rate."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), daemon.address) as running:

        async def rates() -> bool:
            touch(trouble=False)
            found = await running.query(f"sum(rate(risk_oracle_stage_seconds_count[{RATE_INTERVAL}]))")
            return bool(found) and float(found[0]["value"][1]) > 0

        await until(rates, "a rate of the stages")
        yield running


def promtool(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program("promtool"), *words], capture_output=True, text=True, check=False)


async def test_configuration__when_promtool_looks__then_it_and_the_rules_are_right(tmp_path: Path) -> None:
    for command in (
        ["check", "config", str(written(tmp_path, "127.0.0.1:1"))],
        ["check", "config", str(DEPLOY / "prometheus.yml")],
        ["check", "rules", str(DEPLOY / "prometheus-rules.yml")],
    ):
        done = await asyncio.to_thread(promtool, *command)
        assert done.returncode == 0, done.stdout + done.stderr


async def test_queries__when_searched_for__then_they_are_found() -> None:
    assert len(ALERTS) > 10
    assert len(QUERIES) > len(ALERTS) + 30
    assert {one.place.split(":")[0] for one in QUERIES} == {"daemon", "alert"}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
async def test_query__when_asked__then_it_tells_something_of_metrics_that_are_there(
    scraping: Prometheus, query: Query
) -> None:
    text = query.text
    if variable := re.fullmatch(r"label_values\((\w+), (\w+)\)", text):
        values = await scraping.get(f"label/{variable[2]}/values", **{"match[]": variable[1]})
        assert values, f"{query.place}: no value of {variable[2]}"
        return
    text = filled(text, {"__rate_interval": RATE_INTERVAL, "instance": ".*"})
    known = set(await scraping.get("label/__name__/values"))
    named = set(re.findall(r"\brisk_oracle_\w+|\bup\b", text))
    assert named
    assert named - known == set(), f"{query.place} names metrics that nothing gives"
    for metric, matchers in _MATCHED.findall(text):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        there = {label for series in await scraping.get("series", **{"match[]": metric}) for label in series}
        assert labels <= there, f"{query.place}: {metric} has no label {labels - there}"
    # A comparison of an alert drops all that is well: what is compared must be there.
    compared = _COMPARED.match(text) if query in ALERTS else None

    async def told() -> bool:
        touch(trouble=False)
        return bool(await scraping.query(compared[1] if compared else text))

    await until(told, f"an answer to {query.place}: {text}")


async def test_metrics__when_there_is_one__then_a_dashboard_or_an_alert_looks_at_it() -> None:
    asked = " ".join(query.text for query in QUERIES)
    assert len(OURS) > 20
    names = {family.name for metric in OURS for family in metric.describe()}
    assert sorted(name for name in names if name not in asked) == []


async def test_metrics__when_nothing_happened_yet__then_stages_and_states_have_theirs() -> None:
    given = {(sample.name, *sample.labels.values()) for family in REGISTRY.collect() for sample in family.samples}
    assert ("risk_oracle_stage_faults_total", "finalize") in given
    assert ("risk_oracle_stage_seconds_count", "finalize") in given
    assert ("risk_oracle_requests", "vanished") in given


async def test_alerts__when_all_is_well__then_none_is_on_but_of_the_boards_dead_letters(scraping: Prometheus) -> None:
    await until(lambda: scraping.query("ALERTS"), "rules that were looked at")

    async def only_those() -> bool:
        # A scrape that a busy machine lost is an alert for a second.
        return set(await scraping.alerts()) == {"RiskOracleDeadLetters"}

    await until(only_those, "peace")


async def test_alerts__when_there_is_every_trouble__then_each_is_on_and_leads_to_its_runbook(
    daemon: Daemon, tmp_path: Path
) -> None:
    """The one test after the last question to the daemon in peace: it spoils its metrics."""
    daemon.watched.health.set("prover", False, "loading the keys")
    touch(trouble=False)
    # More wait than the board has.
    metrics.REQUESTS.labels("vanished").set(0)
    daemon.watched.context = None
    metrics.REQUESTS.labels("requested").set(200)
    metrics.REQUESTS.labels("dead").set(3)
    with prometheus(tmp_path, daemon.address, "127.0.0.1:1") as running:
        on: dict[str, str] = {}

        async def everything() -> bool:
            touch(trouble=True)
            on.update(await running.alerts())
            return set(on) == {rule["alert"] for rule in RULES}

        await until(everything, "every alert on")
    page = (DEPLOY.parent / "docs" / "alerts.md").read_text()
    headings = {heading.lower() for heading in re.findall(r"^## (\w+)$", page, re.M)}
    site = CONFIGURATION["global"]["external_labels"]["docs"]
    assert {name: f"{site}/alerts/#{name.lower()}" for name in on} == on
    assert headings == {name.lower() for name in on}
