"""The order of a session: what comes early, twice, from elsewhere or upon other messages is refused and named."""

import pytest

from oracle.approval.errors import Refused
from oracle.approval.fields import PARTIES
from oracle.approval.identity import Identity
from oracle.approval.messages import Head, Kind, Message, compose, pledge_of
from oracle.approval.transcript import DENIED, PARTS, Transcript

KEYS = {name: Identity(bytes([number]) * 32) for number, name in enumerate((*PARTIES, "server"))}
SESSION, MODEL, JOINT = "a" * 32, "b" * 64, "d" * 64
SIZES = {kind: dict.fromkeys(parts, 4) for kind, parts in PARTS.items()}
ROUNDS: list[tuple[int, Kind]] = [
    (0, "pledge"),
    (0, "keys"),
    (0, "product"),
    (0, "ready"),
    (1, "blinds-pledge"),
    (1, "blinds"),
    (1, "input"),
    (1, "evaluated"),
    (1, "decision-share"),
    (1, "decision"),
    (1, "whatifs-share"),
    (1, "whatifs"),
]
PLEDGED: dict[Kind, Kind] = {"pledge": "keys", "blinds-pledge": "blinds"}
SAID: dict[Kind, str] = {"decision": DENIED, "whatifs": "[true]", "blinds-pledge": "0" * 512}


def message(transcript: Transcript, application: int, kind: Kind, party: str, /, **other: object) -> Message:
    parts = dict.fromkeys(SIZES[kind], kind[:4].encode())
    about = JOINT if kind == "ready" else transcript.basis(application, kind, party)
    if kind in PLEDGED:
        pledged = PLEDGED[kind]
        about = pledge_of(party, dict.fromkeys(SIZES[pledged], pledged[:4].encode()))
    head = Head(
        session=SESSION, application=application, kind=kind, party=party, model=MODEL, about=about,
        said=SAID.get(kind, ""),
    ).model_copy(update=other)  # fmt: skip
    return compose(KEYS[party], head, parts)


def until(rounds: int) -> Transcript:
    transcript = Transcript(SESSION, MODEL, SIZES)
    for application, kind in ROUNDS[:rounds]:
        for party in senders(kind):
            transcript.accept(message(transcript, application, kind, party))
    return transcript


def senders(kind: Kind) -> tuple[str, ...]:
    return ("server",) if kind == "evaluated" else PARTIES


def refused(transcript: Transcript, bad: Message) -> str:
    before = transcript.messages
    with pytest.raises(Refused) as caught:
        transcript.accept(bad)
    assert (caught.value.party, caught.value.kind) == (bad.head.party, bad.head.kind)
    assert transcript.messages == before
    return caught.value.why


def test_session__when_in_order__then_each_message_is_accepted() -> None:
    assert len(until(12).messages) == 11 * 3 + 1


@pytest.mark.parametrize("reached", range(len(ROUNDS)))
@pytest.mark.parametrize("later", range(1, len(ROUNDS)))
def test_message__when_its_round_has_not_come__then_it_waits_for_whom_it_names(reached: int, later: int) -> None:
    application, kind = ROUNDS[later]
    if later > reached:
        transcript = until(reached)
        for party in senders(kind):
            why = refused(transcript, message(transcript, application, kind, party))
            assert any(name in why for name in (*PARTIES, "server"))


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_message__when_replayed__then_it_is_refused(number: int) -> None:
    transcript = until(len(ROUNDS))
    for old in [one for one in transcript.messages if one.head.kind == ROUNDS[number][1]]:
        assert "accepted before" in refused(transcript, old)


@pytest.mark.parametrize("number", range(len(ROUNDS)))
@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"session": "e" * 32}, "session"),
        ({"model": "e" * 64}, "model"),
        ({"application": 7}, ""),
        ({"about": "e" * 64}, "rests on other messages"),
        ({"about": None}, ""),
    ],
)
def test_message__when_of_elsewhere__then_it_is_refused(number: int, other: dict[str, object], said: str) -> None:
    application, kind = ROUNDS[number]
    transcript = until(number)
    for party in senders(kind):
        if kind in ("pledge", "ready", "blinds-pledge") and other.get("about"):
            continue  # what is pledged its party alone knows; which joint key is right is for all three to say
        bad = message(transcript, application, kind, party, **other)
        assert said in refused(transcript, bad)


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_message__when_the_wrong_party_sends_it__then_it_is_refused(number: int) -> None:
    application, kind = ROUNDS[number]
    transcript = until(number)
    party = "bank" if kind == "evaluated" else "server"
    bad = message(transcript, application, kind, "applicant", party=party)
    signed = compose(KEYS[party], bad.head, bad.parts)
    assert "who sends it" in refused(transcript, signed)


@pytest.mark.parametrize("number", [number for number, (_, kind) in enumerate(ROUNDS) if SIZES[kind]])
def test_message__when_its_parts_are_others__then_it_is_refused(number: int) -> None:
    application, kind = ROUNDS[number]
    transcript = until(number)
    good = message(transcript, application, kind, senders(kind)[0])
    for parts in ({}, {**good.parts, "more": b"1234"}, dict.fromkeys(good.parts, b"123"), {"other": b"1234"}):
        bad = compose(KEYS[senders(kind)[0]], good.head, parts)
        assert "parts" in refused(transcript, bad)


@pytest.mark.parametrize("number", [3, 9, 11])
def test_message__when_two_say_otherwise__then_the_second_is_refused(number: int) -> None:
    application, kind = ROUNDS[number]
    transcript = until(number)
    transcript.accept(message(transcript, application, kind, "applicant"))
    other: dict[str, object] = {"about": "f" * 64} if kind == "ready" else {"said": "approved"}
    assert "otherwise than applicant" in refused(transcript, message(transcript, application, kind, "agency", **other))


def test_what_ifs__when_the_decision_was_an_approval__then_no_share_of_them_is_taken() -> None:
    transcript = until(9)
    for party in PARTIES:
        transcript.accept(message(transcript, 1, "decision", party, said="approved"))
    assert "denial alone" in refused(transcript, message(transcript, 1, "whatifs-share", "bank"))


def test_abort__when_one_ends_an_application__then_its_messages_are_refused_and_the_next_begins() -> None:
    transcript = until(8)
    transcript.accept(message(transcript, 1, "abort", "bank", said="the evaluation is another's"))
    assert "bank ended it" in refused(transcript, message(transcript, 1, "decision-share", "applicant"))
    transcript.accept(message(transcript, 2, "input", "applicant"))


def test_abort__when_one_ends_the_session__then_nothing_more_is_taken() -> None:
    transcript = until(4)
    transcript.accept(message(transcript, 0, "abort", "agency", said="the key is lost"))
    assert "agency ended it" in refused(transcript, message(transcript, 1, "input", "applicant"))


def test_abort__when_its_application_has_not_begun__then_no_number_is_used_up() -> None:
    transcript = until(6)
    for number in (1, 2, 2**31):
        assert "has not begun" in refused(transcript, message(transcript, number, "abort", "bank", said="no"))
    transcript.accept(message(transcript, 1, "input", "applicant"))
    assert "has not begun" in refused(transcript, message(transcript, 2, "abort", "bank", said="no"))
    transcript.accept(message(transcript, 1, "abort", "bank", said="no"))


def test_abort__when_all_was_decided__then_it_ends_nothing() -> None:
    transcript = until(12)
    assert "is decided" in refused(transcript, message(transcript, 1, "abort", "bank", said="we take it back"))
    approved = until(9)
    for party in PARTIES:
        approved.accept(message(approved, 1, "decision", party, said="approved"))
    assert "is decided" in refused(approved, message(approved, 1, "abort", "server", said="we take it back"))


def test_applications__when_some_are_decided_and_one_is_not__then_that_one_is_open() -> None:
    transcript = until(12)
    assert (transcript.open_applications, transcript.last_application) == ([], 1)
    for number in (2, 3):
        transcript.accept(message(transcript, number, "input", "applicant"))
    assert transcript.open_applications == [2, 3]
    transcript.accept(message(transcript, 2, "abort", "applicant", said="withdrawn"))
    assert transcript.open_applications == [3]
    assert [transcript.finished(number) for number in (1, 2, 3, 4)] == [True, True, False, False]
    transcript.accept(message(transcript, 0, "abort", "bank", said="the key is lost"))
    assert transcript.open_applications == []


def test_parts__when_let_go_of__then_what_follows_is_bound_to_the_same() -> None:
    light, whole = Transcript(SESSION, MODEL, SIZES), Transcript(SESSION, MODEL, SIZES)
    for application, kind in ROUNDS:
        for party in senders(kind):
            one = message(whole, application, kind, party)
            whole.accept(one)
            light.accept(one.announced())
    for application, kind in ROUNDS:
        for party in PARTIES:
            assert light.basis(application, kind, party) == whole.basis(application, kind, party)
    first = whole.get(1, "input", "bank")
    assert first is not None
    light.hold(first)
    assert light.get(1, "input", "bank") == first
    light.shed(1)
    assert light.get(1, "input", "bank") == first.announced()


def test_parts__when_of_another_message_than_was_accepted__then_they_are_not_taken() -> None:
    transcript, other = until(7), until(6)
    for bad in (message(other, 1, "input", "bank", said="another"), message(transcript, 1, "evaluated", "server")):
        with pytest.raises(Refused, match="not the message that was accepted"):
            transcript.hold(bad)


def test_keys__when_a_party_saw_the_others_first__then_it_cannot_send_others_than_it_pledged() -> None:
    transcript = until(1)
    for party in PARTIES[:2]:
        transcript.accept(message(transcript, 0, "keys", party))
    good = message(transcript, 0, "keys", "agency")
    chosen = compose(KEYS["agency"], good.head, {**good.parts, "public": b"-sum"})
    assert "not the keys that it pledged" in refused(transcript, chosen)
    # Nor can it pledge what another did.
    copied = Transcript(SESSION, MODEL, SIZES)
    first = message(copied, 0, "pledge", "applicant")
    copied.accept(first)
    copied.accept(message(copied, 0, "pledge", "bank"))
    copied.accept(message(copied, 0, "pledge", "agency", about=first.head.about))
    assert "not the keys that it pledged" in refused(copied, message(copied, 0, "keys", "agency"))


def test_blinds__when_a_party_saw_the_others_first__then_it_cannot_send_others_than_it_pledged() -> None:
    transcript = until(5)
    for party in PARTIES[:2]:
        transcript.accept(message(transcript, 1, "blinds", party))
    good = message(transcript, 1, "blinds", "agency")
    chosen = compose(KEYS["agency"], good.head, {**good.parts, "masks": b"-sum"})
    assert "not the blinds that it pledged" in refused(transcript, chosen)
    transcript.accept(good)


@pytest.mark.parametrize("said", ["", "0" * 511, "0" * 513, "g" * 512])
def test_blinds__when_what_opens_the_what_ifs_is_not_pledged__then_they_are_refused(said: str) -> None:
    transcript = until(4)
    assert "does not pledge what opens" in refused(
        transcript, message(transcript, 1, "blinds-pledge", "bank", said=said)
    )


def test_blinds__when_they_serve_eight_applications__then_the_ninth_waits_for_its_own() -> None:
    transcript = until(12)
    for number in range(2, 9):
        assert "applicant's blinds-pledge comes first" not in refused(
            transcript, message(transcript, number, "input", "bank", about="e" * 64)
        )
        transcript.accept(message(transcript, number, "input", "applicant"))
    assert "stand under 1" in refused(transcript, message(transcript, 5, "blinds-pledge", "bank"))
    assert "comes next" in refused(transcript, message(transcript, 17, "blinds-pledge", "bank"))
    assert "applicant's blinds comes first" in refused(transcript, message(transcript, 9, "input", "bank"))
    before = transcript.open_applications, transcript.last_application
    for kind in ("blinds-pledge", "blinds"):
        for party in PARTIES:
            transcript.accept(message(transcript, 9, kind, party))
    assert (transcript.open_applications, transcript.last_application) == before, "nothing began with them"
    assert "rests on other messages" in refused(
        transcript, message(transcript, 9, "input", "bank", about=transcript.basis(8, "input", "bank"))
    )
    transcript.accept(message(transcript, 9, "input", "bank"))


def test_agreement__when_it_comes_beside_the_rounds__then_only_once_from_the_applicant_upon_the_inputs() -> None:
    assert "applicant's input comes first" in refused(until(6), message(until(6), 1, "agreement", "applicant"))
    for rounds in range(7, 11):
        transcript = until(rounds)
        for party in ("bank", "server"):
            bad = message(transcript, 1, "agreement", "applicant", party=party)
            assert "it is applicant who sends it" in refused(transcript, compose(KEYS[party], bad.head))
        assert "rests on other" in refused(transcript, message(transcript, 1, "agreement", "applicant", about="e" * 64))
        good = message(transcript, 1, "agreement", "applicant", said="{}")
        transcript.accept(good)
        assert "accepted before" in refused(transcript, good)
