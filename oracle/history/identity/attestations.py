"""What others attest of a wallet in a registry of the Ethereum Attestation Service (EAS).

Anybody may attest anything: only attesters and schemas of the settings count. A wallet's attestations are found by the
registry's logs, which name recipient, attester and schema; whether they stand is read from the registry at the block.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import SocialRecord
from oracle.assessment.layouts import values_of
from oracle.assessment.request import Address, BlockRef
from oracle.history.configuration import AttestationSchema
from oracle.history.reading.abi import Event, Function, address_topic, topic_address
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.logs import Log, read_logs
from oracle.history.reading.reader import ChainReader

ATTESTED: Final = Event("Attested", ("address", "address", "bytes32", "bytes32"), ("bytes32",))
_ATTESTATION: Final = "(bytes32,bytes32,uint64,uint64,uint64,bytes32,address,address,bool,bytes)"
_GET: Final = Function("getAttestation", ("bytes32",), (_ATTESTATION,))
SCHEMA_REGISTRY: Final = Function("getSchemaRegistry", (), ("address",))
_TOPICS: Final = 4
_DAY: Final = 86_400


class Attestation(NamedTuple):
    """An attestation as the registry holds it; times in Unix seconds, 0: never."""

    uid: bytes
    schema: bytes
    time: int
    expiration_time: int
    revocation_time: int
    reference: bytes
    recipient: str
    attester: str
    revocable: bool
    data: bytes


class AttestationSource:
    """One EAS registry, and the schemas in it that count."""

    name = "attestations"

    def __init__(
        self, reader: ChainReader, registry: Address, schemas: Sequence[AttestationSchema], *, span_blocks: int
    ) -> None:
        self._reader = reader
        self._registry = registry
        self._schemas = schemas
        self._span_blocks = span_blocks

    async def read(self, wallet: Address, at: BlockRef) -> SocialRecord:
        """Return what stands attested of the wallet at the end of the block: each kind once, however often."""
        schemas = [one for one in self._schemas if one.start_block <= at.number]
        if not schemas:
            return SocialRecord()
        # A registry that is not there would log nothing, and so seem to know nothing.
        await self._reader.constant(self._registry, SCHEMA_REGISTRY, at.hash)
        pairs = {(one.schema, attester): one for one in schemas for attester in one.attesters}
        logs = await self._logs(wallet, schemas, at)
        told = [(log, pairs[_pair(log)]) for log in logs if _pair(log) in pairs]
        standing = await all_of(self._stands(wallet, log, schema, at) for log, schema in told)
        return SocialRecord(frozenset(one.verifies for (_, one), stands in zip(told, standing, strict=True) if stands))

    async def _logs(self, wallet: Address, schemas: Sequence[AttestationSchema], at: BlockRef) -> list[Log]:
        attesters = sorted({address_topic(attester) for one in schemas for attester in one.attesters})
        topics = [ATTESTED.topic, address_topic(wallet), attesters, sorted({one.schema for one in schemas})]
        first, found = min(one.start_block for one in schemas), []
        async for logs in read_logs(self._reader, [self._registry], topics, first, at.number, self._span_blocks):
            found += [log for log in logs if len(log.topics) == _TOPICS]
        return found

    async def _stands(self, wallet: Address, log: Log, schema: AttestationSchema, at: BlockRef) -> bool:
        (uid,) = ATTESTED.decode(log.data)
        (raw,) = await self._reader.call(self._registry, _GET, uid, block_hash=at.hash)
        held = Attestation(*raw)
        # The registry's own isAttestationValid only says that there is one: revocation and expiry are for its readers.
        expected = (uid, bytes.fromhex(schema.schema[2:]), wallet, _pair(log)[1])
        if (held.uid, held.schema, held.recipient.lower(), held.attester.lower()) != expected:
            raise HistoryIncomplete(
                f"registry {self._registry} logged attestation 0x{uid.hex()} in block {log.block_number} and holds "
                f"another, or none, at block {at.number}: ask another endpoint"
            )
        if held.revocation_time or (held.expiration_time and held.expiration_time <= at.timestamp):
            return False
        return _says_enough(schema, held.data, at.timestamp)


def _pair(log: Log) -> tuple[str, Address]:
    return log.topics[3], topic_address(log.topics[2])


def _says_enough(schema: AttestationSchema, data: bytes, now: int) -> bool:
    """Tell whether an attestation's data are of the schema's layout, and what they say is old and good enough."""
    if not schema.layout:
        return True
    values = values_of(schema.layout, data)
    return values is not None and _old(schema, values, now) and _good(schema, values)


def _old(schema: AttestationSchema, values: Mapping[str, Any], now: int) -> bool:
    if not schema.created_field:
        return True
    created = int(values[schema.created_field])
    # An account of the time before there were any, or of the future, is none.
    return 0 < created <= now - schema.minimum_age_days * _DAY


def _good(schema: AttestationSchema, values: Mapping[str, Any]) -> bool:
    if schema.flag_field and values[schema.flag_field] is not True:
        return False
    return not schema.standing_field or int(values[schema.standing_field]) >= schema.minimum_standing
