"""A secret stands in no message, whatever else is wrong, and in nothing that shows settings."""

import json
import traceback
from pathlib import Path

import pytest

from oracle.assessment.errors import ConfigurationFault
from oracle.config.errors import known_keys
from oracle.config.settings import Settings, load_settings

ADDRESS = "0x" + "ab" * 20
MARK = "5ec2e75ec2e7"
SECRETS = {
    "chain.rpc_url": f"https://rpc.example/{MARK}",
    "chain.ws_url": f"wss://rpc.example/{MARK}",
    "history.transactions_api_url": f"https://api.example/{MARK}",
    "signer.key": f"0x{MARK:0>64}",
    "database.url": f"postgresql://oracle:{MARK}@db/oracle",
}
GOOD = {
    "chain.chain_id": "1",
    "chain.oracle": ADDRESS,
    "history.coin_price_feed": ADDRESS,
    **SECRETS,
}


def environment(values: dict[str, str]) -> dict[str, str]:
    return {"RISK_ORACLE_" + key.replace(".", "__").upper(): value for key, value in values.items()}


def told(values: dict[str, str], file: Path | None = None) -> str:
    """All that an operator, a log or a crash report could see of the refusal."""
    with pytest.raises(ConfigurationFault) as refused:
        load_settings(file, environment(values))
    return "".join(traceback.format_exception(refused.value))


def secret_fields() -> set[str]:
    settings = load_settings(None, environment(GOOD))
    shown = settings.model_dump()
    return {key for key, _ in known_keys(Settings) if "Secret" in type(_at(shown, key)).__name__}


def _at(values: dict[str, object], key: str) -> object:
    section, *rest = key.split(".")
    value = values.get(section)
    return _at(value, ".".join(rest)) if rest and isinstance(value, dict) else value


def test_secrets__when_listed__then_this_test_covers_every_secret_field() -> None:
    assert secret_fields() == set(SECRETS)


def test_settings__when_shown_in_any_way__then_no_secret() -> None:
    settings = load_settings(None, environment(GOOD))
    shown = [repr(settings), str(settings), str(settings.model_dump()), json.dumps(settings.model_dump(mode="json"))]
    assert not any(MARK in text for text in shown)
    assert all(settings.chain.oracle in text for text in shown)


def test_secrets__when_something_else_is_wrong__then_not_told() -> None:
    text = told(GOOD | {"chain.chain_id": "x", "web.port": "-1", "bogus": "1"})
    assert "chain.chain_id" in text
    assert MARK not in text


SPOILT = ["{}", "x{}", "['{}']", '["{}"]', " {} {}", "{}\n{}"]


@pytest.mark.parametrize("key", sorted(SECRETS))
@pytest.mark.parametrize("spoil", [*SPOILT, "amqp://o:{}@h:{}/d"])
def test_secret__when_it_is_wrong_itself__then_not_told(key: str, spoil: str) -> None:
    value = spoil.replace("{}", MARK)
    text = told(GOOD | {key: value})
    assert key in text
    assert MARK not in text


@pytest.mark.parametrize("key", sorted(SECRETS))
@pytest.mark.parametrize("secret", [MARK, f"../{MARK}", *SECRETS.values()])
def test_secret__when_put_where_its_files_name_belongs__then_not_told(key: str, secret: str) -> None:
    values = {name: value for name, value in GOOD.items() if name != key} | {f"{key}_file": secret}
    text = told(values)
    assert f"{key}_file: cannot read" in text
    assert MARK not in text


@pytest.mark.parametrize("value", [f'["{MARK}"]', f'{{ inner = "{MARK}" }}', "12", "true", f'"{MARK}"'])
@pytest.mark.parametrize("key", sorted(SECRETS))
def test_secret__when_of_another_type_in_the_file__then_not_told(tmp_path: Path, key: str, value: str) -> None:
    path = tmp_path / "settings.toml"
    section, name = key.split(".")
    path.write_text(f"[{section}]\n{name} = {value}\n")
    others = {other: secret for other, secret in GOOD.items() if other != key}
    text = told(others, path)
    assert key in text
    assert MARK not in text


def test_secret__when_given_for_a_whole_section__then_not_told(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f'signer = "{MARK}"\n')
    assert MARK not in told({key: value for key, value in GOOD.items() if key != "signer.key"}, path)


@pytest.mark.parametrize(
    "line",
    [f'key = "{MARK}', f"key = {MARK}", f'key = "{MARK}" "x"', f'key = "{MARK}"\nkey = "{MARK}"', f'key "{MARK}"'],
)
def test_secret__when_the_file_is_no_toml__then_not_told(tmp_path: Path, line: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"[signer]\n{line}\n")
    assert MARK not in told(GOOD, path)


@pytest.mark.parametrize("key", ["chain.oracle", "history.coin_price_feed"])
@pytest.mark.parametrize("secret", sorted(SECRETS.values()))
def test_secret__when_pasted_into_the_field_of_an_address__then_not_told(key: str, secret: str) -> None:
    text = told(GOOD | {key: secret})
    assert f"{key}:" in text
    assert MARK not in text
