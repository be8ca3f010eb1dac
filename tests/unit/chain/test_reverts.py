"""Every refusal of the contracts in words: the error's name and its arguments by name."""

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError

from oracle.chain.abi import abi
from oracle.chain.reverts import explain_revert, from_web3

CONTRACTS = (
    "AIRiskOracle",
    "ModelRegistry",
    "SmartLending",
    "IssuerRegistry",
    "AcceptedIssuers",
    "ApprovalRegistry",
    "AcceptedApprovals",
)
ERRORS = {
    (entry["name"], tuple(collapse_if_tuple(item) for item in entry["inputs"])): [
        item["name"] for item in entry["inputs"]
    ]
    for contract in CONTRACTS
    for entry in abi(contract)
    if entry["type"] == "error"
}


def selector(name: str, types: tuple[str, ...]) -> bytes:
    return keccak(text=f"{name}({','.join(types)})")[:4]


def sample(kind: str, number: int) -> tuple[Any, str]:
    """A value of a type, told apart by `number`, and how it must be shown."""
    if kind == "address":
        return "0x" + f"{number:040x}", "0x" + f"{number:040x}"
    if kind == "bytes32":
        return number.to_bytes(32, "big"), "0x" + f"{number:064x}"
    if kind == "bytes":
        return number.to_bytes(2, "big"), f"0x{number:04x}"
    if kind == "string":
        return f"text {number}", f"text {number}"
    assert kind.startswith(("uint", "int")), f"no sample of {kind}: teach this test"
    value = -number if kind.startswith("int") else number
    return value, str(value)


def test_errors__when_listed__then_the_contracts_have_many() -> None:
    assert len(ERRORS) > 50


@pytest.mark.parametrize(("key", "labels"), ERRORS.items(), ids=[name for name, _ in ERRORS])
def test_explain__when_a_custom_error_of_the_abi__then_its_name_and_arguments(
    key: tuple[str, tuple[str, ...]], labels: list[str]
) -> None:
    name, types = key
    samples = [sample(kind, index + 11) for index, kind in enumerate(types)]
    refused = explain_revert(selector(name, types) + encode(types, [value for value, _ in samples]))
    shown = ", ".join(f"{label}={text}" for label, (_, text) in zip(labels, samples, strict=True))
    assert refused.name == name
    assert str(refused) == f"the contract reverted: {name}({shown})"


def test_explain__when_arguments_are_cut_off__then_the_name_alone() -> None:
    name, types = next(key for key in ERRORS if len(key[1]) == 2)
    refused = explain_revert(selector(name, types) + bytes(31))
    assert (refused.name, str(refused)) == (name, f"the contract reverted: {name}")


def test_explain__when_a_text_is_not_utf8__then_the_name_alone() -> None:
    data = selector("InvalidSetting", ("string", "uint256")) + encode(("bytes", "uint256"), (b"\xff\xfe", 1))
    assert explain_revert(data).name == "InvalidSetting"


def test_explain__when_require_gave_a_text__then_the_text() -> None:
    refused = explain_revert(bytes.fromhex("08c379a0") + encode(["string"], ["too late"]))
    assert str(refused) == "the contract reverted: Error(message=too late)"


def test_explain__when_an_assertion_failed__then_panic_and_its_code() -> None:
    refused = explain_revert(bytes.fromhex("4e487b71") + encode(["uint256"], [0x11]))
    assert str(refused) == "the contract reverted: Panic(code=17)"


def test_explain__when_unknown__then_the_data_in_full_for_a_search() -> None:
    refused = explain_revert(bytes.fromhex("deadbeef01"))
    assert (refused.name, str(refused)) == ("", "the contract reverted with 0xdeadbeef01")


def test_explain__when_there_are_no_data__then_it_says_so_without_a_bare_0x() -> None:
    assert str(explain_revert(b"")) == "the contract reverted"


@given(st.sampled_from([selector(*key) for key in ERRORS]), st.binary(max_size=200))
def test_explain__when_data_are_garbage__then_still_a_refusal(start: bytes, rest: bytes) -> None:
    assert explain_revert(start + rest).name in {name for name, _ in ERRORS}


def test_from_web3__when_a_custom_error__then_explained() -> None:
    data = "0x" + (selector("ZeroPrincipal", ())).hex()
    refused = from_web3(ContractCustomError(data, data=data))
    assert (refused.name, str(refused)) == ("ZeroPrincipal", "the contract reverted: ZeroPrincipal()")


def test_from_web3__when_a_panic__then_explained() -> None:
    data = "0x4e487b71" + (0x32).to_bytes(32, "big").hex()
    assert "Panic(code=50)" in str(from_web3(ContractPanicError("Panic error 0x32", data=data)))


def test_from_web3__when_there_are_no_data__then_web3s_words() -> None:
    assert str(from_web3(ContractLogicError("execution reverted: no"))) == (
        "the contract reverted: execution reverted: no"
    )
    assert str(from_web3(ContractLogicError())) == "the contract reverted: no reason given"
