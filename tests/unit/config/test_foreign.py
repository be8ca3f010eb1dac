"""Variables with our prefix that are not settings: a cluster's and our own tools' stop nothing, typos still do."""

import re
from pathlib import Path

import pytest

from oracle.assessment.errors import ConfigurationFault
from oracle.config.foreign import MISTAKEN_FOR, OWN, is_foreign
from oracle.config.settings import Settings, load_settings
from tests.unit.config.test_settings import MINIMAL, faults

REPOSITORY = Path(__file__).parents[3]
SEARCHED = ("*", "oracle/**/*", "deploy/*", "hardhat/*.*", "hardhat/*/*", "tests/**/*", "clients/*/*", ".github/**/*")

# As a cluster writes them for services called risk-oracle, risk-oracle-web and risk-oracle-2, and Docker for a link.
INJECTED = {
    "RISK_ORACLE_PORT": "tcp://10.0.0.1:8080",
    "RISK_ORACLE_SERVICE_HOST": "10.0.0.1",
    "RISK_ORACLE_SERVICE_PORT": "8080",
    "RISK_ORACLE_SERVICE_PORT_HTTP": "8080",
    "RISK_ORACLE_SERVICE_PORT_HTTP_METRICS": "9090",
    "RISK_ORACLE_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "RISK_ORACLE_PORT_8080_TCP_PROTO": "tcp",
    "RISK_ORACLE_PORT_8080_TCP_PORT": "8080",
    "RISK_ORACLE_PORT_8080_TCP_ADDR": "10.0.0.1",
    "RISK_ORACLE_PORT_53_UDP": "udp://[fd00::1]:53",
    "RISK_ORACLE_PORT_53_UDP_ADDR": "fd00::1",
    "RISK_ORACLE_WEB_PORT": "tcp://10.0.0.2:80",
    "RISK_ORACLE_WEB_SERVICE_HOST": "fd00::2",
    "RISK_ORACLE_WEB_SERVICE_PORT_HTTP": "80",
    "RISK_ORACLE_2_PORT_80_TCP_ADDR": "10.0.0.3",
    "RISK_ORACLE_DB_NAME": "/oracle/risk-oracle-db",
}


def test_load__when_a_cluster_injects_its_services__then_nothing_changes() -> None:
    assert load_settings(None, MINIMAL | INJECTED) == load_settings(None, MINIMAL)


@pytest.mark.parametrize(("name", "text"), INJECTED.items())
def test_load__when_one_of_them_is_there__then_nothing_changes(name: str, text: str) -> None:
    assert load_settings(None, {**MINIMAL, name: text}) == load_settings(None, MINIMAL)


@pytest.mark.parametrize(
    ("name", "text", "nearest"),
    [
        ("WEB_PORT", "8080", "RISK_ORACLE_WEB__PORT"),
        ("PORT", "8080", "RISK_ORACLE_WEB__PORT"),
        ("WEB_HOST", "10.0.0.1", "RISK_ORACLE_WEB__HOST"),
        ("MODEL_NAME", "credit-v1", "RISK_ORACLE_MODEL__NAME"),
        ("CHAIN_RPC_URL", "https://rpc.example", "RISK_ORACLE_CHAIN__RPC_URL"),
        ("RPC_ULR", "https://rpc.example", "RISK_ORACLE_CHAIN__RPC_URL"),
        ("RPC_URL_FILE", "/run/secrets/rpc", "RISK_ORACLE_CHAIN__RPC_URL_FILE"),
        ("WS_URL", "wss://rpc.example", "RISK_ORACLE_CHAIN__WS_URL"),
    ],
)
def test_variable__when_it_is_only_like_them__then_it_is_a_misspelt_setting(name: str, text: str, nearest: str) -> None:
    (line,) = faults(
        None, **{key.removeprefix("RISK_ORACLE_"): value for key, value in MINIMAL.items()}, **{name: text}
    )
    assert line == f"RISK_ORACLE_{name}: is not a setting; did you mean {nearest}?"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SERVICE_HOST", "localhost"),
        ("SERVICE_PORT", "http"),
        ("PORT_8080_TCP_ADDR", "here"),
        ("WEB__PORT", "tcp://10.0.0.2:80"),
        ("PORT_HTTP_TCP", "tcp://10.0.0.1:8080"),
    ],
)
def test_variable__when_name_or_value_is_not_a_clusters__then_not_taken_for_one(name: str, text: str) -> None:
    assert not is_foreign(name, text)


@pytest.mark.parametrize("name", OWN)
def test_load__when_a_variable_of_our_own_tools_is_set__then_nothing_changes(name: str) -> None:
    assert load_settings(None, {**MINIMAL, f"RISK_ORACLE_{name}": "x"}) == load_settings(None, MINIMAL)


def test_load__when_the_deployments_endpoint_is_there_and_ours_is_not__then_the_right_name_is_said() -> None:
    (key,) = MISTAKEN_FOR
    variable = "RISK_ORACLE_CHAIN__RPC_URL"
    values = {name: text for name, text in MINIMAL.items() if name != variable}
    with pytest.raises(ConfigurationFault) as refused:
        load_settings(None, {**values, "RISK_ORACLE_RPC_URL": "https://secret.example"})
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{key}: is required and not set")
    assert line.endswith(f"RISK_ORACLE_RPC_URL says where contracts are deployed and is not read here: set {variable}")


def test_tree__when_searched_for_variables__then_each_is_a_setting_or_known_as_none() -> None:
    files = [path for pattern in SEARCHED for path in REPOSITORY.glob(pattern) if path.is_file()]
    texts = (path.read_text(errors="ignore") for path in files if "unit" not in path.parts)
    names = {name for text in texts for name in re.findall(r"\bRISK_ORACLE_([A-Z0-9_]*[A-Z0-9])\b", text)}
    assert {"CONFIG", "CHAIN__RPC_URL", "SCENARIO_WALLETS"} <= names, "the search finds what is known to be there"
    unknown = {name for name in names if name not in OWN and not _is_setting(name) and not _is_injected_example(name)}
    assert unknown == set()


def _is_setting(name: str) -> bool:
    section, _, key = name.lower().partition("__")
    field = Settings.model_fields.get(section)
    known = getattr(field.annotation, "model_fields", {}) if field is not None else {}
    return key in known or key.removesuffix("_file") in known


def _is_injected_example(name: str) -> bool:
    return f"RISK_ORACLE_{name}" in INJECTED
