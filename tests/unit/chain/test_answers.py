"""Calldata of an answer: decoded as it was made, and refused where it is cut off or of something else."""

import pytest
from eth_abi.abi import decode, encode
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.report import Report
from oracle.assessment.request import Address
from oracle.chain.abi import abi
from oracle.chain.answers import _BATCH, _ONE, _REPORT, _REQUEST, ANSWERED_TOPIC, answers_in, logged_scores
from oracle.chain.contracts import OracleContract, request_hash
from tests.store.test_requests import request

REPORT = Report(7, b"\x01" * 32, 9, "0x" + "02" * 32, 12, (1, -2, 3))


def calldata() -> bytes:
    oracle = OracleContract(AsyncWeb3(AsyncHTTPProvider("http://127.0.0.1:1")), Address("0x" + "11" * 20), 1)
    return oracle.answer(request(7), REPORT, [b"\x03" * 65], b"proof")


def test_answers_in__of_a_call__gives_what_was_handed_in() -> None:
    (given,) = answers_in(calldata())
    assert given.report == REPORT
    assert given.request_hash == request_hash(request(7))
    assert (given.signatures, given.proof) == ((b"\x03" * 65,), b"proof")


@pytest.mark.parametrize("length", [4, 36, 400])
def test_answers_in__of_a_call_that_is_cut_off__is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="cut off or damaged"):
        answers_in(calldata()[:length])


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_answers_in__of_a_short_call_that_stands_for_gigabytes__is_refused_at_once() -> None:
    """Ten thousand signatures that all lie in the same bytes."""
    data = calldata()
    signatures = data.index(b"\x03" * 65) - 96
    many = word(10_000) + word(10_000 * 32) * 10_000 + word(100_000) + bytes(100_000)
    # The last two offsets of the head: of the signatures, and of the proof.
    place = 4 + data[4:].index(word(signatures - 4))
    head = data[:place] + word(len(data) - 4) + data[place + 32 :]
    with pytest.raises(ValueError, match="parts overlap"):
        answers_in(head + many)


def test_answers_in__of_a_large_batch__gives_every_one() -> None:
    single = calldata()[4:]
    given = [decode([_REQUEST, _REPORT, "bytes[]", "bytes"], single)] * 60
    batch = encode([f"({_ONE})[]"], [given])
    assert len(answers_in(_BATCH + batch)) == 60
    bare = [(request, (*report[:5], ()), (), b"") for request, report, _, _ in given]
    assert len(answers_in(_BATCH + encode([f"({_ONE})[]"], [bare]))) == 60


@pytest.mark.parametrize("data", [b"", b"\x00" * 4, b"\x00" * 200])
def test_answers_in__of_another_call__is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="hands in no answer"):
        answers_in(data)


def test_logged_scores__of_another_log__are_refused() -> None:
    with pytest.raises(ValueError, match="no answer's"):
        logged_scores(b"\x00" * 31)


def test_topic__is_that_of_the_contracts_event() -> None:
    contract = AsyncWeb3(AsyncHTTPProvider("http://127.0.0.1:1")).eth.contract(abi=abi("AIRiskOracle"))
    assert contract.events.AssessmentProvided().topic == ANSWERED_TOPIC
