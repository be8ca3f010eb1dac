"""The demo of private data, as a new user runs it: loans for the bank's customers, none for the impostor."""

import re
import subprocess
import sys
from pathlib import Path


def test_demo_private__from_beginning_to_end__lends_on_private_data_and_refuses_the_impostor(tmp_path: Path) -> None:
    folder, log = tmp_path / "demo", tmp_path / "demo.log"
    command = [sys.executable, "-m", "oracle.devnet.demo.private", "--folder", str(folder)]
    env = {"PATH": "/usr/bin:/bin", "COLUMNS": "120", "HOME": str(tmp_path)}
    with log.open("w") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=env, timeout=400, check=False)
    text = log.read_text()
    assert done.returncode == 0, text
    assert text.count("a credential, and an attestation of commitment") == 3, text
    assert "sealed to the prover's key, taken" in text
    assert "made and handed in within" in text
    assert "the borrower's own proof, verified here" in text
    paid = re.findall(r"approved: ([\d,]+\.\d\d) dollars paid to the borrower", text)
    assert paid, text
    tried = re.findall(r"\n  (\d)  .*?: (\w+)", text)
    assert [number for number, _ in tried] == ["1", "2", "3", "4", "5", "6"], text
    for refusal in ("NotSignedByIssuer", "NobodyVouches", "CommitmentIsRevoked", "422", "InvalidProof"):
        assert refusal in text, text
    assert text.count("NotSignedByIssuer") == 2
    assert "verification" in text
    kept = b"".join(file.read_bytes() for file in folder.glob("daemon.log*"))
    assert b"employment_years" not in kept
