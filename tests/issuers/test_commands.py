"""`risk-oracle issuer …` as people use it: keys, offer, service, papers, revocation."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from oracle.cli import app
from oracle.exit_codes import ExitCode
from oracle.issuers.errors import (
    CredentialRevoked,
    IssuerFault,
    NotTheRecords,
    SaltReused,
    StatusPending,
    UnknownBorrower,
    WrongBorrower,
)
from oracle.issuers.holder import HolderKey
from oracle.issuers.records import write_records
from oracle.passports.opening import commit, new_salt
from oracle.passports.passport import Passport
from oracle.passports.private_files import OpeningFile, write_private
from tests.support.issuing import ALICE, BOB, REGISTRY, of
from tests.support.passports import CARD, HOME


def _run(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["issuer", *words, "--json"], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return dict(json.loads(done.stdout))


@pytest.fixture
def folder(tmp_path: Path, free_port: int) -> Path:
    """An issuer's folder without keys yet."""
    settings = f'url = "http://127.0.0.1:{free_port}"\nchain_id = 31337\nregistry = "{REGISTRY}"\nport = {free_port}\n'
    (tmp_path / "issuer.toml").write_text(settings)
    write_records(tmp_path / "records.json", {of(ALICE): Passport(HOME, CARD)})
    return tmp_path


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _opening(folder: Path, home: Any = HOME) -> Path:
    passport = Passport(home, CARD)
    file = folder / f"opening-{len(list(folder.glob('opening-*')))}.json"
    write_private(file, OpeningFile(passport, commit(passport, new_salt())).as_json())
    return file


def test_keys__when_made_shown_and_rotated__then_the_registry_s_call_is_told(folder: Path) -> None:
    settings = ("--settings", str(folder / "issuer.toml"))
    made = _run("keys", "--kind", "p256", *settings)
    assert made["key_type"] == 2
    assert _run("keys", *settings) == made
    rotated = _run("keys", "--rotate", "credential", *settings)
    assert len(rotated["published"]) == 2
    assert rotated["issuer"] == made["issuer"]
    assert _run("keys", "--rotate", "attestation", *settings)["issuer"] != made["issuer"]


def test_issue__when_the_opening_is_what_the_records_say__then_papers_are_written_for_their_owner(folder: Path) -> None:
    settings = ("--settings", str(folder / "issuer.toml"))
    _run("keys", *settings)
    (folder / "holder.jwk").write_text(json.dumps(HolderKey.fresh().public_jwk))
    given = ("--holder-key", str(folder / "holder.jwk"), *settings)
    opening, papers = _opening(folder), folder / "papers.json"
    told = _run("issue", of(ALICE), "--opening", str(opening), "--out", str(papers), *given)
    assert papers.stat().st_mode & 0o777 == 0o600
    assert json.loads(papers.read_text())["attestation"]["data_commitment"] == told["data_commitment"]
    out = str(folder / "other.json")
    with pytest.raises(SaltReused):
        _run("issue", of(ALICE), "--opening", str(opening), "--out", out, *given)
    with pytest.raises(UnknownBorrower):
        _run("issue", of(BOB), "--opening", str(_opening(folder)), "--out", out, *given)
    invented = _opening(folder, HOME | {"debt_to_income": 0.01})
    with pytest.raises(NotTheRecords):
        _run("issue", of(ALICE), "--opening", str(invented), "--out", out, *given)
    assert not Path(out).exists()
    call = _run("revoke", told["data_commitment"], *settings)
    assert call["to"] == REGISTRY
    assert call["data"].startswith("0x")
    [entry] = _run("list", *settings)["issued"]
    assert entry["revoked_at"] == call["revoked_at"]


def test_serve__when_a_borrower_takes_up_an_offer__then_the_papers_hold_until_they_are_revoked(folder: Path) -> None:
    settings = ("--settings", str(folder / "issuer.toml"))
    with pytest.raises(IssuerFault, match="issuer keys"):
        _run("offer", of(ALICE), *settings)
    _run("keys", *settings)
    (folder / "account.key").write_text(ALICE.key.to_0x_hex())
    program = str(Path(sys.executable).with_name("risk-oracle"))
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [program, "issuer", "serve", *settings], stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    try:
        _wait_until_served(server)
        offer = folder / "offer.json"
        offer.write_text(json.dumps(_run("offer", of(ALICE), *settings)))
        out, key = folder / "papers", str(folder / "account.key")
        told = _run("obtain", str(offer), "--account-key-file", key, "--out", str(out))
        for name in ("papers.json", "opening.json", "holder.pem"):
            assert (out / name).stat().st_mode & 0o777 == 0o600
        url = json.loads(offer.read_text())["credential_issuer"]
        checked = [str(out / "papers.json"), "--commitment", told["data_commitment"], "--issuer-url", url, "--borrower"]
        assert _run("check", *checked, of(ALICE))["issuer"] == url
        with pytest.raises(WrongBorrower):
            _run("check", *checked, of(BOB))
        _run("revoke", told["data_commitment"], *settings)
        with pytest.raises(CredentialRevoked):
            _run("check", *checked, of(ALICE))
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)
    assert server.returncode == ExitCode.DONE
    with pytest.raises(StatusPending):
        _run("check", *checked, of(ALICE), "--wait")


def _wait_until_served(server: "subprocess.Popen[bytes]") -> None:
    for stream in (server.stdout, server.stderr):
        assert stream is not None
        os.set_blocking(stream.fileno(), False)
    import selectors

    selector, heard = selectors.DefaultSelector(), b""
    for stream in (server.stdout, server.stderr):
        assert stream is not None
        selector.register(stream, selectors.EVENT_READ)
    while b"issuer_served" not in heard:
        for key, _ in selector.select(timeout=60):
            part = os.read(key.fd, 65_536)
            assert part, heard
            heard += part
