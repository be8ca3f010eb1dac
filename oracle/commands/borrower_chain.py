"""What the chain says of a borrower's request and proof, by an endpoint of the borrower's own."""

from dataclasses import dataclass

from oracle.assessment.request import Address
from oracle.chain.contracts import ModelState
from oracle.chain.verifier import takes_proof
from oracle.client.answers import Features
from oracle.commands.audit import connected, logged_request
from oracle.commands.borrower_proof import OwnProof
from oracle.commands.borrowing import DaemonRefused
from oracle.commands.features import settings_of_rpc
from oracle.passports.opening import Opening


@dataclass(frozen=True, slots=True)
class Chain:
    """An endpoint, the oracle's address there, and the block that requests are searched from."""

    rpc: str
    oracle: Address
    start_block: int = 0

    async def compare(self, features: Features, opening: Opening) -> None:
        """Raise DaemonRefused unless the daemon tells of the request that the chain has, and AnotherCommitment.

        Raises InvalidRequest when the chain has none of that id.
        """
        settings = await settings_of_rpc(self.rpc, self.oracle, self.start_block)
        async with connected(settings) as (w3, contract):
            request = await logged_request(w3, contract, settings.chain, features.request_id)
            opening.require(request.data_commitment)
            if (request.block.number, request.block.hash) != (features.block_number, features.block_hash.lower()):
                raise DaemonRefused(
                    f"the daemon read block {features.block_number} {features.block_hash}, the request was made in "
                    f"{request.block.number} {request.block.hash}: nothing was sent"
                )
            registry = await contract.registry()
            if (await registry.model(bytes.fromhex(features.model_id[2:]))).state is not ModelState.ACTIVE:
                raise DaemonRefused(f"the registry has no active model {features.model_id}: nothing was sent")

    async def verify(self, model_id: bytes, made: OwnProof) -> None:
        """Raise DaemonRefused unless the registered verifier takes the proof."""
        settings = await settings_of_rpc(self.rpc, self.oracle, self.start_block)
        async with connected(settings) as (w3, contract):
            registry = await contract.registry()
            verifier = (await registry.model(model_id)).verifier
            if not await takes_proof(w3, verifier, made.proof, made.instances):
                raise DaemonRefused(
                    f"the registered verifier {verifier} refuses the proof: the daemon's keys are not its own; "
                    "nothing was sent. Tell the operator"
                )

    async def chain_id(self) -> int:
        """Return the endpoint's chain id."""
        return (await settings_of_rpc(self.rpc, self.oracle, self.start_block)).chain.chain_id
