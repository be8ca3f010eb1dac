"""Decisions of encrypted approvals in JavaScript: what a wallet is given to sign is what Python hashes."""

import json
from pathlib import Path
from typing import Any

import pytest

from oracle.approval.decision import Decision, Outcome, registry_domain, revocation, typed_digest
from oracle.assessment.request import Address
from tests.clients.test_js import installed, run

__all__ = ["installed"]

REGISTRY = Address("0x" + "ab" * 20)
APPLICANT = Address("0x" + "c1" * 20)


@pytest.mark.parametrize("approved", [True, False])
def test_typed_data__of_a_decision__has_the_digests_that_are_signed(installed: Path, approved: bool) -> None:
    words = [bytes([number]) * 32 for number in range(1, 8)]
    decision = Decision(3, APPLICANT, Outcome(*words, approved, 0 if approved else 2), bytes(31) + b"\x2a", 5, 2**40)
    domain = registry_domain(31_337, REGISTRY)
    message = decision.message(domain)["message"]
    plain = {name: f"0x{value.hex()}" if isinstance(value, bytes) else value for name, value in message.items()}
    given: dict[str, Any] = {"chainId": 31_337, "registry": REGISTRY, "decision": plain}
    file = installed / "decision.json"
    file.write_text(json.dumps(given))
    told = json.loads(run(installed, "test/approvals.mjs", {}, str(file)))
    signed = (
        decision.message(domain),
        decision.application.message(domain),
        revocation(domain, 3, decision.outcome.request),
    )
    assert told == [f"0x{typed_digest(one).hex()}" for one in signed]
