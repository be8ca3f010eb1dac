"""What is done with an opening, in the prover's process alone: nowhere else is it ever in the clear.

The daemon hands over what is encrypted, and gets back what is encrypted or public. No error here repeats a value.
"""

import json
from dataclasses import dataclass

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError
from nacl.utils import random

from oracle.assessment.errors import OracleError
from oracle.passports.errors import PassportError
from oracle.passports.opening import Opening
from oracle.passports.sealing import unseal
from oracle.pipeline.private.key_files import SEALING, STORAGE, KeyFiles, check_files, read_key
from oracle.proving import worker
from oracle.proving.errors import ProvingFailed
from oracle.proving.worker import Proof

__all__ = ["Bound", "OpeningLost", "StoredOpening", "check_files", "prove_opening", "take_opening"]


class OpeningLost(OracleError):
    """A stored opening cannot be used: it was encrypted with another key, for another request, or damaged."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What an opening is for: the request of an oracle on a chain, and the commitment that it must open."""

    chain_id: int
    oracle: str
    request_id: int
    commitment: int

    @property
    def associated(self) -> bytes:
        """What the encryption at rest is bound to."""
        return f"risk-oracle/opening/1|{self.chain_id}|{self.oracle.lower()}|{self.request_id}".encode()


@dataclass(frozen=True, slots=True)
class StoredOpening:
    """An opening as the database holds it: XChaCha20-Poly1305 under the storage key, bound to its request."""

    nonce: bytes
    sealed: bytes


def take_opening(files: KeyFiles, bound: Bound, sealed: bytes) -> StoredOpening:
    """Check a sealed opening against its request, and return it encrypted for the database.

    Raises InvalidOpening, which names the check that failed, and KeyFileFault.
    """
    opening = unseal(
        sealed,
        chain_id=bound.chain_id,
        oracle=bound.oracle,
        request_id=bound.request_id,
        secret_key=read_key(files.sealing, SEALING),
    )
    opening.require(bound.commitment)
    nonce = random(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    plain = json.dumps([opening.encoded, opening.salt]).encode()
    key = read_key(files.storage, STORAGE)
    return StoredOpening(nonce, crypto_aead_xchacha20poly1305_ietf_encrypt(plain, bound.associated, nonce, key))


def prove_opening(files: KeyFiles, bound: Bound, stored: StoredOpening, chain: tuple[int, ...]) -> Proof:
    """Decrypt a stored opening, and prove the model's run on it and on the encoded chain features.

    Raises OpeningLost, ProvingFailed, ProverUnavailable and KeyFileFault.
    """
    tensor = _opened(files, bound, stored).tensor
    try:
        return worker.prove(chain, tensor)
    except ProvingFailed:
        # The library's own words may repeat its inputs.
        raise ProvingFailed("EZKL made no proof of the private data that were handed in") from None


def _opened(files: KeyFiles, bound: Bound, stored: StoredOpening) -> Opening:
    try:
        plain = crypto_aead_xchacha20poly1305_ietf_decrypt(
            stored.sealed, bound.associated, stored.nonce, read_key(files.storage, STORAGE)
        )
    except CryptoError:
        raise OpeningLost(
            "the stored opening does not decrypt: privacy.storage_key_file holds another key than when it was taken, "
            "or the row was changed"
        ) from None
    try:
        opening = Opening.of(*json.loads(plain))
        opening.require(bound.commitment)
    except PassportError as error:
        raise OpeningLost(f"the stored opening is not this request's: {error}") from None
    return opening
