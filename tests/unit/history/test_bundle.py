"""Several calls as one: what the code's answer means, and what cannot be bundled."""

import pytest

from oracle.assessment.request import Address
from oracle.history.reading.abi import Function
from oracle.history.reading.bundle import creation_code, read_words

SOMEONE = Address("0x" + "ab" * 20)
ASK = Function("ask", ("uint256",), ("uint256",))


def test_code__then_holds_each_call_data_and_address_and_ends_with_return() -> None:
    code = creation_code([(SOMEONE, ASK, (7,)), (SOMEONE, ASK, (8,))])
    assert code.count("ab" * 20) == 2
    assert code.count(ASK.selector.hex()) == 2
    assert code.endswith("f3")


def test_words__when_a_call_failed__then_none_in_its_place() -> None:
    words = [1, 42, 0, 0, 1, 0]
    data = b"".join(word.to_bytes(32, "big") for word in words)
    assert read_words(data, 3) == [42, None, 0]


@pytest.mark.parametrize("size", [0, 64, 193])
def test_words__when_the_answer_has_another_length__then_refused(size: int) -> None:
    with pytest.raises(ValueError, match="expected 192"):
        read_words(bytes(size), 3)


def test_code__when_there_are_no_calls_or_too_many__then_refused() -> None:
    for calls in ([], [(SOMEONE, ASK, (1,))] * 65):
        with pytest.raises(ValueError, match="expected 1 to 64"):
            creation_code(calls)
