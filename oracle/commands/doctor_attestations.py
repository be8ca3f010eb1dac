"""The schemas of attestations as the doctor sees them: whether their registries hold them, and as the settings say."""

from typing import Final

from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.layouts import LayoutFault, normal
from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.commands.findings import Findings
from oracle.config.attestations import AttestationSettings
from oracle.config.settings import AuditSettings
from oracle.history.identity.attestations import SCHEMA_REGISTRY
from oracle.history.reading.abi import Function
from oracle.history.reading.reader import ChainReader

_GET_SCHEMA: Final = Function("getSchema", ("bytes32",), ("(bytes32,address,bool,string)",))


def attestation_subjects(settings: AuditSettings) -> list[str]:
    """Return what is looked at, by name."""
    return [_subject(one) for one in settings.history.attestations]


async def examine_attestations(findings: Findings, w3: AsyncWeb3[AsyncHTTPProvider], settings: AuditSettings) -> None:
    """Look at each schema of history.attestations: its registry, that it is registered, and its layout."""
    for one in settings.history.attestations:
        await findings.ask(_subject(one), _examine(findings, w3, one))


async def _examine(findings: Findings, w3: AsyncWeb3[AsyncHTTPProvider], one: AttestationSettings) -> None:
    reader, uid = ChainReader(w3), bytes.fromhex(one.schema_uid[2:])
    with rpc.endpoint_faults():
        head = await rpc.block_ref(w3, "latest")
        (schemas,) = await reader.call(Address(one.registry), SCHEMA_REGISTRY, block_hash=head.hash)
        (held,) = await reader.call(Address(str(schemas).lower()), _GET_SCHEMA, uid, block_hash=head.hash)
    registered, _, revocable, layout = held
    if registered != uid:
        findings.fault(
            _subject(one),
            f"schema {one.schema_uid} is not registered with {one.registry}: nothing can be attested by it",
            "correct schema_uid or registry",
        )
    elif one.layout and normal(one.layout) != _normal(layout):
        findings.fault(
            _subject(one), f"the schema is registered as {layout[:200]!r}, its layout says {one.layout!r}", "correct it"
        )
    elif not revocable:
        findings.warn(
            _subject(one), "attestations by this schema cannot be revoked", "see that they expire, or take another"
        )
    else:
        findings.ok(_subject(one), f"{one.verifies}, by {len(one.attesters)} attesters: {layout[:200]}")


def _normal(layout: str) -> str:
    try:
        return normal(layout)
    except LayoutFault:
        return layout


def _subject(one: AttestationSettings) -> str:
    return f"attestations {one.name}"
