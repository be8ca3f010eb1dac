"""The chain as the doctor sees it: each endpoint, the oracle's code, the signer."""

import time
from typing import Any, Final
from urllib.parse import urlsplit

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from oracle.assessment.errors import BlockUnavailable, TransientFault
from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.chain.contracts import OracleContract, require_code
from oracle.chain.fees import fee_policy
from oracle.chain.signer import Signer
from oracle.chain.transactions import TransactionClient
from oracle.commands.contracts_check import released
from oracle.commands.findings import Findings
from oracle.config.settings import AuditSettings
from oracle.pipeline.jobs import reserve_wei

_OLD_HEAD_SECONDS: Final = 15 * 60
_STATE_DEPTHS: Final = (10_000_000, 1_000_000, 100_000, 10_000, 1_000, 128)
"""How far behind the head the state is asked for: what is found there is what a wallet's history can be read from."""
_OTS: Final = "ots_searchTransactionsBefore"


async def examine_endpoints(findings: Findings, settings: AuditSettings) -> float | None:
    """Look at every RPC endpoint; return the newest head's time in Unix seconds, None when none may be used."""
    heads, with_ots = [], 0
    for number, url in enumerate(settings.chain.rpc_urls, 1):
        subject = f"RPC endpoint {number} ({urlsplit(url).hostname})"
        w3 = rpc.connect(url, settings.chain.request_timeout_seconds)
        try:
            head = await _examine_endpoint(findings, subject, w3, settings)
            if head is not None:
                heads.append(head)
                with_ots += await _has_ots(w3, settings)
        except TransientFault as fault:
            findings.fault(subject, str(fault), "see that the node runs and that this host may reach it")
        finally:
            await w3.provider.disconnect()
    if heads:
        _say_transactions(findings, settings, with_ots, len(heads))
    return max(heads, default=None)


async def _examine_endpoint(
    findings: Findings, subject: str, w3: AsyncWeb3[AsyncHTTPProvider], settings: AuditSettings
) -> float | None:
    started, expected = time.monotonic(), settings.chain.chain_id
    with rpc.endpoint_faults():
        chain_id = await w3.eth.chain_id
        took = time.monotonic() - started
    if chain_id != expected:
        findings.fault(subject, f"serves chain {chain_id}, chain.chain_id says {expected}", "correct one of the two")
        return None
    head = await rpc.block_ref(w3, "latest")
    age = time.time() - head.timestamp
    what = f"chain {chain_id}, head {head.number}, {1000 * took:.0f} ms"
    if age > _OLD_HEAD_SECONDS:
        findings.warn(
            subject, f"{what}, but the head is {age / 60:.0f} minutes old", "see whether the node is still syncing"
        )
    else:
        findings.ok(subject, what)
    await _examine_depth(findings, subject, w3, head.number, settings)
    return float(head.timestamp)


async def _examine_depth(
    findings: Findings, subject: str, w3: AsyncWeb3[AsyncHTTPProvider], head: int, settings: AuditSettings
) -> None:
    """Find how far back the endpoint serves state and logs: histories are read at the blocks where they happened."""
    first = 1 if head else 0
    oldest = None
    for block in dict.fromkeys([first, *(head - depth for depth in _STATE_DEPTHS if head - depth > first), head]):
        if await _answers(w3, "eth_getBalance", [settings.chain.oracle, hex(block)]):
            oldest = block
            break
    if oldest == first:
        findings.ok(subject, "serves state from the first block on")
    else:
        found = "serves no state at all" if oldest is None else f"serves state from about block {oldest} on only"
        findings.warn(subject, found, "use an archive node: wallets whose history is older are declined, not answered")
    start = hex(settings.chain.start_block or first)
    wanted = {"address": settings.chain.oracle, "fromBlock": start, "toBlock": start}
    if not await _answers(w3, "eth_getLogs", [wanted]):
        findings.warn(
            subject,
            f"serves no logs of block {int(start, 16)} (chain.start_block)",
            "use a node that keeps receipts: requests and histories are found by their logs",
        )


async def _answers(w3: AsyncWeb3[AsyncHTTPProvider], method: str, params: list[Any]) -> bool:
    try:
        with rpc.endpoint_faults():
            answer = await w3.provider.make_request(RPCEndpoint(method), params)
    except BlockUnavailable:
        return False  # it does not have what was asked for, or cannot show that it has
    return answer.get("error") is None and answer.get("result") is not None


async def _has_ots(w3: AsyncWeb3[AsyncHTTPProvider], settings: AuditSettings) -> bool:
    return await _answers(w3, _OTS, [settings.chain.oracle, 1, 1])


def _say_transactions(findings: Findings, settings: AuditSettings, with_ots: int, answering: int) -> None:
    subject = "wallets' transactions"
    if settings.history.transactions_api_url is not None:
        findings.ok(subject, "from history.transactions_api_url, which was not asked")
    elif not with_ots:
        findings.fault(
            subject,
            f"no RPC endpoint answers {_OTS}",
            "use a node with the ots_ methods (erigon), or name an Etherscan-style API: history.transactions_api_url",
        )
    else:
        findings.ok(subject, f"{with_ots} of {answering} answering endpoints have the ots_ methods")


async def examine_contract(findings: Findings, w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract) -> bool:
    """Look at the oracle's code; return whether something stands there that speaks as this version does."""
    subject = "oracle contract"
    code = await findings.ask(subject, require_code(w3, oracle.address, "chain.oracle"))
    if code is None:
        return False
    before = len(findings.lines)
    await findings.ask(subject, oracle.check_interface())
    if len(findings.lines) > before:
        return False
    if released()["AIRiskOracle"].is_of(code):
        findings.ok(subject, f"{oracle.address}: {len(code)} bytes, as released")
    else:
        findings.warn(
            subject,
            f"{oracle.address}: {len(code)} bytes, which are not this release's AIRiskOracle",
            "run `risk-oracle contracts check`, and the release that belongs to the contract",
        )
    return True


async def examine_signer(
    findings: Findings, w3: AsyncWeb3[AsyncHTTPProvider], oracle: OracleContract, settings: AuditSettings
) -> None:
    """Look whether the signer is registered and can pay for its answers."""
    subject = "signer"
    if settings.signer is None:
        findings.fault(subject, "signer.key is not set", "name the key's file: signer.key_file")
        return
    address: Address = Signer(settings.signer.key.get_secret_value()).address
    answer = await findings.ask(subject, oracle.signers())
    if answer is None:
        return
    signers, threshold, _ = answer
    if address not in signers:
        findings.fault(
            subject,
            f"{address} is not registered with {oracle.address}",
            f"use the key of one of {', '.join(signers)}, or have this one registered",
        )
    elif threshold != 1:
        findings.fault(subject, f"the oracle wants {threshold} signatures a report; this daemon gives one")
    else:
        findings.ok(subject, f"{address} is registered")
    client, subject = TransactionClient(w3), "signer's balance"
    balance_wei = await findings.ask(subject, client.balance_wei(address))
    base_fee_wei = await findings.ask(subject, client.base_fee_wei())
    if balance_wei is None or base_fee_wei is None:
        return
    limits = settings.transactions
    fees = fee_policy(
        settings.chain.chain_id, limits.max_fee_gwei, limits.priority_fee_gwei, limits.max_priority_fee_gwei
    )
    needed = reserve_wei(base_fee_wei, fees.tips.usual_wei)
    found = f"{balance_wei / 10**18:.6f} coins at {address}"
    if balance_wei < needed:
        findings.fault(subject, found, f"send it {(needed - balance_wei) / 10**18:.6f} coins at least, for 12 answers")
    else:
        findings.ok(subject, found)


async def examine_requester(findings: Findings, w3: AsyncWeb3[AsyncHTTPProvider], settings: AuditSettings) -> None:
    """Look whether the account that sends the API's requests can pay for one with the greatest fee of a day."""
    key, subject = settings.api.requester_key, "requests' account"
    if key is None:
        return
    address = Signer(key.get_secret_value()).address
    balance_wei = await findings.ask(subject, TransactionClient(w3).balance_wei(address))
    if balance_wei is None:
        return
    found = f"{balance_wei / 10**18:.6f} coins at {address}"
    if balance_wei < settings.api.requester_daily_fee_wei:
        findings.warn(subject, f"{found}: less than one key may spend in a day", "send it coins")
    else:
        findings.ok(subject, found)
