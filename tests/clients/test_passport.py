"""Passports in JavaScript: encoded, committed and sealed as the Python side does it, and refused in words."""

import base64
import json
from pathlib import Path
from typing import Any

from nacl.public import PrivateKey

from oracle.passports.passport import Passport
from oracle.passports.private_files import OpeningFile
from oracle.passports.schema import SCHEMA_ID
from oracle.passports.sealing import unseal
from oracle.proving.commitment import commit_private
from tests.clients.test_js import installed, node, run
from tests.support.passports import CARD, HOME, content_of
from tests.support.passports_at_random import passports, tensors

__all__ = ["installed"]

# The benchmark of commitments takes ten thousand.
COUNT = 300
ORACLE = "0x" + "aB" * 20


def asked(project: Path, script: str, given: Any) -> Any:
    target = project / "given.json"
    target.write_text(json.dumps(given))
    return json.loads(run(project, script, {}, str(target)))


def test_schema__in_the_package__is_the_daemons() -> None:
    node("scripts/schema.mjs", "--check")


def test_page__for_borrowers__is_what_its_script_makes() -> None:
    node("scripts/page.mjs", "--check")


def test_commitments__of_passports_and_tensors_at_random__are_the_circuits(installed: Path) -> None:
    texts, hashed = list(passports(COUNT, 15)), list(tensors(COUNT, 15))
    told = asked(installed, "test/commitments.mjs", {"passports": texts, "tensors": hashed})
    assert told["encoded"] == [list(Passport.parse(text.encode()).encoded()) for text in texts]
    assert told["commitments"] == [f"0x{commit_private(tensor):064x}" for tensor in hashed]
    assert len(set(told["commitments"])) == COUNT


def wrong(**home: Any) -> tuple[str, str]:
    return "passport", json.dumps(content_of({**HOME, **home}))


OPENING = {"schema": SCHEMA_ID, "passport": content_of(), "salt": "0x" + "1f" * 20, "commitment": "0x" + "00" * 32}
# What is handed in, and what the refusal must say.
WRONG: list[tuple[tuple[str, str], str]] = [
    (wrong(open_accounts=61), "home.open_accounts is outside its range: expected a whole number within 0..60 (count)"),
    (wrong(employment_years=-1), "home.employment_years is outside its range"),
    (wrong(recent_inquiries=1.5), "home.recent_inquiries is not of its kind"),
    (wrong(debt_to_income="0.3"), "home.debt_to_income is not of its kind"),
    (wrong(mortgage_due=True), "home.mortgage_due is not of its kind"),
    (wrong(salary=3), "home.salary is no field"),
    (("passport", json.dumps(content_of({k: v for k, v in HOME.items() if k != "open_accounts"}))), "is missing"),
    (("passport", json.dumps(content_of()).replace("7.5", "7.50000000000000000001")), "more digits than a number"),
    (("passport", json.dumps(content_of()).replace('"home": {', '"home": {"open_accounts": 1, ')), "a name twice"),
    (("passport", json.dumps(content_of(None, None))), "the passport states nothing"),
    (("passport", json.dumps({**content_of(), "schema": "urn:risk-oracle:passport:2"})), "another schema"),
    (("passport", json.dumps({**content_of(), "iban": 1})), "iban is no part of a passport"),
    (("passport", json.dumps(content_of([], CARD))), "home must be an object"),
    (("passport", "{"), "no JSON"),
    (("passport", "[" * 100_000), "larger than 65536 bytes"),
    (("opening", json.dumps(content_of())), "no opening"),
    (("opening", json.dumps({**OPENING, "salt": "0x1f1f"})), "160 bits"),
    (("opening", json.dumps({**OPENING, "salt": "0x" + "00" * 16 + "1f" * 4})), "too short"),
    (("opening", json.dumps(OPENING)), "commitment: it is not that of this passport and salt"),
    (("opening", json.dumps({**OPENING, "schema": "urn:risk-oracle:passport:2"})), "another schema"),
]


def test_opening__made_and_sealed_in_javascript__is_what_python_reads_and_unseals(installed: Path) -> None:
    secret = PrivateKey.generate()
    destination = {"chainId": 31_337, "oracle": ORACLE, "requestId": "17"}
    given = {
        "passport": json.dumps(content_of()),
        "destination": destination,
        "key": "0x" + bytes(secret.public_key).hex(),
        "files": [file for file, _ in WRONG],
    }
    told = asked(installed, "test/passports.mjs", given)
    found = OpeningFile.parse(told["file"].encode())
    sealed = base64.urlsafe_b64decode(told["sealed"] + "=" * (-len(told["sealed"]) % 4))
    opened = unseal(sealed, chain_id=31_337, oracle=ORACLE, request_id=17, secret_key=bytes(secret))
    assert opened == found.opening
    assert opened.encoded == Passport.of(content_of()).encoded()
    assert told["again"] == told["opening"], "a file that was read again"
    assert told["opening"]["commitment"] == f"0x{found.opening.commitment:064x}"
    assert told["wrongKey"] == "sealing key: expected 0x and 64 hex digits"
    assert told["salts"] == 100
    for (file, expected), fault in zip(WRONG, told["faults"], strict=True):
        assert fault is not None, file
        assert expected in fault["message"], fault
        assert "7.5" not in fault["message"], "no value is repeated"
