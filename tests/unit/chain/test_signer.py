"""The operator's key: what it signs can be recovered, and nothing ever shows it."""

import logging
import pickle
import traceback

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.report import Domain, decline_message
from oracle.assessment.request import Address
from oracle.chain.fees import Fees
from oracle.chain.signer import Call, Signer

KEY = "0x" + "c0ffee" * 10 + "beef"
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
MESSAGE = decline_message(Domain(31337, Address("0x" + "ab" * 20)), 7, b"r" * 32, 2, b"s" * 32)
CALL = Call(Address("0x" + "ab" * 20), b"\x01\x02", 100_000)
FEES = Fees(30, 2)


def test_signer__when_made__then_its_address_is_stored_lower_case() -> None:
    assert Signer(KEY).address == Account.from_key(KEY).address.lower()


def test_sign_message__when_recovered__then_the_signer_with_low_s() -> None:
    signature = Signer(KEY).sign_message(MESSAGE)
    recovered = Account.recover_message(encode_typed_data(full_message=MESSAGE), signature=signature)
    assert recovered.lower() == Signer(KEY).address
    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2


def test_sign_transaction__when_decoded__then_every_field_is_what_was_asked() -> None:
    signed = Signer(KEY).sign_transaction(CALL, 31337, 5, FEES)
    fields = TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()
    assert {name: fields[name] for name in ("chainId", "nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas")} == {
        "chainId": 31337,
        "nonce": 5,
        "gas": 100_000,
        "maxFeePerGas": 30,
        "maxPriorityFeePerGas": 2,
    }
    assert (bytes(fields["to"]).hex(), bytes(fields["data"]), fields["value"]) == ("ab" * 20, b"\x01\x02", 0)
    assert Account.recover_transaction(signed.raw).lower() == Signer(KEY).address


def test_sign_transaction__when_signed_twice__then_the_same_bytes_and_hash() -> None:
    assert Signer(KEY).sign_transaction(CALL, 1, 5, FEES) == Signer(KEY).sign_transaction(CALL, 1, 5, FEES)
    other = Signer(KEY).sign_transaction(CALL, 1, 6, FEES)
    assert other.hash != Signer(KEY).sign_transaction(CALL, 1, 5, FEES).hash


def test_signer__when_shown__then_the_address_and_never_the_key() -> None:
    signer = Signer(KEY)
    shown = [repr(signer), str(signer), f"{[signer]}", f"{vars(signer)}"]
    assert signer.address in shown[0]
    assert not any(KEY[2:] in text for text in shown)


@pytest.mark.parametrize("key", ["0x" + "c0ffee" * 3, "0x" + f"{ORDER:064x}", "0x" + "00" * 32, "zz" + "c0ffee" * 10])
def test_signer__when_the_key_is_wrong__then_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigurationFault, match=r"signer\.key is not a private key") as refused:
        Signer(key)
    told = "".join(traceback.format_exception(refused.value))
    assert "c0ffee" not in told
    assert f"{ORDER:x}" not in told


def test_sign_transaction__when_it_cannot_be_signed__then_the_error_does_not_show_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception) as refused:  # noqa: PT011
        Signer(KEY).sign_transaction(CALL, 1, -5, FEES)
    told = "".join(traceback.format_exception(refused.value)) + caplog.text
    assert KEY[2:] not in told.lower()


def test_signer__when_pickled__then_refused() -> None:
    # A process pool must never get the key by accident.
    with pytest.raises(TypeError, match="never leaves"):
        pickle.dumps(Signer(KEY))
