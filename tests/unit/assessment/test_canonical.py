"""One history, one sequence of bytes: the order of what went in and the database's detour change nothing."""

import json
from dataclasses import replace

import pytest

from oracle.assessment.canonical import encode, history_hash, plain, restore
from oracle.assessment.errors import InvalidFeature
from oracle.assessment.history import (
    ExchangeHistory,
    LendingHistory,
    MarketState,
    SocialRecord,
    TermLoanHistory,
    TransactionHistory,
    WalletHistory,
)
from oracle.assessment.request import Address, BlockRef

ONE, TWO = Address("0x" + "11" * 20), Address("0x" + "22" * 20)


def history(prices: dict[Address, int], protocols: list[str]) -> WalletHistory:
    return WalletHistory(
        chain_id=1,
        wallet=ONE,
        block=BlockRef(7, "0x" + "ab" * 32, 1_700_000_000),
        lending=LendingHistory(supplied_usd=2**80, protocols=frozenset(protocols)),
        term_loans=TermLoanHistory(),
        transactions=TransactionHistory(sent_count=3),
        social=SocialRecord(),
        market=MarketState(coin_price_usd=1, token_prices_usd=prices),
    )


def test_encoding__when_collections_are_built_in_another_order__then_same_bytes() -> None:
    first = history({ONE: 1, TWO: 2}, ["aave-v3", "compound", "uniswap"])
    second = history({TWO: 2, ONE: 1}, ["uniswap", "compound", "aave-v3"])
    assert encode(plain(first)) == encode(plain(second))


def test_encoding__when_read_back_from_json__then_same_hash() -> None:
    stored = plain(history({ONE: 10**30}, ["aave-v3"]))
    assert history_hash(json.loads(json.dumps(stored, indent=3))) == history_hash(stored)


def test_encoding__then_ascii_sorted_without_spaces_and_integers_in_full() -> None:
    text = encode(plain(history({}, ["aave-v3"]))).decode("ascii")
    assert " " not in text
    assert f'"supplied_usd":{2**80}' in text
    assert text.index('"block"') < text.index('"chain_id"') < text.index('"wallet"')


def test_hash__when_one_number_differs__then_another() -> None:
    one = history({}, [])
    other = replace(one, transactions=replace(one.transactions, sent_count=4))
    assert history_hash(plain(one)) != history_hash(plain(other))


def test_encoding__when_a_float_slipped_in__then_refused_by_its_place() -> None:
    stored = plain(history({}, []))
    stored["market"]["coin_price_usd"] = 1.5
    with pytest.raises(InvalidFeature, match=r"history\.market\.coin_price_usd is 1\.5"):
        encode(stored)


def full_history() -> WalletHistory:
    base = history({ONE: 1, TWO: 2}, ["aave-v3", "compound"])
    return replace(
        base,
        lending=replace(base.lending, health_factor_wad=2**70, first_borrow_at=5),
        exchanges=ExchangeHistory(swap_count=2, protocols=frozenset({"uniswap-v3"})),
        social=SocialRecord(frozenset({"ens"})),
    )


def test_restore__what_was_stored__is_the_history_again() -> None:
    assert restore(json.loads(json.dumps(plain(full_history())))) == full_history()


def test_restore__of_an_older_release__has_defaults_for_what_that_did_not_know() -> None:
    stored = plain(full_history())
    del stored["exchanges"], stored["market"]["token_decimals"]
    restored = restore(stored)
    assert (restored.exchanges, restored.market.token_decimals) == (ExchangeHistory(), {})


def test_restore__of_a_newer_release_or_damaged__says_what_does_not_fit() -> None:
    stored = plain(full_history())
    with pytest.raises(InvalidFeature, match=r"history\.lending holds \['points'\]"):
        restore(stored | {"lending": stored["lending"] | {"points": 1}})
    with pytest.raises(InvalidFeature, match=r"history\.block is incomplete .*hash"):
        restore(stored | {"block": {"number": 1, "timestamp": 2}})
