"""Private data as the doctor sees them: are both keys there, and does the running daemon use them."""

import asyncio
from typing import Final

import aiohttp

from oracle.commands.findings import Findings
from oracle.config.settings import AuditSettings
from oracle.pipeline.private.key_files import KeyFiles, check_files

_SUBJECT: Final = "private data"
_PROBE: Final = aiohttp.ClientTimeout(total=3)


async def examine_privacy(findings: Findings, settings: AuditSettings) -> None:
    """Look at the keys of private data; nothing is said where a request with private data is declined at once.

    Who may read their files is told with those of the other secrets.
    """
    privacy = settings.privacy
    if not privacy.waits:
        return
    if not settings.api.enabled:
        findings.warn(
            _SUBJECT,
            "requests wait for private data, and api.enabled is false: nothing can be handed in here",
            "set api.enabled, unless another daemon of this database takes them",
        )
    files = KeyFiles.of(privacy)
    if files is None:
        findings.ok(_SUBJECT, "proofs of borrowers are waited for, openings are not taken")
        return
    with findings.about(_SUBJECT):
        public = (await asyncio.to_thread(check_files, files)).hex()
        served = await _served(settings)
        if served is not None and served != f"0x{public}":
            findings.fault(
                _SUBJECT,
                f"the running daemon publishes the sealing key {served}, the file {files.sealing} is of 0x{public}",
                "restart the daemon: what is sealed to the one cannot be opened with the other",
            )
        else:
            findings.ok(_SUBJECT, f"openings are sealed to 0x{public}; both keys are there, and differ")


async def _served(settings: AuditSettings) -> str | None:
    """Return the key that a daemon of these settings publishes, None where none does."""
    host = settings.web.host
    at = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - asked, not listened on
    try:
        async with (
            aiohttp.ClientSession(timeout=_PROBE) as session,
            session.get(f"http://{at}:{settings.web.port}/v1/passports/key") as answer,
        ):
            content = await answer.json(content_type=None)
            return str(content["sealing_key"])
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return None
