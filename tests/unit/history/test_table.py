"""The published history table: canonical, read back whole, and its hash sees all that features depend on."""

import hashlib
import json
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import pytest

from oracle.assessment.errors import ConfigurationFault
from oracle.config.history import HistorySettings
from oracle.config.networks import networks
from oracle.history.configuration import AttestationSchema, HistoryConfiguration, TermLender
from oracle.history.table import configuration_of, encode_table, plain_table, table_hash
from oracle.pipeline.history import history_configuration

SCHEMA = AttestationSchema(
    "person", "0x" + "ea" * 20, "0x" + "5c" * 32, ("0x" + "ac" * 20,), "personhood", 9, "uint64 since", "since"
)
LENDER = TermLender("lender", "0x" + "ab" * 20, 7)


def of(network: str) -> HistoryConfiguration:
    settings = HistorySettings.model_validate({"network": network})
    return replace(history_configuration(settings, networks()[network]["chain_id"]), term_lenders=(LENDER,))


@pytest.mark.parametrize("network", networks())
def test_table__when_read_back__then_points_at_the_same(network: str) -> None:
    configuration = of(network)
    table = json.loads(encode_table(plain_table(configuration)))
    read = configuration_of(table)
    assert plain_table(read) == plain_table(configuration)
    assert table_hash(read) == table_hash(configuration)
    assert table_hash(read) == "0x" + hashlib.sha256(encode_table(table)).hexdigest()


def test_table__when_it_names_attestations__then_they_are_read_back_and_another_table_stays_as_it_was() -> None:
    plain = of("ethereum")
    configuration = replace(plain, attestations=(SCHEMA,))
    assert configuration_of(json.loads(encode_table(plain_table(configuration)))).attestations == (SCHEMA,)
    # What was published before there were any is the same table still.
    assert "attestations" not in encode_table(plain_table(plain)).decode()


def test_table__when_only_how_to_read_differs__then_one_hash() -> None:
    configuration = of("ethereum")
    other = replace(configuration, logs_span_blocks=7, transactions_page=3, api_page=9)
    turned = replace(other, lending=tuple(reversed(other.lending)), exchanges=tuple(reversed(other.exchanges)))
    assert table_hash(turned) == table_hash(configuration)


def test_table__when_anything_that_is_read_differs__then_another_hash() -> None:
    configuration = of("ethereum")
    hashes = {table_hash(configuration)}
    changes: list[dict[str, Any]] = [
        {"chain_id": 2},
        {"coin_price_feed": replace(configuration.coin_price_feed, max_age_seconds=None)},
        {"aave_v3": (), "token_prices": None},
        {"lending": configuration.lending[1:]},
        {"exchanges": configuration.exchanges[1:]},
        {"term_lenders": ()},
        {"term_lenders": (replace(LENDER, start_block=8),)},
        {"ens_registry": None},
        {"attestations": (SCHEMA,)},
        {"attestations": (replace(SCHEMA, attesters=("0x" + "ad" * 20,)),)},
        {"attestations": (replace(SCHEMA, minimum_age_days=1),)},
    ]
    changes += [
        {"lending": (replace(one, start_block=one.start_block + 1), *configuration.lending[1:])}
        for one in configuration.lending[:1]
    ]
    for change in changes:
        hashes.add(table_hash(replace(configuration, **change)))
    assert len(hashes) == len(changes) + 1
    known = {field.name for field in fields(HistoryConfiguration)}
    how_to_read = {"logs_span_blocks", "transactions_page", "api_page"}
    # A field more must be decided on: part of the table, or how to read.
    assert known - how_to_read == {
        *("chain_id", "coin_price_feed", "aave_v3", "lending", "exchanges", "term_lenders", "token_prices"),
        *("ens_registry", "attestations"),
    }


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("read", 0, "kind"), "spark", "kind 'spark', which this release does not read"),
        (("read", 0, "start_block"), "seven", "start_block is 'seven', expected a whole number"),
        (("read", 0, "pool"), "0x12", "'0x12' is not an address"),
        (("read", 0, "bonus"), 1, "incomplete or of another release"),
        (("token_prices",), "nobody", "incomplete or of another release"),
        (("more",), 1, "holds more than this release knows"),
    ],
)
def test_table__when_wrong__then_says_where(path: tuple[Any, ...], value: object, message: str) -> None:
    table = deepcopy(plain_table(of("ethereum")))
    place = table
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ConfigurationFault, match=message):
        configuration_of(table)
