"""What it costs to record a decision that three parties signed, and what a lender pays to look at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oracle.approval.decision import Decision, Outcome, registry_domain, request_of
from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.artifacts import project

if TYPE_CHECKING:
    from oracle.devnet.machinery.artifacts import Deployed
    from tests.benchmarks.gas import Bench, Gas

_DAY = 86_400
_SESSION = "a" * 32


class Panel:
    """A bank and an agency at a registry; both sign here, and whoever applies."""

    def __init__(self, bench: Bench, registry: Deployed) -> None:
        self.bench = bench
        self.registry = registry
        self.bank, self.agency = named_account("bench panel bank"), named_account("bench agency")
        self.count = 0

    async def decide(self, applicant: str, *, approved: bool, data: bytes = bytes(32)) -> Gas:
        """Record a decision; return what that costs. A denial is signed by what its applicant agreed to beforehand."""
        bench, signer = self.bench, named_account(applicant)
        self.count += 1
        # Of two decisions on somebody the later counts, and both may be mined within a second.
        now = 1 + await bench.chain.timestamp()
        await bench.chain.warp_to(now)
        request = request_of(_SESSION, self.count)
        hashes = [bytes([number]) * 32 for number in range(1, 7)]
        outcome = Outcome(request, *hashes, approved=approved, years_bin=0 if approved else 4)
        decision = Decision(1, to_address(signer.address), outcome, data, now, now + 30 * _DAY)
        domain = registry_domain(bench.chain.chain_id, to_address(self.registry.address))
        message = decision.message(domain)
        theirs = message if approved else decision.application.message(domain)
        signatures = [
            bytes(account.sign_typed_data(full_message=given).signature)
            for account, given in ((signer, theirs), (self.bank, message), (self.agency, message))
        ]
        panel, _, *rest = decision.values()
        return await bench.call(self.registry, "record", (panel, signer.address, *rest), tuple(signatures))


async def approval_costs(bench: Bench, manager: Deployed) -> tuple[dict[str, Any], dict[str, Gas]]:
    """Return what recording costs by whom it is about and how it ends, and what the two contracts cost to deploy."""
    registry, registry_gas = await bench.deploy(project("ApprovalRegistry"), manager.address)
    issuers, _ = await bench.deploy(project("IssuerRegistry"), manager.address)
    of_both = (manager.address, issuers.address, registry.address)
    _, accepted_gas = await bench.deploy(project("AcceptedApprovals"), *of_both)
    panel = Panel(bench, registry)
    await bench.call(registry, "addPanel", panel.bank.address, panel.agency.address, "A bank and an agency")
    told = {
        "record_approval_new_applicant": await panel.decide("bench applicant", approved=True),
        "record_denial_known_applicant": await panel.decide("bench applicant", approved=False),
        "record_approval_with_private_data": await panel.decide("another", approved=True, data=b"\x01" * 32),
        "revoke": await bench.call(registry, "revoke", 1, request_of(_SESSION, 3)),
    }
    deployed = {"ApprovalRegistry": registry_gas, "AcceptedApprovals": accepted_gas}
    return {name: gas.told() for name, gas in told.items()}, deployed
