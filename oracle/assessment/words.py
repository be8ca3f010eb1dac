"""The public words of an open statement's proof: chain features packed into field elements.

They are digits of DIGIT_BITS each, WORD_DIGITS in a word, the first lowest. The circuit bounds each to an interval
narrower than 2^DIGIT_BITS, so that words determine features and the other way round.
"""

from collections.abc import Sequence
from typing import Final

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.assessment.request import FIELD_MODULUS

DIGIT_BITS: Final = 15
WORD_DIGITS: Final = 16
FEATURE_WORDS: Final = -(-len(FEATURES) // WORD_DIGITS)
"""Field elements that hold one wallet's chain features."""


PACKED_BITS: Final = 23
"""A packed output's digits; 2^(PACKED_BITS - 1) is added to it, so that none is negative."""


def feature_words(encoded: Sequence[int]) -> tuple[int, ...]:
    """Return the words of one wallet's encoded chain features (32 integers within 0..1024); raises InvalidFeature."""
    if len(encoded) != len(FEATURES):
        raise InvalidFeature(f"expected {len(FEATURES)} chain features, got {len(encoded)}")
    for feature, value in zip(FEATURES, encoded, strict=True):
        if not 0 <= value <= ENCODED_ONE:
            raise InvalidFeature(f"chain feature {feature.name} is {value}, expected 0..{ENCODED_ONE}")
    return tuple(
        sum(value << (DIGIT_BITS * place) for place, value in enumerate(encoded[start : start + WORD_DIGITS]))
        for start in range(0, len(FEATURES), WORD_DIGITS)
    )


def features_of(words: Sequence[int]) -> tuple[int, ...]:
    """Return the encoded chain features that the words of one wallet stand for; raises InvalidFeature for others."""
    digits = [
        (word >> (DIGIT_BITS * place)) & ((1 << DIGIT_BITS) - 1) for word in words for place in range(WORD_DIGITS)
    ]
    encoded = tuple(digits[: len(FEATURES)])
    if feature_words(encoded) != tuple(words):
        raise InvalidFeature(f"no wallet's features are packed as {', '.join(hex(word) for word in words)}")
    return encoded


def outputs_of(words: Sequence[int], batch_size: int, row: int, *, packed: bool) -> tuple[int, ...]:
    """Return the signed outputs of one row of a proof; raises ValueError for words that are not so many.

    All rows' feature words come first, then all rows' outputs, of which each is a word or (packed) all are in one.
    """
    each, first = 1 if packed else len(OUTPUTS), FEATURE_WORDS * batch_size
    if len(words) != first + each * batch_size or not 0 <= row < batch_size:
        raise ValueError(f"{len(words)} words are not those of a proof of {batch_size} requests")
    shown = words[first + each * row : first + each * (row + 1)]
    if packed:
        digits = [(shown[0] >> (PACKED_BITS * place)) & ((1 << PACKED_BITS) - 1) for place in range(len(OUTPUTS))]
        return tuple(digit - (1 << (PACKED_BITS - 1)) for digit in digits)
    return tuple(word - FIELD_MODULUS if word > FIELD_MODULUS // 2 else word for word in shown)
