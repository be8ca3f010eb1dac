"""The registry of networks is well formed, agrees with what the sources read, and fills in settings."""

import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

import oracle.history
from oracle.assessment.errors import ConfigurationFault
from oracle.config.history import HistorySettings
from oracle.config.networks import REGISTRY, networks, registry
from oracle.config.settings import load_settings
from oracle.history.markets import CompoundV2Market
from oracle.history.reading.abi import Event
from oracle.pipeline.history import history_configuration

FACTS = Path(__file__).parents[4] / "shared" / "data" / "contracts" / "contracts.json"
CHAIN_IDS = {"ethereum": 1, "polygon": 137, "arbitrum": 42161, "optimism": 10, "base": 8453}
ROUNDED_TO = 10_000
PLACES = ("pool", "comptroller", "comet", "manager", "factory", "position_manager", "schema_uid")
ENVIRONMENT = {
    "RISK_ORACLE_CHAIN__RPC_URL": "https://rpc.example/",
    "RISK_ORACLE_CHAIN__CHAIN_ID": "1",
    "RISK_ORACLE_CHAIN__ORACLE": "0x" + "ab" * 20,
    "RISK_ORACLE_SIGNER__KEY": "0x" + "12" * 32,
    "RISK_ORACLE_HISTORY__NETWORK": "ethereum",
}


WORDS = ("name", "schema_uid", "verifies", "layout", "flag_field")


def addresses(value: object) -> list[str]:
    if isinstance(value, dict):
        return [found for key, entry in value.items() if key not in WORDS for found in addresses(entry)]
    if isinstance(value, list):
        return [found for entry in value for found in addresses(entry)]
    return [value] if isinstance(value, str) else []


def test_networks__then_the_five_with_their_chain_ids() -> None:
    assert {name: table["chain_id"] for name, table in networks().items()} == CHAIN_IDS


@pytest.mark.parametrize("name", CHAIN_IDS)
def test_network__then_its_addresses_have_their_checksum_and_the_settings_take_it(name: str) -> None:
    found = addresses(networks()[name])
    assert found
    assert [address for address in found if not is_checksum_address(address)] == []
    # Settings take no key that they do not know.
    settings = HistorySettings.model_validate({"network": name})
    assert settings.aave_v3


@pytest.mark.parametrize("name", CHAIN_IDS)
def test_network__then_each_market_has_a_start_block_rounded_down_and_addresses_of_its_own(name: str) -> None:
    markets = [market for several in networks()[name].values() if isinstance(several, list) for market in several]
    assert markets
    for market in markets:
        assert market["start_block"] > 0
        assert market["start_block"] % ROUNDED_TO == 0, market
    # Feeds may be shared, what logs a market's events may not.
    own = [value for market in markets for key, value in market.items() if key in PLACES]
    assert len(own) == len(set(own)) >= len(markets)


def test_compound_v2__then_the_oracles_changes_come_in_order_and_reach_the_source() -> None:
    for name in CHAIN_IDS:
        for market in networks()[name].get("compound_v2", []):
            changes = [market["start_block"], market.get("priced_since_block"), market.get("usd_since_block")]
            known = [block for block in changes if block is not None]
            assert known == sorted(set(known)), market
            assert ("usd_since_block" in market) == ("dollar_market" in market), market
    (compound,) = (
        market
        for market in history_configuration(load_settings(None, ENVIRONMENT).history, 1).lending
        if isinstance(market, CompoundV2Market)
    )
    assert (compound.priced_since_block, compound.usd_since_block) == (7_715_909, 10_678_765)
    assert compound.dollar_market == "0x39aa39c021dfbae8fac545936693ac917d5e7563"


@pytest.mark.parametrize("half", [{"usd_since_block": 9}, {"dollar_market": "0x" + "cd" * 20}])
def test_settings__when_the_dollar_before_a_change_of_unit_is_half_told__then_refused(half: dict[str, object]) -> None:
    market = {"comptroller": "0x" + "ab" * 20, **half}
    with pytest.raises(ValueError, match="usd_since_block and dollar_market belong together"):
        HistorySettings.model_validate({"coin_price_feed": "0x" + "ef" * 20, "compound_v2": [market]})


def test_registry__then_every_table_says_with_what_it_was_checked() -> None:
    tables = re.split(r"^(?=\[)", REGISTRY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    unchecked = [table.splitlines()[0] for table in tables if "# checked: " not in table]
    assert [table for table in unchecked if not table.startswith("[events.")] == []


def test_events__then_each_topic_is_its_signatures_hash() -> None:
    for events in registry()["events"].values():
        for signature, topic in events.items():
            assert topic == "0x" + keccak(text=signature).hex(), signature


def test_events__when_a_source_reads_one__then_it_is_in_the_registry() -> None:
    listed = {(sig, topic) for events in registry()["events"].values() for sig, topic in events.items()}
    read = {
        (f"{event.name}({','.join(event.types)})", event.topic)
        for module in pkgutil.walk_packages(oracle.history.__path__, "oracle.history.")
        for event in vars(importlib.import_module(module.name)).values()
        if isinstance(event, Event)
    }
    assert {"Borrow", "Repay", "LiquidationCall", "Bark", "Swap"} <= {name.partition("(")[0] for name, _ in read}
    assert read - listed == set()


def test_registry__when_the_facts_are_here__then_it_agrees_with_them() -> None:
    if not FACTS.is_file():
        pytest.skip(f"the facts are not here: {FACTS}")
    facts = json.loads(FACTS.read_text())
    listed = registry()["events"]
    assert {name: listed[name] for name in facts["events"]} == facts["events"]
    of_chain = {table["chain_id"]: table for table in networks().values()}
    ethereum = of_chain[1]
    assert ethereum["compound_v2"][0]["comptroller"].lower() == facts["compound_v2"]["Comptroller"]
    assert ethereum["compound_v2"][0]["dollar_market"].lower() == facts["compound_v2"]["cUSDC Token"]
    assert ethereum["compound_v3"][0]["comet"].lower() == facts["compound_v3"]["USDCv3 Token"]
    assert ethereum["maker"][0]["manager"].lower() == facts["maker"]["CDP Manager"]
    assert ethereum["uniswap_v2"][0]["factory"].lower() == facts["uniswap"]["Uniswap V2: Factory Contract"]
    for name, market in facts["aave"].items():
        listed = of_chain[market["chain_id"]]["aave_v2" if "V2" in name else "aave_v3"]
        assert (market["pool"], market["pool_addresses_provider"]) in {
            (one["pool"], one["addresses_provider"]) for one in listed
        }


def test_settings__when_they_name_a_network__then_its_values_and_their_own_before_them() -> None:
    settings = load_settings(None, ENVIRONMENT)
    assert settings.history.aave_v3[0].pool == "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
    assert settings.history.ens_registry is not None
    feed = "0x" + "cd" * 20
    own = load_settings(None, {**ENVIRONMENT, "RISK_ORACLE_HISTORY__COIN_PRICE_FEED": feed})
    assert own.history.coin_price_feed == feed
    assert own.history.aave_v3 == settings.history.aave_v3


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HISTORY__NETWORK", "etherium", "expected one of ethereum, polygon"),
        ("CHAIN__CHAIN_ID", "10", "history.network ethereum has chain id 1, chain.chain_id says 10"),
    ],
)
def test_settings__when_the_network_does_not_fit__then_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigurationFault, match=words):
        load_settings(None, {**ENVIRONMENT, f"RISK_ORACLE_{name}": value})
