"""A registered model is refused where registry, verifier and folder say different things."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from eth_utils.crypto import keccak

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address
from oracle.chain.contracts import ModelState, RegisteredModel, Statement
from oracle.config.model import ModelSettings
from oracle.models import registry
from oracle.pipeline.models import check_facts, chosen_model, chosen_shadow

CODE = b"\x60\x00"


class Node:
    """A node on which one contract stands."""

    class eth:  # noqa: N801 - as web3 has it
        @staticmethod
        async def get_code(_: object) -> bytes:
            return CODE

    @staticmethod
    def to_checksum_address(address: str) -> str:
        return address


def registered() -> RegisteredModel:
    """The shipped model as a registry should hold it."""
    model = registry.load()
    return RegisteredModel(
        verifier=Address("0x" + "12" * 20),
        verifier_code_hash=keccak(CODE),
        feature_spec_hash=model.feature_spec_hash,
        neutral_commitment=model.neutral_commitment,
        output_scales=model.output_scales,
        batch_size=1,
        statement=Statement.COMMITTED,
        state=ModelState.ACTIVE,
        activatable_at=0,
    )


def registry_with(primary: bytes | None, shadow: bytes | None = None, **changes: Any) -> Any:
    async def active() -> tuple[bytes | None, bytes | None]:
        return primary, shadow

    async def model(_: bytes) -> RegisteredModel:
        return replace(registered(), **changes)

    return SimpleNamespace(address="0x" + "34" * 20, active=active, model=model)


async def test_facts__that_agree__are_taken() -> None:
    await check_facts(Node(), registered(), registry.load())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_size": 2}, "its batch size is 2 in the registry and 1 here"),
        ({"statement": Statement.OPEN}, "its statement is open in the registry and committed here"),
        ({"feature_spec_hash": bytes(32)}, "its feature spec hash is 0000"),
        ({"output_scales": (1,) * 10}, "its output scales is (1, 1"),
        ({"neutral_commitment": 5}, "its neutral commitment is 5 in the registry"),
        ({"verifier_code_hash": bytes(32)}, "is not what was registered: do not use this oracle"),
        ({"state": ModelState.PROPOSED}, "is not active in registry 0x3434"),
    ],
)
async def test_facts__that_differ__are_named(changes: dict[str, Any], said: str) -> None:
    model = registry.load()
    with pytest.raises(ConfigurationFault) as refused:
        await chosen_model(Node(), registry_with(model.model_id, **changes), ModelSettings())  # type: ignore[arg-type]
    assert said in str(refused.value)
    assert f"credit-v1 (0x{model.model_id.hex()})" in str(refused.value)


async def test_choice__without_an_active_model__says_how_to_have_one() -> None:
    with pytest.raises(ConfigurationFault, match=r"has no active model.*models promote"):
        await chosen_model(Node(), registry_with(None), ModelSettings())  # type: ignore[arg-type]


async def test_shadow__is_the_registrys_other_active_one_unless_it_is_named_or_off() -> None:
    own, other = registry.load().model_id, b"\x01" * 32
    assert await chosen_shadow(registry_with(own), ModelSettings(), own) is None
    assert await chosen_shadow(registry_with(own, other), ModelSettings(shadow="off"), own) is None
    found = await chosen_shadow(registry_with(other, own), ModelSettings(), other)
    assert found == registry.load()
    assert await chosen_shadow(registry_with(own, other), ModelSettings(shadow="credit-v1"), own) is None
    with pytest.raises(ConfigurationFault, match=rf"0x{other.hex()} is not here"):
        await chosen_shadow(registry_with(own, other), ModelSettings(), own)
