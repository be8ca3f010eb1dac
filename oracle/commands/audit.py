"""The audit of an answer: the features of any wallet at any block, to the same bytes from whoever has the chain."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment import canonical
from oracle.assessment.engineering import engineer
from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, InvalidRequest
from oracle.assessment.features import FEATURES
from oracle.assessment.request import Address, AssessmentRequest, BlockRef, LoanTerms
from oracle.chain import rpc
from oracle.chain.contracts import NoAnswer, OracleContract
from oracle.commands.published_table import described
from oracle.config.chain import ChainSettings
from oracle.config.settings import AuditSettings
from oracle.history.configuration import HistoryConfiguration
from oracle.history.identity.labels import load_labels
from oracle.history.reading.logs import read_logs
from oracle.history.reading.reader import ChainReader
from oracle.pipeline.history import Histories
from oracle.proving.commitment import commit_chain
from oracle.verification.history_table import compared


async def audit(
    settings: AuditSettings,
    wallet: Address,
    block_number: int,
    terms: LoanTerms,
    configuration: HistoryConfiguration | None = None,
) -> dict[str, Any]:
    """Return history, features and commitment of a wallet at a block, as the daemon computes them for these terms.

    `configuration` is a published table's, in the place of the settings' markets. Everything is read anew; raises
    InvalidRequest for a block that is not served, and otherwise as the sources do: HistoryIncomplete,
    ConfigurationFault.
    """
    async with connected(settings) as (w3, oracle):
        return await _read(w3, oracle, settings, wallet, await _block(w3, block_number), terms, configuration)


async def audit_request(
    settings: AuditSettings, request_id: int, configuration: HistoryConfiguration | None = None
) -> dict[str, Any]:
    """Do what `audit` does for a request on the chain, whose log says wallet, block and terms.

    Raises InvalidRequest for an id that the chain has no log of.
    """
    async with connected(settings) as (w3, oracle):
        request = await logged_request(w3, oracle, settings.chain, request_id)
        found = await _read(w3, oracle, settings, request.user, request.block, request.terms, configuration)
    return {"request": {"id": request_id, "oracle": oracle.address, "transaction": request.transaction_hash}} | found


@asynccontextmanager
async def connected(settings: AuditSettings) -> AsyncIterator[tuple[AsyncWeb3[AsyncHTTPProvider], OracleContract]]:
    """Give the settings' endpoints and the oracle, for as long as the block lasts."""
    chain = settings.chain
    w3 = rpc.connect(
        chain.rpc_urls,
        chain.request_timeout_seconds,
        chain_id=chain.chain_id,
        max_lag_blocks=chain.max_head_lag,
        ask_two=chain.two_endpoints_agree,
    )
    try:
        await rpc.check_chain_id(w3, chain.chain_id)
        yield w3, OracleContract(w3, Address(chain.oracle), chain.chain_id)
    finally:
        await w3.provider.disconnect()


async def logged_request(
    w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, chain: ChainSettings, request_id: int
) -> AssessmentRequest:
    """Return a request as the chain logged it; raises InvalidRequest for an id that it has no log of."""
    head, topics = await rpc.block_ref(w3, "latest"), oracle.request_topics(request_id)
    reader = ChainReader(w3)
    async for logs in read_logs(reader, [oracle.address], topics, chain.start_block, head.number, chain.log_range):
        for log in logs:
            made = await oracle.requests(
                log.block_number, log.block_number, lambda number, _: rpc.block_ref(w3, number)
            )
            return next(one for one in made if one.request_id == request_id)
    raise InvalidRequest(
        f"oracle {oracle.address} logged no request {request_id} in blocks {chain.start_block} to {head.number}"
    )


async def _read(
    w3: AsyncWeb3[AsyncHTTPProvider],
    oracle: OracleContract,
    settings: AuditSettings,
    wallet: Address,
    at: BlockRef,
    terms: LoanTerms,
    configuration: HistoryConfiguration | None,
) -> dict[str, Any]:
    if configuration is not None and configuration.chain_id != settings.chain.chain_id:
        raise ConfigurationFault(
            f"the history table is of chain {configuration.chain_id}, the endpoint of chain {settings.chain.chain_id}"
        )
    histories = Histories(w3, settings.history, settings.chain.chain_id, configuration=configuration)
    try:
        history = (await histories.read(wallet, at)).history
    finally:
        await histories.close()
    vector = engineer(history, terms)
    labels = load_labels((one.file, one.date) for one in settings.labels.lists)
    stored, commitment = canonical.plain(history), commit_chain(vector.encoded)
    return {
        "terms": asdict(terms),
        "history": stored,
        "history_encoding": canonical.encode(stored).decode("ascii"),
        "history_hash": canonical.history_hash(stored),
        "history_table": await _table(oracle, histories.table_hash),
        "features": {
            feature.name: {
                "value": _text(vector.values[feature.name]),
                "unit": feature.unit,
                "encoded": encoded,
                "absent": feature.absent if vector.values[feature.name] is None else None,
            }
            for feature, encoded in zip(FEATURES, vector.encoded, strict=True)
        },
        "flags": labels.plain(wallet),
        # A field element is too large for other languages' JSON numbers.
        "feature_commitment": str(commitment),
        "feature_commitment_hex": f"0x{commitment:064x}",
    }


async def _table(oracle: OracleContract, used_hash: str) -> dict[str, Any]:
    try:
        registry = await oracle.registry()
    except NoAnswer:
        return {"hash": used_hash, "published": None, "uri": None, "same": None}
    return await compared(registry, used_hash)


async def _block(w3: AsyncWeb3[AsyncHTTPProvider], number: int) -> BlockRef:
    try:
        return await rpc.block_ref(w3, number)
    except BlockUnavailable as error:
        raise InvalidRequest(f"{error}: give one that it has, or an endpoint with the whole chain") from error


def describe(found: Mapping[str, Any]) -> str:
    """Return an audit's result as lines for people."""
    block, history = found["history"]["block"], found["history"]
    request = found.get("request")
    lines = [] if request is None else [f"request {request['id']} of oracle {request['oracle']}"]
    lines += [f"wallet {history['wallet']} on chain {history['chain_id']} at block {block['number']} {block['hash']}"]
    for part in ("transactions", "lending", "exchanges", "term_loans", "social", "market"):
        known = {name: value for name, value in history[part].items() if value not in (None, 0, [], {})}
        lines.append(f"{part}: " + (", ".join(f"{name} {value}" for name, value in known.items()) or "nothing"))
    lines += [f"flag: {flag['label']} by {flag['source']} of {flag['date']}" for flag in found["flags"]]
    for name, feature in found["features"].items():
        value = f"absent: {feature['absent']}" if feature["value"] is None else f"{feature['value']} {feature['unit']}"
        lines.append(f"  {name:30} {feature['encoded']:5}  {value}")
    lines += [f"history hash {found['history_hash']}", described(found["history_table"])]
    return "\n".join([*lines, f"commitment {found['feature_commitment']} ({found['feature_commitment_hex']})"])


def _text(value: object) -> str | None:
    return None if value is None else str(value)
