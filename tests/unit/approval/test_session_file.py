"""A session's file says who, which model and where, and is believed only where it gives its own name."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from oracle.approval.errors import SessionFault, VaultFault
from oracle.approval.identity import Identity
from oracle.approval.model import load_model
from oracle.approval.session_file import ALL, Session, read_public_half, read_session
from tests.support.commanding import command

KEYS = {name: Identity(bytes([number]) * 32) for number, name in enumerate(ALL, 1)}
URL = "https://approval.example"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A session's file, put together by the commands from four public halves."""
    words: list[object] = []
    for name in ALL:
        half = command("approval", "identity", tmp_path / f"{name}.key")
        (tmp_path / f"{name}.json").write_text(half.output)
        words += [f"--{name}", tmp_path / f"{name}.json"]
    ended = command("approval", "session", *words, "--url", URL, "--out", tmp_path / "session.json", "--json")
    assert ended.json["session"] == read_session(tmp_path / "session.json").id
    return tmp_path / "session.json"


def changed(file: Path, **parts: Any) -> Path:
    known = json.loads(file.read_text())
    file.write_text(json.dumps({**known, **parts}))
    return file


def test_session__when_read__then_each_finds_its_own_key_in_it(made: Path) -> None:
    session = read_session(made)
    assert (session.server, session.model.digest) == (URL, load_model("fair").digest)
    for name in ALL:
        assert session.identity_of(name, made.with_name(f"{name}.key")).public == session.roster[name]
    with pytest.raises(
        VaultFault, match=r"is not the key of the bank in session [0-9a-f]{32}: it is that of the agency"
    ):
        session.identity_of("bank", made.with_name("agency.key"))


def test_session__when_made_again__then_it_is_another_and_the_file_is_not_replaced(made: Path) -> None:
    words = [word for name in ALL for word in (f"--{name}", made.with_name(f"{name}.json"))]
    before = made.read_text()
    again = command("approval", "session", *words, "--url", URL, "--out", made)
    assert again.code == 2
    assert "cannot be written" in again.error
    assert made.read_text() == before
    other = command(
        "approval", "session", *words, "--url", "http://approval.example:8460", "--out", made.with_name("2")
    )
    assert other.code == 0
    assert "whoever listens on the way" in other.error
    assert read_session(made.with_name("2")).id != read_session(made).id


def test_session__when_a_part_of_its_file_was_changed__then_it_is_refused(made: Path) -> None:
    known = json.loads(made.read_text())
    model = {**known["model"], "name": "own"}
    for parts in (
        {"nonce": "0" * 32},
        {"session": "0" * 32},
        {"model": {**model, "intercept": model["intercept"] + 1}},
        {"roster": {**known["roster"], "bank": {**known["roster"]["bank"], "signing": "ab" * 32}}},
        {"roster": {**known["roster"], "bank": {**known["roster"]["bank"], "sealing": "ab" * 32}}},
    ):
        made.write_text(json.dumps(known))
        with pytest.raises(SessionFault, match="it was changed"):
            read_session(changed(made, **parts))


def test_session__when_the_server_moved__then_it_is_the_same_session(made: Path) -> None:
    before = read_session(made).id
    assert read_session(changed(made, server="https://elsewhere.example:8443/approval")).id == before


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"version": 2}, "version"),
        ({"more": 1}, "more"),
        ({"roster": {}}, "roster.applicant"),
        ({"server": "ftp://approval.example"}, "no address of a server"),
        ({"server": "https://approval.example/"}, "no address of a server"),
        ({"server": "https://approval.example:99999"}, "no address of a server"),
        ({"model": {"name": "x"}}, "not a model"),
        ({"nonce": "xyz"}, "nonce"),
    ],
)
def test_session__when_its_file_does_not_fit__then_what_of_it_is_said(
    made: Path, parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(SessionFault, match=said):
        read_session(changed(made, **parts))


def test_session__when_its_model_only_calls_itself_a_shipped_one__then_it_is_refused() -> None:
    model = load_model("fair")
    other = type(model)(model.name, model.scale, model.intercept + 1, model.weights)
    with pytest.raises(SessionFault, match="calls itself fair and is not the one"):
        Session.begin({name: key.public for name, key in KEYS.items()}, other, URL)


def test_session__when_two_have_one_key__then_it_is_refused() -> None:
    roster = {name: key.public for name, key in KEYS.items()} | {"agency": KEYS["bank"].public}
    with pytest.raises(SessionFault, match="bank and agency have the same key"):
        Session.begin(roster, load_model(), URL)


def test_session__when_a_key_is_none_to_seal_to__then_it_is_refused() -> None:
    weak = type(KEYS["bank"].public)(KEYS["bank"].public.signing, bytes(32))
    with pytest.raises(SessionFault, match="no key to seal to"):
        Session.begin({name: key.public for name, key in KEYS.items()} | {"bank": weak}, load_model(), URL)


def test_public_half__when_it_is_none__then_it_says_where_one_comes_from(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"signing": "00"}')
    for name in ("half.json", "none.json"):
        with pytest.raises(SessionFault, match=name):
            read_public_half(tmp_path / name)


def test_identity__when_made__then_its_owner_alone_reads_it_and_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "bank.key"
    first = command("approval", "identity", file, "--json").json
    assert command("approval", "identity", file, "--json").json == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bank.key"]
    assert file.read_text().strip() not in json.dumps(first)
    file.chmod(0o644)
    told = command("approval", "identity", file)
    assert told.code == 2
    assert "chmod 600" in told.error


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 33])
def test_identity__when_its_file_holds_something_else__then_it_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bank.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(VaultFault, match="is no key file"):
        Identity.of_file(file)
    assert file.read_text() == text


def test_token__when_two_of_a_session_compute_it__then_it_is_the_same_and_nobody_elses() -> None:
    bank, server, agency = (KEYS[name] for name in ("bank", "server", "agency"))
    token = bank.token(server.public, "a" * 32)
    assert token == server.token(bank.public, "a" * 32)
    others = {
        agency.token(server.public, "a" * 32),
        bank.token(server.public, "b" * 32),
        agency.token(bank.public, "a" * 32),
    }
    assert token not in others
