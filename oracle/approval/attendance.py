"""A party that stays: it joins the session, and answers each application that an applicant begins."""

import asyncio
from collections.abc import Callable
from typing import Final

import aiohttp
import structlog

from oracle.approval.answers import Answers
from oracle.approval.errors import InvalidAnswer, Refused, Silent, Unopened
from oracle.approval.fields import APPLICANT
from oracle.approval.party import Outcome, Party

_WAIT_SECONDS: Final = 10.0
_log = structlog.get_logger("approval")


async def attend(
    party: Party, http: aiohttp.ClientSession, answers: Answers, decided: Callable[[int, Outcome], None]
) -> None:
    """Take part in all applications until cancelled; `decided` is told of each that was opened.

    One that comes no further is told once, and taken up again when a message of it comes, or other answers. Raises
    Refused where the session itself was ended or the server is not believed, and VaultFault.
    """
    await _join(party, http)
    stuck: dict[int, object] = {}
    while True:
        try:
            await party.catch_up(http, 0.0 if _waiting(party, stuck, answers) else _WAIT_SECONDS)
            await party.ahead(http)
        except Silent as silence:
            _log.warning("approval_waiting", reason=str(silence))
        if (end := party.transcript.ended(0)) is not None:
            raise Refused(end.head.party, "abort", end.head.said)
        for number in _waiting(party, stuck, answers):
            try:
                form = party.vault.form(number) if _began(party, number) else None
                if form is None:
                    form = dict(await asyncio.to_thread(answers.of, number))
                outcome = await party.apply(http, number, form)
            except (InvalidAnswer, Refused, Silent, Unopened) as fault:
                _log.warning("approval_not_opened", application=number, reason=str(fault))
            else:
                decided(number, outcome)
                _log.info("approval_decided", application=number)
            stuck[number] = _state(party, number, answers)
            if party.transcript.finished(number):
                party.vault.drop_form(number)
                stuck.pop(number)


async def _join(party: Party, http: aiohttp.ClientSession) -> None:
    while True:
        try:
            await party.join(http)
        except Silent as silence:
            _log.warning("approval_waiting", reason=str(silence))
        else:
            _log.info("approval_joined", party=party.name, session=party.transcript.session)
            return


def _began(party: Party, number: int) -> bool:
    return party.transcript.get(number, "input", party.name) is not None


def _waiting(party: Party, stuck: dict[int, object], answers: Answers) -> list[int]:
    """The applications that the applicant began, or whose end was missed here, with news since they came no further."""
    known = party.transcript
    begun = {number for number in known.open_applications if known.get(number, "input", APPLICANT) is not None}
    missed = {number for number in party.vault.forms() if _began(party, number)}
    return [number for number in sorted(begun | missed) if stuck.get(number) != _state(party, number, answers)]


def _state(party: Party, number: int, answers: Answers) -> object:
    return len(party.transcript.in_application(number)), None if _began(party, number) else answers.state
