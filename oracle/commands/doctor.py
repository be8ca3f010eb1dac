"""`risk-oracle doctor`: everything that a daemon with these settings needs, looked at at once, changing nothing."""

import time
from collections.abc import Mapping
from pathlib import Path

from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.chain.contracts import OracleContract
from oracle.commands.doctor_chain import examine_contract, examine_endpoints, examine_requester, examine_signer
from oracle.commands.doctor_host import (
    examine_clock,
    examine_database,
    examine_disk,
    examine_markets,
    examine_port,
    examine_secret_files,
)
from oracle.commands.doctor_model import examine_models
from oracle.commands.doctor_privacy import examine_privacy
from oracle.commands.findings import Findings
from oracle.config.settings import AuditSettings


async def examine(settings: AuditSettings, config: Path | None, environment: Mapping[str, str]) -> Findings:
    """Return what was found of the chain, the contracts, the signer, the model and its keys, the database and the host.

    What depends on something that is not there is "unknown". Nothing is written but the note in a key folder that its
    keys fit a verifier.
    """
    findings, chain = Findings(), settings.chain
    w3 = rpc.connect(
        chain.rpc_urls, chain.request_timeout_seconds, chain_id=chain.chain_id, max_lag_blocks=chain.max_head_lag
    )
    try:
        head_seconds = await examine_endpoints(findings, settings)
        if head_seconds is None:
            for subject in ("oracle contract", "signer", "model", "keys"):
                findings.unknown(subject, "no RPC endpoint of the right chain answers")
        else:
            oracle = OracleContract(w3, Address(chain.oracle), chain.chain_id)
            if await examine_contract(findings, w3, oracle):
                await examine_signer(findings, w3, oracle, settings)
                await examine_requester(findings, w3, settings)
                await examine_models(findings, w3, oracle, settings)
            else:
                for subject in ("signer", "model", "keys"):
                    findings.unknown(subject, "the oracle contract is not there to ask")
    finally:
        await w3.provider.disconnect()
    examine_markets(findings, settings)
    await examine_database(findings, settings)
    examine_clock(findings, time.time(), head_seconds)
    examine_disk(findings, settings)
    await examine_port(findings, settings)
    await examine_privacy(findings, settings)
    examine_secret_files(findings, config, environment)
    return findings
