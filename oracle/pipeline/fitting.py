"""Whether the keys here fit the verifier on the chain: by its code where that is known, otherwise by a proof."""

from typing import Final

from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import FEATURES, NEUTRAL_PRIVATE
from oracle.assessment.request import FIELD_MODULUS, Address
from oracle.chain.contracts import require_code
from oracle.chain.verifier import takes_proof
from oracle.models.registry import OpenCircuit, ShippedModel
from oracle.pipeline.models import named
from oracle.proving.keys import Keys
from oracle.proving.known_verifiers import is_known, keys_digest, remember
from oracle.proving.prover import Prover

_SAMPLE: Final = (0,) * len(FEATURES)

Refused = dict[tuple[str, bytes], str]
"""What a proof showed not to fit, by digest of the keys and hash of the verifier's code: it will not mend by itself."""


class KeysDoNotFit(ConfigurationFault):
    """The verifier on the chain does not take the proofs of the keys that are here, or takes false ones."""


async def check_fit(
    w3: AsyncWeb3[AsyncHTTPProvider],
    model: ShippedModel | OpenCircuit,
    keys: Keys,
    verifier: Address,
    prover: Prover,
    refused: Refused | None = None,
) -> str:
    """Return in words how it is known that a deployed verifier takes proofs of these keys; raises KeysDoNotFit.

    A verifier whose code is known needs no proof; one that took a proof is remembered in the key folder. With `refused`
    a pair that was refused is not tried again.
    """
    code_hash = keccak(await require_code(w3, verifier, f"the verifier of {named(model)}"))
    if (how := is_known(keys, code_hash)) is not None:
        return how
    pair = (keys_digest(keys), code_hash)
    if refused is not None and pair in refused:
        raise KeysDoNotFit(refused[pair])
    try:
        await probe(w3, model, keys, verifier, prover)
    except KeysDoNotFit as fault:
        if refused is not None:
            refused[pair] = str(fault)
        raise
    remember(keys, code_hash)
    return "it takes a proof of these keys"


async def probe(
    w3: AsyncWeb3[AsyncHTTPProvider],
    model: ShippedModel | OpenCircuit,
    keys: Keys,
    verifier: Address,
    prover: Prover,
) -> None:
    """Raise KeysDoNotFit unless a deployed verifier takes a proof made now, and refuses it for another score."""
    is_open = isinstance(model, OpenCircuit)
    proof = await (prover.prove_open(_SAMPLE) if is_open else prover.prove(_SAMPLE, NEUTRAL_PRIVATE))
    if not await takes_proof(w3, verifier, proof.proof, proof.instances):
        raise KeysDoNotFit(
            f"the verifier at {verifier} refuses a proof of {named(model)} made with the keys in {keys.folder}: it was "
            "generated from other keys (each `risk-oracle setup` in a new folder makes another development string, and "
            "so another verifier). Name the folder of the keys that it was generated from in model.keys, or have the "
            "verifier of these keys compiled, deployed and registered"
        )
    *others, last = proof.instances
    if await takes_proof(w3, verifier, proof.proof, (*others, (last + 1) % FIELD_MODULUS)):
        raise KeysDoNotFit(
            f"the verifier at {verifier} takes a proof of {named(model)} for a score that it does not show: whatever "
            "stands there proves nothing. Do not use this oracle"
        )
