"""Selectors, topics and namehashes against values published elsewhere, and against this project's own contracts."""

import json
from pathlib import Path

import pytest

from oracle.assessment.request import to_address
from oracle.history.identity.ens import namehash
from oracle.history.lending import aave, aave_v2, aave_v3, term_loans
from oracle.history.reading.abi import Event, Function, address_topic, topic_address

_ABI = Path(__file__).parents[3] / "oracle" / "chain" / "abi"


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        (aave_v3.SUPPLY, "0x2b627736bca15cd5381dcf80b0bf11fd197d01a037c52b927a881a10fb73ba61"),
        (aave.WITHDRAW, "0x3115d1449a7b732c986cba18244e897a450f61e1bb8d589cd2e69e6c8924f9f7"),
        (aave_v3.BORROW, "0xb3d084820fb1a9decffb176436bd02558d15fac9b0ddfed8c465bc7359d7dce0"),
        (aave_v3.REPAY, "0xa534c8dbe71f871f9f3530e97a74601fea17b426cae02e1c5aee42c96c784051"),
        (aave.LIQUIDATION, "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"),
        (aave_v2.DEPOSIT, "0xde6857219544bb5b7746f48ed30be6386fefc61b2f864cacf559893bf50fd951"),
        (aave_v2.BORROW, "0xc6a898309e823ee50bac64e45ca8adba6690e99e7841c45d754e2a38e9019d9b"),
        (aave_v2.REPAY, "0x4cdde6e09bb755c9a5589ebaec640bbfedff1362d4b255ebf8339782b9942faa"),
        (aave_v2.FLASH_LOAN, "0x631042c832b07452973831137f2d73e395028b44b250dedc5abb0ee766e168ac"),
    ],
    ids=lambda value: value.name if isinstance(value, Event) else "",
)
def test_topic__when_event_is_aaves__then_the_one_on_mainnet(event: Event, topic: str) -> None:
    assert event.topic == topic


@pytest.mark.parametrize("event", [term_loans.LOAN_APPROVED, term_loans.LOAN_REPAID, term_loans.LOAN_DEFAULTED])
def test_event__when_the_lenders__then_as_its_abi_says(event: Event) -> None:
    abi = json.loads((_ABI / "SmartLending.json").read_text())
    (declared,) = [entry for entry in abi if entry["type"] == "event" and entry["name"] == event.name]
    assert event.types == tuple(parameter["type"] for parameter in declared["inputs"])
    assert [parameter["name"] for parameter in declared["inputs"] if parameter["indexed"]] == ["loanId", "borrower"]
    assert event.data == tuple(parameter["type"] for parameter in declared["inputs"] if not parameter["indexed"])


def test_call_data__when_arguments_are_given__then_selector_and_words() -> None:
    balance_of = Function("balanceOf", ("address",), ("uint256",))
    holder = "0x" + "ab" * 20
    assert balance_of.call_data(holder) == "0x70a08231" + holder[2:].rjust(64, "0")
    assert balance_of.decode((7).to_bytes(32, "big")) == (7,)


def test_address_topic__when_read_back__then_the_same() -> None:
    wallet = to_address("0x" + "0c" * 20)
    assert topic_address(address_topic(wallet)) == wallet
    assert len(address_topic(wallet)) == 66


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("eth", "93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae"),
        ("foo.eth", "de9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f"),
        ("addr.reverse", "91d1777781884d03a6757a803996e38de2a42967fb37eeaca72729271025a9e2"),
    ],
)
def test_namehash__when_name_is_in_the_standard__then_its_node(name: str, node: str) -> None:
    assert namehash(name).hex() == node
