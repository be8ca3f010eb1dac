"""MakerDAO's notes and barks, on encoded bytes: its contracts come in no package to run here."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD
from oracle.history.lending.maker import Terms, VaultActivity
from oracle.history.lending.maker_events import BARK, FROB, FROB_TOPIC, VaultChange, vault_change
from oracle.history.reading.abi import address_topic
from oracle.history.reading.logs import Log
from tests.unit.history.log_of import CONTRACT, log_of

ILK = b"ETH-A".ljust(32, b"\0")
WAD, RAY = 10**18, 10**27


def frob(dink: int, dart: int) -> Log:
    """Return the note that the vat's `note` modifier writes: 224 bytes of the call's data, without indexing them."""
    call = FROB.selector + encode(FROB.inputs, (ILK, CONTRACT, CONTRACT, CONTRACT, dink, dart))
    payload = (32).to_bytes(32, "big") + (224).to_bytes(32, "big") + call.ljust(224, b"\0")
    topics = (FROB_TOPIC, "0x" + ILK.hex(), address_topic(CONTRACT), address_topic(CONTRACT))
    return Log(CONTRACT, topics, payload, 7, "0x" + "07" * 32, 0)


def test_frob_topic__when_computed__then_the_vats_selector_and_zeros() -> None:
    assert FROB_TOPIC == "0x76088703" + "00" * 28


@pytest.mark.parametrize("change", [VaultChange(5 * WAD, 4_000 * WAD), VaultChange(-WAD, 0), VaultChange(0, -9 * WAD)])
def test_vault_change__when_a_note__then_its_signed_changes(change: VaultChange) -> None:
    assert vault_change(frob(change.collateral, change.debt)) == change


def test_vault_change__when_the_note_is_cut__then_an_error_not_zero() -> None:
    whole = frob(WAD, WAD)
    with pytest.raises(HistoryIncomplete, match="block 7"):
        vault_change(replace(whole, data=whole.data[:200]))


def test_sums__when_changes_are_added__then_dollars_at_the_blocks_terms() -> None:
    # Ether at 3,000 USD with a ratio of 150 %, and a debt that grew by 10 %.
    terms = Terms(rate=RAY * 11 // 10, spot=2_000 * RAY, ratio=RAY * 3 // 2)
    sums = VaultActivity()
    for dink, dart in ((5 * WAD, 4_000 * WAD), (-WAD, -1_000 * WAD)):
        sums.add(vault_change(frob(dink, dart)), terms, frob(dink, dart))
    assert (sums.supplied_usd, sums.withdrawn_usd) == (15_000 * USD, 3_000 * USD)
    assert (sums.borrowed_usd, sums.repaid_usd, sums.events) == (4_400 * USD, 1_100 * USD, 2)
    assert terms.backing_usd(5 * WAD) == 10_000 * USD


def test_bark__when_decoded__then_collateral_first() -> None:
    topics = ("0x" + ILK.hex(), address_topic(CONTRACT), "0x" + "00" * 31 + "2a")
    log = log_of(BARK, *topics, data=(3 * WAD, 5_000 * WAD, 5_500 * 10**45, CONTRACT))
    assert BARK.decode(log.data)[0] == 3 * WAD
