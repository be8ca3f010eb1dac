"""EIP-712: the messages' types are the contract's, and every value stands where the type says."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account.messages import encode_typed_data

from oracle.assessment.report import Domain, Report, decline_message, report_message
from oracle.assessment.request import NATIVE_COIN, Address, AssessmentRequest, BlockRef, LoanTerms

DIGESTS = Path(__file__).parents[3] / "contracts" / "lib" / "Digests.sol"
DOMAIN = Domain(31337, Address("0x" + "ab" * 20))
REQUEST = AssessmentRequest(
    request_id=7,
    user=Address("0x" + "11" * 20),
    requester=Address("0x" + "22" * 20),
    terms=LoanTerms(NATIVE_COIN, 1, NATIVE_COIN, 2, 3),
    data_commitment=5,
    fee_wei=1,
    requested_at=1,
    deadline=2,
    block=BlockRef(9, "0x" + "33" * 32, 1),
    transaction_hash="0x" + "44" * 32,
)
REPORT = Report(7, b"m" * 32, 9, "0x" + "33" * 32, 12, tuple(range(10)))
HASHES = {"terms_hash": b"t" * 32, "outputs_hash": b"o" * 32, "signer_set_digest": b"s" * 32}


def type_string(message: dict[str, object]) -> str:
    primary = message["primaryType"]
    fields = message["types"][primary]  # type: ignore[index]
    return f"{primary}({','.join(field['type'] + ' ' + field['name'] for field in fields)})"


@pytest.mark.parametrize(
    "message",
    [report_message(DOMAIN, REQUEST, REPORT, **HASHES), decline_message(DOMAIN, 7, b"r" * 32, 2, b"s" * 32)],
    ids=["report", "decline"],
)
def test_message__when_compared_with_the_contract__then_the_type_is_the_same_to_the_letter(
    message: dict[str, object],
) -> None:
    typehashes = re.findall(r'keccak256\(\s*"([^"]+)"\s*\)', DIGESTS.read_text())
    assert type_string(message) in typehashes
    assert message["domain"] == {
        "name": "AIRiskOracle",
        "version": "1",
        "chainId": 31337,
        "verifyingContract": DOMAIN.contract,
    }


def digest(message: dict[str, object]) -> bytes:
    signable = encode_typed_data(full_message=message)
    return signable.header + signable.body


def test_report_message__when_any_field_changes__then_what_is_signed_changes() -> None:
    changed = [
        report_message(DOMAIN, REQUEST, REPORT, **HASHES),
        report_message(replace(DOMAIN, chain_id=1), REQUEST, REPORT, **HASHES),
        report_message(replace(DOMAIN, contract=Address("0x" + "cd" * 20)), REQUEST, REPORT, **HASHES),
        *(
            report_message(DOMAIN, replace(REQUEST, **change), REPORT, **HASHES)
            for change in (
                {"user": Address("0x" + "55" * 20)},
                {"requester": Address("0x" + "55" * 20)},
                {"data_commitment": 6},
            )
        ),
        *(
            report_message(DOMAIN, REQUEST, replace(REPORT, **change), **HASHES)
            for change in (
                {"request_id": 8},
                {"model_id": b"n" * 32},
                {"block_number": 10},
                {"block_hash": "0x" + "34" * 32},
                {"feature_commitment": 13},
            )
        ),
        *(report_message(DOMAIN, REQUEST, REPORT, **(HASHES | {name: b"x" * 32})) for name in HASHES),
    ]
    assert len({digest(message) for message in changed}) == len(changed)


def test_decline_message__when_any_field_changes__then_what_is_signed_changes() -> None:
    changed = [
        decline_message(DOMAIN, 7, b"r" * 32, 2, b"s" * 32),
        decline_message(DOMAIN, 8, b"r" * 32, 2, b"s" * 32),
        decline_message(DOMAIN, 7, b"x" * 32, 2, b"s" * 32),
        decline_message(DOMAIN, 7, b"r" * 32, 3, b"s" * 32),
        decline_message(DOMAIN, 7, b"r" * 32, 2, b"x" * 32),
    ]
    assert len({digest(message) for message in changed}) == len(changed)
