"""What is asked of a worker and what it answers: plain JSON values, all of them public.

Only requests without private data go to other machines. Whatever comes back is checked by whoever asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from oracle.proving.field import to_signed
from oracle.proving.keys import PROVING_KEY, SRS, VERIFYING_KEY, Keys
from oracle.proving.worker import Proof

RESOURCE: Final = "risk-oracle-prover"
"""The Dask resource that a worker offers, one proof at a time."""

_INSTANCES: Final = 12
_NAMED: Final = (SRS, PROVING_KEY, VERIFYING_KEY)


def named_keys(keys: Keys) -> dict[str, str]:
    """Return what keys are known by: the model they are of, and the hashes of what a proof is made with."""
    return {"model_id": keys.model_id.hex()} | {name: keys.sha256[name] for name in _NAMED}


def order(keys: Mapping[str, str], chain: Sequence[int]) -> dict[str, Any]:
    """Return the order of a proof over encoded chain features, with the neutral private ones."""
    return {"keys": dict(keys), "chain": [int(value) for value in chain]}


def told(proof: Proof) -> dict[str, Any]:
    """Return a proof as JSON has it."""
    numbers = [str(value) for value in proof.instances]
    return {"proof": proof.proof.hex(), "instances": numbers, "seconds": proof.seconds}


def proof_from(answer: Mapping[str, Any]) -> Proof:
    """Return the proof of an answer; raises ValueError for anything that is none."""
    try:
        instances = tuple(int(text) for text in answer["instances"])
        if len(instances) != _INSTANCES:
            raise ValueError(f"{len(instances)} instances, expected {_INSTANCES}")
        outputs = tuple(to_signed(element) for element in instances[2:])
        return Proof(bytes.fromhex(answer["proof"]), instances, outputs, float(answer["seconds"]))
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"an answer without {error}") from error
