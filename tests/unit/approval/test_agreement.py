"""An agreement is for one decision at one place: what a party waits for before it opens what shall be recorded."""

import json
from dataclasses import replace

import pytest
from eth_account import Account

from oracle.approval.agreement import AgreementWanted, Recording, one_line, wanted_by
from oracle.approval.decision import Application, DecisionFault, registry_domain, request_of
from oracle.approval.decision_file import Agreement
from oracle.approval.errors import Refused
from oracle.assessment.request import Address, to_address

APPLICANT, OTHER = (Account.from_key(bytes([number]) * 32) for number in (7, 8))
SESSION, MODEL = "a" * 32, "b" * 64
PLACE = Recording(31_337, Address("0x" + "ab" * 20), 3)


def agreed(place: Recording = PLACE, *, by: object = APPLICANT, **other: object) -> str:
    domain = registry_domain(place.chain_id, place.registry)
    asked = Application(
        place.panel, to_address(APPLICANT.address), request_of(SESSION, 5), bytes.fromhex(MODEL), bytes(32)
    )
    asked = replace(asked, **other)
    signed = by.sign_typed_data(full_message=asked.message(domain))  # type: ignore[attr-defined]
    return Agreement(domain, asked, bytes(signed.signature)).written()


def test_agreement__when_it_is_for_this_decision_here__then_it_is_taken_in_the_form_of_a_message() -> None:
    found = PLACE.checked(SESSION, 5, MODEL, agreed())
    assert PLACE.checked(SESSION, 5, MODEL, one_line(agreed())) == found
    assert len(one_line(agreed())) < 1_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (agreed(replace(PLACE, chain_id=1)), "on chain 1, the decision shall be recorded by panel 3"),
        (agreed(replace(PLACE, registry=Address("0x" + "cd" * 20))), "registry 0xcdcd"),
        (agreed(replace(PLACE, panel=4)), "is for panel 4"),
        (agreed(request=request_of(SESSION, 6)), "is not about application 5"),
        (agreed(request=request_of("c" * 32, 5)), "is not about application 5"),
        (agreed(model_hash=bytes(32)), "is not about application 5"),
        (agreed(by=OTHER), "is not signed by its applicant"),
        ("", "is not an applicant's agreement"),
        ("{}", "is not an applicant's agreement"),
    ],
)
def test_agreement__when_it_is_for_anything_else__then_it_is_refused_and_said(text: str, said: str) -> None:
    with pytest.raises(DecisionFault, match=said):
        PLACE.checked(SESSION, 5, MODEL, text)


def test_agreement__when_its_signature_is_a_contracts__then_no_message_carries_it() -> None:
    told = json.loads(agreed())
    with pytest.raises(DecisionFault, match="longer than a key's"):
        one_line(json.dumps({**told, "signature": "0x" + "00" * 2_000}))


def test_place__when_bank_or_agency_name_it__then_the_applicant_knows_where() -> None:
    assert wanted_by({"applicant": PLACE.written(), "bank": "", "agency": ""}) is None
    assert wanted_by({"applicant": "", "bank": "", "agency": PLACE.written()}) == PLACE
    assert wanted_by({"applicant": "", "bank": PLACE.written(), "agency": PLACE.written()}) == PLACE
    with pytest.raises(AgreementWanted, match=r"bank by panel 3 of .*; agency by panel 4"):
        wanted_by({"bank": PLACE.written(), "agency": replace(PLACE, panel=4).written()})
    for text in ("x", "{}", PLACE.written()[:-1], '{"chain_id":0,"registry":"0x","panel":1}'):
        with pytest.raises(Refused, match="agency's input"):
            wanted_by({"agency": text})
