"""The compose file and the example settings fit each other, and say what they want of the operator."""

import re
from pathlib import Path

import pytest
import yaml

from oracle.devnet.machinery.node import REPOSITORY
from tests.support.composed import COMPOSE, DOCKERFILE, SERVICES
from tests.support.grafana import FOLDER

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


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_compose__when_a_service_is_read__then_its_files_are_here_and_nobody_else_reaches_it(name: str) -> None:
    service = SERVICES[name]
    for mount in service.get("volumes", []):
        outside = mount.split(":")[0]
        if outside.startswith("./deploy"):
            assert (REPOSITORY / outside).exists()
        else:
            assert outside == "./risk-oracle.toml" or outside in COMPOSE["volumes"]
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    given = " ".join(map(str, [*service.get("environment", {}).values(), *service.get("command", [])]))
    # Secrets come as files alone: a variable names the file.
    assert set(re.findall(r"/run/secrets/(\w+)", given)) <= set(service.get("secrets", []))
    assert [key for key in service.get("environment", {}) if "PASSWORD" in key and not key.endswith("_FILE")] == []


def test_compose__when_grafanas_files_are_read__then_all_that_they_name_is_in_its_container() -> None:
    service = SERVICES["grafana"]
    mounts = dict(mount.split(":")[1::-1] for mount in service["volumes"])
    assert REPOSITORY / mounts["/etc/grafana/provisioning"] == FOLDER / "provisioning"
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/risk-oracle.yml").read_text())["providers"]
    assert REPOSITORY / mounts[provider["options"]["path"]] == FOLDER / "dashboards"
    home = Path(service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert (FOLDER / "dashboards" / home.name).is_file()
    text = (FOLDER / "provisioning/datasources/risk-oracle.yml").read_text()
    assert set(re.findall(r"/run/secrets/(\w+)", text)) <= set(service["secrets"])
    hosts = {re.sub(r"^http://", "", source["url"]) for source in yaml.safe_load(text)["datasources"]}
    assert hosts == {"prometheus:9090", "database:5432"}
    assert {host.partition(":")[0] for host in hosts} <= set(SERVICES)
    # Whoever owns the secrets' files reads them.
    (uid,) = re.findall(r"useradd .*--uid (\d+)", DOCKERFILE)
    assert service["user"] == f"{uid}:0"
