"""The compose file and the example settings fit each other, and say what they want of the operator."""

import re
from pathlib import Path
from typing import Any

import yaml

from oracle.devnet.machinery.node import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text()
EXAMPLE = (REPOSITORY / "deploy" / "risk-oracle.example.toml").read_text()
KEYS = "/var/lib/risk-oracle/keys"


def test_compose__when_read__then_every_file_that_the_settings_name_is_there_or_named_otherwise() -> None:
    service = COMPOSE["services"]["oracle"]
    named = re.findall(r"^\[(\w+)\]|^(\w+)_file = ", EXAMPLE, re.M)
    section, wanted = "", []
    for table, key in named:
        section = table or section
        if key:
            wanted.append(f"RISK_ORACLE_{section}__{key}".upper())
    assert {"RISK_ORACLE_CHAIN__RPC_URL", "RISK_ORACLE_SIGNER__KEY", "RISK_ORACLE_DATABASE__URL"} == set(wanted)
    given = service["environment"]
    assert all(name in given or f"{name}_FILE" in given for name in wanted)
    for name, path in given.items():
        if name.endswith("_FILE"):
            assert path.removeprefix("/run/secrets/") in service["secrets"]


def test_compose__when_read__then_the_secrets_owner_is_the_images_user() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    (uid,) = re.findall(r"useradd .*--uid (\d+)", DOCKERFILE)
    assert f"sudo chown {uid}:{uid} secrets/* && sudo chmod 0400 secrets/*" in text
    files = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    (listed,) = re.findall(r"one value a file: (.*)", text)
    assert {name.strip() for name in listed.split(",")} == files


def test_key_folder__when_named_anywhere__then_it_is_the_same_one() -> None:
    places = {
        "docker-compose.yml": COMPOSE["services"]["keys"]["command"][-1],
        "example": f"{re.findall(r'^keys = .([^ ]+).$', EXAMPLE.replace('  ', chr(10)), re.M)[0]}/credit-v1",
        "unit": re.findall(r"--keys (\S+)", (REPOSITORY / "deploy" / "risk-oracle.service").read_text())[0],
        "docs": re.findall(r"--keys (\S+)", (REPOSITORY / "docs" / "operate.md").read_text())[0],
        "README": re.findall(r"--keys (\S+)", (REPOSITORY / "README.md").read_text())[0],
    }
    assert set(places.values()) == {f"{KEYS}/credit-v1"}, places
