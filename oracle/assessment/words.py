"""The public words of an open statement's proof: chain features, and outputs, packed into field elements.

Features are digits of DIGIT_BITS each, WORD_DIGITS in a word, the first lowest. The circuit bounds each to an interval
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


OUTPUT_DIGIT_BITS: Final = 23
OUTPUT_OFFSET: Final = 2 ** (OUTPUT_DIGIT_BITS - 1)
"""Added to each packed output, so that no digit is negative: outputs lie strictly between -OUTPUT_OFFSET and it."""


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


def pack_outputs(outputs: Sequence[int]) -> int:
    """Return the word of ten signed outputs; raises ValueError for one that a digit does not hold."""
    if len(outputs) != len(OUTPUTS):
        raise ValueError(f"expected {len(OUTPUTS)} outputs, got {len(outputs)}")
    for output, value in zip(OUTPUTS, outputs, strict=True):
        if abs(value) >= OUTPUT_OFFSET:
            raise ValueError(f"output {output.name} is {value}, expected less than {OUTPUT_OFFSET} either way")
    return sum((value + OUTPUT_OFFSET) << (OUTPUT_DIGIT_BITS * place) for place, value in enumerate(outputs))


def unpack_outputs(word: int) -> tuple[int, ...]:
    """Return the ten signed outputs of a word; raises ValueError for a number that no outputs are packed as."""
    mask = (1 << OUTPUT_DIGIT_BITS) - 1
    digits = [(word >> (OUTPUT_DIGIT_BITS * place)) & mask for place in range(len(OUTPUTS))]
    outputs = tuple(digit - OUTPUT_OFFSET for digit in digits)
    if any(digit == 0 for digit in digits) or pack_outputs(outputs) != word:
        raise ValueError(f"{word:#x} is no word of {len(OUTPUTS)} outputs")
    return outputs


def outputs_of(words: Sequence[int], batch_size: int, row: int, *, packed: bool) -> tuple[int, ...]:
    """Return the signed outputs of one row of a proof; raises ValueError for words that are not one's.

    All rows' feature words come first, then all rows' outputs, of which each is a word or (packed) all are in one.
    """
    each, first = 1 if packed else len(OUTPUTS), FEATURE_WORDS * batch_size
    if len(words) != first + each * batch_size or not 0 <= row < batch_size:
        raise ValueError(f"{len(words)} words are not those of a proof of {batch_size} requests")
    shown = words[first + each * row : first + each * (row + 1)]
    if packed:
        return unpack_outputs(shown[0])
    return tuple(word - FIELD_MODULUS if word > FIELD_MODULUS // 2 else word for word in shown)
