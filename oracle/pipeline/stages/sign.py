"""Stage 4: the EIP-712 signature over the report, and the same for a refusal."""

from oracle.assessment.states import State
from oracle.pipeline.answer import message_of
from oracle.pipeline.context import Context
from oracle.pipeline.stages.stage import Outcome
from oracle.store.tables import RequestRow


async def sign(context: Context, row: RequestRow) -> Outcome:
    """Sign the answer for this chain, this contract and the present set of signers."""
    message = message_of(context.oracle, row, context.signer_set_digest)
    row.signatures = ["0x" + context.signer.sign_message(message).hex()]
    return Outcome(State.SIGNED, f"signed by {context.signer.address}")
