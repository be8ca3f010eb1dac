"""Log lines: one form for all libraries, and no endpoint's path or password in any of them."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from oracle.config.logging import LogSettings
from oracle.log import configure

MARK = "5ec2e75ec2e7"
URLS = [
    f"https://rpc.example/v3/{MARK}",
    f"HTTP://rpc.example?key={MARK}",
    f"wss://user:{MARK}@rpc.example",
    f"postgresql+psycopg://oracle:{MARK}@db/oracle",
    f"postgresql://oracle:pa'{MARK}@db/oracle",
]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        root.removeHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("url", URLS)
def test_log__when_a_url_stands_anywhere__then_only_its_scheme_is_left(
    form: Literal["json", "console"], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(LogSettings(level="debug", format=form))
    log = structlog.get_logger("test").bind(bound=url)
    log.info(f"asked {url} twice", field=url, error=ValueError(f"no answer from {url}"), raw=url.encode())
    log.warning("nested", deep={"list": [url, {"tuple": (url,)}], url: 1}, several={url})
    logging.getLogger("library").warning("cannot reach %s", url)
    told = capsys.readouterr().err
    assert told.count("test") >= 2
    assert "library" in told
    assert MARK not in told
    assert url.split("://")[0] + "://…" in told


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("url", URLS)
def test_log__when_an_exception_carries_a_url__then_the_trace_stays_and_the_secret_does_not(
    form: Literal["json", "console"], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(LogSettings(level="debug", format=form))
    try:
        try:
            raise ConnectionError(f"cannot connect to {url}")
        except ConnectionError as error:
            raise RuntimeError("the endpoint is away") from error
    except RuntimeError:
        structlog.get_logger("test").exception("failed")
        logging.getLogger("library").exception("failed in a library")
    told = capsys.readouterr().err
    assert told.count("the endpoint is away") >= 2
    assert told.count("ConnectionError") >= 2
    assert MARK not in told


def test_log__when_json__then_one_object_a_line_with_numbers_as_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    configure(LogSettings(format="json"))
    structlog.get_logger("worker").info("request_final", request_id=7, seconds=1.5, well=True, fault=None)
    logging.getLogger("library").warning("plain %s", "text")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["request_final", "plain text"]
    assert {key: lines[0][key] for key in ("request_id", "seconds", "well", "fault", "level", "logger")} == {
        "request_id": 7,
        "seconds": 1.5,
        "well": True,
        "fault": None,
        "level": "info",
        "logger": "worker",
    }
    assert lines[0]["timestamp"].endswith("Z")


def test_log__when_below_the_level__then_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    configure(LogSettings(level="warning"))
    structlog.get_logger("worker").info("request_final")
    logging.getLogger("library").info("plain")
    assert capsys.readouterr().err == ""
