"""Settings: where they come from, which wins, and that each fault is explained by its key."""

from decimal import Decimal
from pathlib import Path

import pytest

from oracle.assessment.errors import ConfigurationFault
from oracle.config.errors import known_keys
from oracle.config.settings import Settings, load_settings

ADDRESS = "0x" + "ab" * 20
KEY = "0x" + "12" * 32
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141

FILE = f"""
[chain]
rpc_url = "https://rpc.example/file"
chain_id = 31337
oracle = "{ADDRESS}"

[history]
coin_price_feed = "{ADDRESS}"

[signer]
key = "{KEY}"
"""

MINIMAL = {
    "RISK_ORACLE_CHAIN__RPC_URL": "https://rpc.example/environment",
    "RISK_ORACLE_CHAIN__CHAIN_ID": "1",
    "RISK_ORACLE_CHAIN__ORACLE": ADDRESS,
    "RISK_ORACLE_HISTORY__COIN_PRICE_FEED": ADDRESS,
    "RISK_ORACLE_SIGNER__KEY": KEY,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "risk-oracle.toml"
    path.write_text(FILE)
    return path


def faults(file: Path | None = None, **environment: str) -> list[str]:
    """The lines of the refusal; the environment is given without its prefix."""
    with pytest.raises(ConfigurationFault) as refused:
        load_settings(file, {f"RISK_ORACLE_{name}": text for name, text in environment.items()})
    return str(refused.value).splitlines()


def faults_of(text: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "wrong.toml"
    path.write_text(FILE + text)
    return faults(path)


def test_load__when_the_environment_alone_has_all__then_no_file_is_needed() -> None:
    settings = load_settings(None, MINIMAL)
    assert settings.chain.rpc_url.get_secret_value() == "https://rpc.example/environment"
    assert settings.chain.chain_id == 1
    assert settings.chain.oracle == ADDRESS


def test_load__when_file_and_environment_differ__then_the_environment_wins_key_by_key(file: Path) -> None:
    settings = load_settings(file, {"RISK_ORACLE_CHAIN__CHAIN_ID": "5", "RISK_ORACLE_WORKER__CONCURRENCY": "9"})
    assert (settings.chain.chain_id, settings.worker.concurrency) == (5, 9)
    assert settings.chain.rpc_url.get_secret_value() == "https://rpc.example/file"


def test_load__when_other_variables_are_set__then_they_do_not_matter(file: Path) -> None:
    assert load_settings(file, {"PATH": "/bin", "RISKORACLE_X": "1"}) == load_settings(file, {})


def test_load__when_addresses_are_checksummed__then_stored_lower_case(file: Path) -> None:
    settings = load_settings(file, {"RISK_ORACLE_CHAIN__ORACLE": "0x" + "AB" * 20})
    assert settings.chain.oracle == ADDRESS


@pytest.mark.parametrize("key", [KEY, KEY[2:], f" {KEY}\n", KEY.upper().replace("0X", "0x")])
def test_key__when_written_in_a_usual_way__then_taken_in_one_form(file: Path, key: str) -> None:
    assert load_settings(file, {"RISK_ORACLE_SIGNER__KEY": key}).signer.key.get_secret_value() == KEY


@pytest.mark.parametrize("key", ["", "0x12", "zz" * 32, "00" * 32, f"{ORDER:064x}", "ff" * 32, KEY + "00"])
def test_key__when_not_a_key_of_the_curve__then_refused(file: Path, key: str) -> None:
    (line,) = faults(file, SIGNER__KEY=key)
    assert line.startswith("signer.key: is not a private key: expected")
    assert not key or key not in line


def test_fees__when_written_as_decimals__then_exact(file: Path) -> None:
    settings = load_settings(file, {"RISK_ORACLE_TRANSACTIONS__PRIORITY_FEE_GWEI": "0.000000001"})
    assert settings.transactions.priority_fee_gwei == Decimal("0.000000001")
    assert settings.transactions.max_fee_gwei == Decimal(200)


def test_fees__when_the_tip_is_above_the_limit__then_refused_because_nothing_would_be_sent(file: Path) -> None:
    (line,) = faults(file, TRANSACTIONS__PRIORITY_FEE_GWEI="300")
    assert line == ("transactions: priority_fee_gwei 300 is above max_fee_gwei 200: no transaction could be sent")


def test_fees__when_the_least_tip_is_above_the_most__then_refused(file: Path) -> None:
    (line,) = faults(file, TRANSACTIONS__PRIORITY_FEE_GWEI="3", TRANSACTIONS__MAX_PRIORITY_FEE_GWEI="2")
    assert line.startswith("transactions: priority_fee_gwei 3 is above max_priority_fee_gwei 2")


# ------------------------------------------------------------------ files that hold one value


def test_file_variable__when_set__then_its_content_without_the_newline(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("0x" + "34" * 32 + "\n")
    settings = load_settings(file, {"RISK_ORACLE_SIGNER__KEY_FILE": str(secret)})
    assert settings.signer.key.get_secret_value() == "0x" + "34" * 32


def test_file_key__when_in_the_settings_file__then_read_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    path = tmp_path / "settings.toml"
    path.write_text(FILE.replace(f'key = "{KEY}"', f'key_file = "{tmp_path / "key"}"'))
    assert load_settings(path, {}).signer.key.get_secret_value() == KEY


def test_file_variable__when_the_file_sets_the_plain_key__then_the_environment_wins(file: Path, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://rpc.example/secret-file\n")
    settings = load_settings(file, {"RISK_ORACLE_CHAIN__RPC_URL_FILE": str(tmp_path / "url")})
    assert settings.chain.rpc_url.get_secret_value() == "https://rpc.example/secret-file"


def test_plain_variable__when_the_file_names_a_file__then_the_environment_wins(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(FILE.replace(f'key = "{KEY}"', 'key_file = "/does/not/exist"'))
    assert load_settings(path, {"RISK_ORACLE_SIGNER__KEY": KEY}).signer.key.get_secret_value() == KEY


def test_file_variable__when_the_plain_one_is_set_too__then_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0x" + "34" * 32)
    (line,) = faults(file, SIGNER__KEY=KEY, SIGNER__KEY_FILE=str(tmp_path / "key"))
    assert line == "RISK_ORACLE_SIGNER__KEY_FILE: RISK_ORACLE_SIGNER__KEY is set as well; keep one of the two"


def test_file_key__when_the_plain_one_stands_beside_it__then_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (line,) = faults_of(f'key_file = "{tmp_path / "key"}"\n', tmp_path)
    assert line == "signer.key_file: key is set as well; keep one of the two"


def test_file_variable__when_there_is_no_such_file__then_path_and_cause(file: Path, tmp_path: Path) -> None:
    lines = faults(file, SIGNER__KEY_FILE=str(tmp_path / "absent"))
    assert f"signer.key_file: cannot read the file {tmp_path / 'absent'}: No such file or directory" in lines


def test_file_variable__when_the_file_is_no_text__then_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    assert any("it is not UTF-8 text" in line for line in faults(file, SIGNER__KEY_FILE=str(tmp_path / "key")))


def test_file_variable__when_no_setting_has_that_name__then_unknown(file: Path) -> None:
    (line,) = faults(file, CHAIN__RPC_FILE="/etc/hostname")
    assert line.startswith("RISK_ORACLE_CHAIN__RPC_FILE: is not a setting")


# ------------------------------------------------------------------ faults in words


def test_load__when_required_settings_are_missing__then_each_with_its_meaning() -> None:
    lines = faults(LOG__LEVEL="info")
    assert {line.partition(":")[0] for line in lines} == {
        "chain.rpc_url",
        "chain.chain_id",
        "chain.oracle",
        "history.coin_price_feed",
        "signer.key",
    }
    assert "signer.key: is required and not set (private key, hex)" in lines
    lines = faults(CHAIN__CHAIN_ID="1")
    assert "chain.oracle: is required and not set (address of the AIRiskOracle contract)" in lines


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("CHAIN__RPC_ULR", "RISK_ORACLE_CHAIN__RPC_URL"),
        ("CHIAN__RPC_URL", "RISK_ORACLE_CHAIN__RPC_URL"),
        ("CHAIN_RPC_URL", "RISK_ORACLE_CHAIN__RPC_URL"),
        ("WORKER__CONCURENCY", "RISK_ORACLE_WORKER__CONCURRENCY"),
        ("LOG__FORMT", "RISK_ORACLE_LOG__FORMAT"),
    ],
)
def test_variable__when_misspelt__then_the_nearest_name(file: Path, name: str, nearest: str) -> None:
    assert faults(file, **{name: "x"}) == [f"RISK_ORACLE_{name}: is not a setting; did you mean {nearest}?"]


def test_variable__when_nothing_is_near__then_remove_it(file: Path) -> None:
    assert faults(file, QQ="x") == ["RISK_ORACLE_QQ: is not a setting; remove it"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[worker]\nconcurency = 3", "worker.concurency: is not a setting; did you mean worker.concurrency?"),
        ("[loging]\nlevel = 'info'", "loging: is not a setting; did you mean log?"),
        ("[transaction]", "transaction: is not a setting; did you mean transactions?"),
        ("[log]\nlvl = 'info'", "log.lvl: is not a setting; did you mean log.level?"),
        (
            f"[[history.aave_v3]]\naddresses_provider = '{ADDRESS}'\npool = '{ADDRESS}'\nstart_blok = 1",
            "history.aave_v3.0.start_blok: is not a setting; did you mean history.aave_v3.0.start_block?",
        ),
    ],
)
def test_key__when_misspelt_in_the_file__then_the_nearest_name(text: str, line: str, tmp_path: Path) -> None:
    assert faults_of(text, tmp_path) == [line]


@pytest.mark.parametrize("section", sorted(Settings.model_fields))
def test_section__when_a_letter_is_doubled__then_the_right_section_is_named(section: str, tmp_path: Path) -> None:
    lines = faults_of(f"[{section}{section[-1]}]", tmp_path)
    assert f"{section}{section[-1]}: is not a setting; did you mean {section}?" in lines


@pytest.mark.parametrize("key", [key for key, _ in known_keys(Settings) if key.count(".") == 1])
def test_variable__when_a_letter_is_doubled__then_the_right_name_is_named(file: Path, key: str) -> None:
    name = "RISK_ORACLE_" + key.replace(".", "__").upper()
    (line,) = faults(file, **{(name + name[-1]).removeprefix("RISK_ORACLE_"): "1"})
    assert line == f"{name}{name[-1]}: is not a setting; did you mean {name}?"


def test_known_keys__when_listed__then_every_one_says_what_it_is() -> None:
    assert [key for key, description in known_keys(Settings) if not description] == []


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"CHAIN__ORACLE": "0x" + "00" * 20}, "chain.oracle: is the zero address: expected a contract's address"),
        ({"CHAIN__ORACLE": "0x12"}, "chain.oracle: '0x12' is not an address: expected 0x and 40 hex digits"),
        ({"CHAIN__CHAIN_ID": "mainnet"}, "chain.chain_id: Input should be a valid integer"),
        ({"CHAIN__CHAIN_ID": "0"}, "chain.chain_id: Input should be greater than 0"),
        ({"CHAIN__CONFIRMATIONS": "0"}, "chain.confirmations: Input should be greater than or equal to 1"),
        ({"CHAIN__POLL_SECONDS": "inf"}, "chain.poll_seconds: Input should be a finite number"),
        ({"CHAIN__WS_URL": "https://x"}, "chain.ws_url: is not an endpoint: expected a URL that starts with ws://"),
        ({"CHAIN__RPC_URL": "ftp://x"}, "chain.rpc_url: is not an endpoint: expected a URL that starts with http://"),
        ({"DATABASE__URL": "mysql://x"}, "database.url: is not an endpoint: expected a URL that starts with postgres"),
        ({"TRANSACTIONS__MAX_FEE_GWEI": "NaN"}, "transactions.max_fee_gwei: Input should be a finite number"),
        ({"LOG__LEVEL": "loud"}, "log.level: Input should be 'debug', 'info', 'warning' or 'error'"),
        ({"WEB__PORT": "70000"}, "web.port: Input should be less than or equal to 65535"),
    ],
)
def test_value__when_wrong__then_key_fault_and_meaning(file: Path, variables: dict[str, str], line: str) -> None:
    (said,) = faults(file, **variables)
    assert said.startswith(line)
    assert said.endswith(")"), "the setting's meaning is missing"


def test_load__when_there_are_several_faults__then_all_at_once(file: Path) -> None:
    lines = faults(file, CHAIN__CHAIN_ID="x", WEB__PORT="-1", BOGUS="1", SIGNER__KEY="k")
    assert {line.split(":")[0] for line in lines} == {
        "chain.chain_id",
        "web.port",
        "RISK_ORACLE_BOGUS",
        "signer.key",
    }


def test_load__when_sections_contradict_each_other_too__then_that_is_told_in_the_same_run(file: Path) -> None:
    lines = faults(file, HISTORY__NETWORK="ethereum", WEB__PORT="-1")
    assert {line.partition(" ")[0] for line in lines} == {"web.port:", "history.network"}
    (line,) = faults(file, HISTORY__NETWORK="ethereum")
    assert line.startswith("history.network ethereum has chain id 1, chain.chain_id says 31337")


def test_section__when_it_is_not_a_table__then_refused_even_with_variables_for_it(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("log = 'loud'\n" + FILE)
    lines = faults(path, LOG__LEVEL="info")
    assert [line.split(":")[0] for line in lines] == ["log"]


# ------------------------------------------------------------------ the file itself


def test_file__when_absent__then_its_name_and_the_option(tmp_path: Path) -> None:
    (line,) = faults(tmp_path / "absent.toml")
    assert line == f"settings file {tmp_path / 'absent.toml'} does not exist: name another with --config"


def test_file__when_it_is_a_folder__then_cannot_be_read(tmp_path: Path) -> None:
    (line,) = faults(tmp_path)
    assert line.startswith(f"settings file {tmp_path} cannot be read:")


def test_file__when_it_is_not_toml__then_the_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[chain]\nrpc_url = \n")
    (line,) = faults(path)
    assert line.startswith(f"settings file {path} is not valid TOML:")
    assert "line 2" in line


def test_file__when_it_is_not_utf8__then_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_bytes(b"[log]\nlevel = '\xff'\n")
    (line,) = faults(path)
    assert line.startswith(f"settings file {path} cannot be read:")


# ------------------------------------------------------------------ lists


def test_list_variable__when_json__then_every_entry_is_checked_and_taken(file: Path) -> None:
    text = f'[{{"name": "desk", "address": "{ADDRESS}"}}, {{"name": "other", "address": "{ADDRESS}"}}]'
    settings = load_settings(file, {"RISK_ORACLE_HISTORY__LENDERS": text})
    assert [lender.name for lender in settings.history.lenders] == ["desk", "other"]


def test_list_variable__when_an_entry_is_wrong__then_its_place_key_and_meaning(file: Path) -> None:
    lines = faults(file, HISTORY__LENDERS=f'[{{"name": "desk", "address": "{ADDRESS}"}}, {{"name": "x"}}]')
    assert lines == ["history.lenders.1.address: is required and not set (the lending contract)"]


@pytest.mark.parametrize("text", ["[", "desk", "[{'name': 'x'}]", ""])
def test_list_variable__when_not_json__then_the_variable_is_named(file: Path, text: str) -> None:
    (line,) = faults(file, HISTORY__LENDERS=text)
    assert line.startswith("RISK_ORACLE_HISTORY__LENDERS: is not a JSON list:")


def test_plain_variable__when_its_value_starts_with_a_bracket__then_it_is_no_list(file: Path) -> None:
    settings = load_settings(file, {"RISK_ORACLE_MODEL__NAME": "[odd] name"})
    assert settings.model.name == "[odd] name"


@pytest.mark.parametrize(
    "text",
    [
        "https://one.example/ https://two.example/",
        "https://one.example/\nhttps://two.example/\n",
        '["https://one.example/", "https://two.example/"]',
    ],
    ids=["in a line", "one a line", "JSON"],
)
def test_endpoints__when_several_in_a_text__then_all_in_order(text: str) -> None:
    settings = load_settings(None, {**MINIMAL, "RISK_ORACLE_CHAIN__RPC_URL": text})
    assert settings.chain.rpc_urls == ("https://one.example/", "https://two.example/")
    assert "example" not in str(settings.model_dump(mode="json")["chain"]["rpc_url"])
    assert "example" not in repr(settings.chain)


def test_endpoints__when_a_list_in_the_file__then_all_in_order(file: Path) -> None:
    text = file.read_text().replace('"https://rpc.example/file"', '["https://one.example/", "https://two.example/"]')
    file.write_text(text)
    assert load_settings(file, {}).chain.rpc_urls == ("https://one.example/", "https://two.example/")


def test_endpoints__when_one__then_a_list_of_it(file: Path) -> None:
    assert load_settings(file, {}).chain.rpc_urls == ("https://rpc.example/file",)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"RPC_URL": "https://one.example/ https://one.example/"}, "names an endpoint twice"),
        ({"RPC_URL": "https://one.example/ ftp://two.example/"}, "expected a URL that starts with http://"),
        ({"RPC_URL": "[https://one.example/]"}, "is not a JSON list of endpoints"),
        ({"RPC_URL": "[]"}, "expected a URL or a list of them"),
        ({"TWO_ENDPOINTS_AGREE": "true"}, "needs at least two endpoints"),
    ],
)
def test_endpoints__when_wrong__then_said_without_them(file: Path, values: dict[str, str], words: str) -> None:
    (said,) = faults(file, **{f"CHAIN__{name}": text for name, text in values.items()})
    assert words in said
    assert "example" not in said


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ('scheduler = "tls://fleet:8786"', "the three certificate files go together"),
        ('scheduler = "tcp://fleet:8786"\nauthority = "/a"\ncertificate = "/c"\nkey_file = "/k"', "go together"),
        ('authority = "/a"', "name all three, or none"),
        ('scheduler = "fleet:8786"', "proving.scheduler"),
        ("at_once = 0", "proving.at_once"),
    ],
)
def test_proving__with_a_fleet_that_cannot_be_meant__is_refused(file: Path, lines: str, why: str) -> None:
    file.write_text(f"{FILE}\n[proving]\n{lines}\n")
    with pytest.raises(ConfigurationFault, match=why):
        load_settings(file, {})
