"""The scheme's parameters, the context that they give, and the moduli of its ring: for all parties the same.

BFV with three key shares, 128-bit security, and noise flooding in each decryption share. docs/approval.md derives the
bounds; the numbers that they come from stand here.
"""

from __future__ import annotations

import math
from typing import Any, Final

import openfhe

RING_DIMENSION: Final = 16384
DEPTH: Final = 2
PLAINTEXT_MODULUS: Final = 274_881_052_673
TOWERS: Final = 5
TOWERS_OF_RESULT: Final = 3
ROTATIONS: Final = (-1, -2, -4, -8, -16, -32)
PARTIES: Final = 3
TAG: Final = "joint"

_TOWER_BITS: Final = 60
_WITNESSES: Final = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


def make_context() -> Any:
    """Return the context that every party makes for itself: its parameters are never read from a message."""
    parameters = openfhe.CCParamsBFVRNS()
    parameters.SetPlaintextModulus(PLAINTEXT_MODULUS)
    parameters.SetMultiplicativeDepth(DEPTH)
    parameters.SetMultipartyMode(openfhe.NOISE_FLOODING_MULTIPARTY)
    parameters.SetRingDim(RING_DIMENSION)
    parameters.SetSecurityLevel(openfhe.HEStd_128_classic)
    parameters.SetThresholdNumOfParties(PARTIES)
    # The other technique's extra modulus would need a ring of twice the dimension at this security.
    parameters.SetKeySwitchTechnique(openfhe.BV)
    context = openfhe.GenCryptoContext(parameters)
    for feature in (openfhe.PKE, openfhe.KEYSWITCH, openfhe.LEVELEDSHE, openfhe.ADVANCEDSHE, openfhe.MULTIPARTY):
        context.Enable(feature)
    if not math.isclose(float(context.GetModulus()), float(math.prod(MODULI)), rel_tol=1e-12):
        raise RuntimeError("this build of OpenFHE chooses other moduli: its ciphertexts would fit nobody else's")
    # The context stands already: what is read back finds it, and need not compute its tables again.
    openfhe.DisablePrecomputeCRTTablesAfterDeserializaton()
    return context


def _moduli() -> tuple[int, ...]:
    """Return the largest primes below 2^60 that leave 1 on division by twice the ring's dimension, downwards."""
    found: list[int] = []
    candidate = (1 << _TOWER_BITS) + 1
    while len(found) < TOWERS:
        candidate -= 2 * RING_DIMENSION
        if _is_prime(candidate):
            found.append(candidate)
    return tuple(found)


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test, with witnesses that decide every number below 2^64."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for witness in _WITNESSES:
        power = pow(witness, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


MODULI: Final = _moduli()
