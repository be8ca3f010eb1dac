"""Log lines: structured, in words for people or JSON for machines, and never with a secret in them."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from oracle.config.logging import LogSettings

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Providers put keys into endpoint paths and queries; libraries put endpoints into their messages.
_URL_SECRET: Final = re.compile(r"\b((?:https?|wss?|postgres\w*(?:\+\w+)?)://)[^\s\"<>]+", re.IGNORECASE)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut every URL in a log line, however deep in its fields, down to its scheme."""
    return {key: _without_urls(value) for key, value in event.items()}


def _without_urls(value: Any) -> Any:
    if isinstance(value, str):
        return _URL_SECRET.sub(r"\1…", value)
    if isinstance(value, Mapping):
        return {_without_urls(key): _without_urls(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_urls(entry) for entry in value]
    # Renderers show anything else by its repr: an exception, a settings object, bytes.
    return value if value is None or isinstance(value, int | float) else _without_urls(repr(value))


def configure(settings: LogSettings) -> None:
    """Send all log lines, the libraries' too, to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        cache_logger_on_first_use=False,
    )
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if settings.format == "json"
        else [
            structlog.processors.format_exc_info,
            redact,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVELS[settings.level])
    # Chatty at info, and their messages hold request lines and job internals.
    for name in ("aiohttp.access", "alembic", "web3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # How a job ends is told in our own words; that one was still at work when its next turn came is no news.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
