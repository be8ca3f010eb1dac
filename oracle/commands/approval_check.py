"""Whether three things are one: what a registry recorded, what the messages say, and what the model gives on them."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address
from oracle.commands.approval_registry import outcome_in, registry_at

if TYPE_CHECKING:
    from oracle.chain.approvals import Recorded


@dataclass(frozen=True)
class Comparison:
    """A recorded decision beside the messages and the model.

    `recorded` is None where the registry has none, and `as_model` then, too: there is nothing to compare.
    """

    request: bytes
    panel: int
    recorded: "Recorded | None"
    as_messages: bool
    as_model: bool | None
    refusal: str | None

    @property
    def equal(self) -> bool:
        """Whether all three agree."""
        return self.recorded is not None and self.as_messages and self.as_model is True

    def lines(self) -> list[str]:
        """Return it for people."""
        if self.recorded is None:
            return [f"panel {self.panel} recorded nothing about request 0x{self.request.hex()}"]
        what = "approved" if self.recorded.approved else "denied"
        return [
            f"recorded: {self.recorded.applicant} {what} by panel {self.panel}, "
            f"{'equal' if self.as_messages else 'DIFFERENT'} to the messages",
            f"evaluation: {'equal' if self.as_model else 'DIFFERENT'} to the model's",
            "counts now" if self.refusal is None else f"counts for no loan now: {self.refusal}",
        ]

    def told(self) -> dict[str, Any]:
        """Return it for programs."""
        found = self.recorded
        return {
            "request": f"0x{self.request.hex()}",
            "panel": self.panel,
            "recorded": found is not None,
            "applicant": None if found is None else found.applicant,
            "approved": None if found is None else found.approved,
            "equal_to_messages": self.as_messages,
            "equal_to_model": self.as_model,
            "counts_now": found is not None and self.refusal is None,
            "why_not": self.refusal,
        }


async def compare(
    folder: Path,
    application: int,
    panel: int,
    registry: Address,
    rpc_url: str,
    model: str,
    session: Path | None,
    python: Path | None,
) -> Comparison:
    """Read the registry, compute the decision from the messages, and evaluate the ciphertexts again, without a key."""
    from oracle.approval.decision import Decision, registry_domain
    from oracle.approval.engine_process import Engine, engine_python
    from oracle.approval.model import load_model
    from oracle.approval.replay import replay
    from oracle.approval.session_file import read_session

    program = engine_python(python)
    if session is not None:
        known = await asyncio.to_thread(read_session, session)
        if known.model.digest != load_model(model).digest:
            raise ConfigurationFault(f"{session} is about model {known.model.name}: name that one with --model")
    outcome = await asyncio.to_thread(outcome_in, folder, model, session, application=application)
    async with registry_at(rpc_url, registry) as (found, chain_id, _):
        recorded = await found.recorded(panel, outcome.request)
        if recorded is None:
            return Comparison(outcome.request, panel, None, False, None, None)
        newest = await found.newest(panel, recorded.applicant)
        refused = await found.standing(panel, recorded.applicant)
    refusal = None if refused is None else str(refused)
    if newest != outcome.request:
        # What stands of the applicant is another request's, whatever it says.
        refusal = f"the panel decided on {recorded.applicant} again, request 0x{newest.hex()}"
    times = (recorded.decided_at, recorded.valid_until)
    own = Decision(panel, recorded.applicant, outcome, recorded.data_commitment, *times)
    same = own.digest(registry_domain(chain_id, registry)) == recorded.digest
    async with Engine(program, folder.parent / "replay.log") as engine:
        evaluated = (await replay(folder, model, engine)).get(application, False)
    return Comparison(outcome.request, panel, recorded, same, evaluated, refusal)
