"""Passports in JavaScript: encoded and committed as the circuit does it, sealed, refused in words."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from oracle.proving.commitment import commit_private
from tests.clients.test_js import PACKAGE, installed, run
from tests.support.passports_at_random import encoded, passports, tensors

__all__ = ["installed"]

PASSPORTS, TENSORS = 300, 300


def asked(project: Path, script: str, given: Any) -> Any:
    target = project / "given.json"
    target.write_text(json.dumps(given))
    told = run(project, script, {}, str(target))
    return json.loads(told)


def test_table__in_the_package__is_the_one_that_training_uses() -> None:
    subprocess.run([sys.executable, str(PACKAGE / "scripts" / "table.py"), "--check"], check=True)


def test_commitments__of_passports_and_tensors_at_random__are_the_circuits(installed: Path) -> None:
    texts, asked_tensors = list(passports(PASSPORTS, 15)), list(tensors(TENSORS, 15))
    told = asked(installed, "test/commitments.mjs", {"passports": texts, "tensors": asked_tensors})
    assert told["encoded"] == [encoded(text) for text in texts]
    assert told["commitments"] == [f"0x{commit_private(tensor):064x}" for tensor in asked_tensors]
    assert len(set(told["commitments"])) == TENSORS
