"""A decision for contracts: what the messages give, what is signed of it, and what is refused."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_hash.auto import keccak

from oracle.approval.decision import (
    Application,
    Decision,
    DecisionFault,
    Outcome,
    Undecided,
    outcome_of,
    read_transcript,
    registry_domain,
    request_of,
    typed_digest,
)
from oracle.approval.decision_file import Agreement, DecisionFile
from oracle.approval.errors import Refused
from oracle.approval.fields import PARTIES
from oracle.approval.identity import Identity
from oracle.approval.layout import Layout
from oracle.approval.messages import Head, Kind, compose, pledge_of
from oracle.approval.model import load_model
from oracle.approval.transcript import APPROVED, DENIED, PARTS, Transcript
from oracle.assessment.request import Address, to_address
from oracle.web.api.typed_data import as_json

LAYOUT = Layout(load_model("fair"))
KEYS = {name: Identity(bytes([number]) * 32) for number, name in enumerate((*PARTIES, "server"))}
SESSION, JOINT = "a" * 32, "d" * 64
SIZES = {kind: dict.fromkeys(parts, 4) for kind, parts in PARTS.items()}
ACCOUNTS = {party: Account.from_key(bytes([7 + number]) * 32) for number, party in enumerate(PARTIES)}
REGISTRY = Address("0x" + "ab" * 20)
DOMAIN = registry_domain(31337, REGISTRY)
DATA = bytes(31) + b"\x2a"
NOW = 1_800_000_000


def answers(*approved_levels: int) -> str:
    """Return what-ifs of which these levels of years of employment are approved, and every level of all else."""
    asked = LAYOUT.what_ifs
    return json.dumps([one.field != "years_employed" or one.level in approved_levels for one in asked])


def transcript_of(decision: str, whatifs: str = "", rounds: int = 12) -> Transcript:
    """Return one application's messages, each part another's."""
    transcript = Transcript(SESSION, LAYOUT.model.digest, SIZES)
    said: dict[Kind, str] = {"decision": decision, "whatifs": whatifs, "blinds-pledge": "0" * 512}
    pledged: dict[Kind, Kind] = {"pledge": "keys", "blinds-pledge": "blinds"}
    order: list[Kind] = [
        "pledge", "keys", "product", "ready",
        "blinds-pledge", "blinds", "input", "evaluated", "decision-share", "decision", "whatifs-share", "whatifs",
    ]  # fmt: skip
    for kind in order[: rounds if decision == DENIED else min(rounds, 10)]:
        number = 0 if kind in ("pledge", "keys", "product", "ready") else 1
        for party in ("server",) if kind == "evaluated" else PARTIES:
            about = JOINT if kind == "ready" else transcript.basis(number, kind, party)
            if of := pledged.get(kind):
                about = pledge_of(party, {name: part(of, party, name) for name in SIZES[of]})
            head = Head(
                session=SESSION, application=number, kind=kind, party=party, model=LAYOUT.model.digest, about=about,
                said=said.get(kind, ""),
            )  # fmt: skip
            # Written in another order than the protocol's.
            parts = {name: part(kind, party, name) for name in reversed(SIZES[kind])}
            transcript.accept(compose(KEYS[party], head, parts))
    return transcript


def part(kind: str, party: str, name: str) -> bytes:
    """Return the bytes of a part: no other's are the same."""
    return keccak(f"{kind} {party} {name}".encode())[:4]


def decision(outcome: Outcome) -> Decision:
    return Decision(1, to_address(ACCOUNTS["applicant"].address), outcome, DATA, NOW, NOW + 86_400)


def paper(outcome: Outcome) -> DecisionFile:
    accounts = {party: to_address(account.address) for party, account in ACCOUNTS.items()}
    return DecisionFile(DOMAIN, decision(outcome), accounts)


def signature(party: str, made: DecisionFile) -> bytes:
    return bytes(ACCOUNTS[party].sign_typed_data(full_message=made.decision.message(DOMAIN)).signature)


def agreement(asked: Application, party: str = "applicant") -> Agreement:
    return Agreement(
        DOMAIN, asked, bytes(ACCOUNTS[party].sign_typed_data(full_message=asked.message(DOMAIN)).signature)
    )


def test_outcome__when_denied__then_its_hashes_are_those_of_the_ciphertexts_in_the_protocols_order() -> None:
    found = outcome_of(transcript_of(DENIED, answers(4, 2, 5)), 1, LAYOUT)
    sent: list[tuple[Kind, str]] = [("input", "features"), ("blinds", "blinds"), ("blinds", "masks")]
    ours = [keccak(b"".join(part(kind, party, name) for kind, name in sent)) for party in PARTIES]
    assert [found.applicant_input, found.bank_input, found.agency_input] == ours
    assert found.output == keccak(part("evaluated", "server", "result"))
    keys = [part("keys", party, name) for party in PARTIES for name in PARTS["keys"]]
    products = [part("product", party, "product") for party in PARTIES]
    assert found.evaluation_key == keccak(b"".join([*keys, *products]))
    assert found.request == keccak(bytes.fromhex(SESSION) + bytes(16) + (1).to_bytes(32, "big"))
    assert found.model_hash.hex() == LAYOUT.model.digest
    assert (found.approved, found.years_bin) == (False, 3)


def test_outcome__when_no_years_would_do_or_it_is_an_approval__then_there_is_no_bin() -> None:
    assert outcome_of(transcript_of(DENIED, answers()), 1, LAYOUT).years_bin == 0
    assert outcome_of(transcript_of(DENIED, answers(0)), 1, LAYOUT).years_bin == 1
    approved = outcome_of(transcript_of(APPROVED), 1, LAYOUT)
    assert (approved.approved, approved.years_bin) == (True, 0)


def test_outcome__when_of_another_application_or_session__then_of_another_request() -> None:
    assert len({request_of(SESSION, 1), request_of(SESSION, 2), request_of("b" * 32, 1)}) == 3


@pytest.mark.parametrize(
    ("rounds", "said"), [(6, "applicant's input"), (7, "server's evaluated"), (9, "applicant's decision"),
                         (10, "applicant's whatifs"), (11, "applicant's whatifs")],
)  # fmt: skip
def test_outcome__when_it_is_not_decided__then_who_is_waited_for_is_named(rounds: int, said: str) -> None:
    with pytest.raises(Undecided, match=said):
        outcome_of(transcript_of(DENIED, answers(), rounds), 1, LAYOUT)


def test_outcome__when_the_application_was_ended__then_it_is_undecided() -> None:
    transcript = transcript_of(APPROVED, "", 9)
    head = Head(session=SESSION, application=1, kind="abort", party="bank", model=LAYOUT.model.digest, said="no more")
    transcript.accept(compose(KEYS["bank"], head))
    with pytest.raises(Undecided, match="ended by bank: no more"):
        outcome_of(transcript, 1, LAYOUT)


@pytest.mark.parametrize(
    "said", ["", "no", "[" * 1_999, "[true]", '{"a": 1}', "[" + ", ".join(["1"] * len(LAYOUT.what_ifs)) + "]"]
)
def test_outcome__when_the_what_ifs_are_none__then_they_are_refused(said: str) -> None:
    with pytest.raises(Refused, match="whatifs"):
        outcome_of(transcript_of(DENIED, said), 1, LAYOUT)


def test_folder__when_it_holds_no_messages__then_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(Undecided, match="holds no messages"):
        read_transcript(tmp_path, LAYOUT)


def test_typed_data__when_given_to_a_wallet_as_json__then_it_is_the_same_digest() -> None:
    for made in (APPROVED, DENIED):
        message = paper(outcome_of(transcript_of(made, answers(1)), 1, LAYOUT)).decision.message(DOMAIN)
        shown = as_json(json.loads(json.dumps(as_json(message))))
        assert typed_digest(shown) == typed_digest(message)
        assert shown["message"]["approved"] is (made == APPROVED)


def test_paper__when_signed_by_all_three__then_it_comes_back_as_it_was_written() -> None:
    made = paper(outcome_of(transcript_of(APPROVED), 1, LAYOUT))
    for party in PARTIES:
        assert party in made.missing
        made = made.with_signature(party, signature(party, made))
    assert made.missing == []
    assert DecisionFile.parse(json.dumps(made.plain())) == made


def test_paper__when_a_signature_is_anothers_or_malleable__then_it_is_refused() -> None:
    made = paper(outcome_of(transcript_of(APPROVED), 1, LAYOUT))
    theirs = signature("agency", made)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (order - int.from_bytes(theirs[32:64], "big")).to_bytes(32, "big")
    turned = theirs[:32] + high + bytes([55 - theirs[64]])
    for party, given in (("bank", theirs), ("agency", turned), ("agency", theirs[:64]), ("agency", bytes(65))):
        with pytest.raises(DecisionFault, match="is not that of the"):
            made.with_signature(party, given)
    assert made.with_signature("bank", b"\x01\x02", contract=True).signatures["bank"] == b"\x01\x02"
    with pytest.raises(DecisionFault, match="no party of this decision"):
        made.party_of(REGISTRY)
    assert [made.party_of(account) for account in made.accounts.values()] == list(PARTIES)


@pytest.mark.parametrize("name", [one.name for one in fields(Outcome)])
def test_paper__when_the_messages_say_otherwise__then_the_field_is_named(name: str) -> None:
    found = outcome_of(transcript_of(DENIED, answers(1)), 1, LAYOUT)
    made = paper(found)
    made.check_outcome(found)
    other = {bytes: bytes(32), bool: True, int: 9}[type(getattr(found, name))]
    with pytest.raises(DecisionFault, match=name):
        made.check_outcome(replace(found, **{name: other}))


def test_agreement__when_it_is_the_applicants__then_it_signs_a_denial_and_no_approval() -> None:
    denied = paper(outcome_of(transcript_of(DENIED, answers()), 1, LAYOUT))
    agreed = agreement(denied.decision.application)
    assert Agreement.parse(agreed.written()) == agreed
    assert denied.with_agreement(agreed).signatures == {"applicant": agreed.signature}
    approved = paper(outcome_of(transcript_of(APPROVED), 1, LAYOUT))
    with pytest.raises(DecisionFault, match="for a denial alone"):
        approved.with_agreement(agreement(approved.decision.application))


def test_agreement__when_it_is_about_something_else_or_not_the_applicants__then_it_is_refused() -> None:
    denied = paper(outcome_of(transcript_of(DENIED, answers()), 1, LAYOUT))
    asked = denied.decision.application
    others = {"panel": 2, "applicant": REGISTRY, "request": DATA, "model_hash": DATA, "data_commitment": bytes(32)}
    for name, value in others.items():
        with pytest.raises(DecisionFault, match="about another"):
            denied.with_agreement(agreement(replace(asked, **{name: value})))
    with pytest.raises(DecisionFault, match="not signed by its applicant"):
        denied.with_agreement(agreement(asked, "bank"))
    elsewhere = replace(agreement(asked), domain=registry_domain(1, REGISTRY))
    with pytest.raises(DecisionFault, match="about another"):
        denied.with_agreement(elsewhere)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kind": "agreement"}, "kind"),
        ({"panel": 0}, "panel"),
        ({"registry": "0xAB"}, "registry"),
        ({"output": "0x00"}, "output"),
        ({"approved": "yes"}, "approved"),
        ({"years_bin": 256}, "years_bin"),
        ({"more": 1}, "more"),
        ({"decided_at": 2**64}, "decided_at"),
        ({"decided_at": 0}, "decided at 0"),
        ({"valid_until": NOW - 1}, "valid until"),
        ({"valid_until": NOW + 367 * 86_400}, "366 days"),
        ({"signatures": {"server": "0x"}}, "signatures"),
        ({"accounts": {"applicant": "0x" + "11" * 20}}, "three accounts"),
        ({"accounts": dict.fromkeys(PARTIES, "0x" + "11" * 20)}, "three accounts"),
    ],
)
def test_paper__when_a_field_is_none__then_it_is_named(change: dict[str, object], named: str) -> None:
    plain = paper(outcome_of(transcript_of(APPROVED), 1, LAYOUT)).plain()
    with pytest.raises(DecisionFault, match=named):
        DecisionFile.parse(json.dumps(plain | change))
    with pytest.raises(DecisionFault):
        DecisionFile.parse("{")
