"""Stage 4: the EIP-712 signature over the report, and the same for a refusal."""

from oracle.assessment.report import Report
from oracle.assessment.states import State
from oracle.pipeline.context import Context
from oracle.pipeline.stages.stage import Outcome
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow


def report_of(row: RequestRow) -> Report:
    """Return the report that a proven row stands for."""
    if row.model_id is None or row.feature_commitment is None or row.outputs is None:
        raise ValueError(f"request {row.request_id} is {row.state} without a proof")
    return Report(
        request_id=int(row.request_id),
        model_id=bytes.fromhex(row.model_id[2:]),
        block_number=row.block_number,
        block_hash=row.block_hash,
        feature_commitment=int(row.feature_commitment),
        outputs=tuple(row.outputs),
    )


async def sign(context: Context, row: RequestRow) -> Outcome:
    """Sign the report for this chain, this contract and the present set of signers."""
    message = context.oracle.report_message(to_request(row), report_of(row), context.signer_set_digest)
    row.signatures = ["0x" + context.signer.sign_message(message).hex()]
    return Outcome(State.SIGNED, f"signed by {context.signer.address}")
