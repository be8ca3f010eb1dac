"""Calldata of an answer: decoded as it was made, and refused where it is cut off or of something else."""

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.report import Report
from oracle.assessment.request import Address
from oracle.chain.abi import abi
from oracle.chain.answers import ANSWERED_TOPIC, answers_in, logged_scores
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
