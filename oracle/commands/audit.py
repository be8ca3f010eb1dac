"""The audit of an answer: the features of any wallet at any block, to the same bytes from whoever has the chain."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment import canonical
from oracle.assessment.engineering import engineer
from oracle.assessment.errors import BlockUnavailable, InvalidRequest
from oracle.assessment.features import FEATURES
from oracle.assessment.request import Address, BlockRef, LoanTerms
from oracle.chain import rpc
from oracle.config.settings import AuditSettings
from oracle.history.identity.labels import load_labels
from oracle.pipeline.history import Histories
from oracle.proving.commitment import commit_chain


async def audit(settings: AuditSettings, wallet: Address, block_number: int, terms: LoanTerms) -> dict[str, Any]:
    """Return history, features and commitment of a wallet at a block, as the daemon computes them for these terms.

    Everything is read anew; raises InvalidRequest for a block that is not served, and otherwise as the sources do:
    HistoryIncomplete, ConfigurationFault.
    """
    chain = settings.chain
    w3 = rpc.connect(
        chain.rpc_urls,
        chain.request_timeout_seconds,
        chain_id=chain.chain_id,
        max_lag_blocks=chain.max_head_lag,
        ask_two=chain.two_endpoints_agree,
    )
    histories = Histories(w3, settings.history, chain.chain_id)
    try:
        await rpc.check_chain_id(w3, chain.chain_id)
        history = (await histories.read(wallet, await _block(w3, block_number))).history
    finally:
        await histories.close()
        await w3.provider.disconnect()
    vector = engineer(history, terms)
    labels = load_labels((one.file, one.date) for one in settings.labels.lists)
    stored = canonical.plain(history)
    return {
        "terms": asdict(terms),
        "history": stored,
        "history_encoding": canonical.encode(stored).decode("ascii"),
        "history_hash": canonical.history_hash(stored),
        "features": {
            feature.name: {"value": _text(vector.values[feature.name]), "unit": feature.unit, "encoded": encoded}
            for feature, encoded in zip(FEATURES, vector.encoded, strict=True)
        },
        "flags": labels.plain(wallet),
        # A field element is too large for other languages' JSON numbers.
        "feature_commitment": str(commit_chain(vector.encoded)),
    }


async def _block(w3: AsyncWeb3[AsyncHTTPProvider], number: int) -> BlockRef:
    try:
        return await rpc.block_ref(w3, number)
    except BlockUnavailable as error:
        raise InvalidRequest(f"{error}: give one that it has, or an endpoint with the whole chain") from error


def describe(found: Mapping[str, Any]) -> str:
    """Return an audit's result as lines for people."""
    block, history = found["history"]["block"], found["history"]
    lines = [f"wallet {history['wallet']} on chain {history['chain_id']} at block {block['number']} {block['hash']}"]
    for part in ("transactions", "lending", "exchanges", "term_loans", "social", "market"):
        known = {name: value for name, value in history[part].items() if value not in (None, 0, [], {})}
        lines.append(f"{part}: " + (", ".join(f"{name} {value}" for name, value in known.items()) or "nothing"))
    lines += [f"flag: {flag['label']} by {flag['source']} of {flag['date']}" for flag in found["flags"]]
    for name, feature in found["features"].items():
        value = "absent" if feature["value"] is None else feature["value"]
        lines.append(f"  {name:30} {feature['encoded']:5}  {value} {feature['unit']}")
    return "\n".join([*lines, f"history hash {found['history_hash']}", f"commitment {found['feature_commitment']}"])


def _text(value: object) -> str | None:
    return None if value is None else str(value)
