"""Real events of the data folder, turned into the logs that the pools wrote: all of them are read, none doubled."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from oracle.assessment.request import Address
from oracle.history.exchanges import uniswap_v2, uniswap_v3
from oracle.history.lending import aave, aave_v2, aave_v3, comet_events, compound_v2, maker_events
from oracle.history.reading.abi import Event, address_topic
from oracle.history.reading.logs import Log
from tests.unit.history.log_of import log_of

DATA = Path(__file__).parents[4] / "shared" / "data"
NOBODY = "0x" + "00" * 20
ZERO = "0x" + "00" * 32

_EVENTS: dict[str, tuple[Event, ...]] = {
    "aave_v2_pool": (aave_v2.DEPOSIT, aave.WITHDRAW, aave_v2.BORROW, aave_v2.REPAY, aave_v2.FLASH_LOAN),
    "aave_v3_pool": (aave_v3.SUPPLY, aave_v3.BORROW, aave_v3.REPAY, aave_v3.FLASH_LOAN, aave.LIQUIDATION),
    "compound_v2_ctoken": (
        compound_v2.MINT,
        compound_v2.REDEEM,
        compound_v2.BORROW,
        compound_v2.REPAY,
        compound_v2.LIQUIDATION,
    ),
    "compound_v3_comet": (
        comet_events.SUPPLY,
        comet_events.WITHDRAW,
        comet_events.SUPPLY_COLLATERAL,
        comet_events.WITHDRAW_COLLATERAL,
        comet_events.ABSORB_DEBT,
        comet_events.ABSORB_COLLATERAL,
    ),
    "maker": (maker_events.BARK,),
    "uniswap_v2_pair": (uniswap_v2.SWAP,),
    "uniswap_v3_pool": (uniswap_v3.SWAP,),
    "erc20": (uniswap_v2.TRANSFER,),
}


def _file(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"the data file {path} is not here")
    return path


@pytest.mark.parametrize("contract", _EVENTS)
def test_topics__when_compared_with_the_address_book__then_the_same(contract: str) -> None:
    listed = json.loads(_file("contracts", "contracts.json").read_text())["events"][contract]
    for event in _EVENTS[contract]:
        assert listed[f"{event.name}({','.join(event.types)})"] == event.topic


def _log(record: dict[str, Any], index: int) -> Log:
    data = record["actionData"]
    asset, user = address_topic(Address(data["poolId"])), address_topic(Address(data["userId"]))
    amount = int(data["amount"])
    match record["action"]:
        case "deposit":
            return log_of(aave_v2.DEPOSIT, asset, user, ZERO, data=(data["userId"], amount), index=index)
        case "borrow":
            values = (data["userId"], amount, 2, int(data["borrowRate"]))
            return log_of(aave_v2.BORROW, asset, user, ZERO, data=values, index=index)
        case "repay":
            payer = address_topic(Address(data["repayerId"]))
            return log_of(aave_v2.REPAY, asset, user, payer, data=(amount,), index=index)
        case "redeemunderlying":
            receiver = address_topic(Address(data["toId"]))
            return log_of(aave.WITHDRAW, asset, user, receiver, data=(amount,), index=index)
    raise AssertionError(f"unknown action {record['action']}")


def test_aave_v2__when_the_raw_sample_is_read__then_every_amount_of_every_wallet() -> None:
    with gzip.open(_file("aave_v2_polygon_events_sample", "events.json.gz")) as stream:
        records = json.load(stream)
    read: Counter[tuple[str, ...]] = Counter()
    expected: Counter[tuple[str, ...]] = Counter()
    for index, record in enumerate(records):
        data = record["actionData"]
        expected[data["userId"], data["poolId"], record["action"]] += int(data["amount"])
        log = _log(record, index)
        user = log.topics[2]
        # The filter of a user finds the log, and one of another place does not.
        (query,) = [topics for topics in aave_v2.V2.queries(user) if log.topics[0] in (topics[0] or ())]
        assert query[2] == user
        moved = aave_v2.V2.moved(log)
        assert moved is not None
        read["0x" + user[-40:], moved[0], record["action"]] += moved[1]
    assert len(records) == 1_688
    assert read == expected


def test_aave__when_the_liquidations_are_read__then_the_collateral_that_was_taken() -> None:
    table = pd.read_parquet(_file("aave_liquidation_events", "aave_btc_collateral_with_tx_2022_2026.parquet"))
    taken = 0
    for row in table.itertuples():
        topics = [address_topic(Address(one)) for one in (row.collateral_asset_address, NOBODY, row.liquidatee)]
        values = (0, int(row.collateral_amount_raw), row.liquidator, False)
        for generation in (aave_v2.V2, aave_v3.V3):
            moved = generation.moved(log_of(aave.LIQUIDATION, *topics, data=values, block=row.block_number))
            assert moved == (row.collateral_asset_address, int(row.collateral_amount_raw))
        taken += int(row.collateral_amount_raw)
    assert taken == sum(int(raw) for raw in table.collateral_amount_raw)
    assert len(table) == 3_901


def test_aave_v2__when_the_older_liquidations_are_read__then_raw_amounts_not_the_dollar_columns() -> None:
    table = pd.read_parquet(_file("aave_liquidation_events", "aave_v2_ethereum_2020_2022.parquet"))
    asset = address_topic(Address("0x" + "aa" * 20))
    # A part of the table was divided by decimals already: its amounts are no events'.
    raw = table[table.principalAmount.str.isdigit() & table.collateralAmount.str.isdigit()]
    assert (len(table), len(raw)) == (9_035, 4_985)
    for row in raw.itertuples():
        values = (int(row.principalAmount), int(row.collateralAmount), NOBODY, False)
        log = log_of(aave.LIQUIDATION, asset, asset, address_topic(Address(row.user)), data=values)
        assert aave_v2.V2.moved(log) == ("0x" + "aa" * 20, int(row.collateralAmount))
        # The filter for a user's liquidations has the user where the event has it.
        assert aave_v2.V2.liquidations(log.topics[3]) == [[log.topics[0]], None, None, log.topics[3]]
