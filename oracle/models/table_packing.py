"""How a batch's answers become public field elements: ten signed outputs in one word, and back."""

from collections.abc import Sequence
from typing import Final

from oracle.assessment.outputs import OUTPUTS

OUTPUT_DIGIT_BITS: Final = 23
OUTPUT_OFFSET: Final = 2 ** (OUTPUT_DIGIT_BITS - 1)
"""Added to each output, so that its digit is never negative: outputs lie strictly between -OUTPUT_OFFSET and it."""

FEATURE_DIGIT_BITS: Final = 15
FEATURE_WORD_DIGITS: Final = 16


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


def pack_features(encoded: Sequence[int]) -> tuple[int, ...]:
    """Return the words of encoded chain features, the first digit lowest."""
    return tuple(
        sum(
            value << (FEATURE_DIGIT_BITS * place)
            for place, value in enumerate(encoded[start : start + FEATURE_WORD_DIGITS])
        )
        for start in range(0, len(encoded), FEATURE_WORD_DIGITS)
    )
