"""What a request may be: addresses in one form, and fields that do not contradict each other."""

from dataclasses import replace

import pytest

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import (
    FIELD_MODULUS,
    NATIVE_COIN,
    Address,
    AssessmentRequest,
    BlockRef,
    LoanTerms,
    to_address,
)

REQUEST = AssessmentRequest(
    request_id=7,
    user=Address("0x" + "11" * 20),
    requester=Address("0x" + "22" * 20),
    terms=LoanTerms(NATIVE_COIN, 10**18, NATIVE_COIN, 2 * 10**18, 86_400),
    data_commitment=5,
    fee_wei=10**15,
    requested_at=1_000,
    deadline=2_000,
    block=BlockRef(9, "0x" + "33" * 32, 1_000),
    transaction_hash="0x" + "44" * 32,
)


def test_address__when_checksummed__then_stored_lower_case() -> None:
    text = "0xFB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
    assert to_address(text) == text.lower()


@pytest.mark.parametrize("text", ["", "0x", "0x12", "11" * 21, "0x" + "g1" * 20, "0x" + "١" * 40, "0x" + "11" * 21])
def test_address__when_malformed__then_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not an address: expected 0x and 40 hex digits"):
        to_address(text)


def test_request__when_the_user_is_the_zero_address__then_refused() -> None:
    with pytest.raises(InvalidRequest, match="request 7: the assessed user is the zero address"):
        replace(REQUEST, user=NATIVE_COIN)


@pytest.mark.parametrize("commitment", [-1, FIELD_MODULUS, 2**256 - 1])
def test_request__when_the_commitment_is_no_field_element__then_refused(commitment: int) -> None:
    with pytest.raises(InvalidRequest, match="request 7: the data commitment is not a field element"):
        replace(REQUEST, data_commitment=commitment)


def test_request__when_the_commitment_is_the_largest_element__then_taken() -> None:
    assert replace(REQUEST, data_commitment=FIELD_MODULUS - 1).data_commitment == FIELD_MODULUS - 1


@pytest.mark.parametrize("deadline", [1_000, 999, 0])
def test_request__when_its_deadline_is_not_after_its_start__then_refused(deadline: int) -> None:
    with pytest.raises(InvalidRequest, match=f"its deadline {deadline} is not after its start"):
        replace(REQUEST, deadline=deadline)
