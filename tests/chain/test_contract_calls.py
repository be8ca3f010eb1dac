"""The typed contract calls against the deployed contracts: what is signed, sent and read is what they mean."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, TransientFault
from oracle.assessment.report import Report
from oracle.assessment.request import Address, AssessmentRequest, BlockRef, LoanTerms, to_address
from oracle.chain.contracts import ModelState, OracleContract, RequestState, require_code
from oracle.chain.fees import GWEI, Fees
from oracle.chain.reverts import Reverted
from oracle.chain.rpc import block_ref, check_chain_id
from oracle.chain.signer import Call, Signer
from oracle.devnet.machinery.anvil import Anvil
from tests.support.oracle_on_chain import COMMITMENT, FEE_WEI, LIFETIME_SECONDS, TERMS, OracleOnChain, oracle_on

FEES = Fees(100 * GWEI, GWEI)
MODEL = b"\x07" * 32
SCALES = (7, 7, 7, 10, 11, 12, 13, 14, 15, 126)
NOWHERE = Address("0x" + "99" * 20)


@pytest.fixture
async def oracle(chain: Anvil) -> AsyncIterator[OracleOnChain]:
    async with oracle_on(chain) as deployed:
        yield deployed


async def logged(oracle: OracleOnChain, first: int = 0) -> list[AssessmentRequest]:
    async def named(number: int, block_hash: str) -> object:
        block = await block_ref(oracle.w3, number)
        assert block.hash == block_hash
        return block

    return await oracle.contract.requests(first, await oracle.chain.block_number(), named)  # type: ignore[arg-type]


async def one_request(oracle: OracleOnChain) -> AssessmentRequest:
    await oracle.ask()
    await oracle.chain.mine()
    (request,) = await logged(oracle)
    return request


def report_on(request: AssessmentRequest, **changes: object) -> Report:
    report = Report(
        request_id=request.request_id,
        model_id=MODEL,
        block_number=request.block.number,
        block_hash=request.block.hash,
        feature_commitment=2**253,
        outputs=(5, -6, 0, 2**126, -(2**126), 1, -1, 7, 8, 9),
    )
    return replace(report, **changes)  # type: ignore[arg-type]


def digest_of(message: dict[str, object]) -> bytes:
    signable = encode_typed_data(full_message=message)
    return keccak(b"\x19\x01" + signable.header + signable.body)


async def signed_decline(oracle: OracleOnChain, request: AssessmentRequest, reason: int, by: Signer) -> bytes:
    _, _, digest = await oracle.contract.signers()
    message = oracle.contract.decline_message(request, reason, digest)
    return oracle.contract.decline(request, reason, [by.sign_message(message)])


async def send(oracle: OracleOnChain, data: bytes) -> bool:
    """Send as the daemon does, and say whether it succeeded."""
    gas = await oracle.contract.gas_of(oracle.signer.address, data)
    nonce = await oracle.client.nonce(oracle.signer.address)
    call = Call(oracle.contract.address, data, gas * 2)
    signed = oracle.signer.sign_transaction(call, oracle.chain.chain_id, nonce, FEES)
    await oracle.client.broadcast(signed.raw)
    await oracle.chain.mine()
    mined = await oracle.client.receipt(signed.hash)
    assert mined is not None
    return mined.succeeded


async def with_model(oracle: OracleOnChain, activate: bool) -> bytes:
    code = await require_code(oracle.w3, to_address(oracle.registry.address), "any contract")
    spec = (oracle.registry.address, keccak(code), b"\x0f" * 32, 77, bytes(SCALES) + bytes(22), 1, 0)
    await oracle.transactor.call(oracle.owner, oracle.registry, "propose", MODEL, spec)
    if activate:
        await oracle.transactor.call(oracle.owner, oracle.registry, "activate", MODEL)
    return keccak(code)


# ------------------------------------------------------------------ requests


async def test_requests__when_one_was_made__then_every_field_as_the_contract_has_it(oracle: OracleOnChain) -> None:
    sent = await oracle.ask()
    (request,) = await logged(oracle)
    assert request == AssessmentRequest(
        request_id=1,
        user=to_address(oracle.user.address),
        requester=to_address(oracle.user.address),
        terms=LoanTerms(Address(TERMS[0]), TERMS[1], to_address(TERMS[2]), TERMS[3], TERMS[4]),
        data_commitment=COMMITMENT,
        fee_wei=FEE_WEI,
        requested_at=sent.timestamp,
        deadline=sent.timestamp + LIFETIME_SECONDS,
        block=await block_ref(oracle.w3, sent.block),
        transaction_hash=sent.transaction_hash,
    )


async def test_requests__when_a_range_is_asked__then_both_ends_belong_to_it_in_the_chains_order(
    oracle: OracleOnChain,
) -> None:
    blocks = [(await oracle.ask(number)).block for number in range(4)]

    async def named(number: int, _: str) -> object:
        return await block_ref(oracle.w3, number)

    found = await oracle.contract.requests(blocks[1], blocks[2], named)  # type: ignore[arg-type]
    assert [(request.request_id, request.data_commitment) for request in found] == [(2, 1), (3, 2)]


async def test_requests__when_the_contract_counts_another_chains_blocks__then_a_configuration_fault(
    oracle: OracleOnChain,
) -> None:
    await oracle.ask()

    async def of_another_chain(number: int, _: str) -> BlockRef:
        return replace(await block_ref(oracle.w3, number), number=number + 1)

    with pytest.raises(ConfigurationFault, match="counts another chain's blocks"):
        await oracle.contract.requests(1, 2**20, of_another_chain)


async def test_request_count__when_asked_at_a_block__then_what_it_was_there(oracle: OracleOnChain) -> None:
    before = await block_ref(oracle.w3, "latest")
    await oracle.ask()
    await oracle.ask()
    assert await oracle.contract.request_count(before.hash) == 0
    assert await oracle.contract.request_count((await block_ref(oracle.w3, "latest")).hash) == 2


async def test_state__when_a_request_is_pending_declined_or_cancelled__then_said_so(oracle: OracleOnChain) -> None:
    request = await one_request(oracle)
    assert await oracle.contract.state_of(1) is RequestState.PENDING
    assert await oracle.contract.state_of(2) is RequestState.NONE
    assert await send(oracle, await signed_decline(oracle, request, 2, oracle.signer))
    assert await oracle.contract.state_of(1) is RequestState.DECLINED


async def test_decline__when_any_field_of_the_request_is_changed__then_the_contract_knows_it_is_not_the_request(
    oracle: OracleOnChain,
) -> None:
    request = await one_request(oracle)
    changes: list[dict[str, object]] = [
        {"user": NOWHERE},
        {"requester": NOWHERE},
        {"data_commitment": COMMITMENT + 1},
        {"fee_wei": FEE_WEI + 1},
        {"requested_at": request.requested_at - 1},
        {"deadline": request.deadline + 1},
        {"block": replace(request.block, number=request.block.number - 1)},
        *(
            {"terms": replace(request.terms, **change)}
            for change in (
                {"principal_token": NOWHERE},
                {"principal": 1},
                {"collateral_token": NOWHERE},
                {"collateral": 1},
                {"duration_seconds": 1},
            )
        ),
    ]
    for change in changes:
        data = await signed_decline(oracle, replace(request, **change), 2, oracle.signer)  # type: ignore[arg-type]
        with pytest.raises(Reverted, match=r"RequestMismatch\(requestId=1\)"):
            await oracle.contract.gas_of(oracle.signer.address, data)


# ------------------------------------------------------------------ what is signed


async def test_report_message__when_hashed__then_the_contracts_digest(oracle: OracleOnChain) -> None:
    request = await one_request(oracle)
    _, _, signers = await oracle.contract.signers()
    largest = report_on(request, outputs=(2**255 - 1, -(2**255), *range(8)), feature_commitment=2**256 - 1)
    for report in (report_on(request), largest):
        digest = digest_of(oracle.contract.report_message(request, report, signers))
        request_tuple, report_tuple = _tuples(oracle, request, report)
        assert digest == await oracle.transactor.read(oracle.deployed, "reportDigest", request_tuple, report_tuple)


async def test_decline_message__when_hashed__then_the_contracts_digest(oracle: OracleOnChain) -> None:
    request = replace(await one_request(oracle), request_id=2**40)
    _, _, signers = await oracle.contract.signers()
    digest = digest_of(oracle.contract.decline_message(request, 5, signers))
    request_tuple, _ = _tuples(oracle, request, report_on(request))
    assert digest == await oracle.transactor.read(oracle.deployed, "declineDigest", request_tuple, 2**40, 5)


def _tuples(oracle: OracleOnChain, request: AssessmentRequest, report: Report) -> tuple[object, object]:
    """The structs as calldata carries them, decoded by web3 itself."""
    data = oracle.contract.answer(request, report, [b"s" * 65], b"proof")
    _, arguments = oracle.deployed.codec.decode_function_input(data)
    assert (arguments["signatures"], arguments["proof"]) == ([b"s" * 65], b"proof")
    return arguments["request"], arguments["report"]


async def test_signers__when_read__then_set_threshold_and_the_digest_that_changes_with_them(
    oracle: OracleOnChain,
) -> None:
    signers, threshold, digest = await oracle.contract.signers()
    assert (signers, threshold) == ((oracle.signer.address,), 1)
    both = sorted([oracle.signer.address, to_address(oracle.user.address)])
    addresses = [to_checksum_address(signer) for signer in both]
    await oracle.transactor.call(oracle.owner, oracle.deployed, "setSigners", addresses, 2)
    changed = await oracle.contract.signers()
    assert changed[:2] == (tuple(both), 2)
    assert changed[2] != digest


# ------------------------------------------------------------------ refusals in words


async def test_gas_of__when_the_contract_agrees__then_gas_and_nothing_is_sent(oracle: OracleOnChain) -> None:
    request = await one_request(oracle)
    data = await signed_decline(oracle, request, 2, oracle.signer)
    assert 30_000 < await oracle.contract.gas_of(oracle.signer.address, data) < 200_000
    assert await oracle.contract.state_of(1) is RequestState.PENDING


async def test_gas_of__when_the_signer_is_a_stranger__then_refused_by_address(oracle: OracleOnChain) -> None:
    request = await one_request(oracle)
    stranger = Signer("0x" + "77" * 32)
    with pytest.raises(Reverted) as refused:
        await oracle.contract.gas_of(stranger.address, await signed_decline(oracle, request, 2, stranger))
    assert refused.value.name == "UnknownSigner"
    assert stranger.address in str(refused.value).lower()


async def test_gas_of__when_already_declined__then_not_pending(oracle: OracleOnChain) -> None:
    request = await one_request(oracle)
    data = await signed_decline(oracle, request, 2, oracle.signer)
    await send(oracle, data)
    with pytest.raises(Reverted) as refused:
        await oracle.contract.gas_of(oracle.signer.address, data)
    assert str(refused.value) == "the contract reverted: RequestNotPending(requestId=1, state=3)"


async def answer(oracle: OracleOnChain, request: AssessmentRequest, report: Report) -> int:
    _, _, digest = await oracle.contract.signers()
    signature = oracle.signer.sign_message(oracle.contract.report_message(request, report, digest))
    return await oracle.contract.gas_of(
        oracle.signer.address, oracle.contract.answer(request, report, [signature], b"\x01" * 64)
    )


async def test_answer__when_signed_but_the_model_is_unknown__then_the_registrys_refusal(oracle: OracleOnChain) -> None:
    # Past request, block and signature: only the registry, asked from inside, says no.
    request = await one_request(oracle)
    with pytest.raises(Reverted) as refused:
        await answer(oracle, request, report_on(request))
    assert str(refused.value) == f"the contract reverted: ModelNotActive(modelId=0x{MODEL.hex()}, state=0)"


async def test_answer__when_its_block_is_on_another_fork__then_the_mismatch(oracle: OracleOnChain) -> None:
    request = await one_request(oracle)
    with pytest.raises(Reverted, match="BlockHashMismatch") as refused:
        await answer(oracle, request, report_on(request, block_hash="0x" + "ee" * 32))
    assert "ee" * 32 in str(refused.value)
    assert request.block.hash in str(refused.value)


async def test_answer__when_too_late__then_expired_with_the_deadline(oracle: OracleOnChain) -> None:
    request = await one_request(oracle)
    await oracle.chain.warp(LIFETIME_SECONDS + 1)
    with pytest.raises(Reverted, match=rf"RequestExpired\(requestId=1, deadline={request.deadline}\)"):
        await answer(oracle, request, report_on(request))


async def test_answer__when_the_model_is_active_but_its_verifier_is_no_verifier__then_a_refusal(
    oracle: OracleOnChain,
) -> None:
    await with_model(oracle, activate=True)
    request = await one_request(oracle)
    with pytest.raises(Reverted, match="the contract reverted"):
        await answer(oracle, request, report_on(request))


# ------------------------------------------------------------------ registry and start-up facts


async def test_registry__when_a_model_goes_its_way__then_state_and_facts(oracle: OracleOnChain) -> None:
    registry = await oracle.contract.registry()
    assert registry.address == to_address(oracle.registry.address)
    unknown = await registry.model(MODEL)
    assert (unknown.state, unknown.neutral_commitment) == (ModelState.NONE, 0)
    code_hash = await with_model(oracle, activate=False)
    assert (await registry.model(MODEL)).state is ModelState.PROPOSED
    await oracle.transactor.call(oracle.owner, oracle.registry, "activate", MODEL)
    active = await registry.model(MODEL)
    assert active.state is ModelState.ACTIVE
    assert active.verifier == to_address(oracle.registry.address)
    assert (active.verifier_code_hash, active.feature_spec_hash) == (code_hash, b"\x0f" * 32)
    assert (active.neutral_commitment, active.output_scales) == (77, SCALES)


async def test_chain_id__when_it_is_another__then_refused_with_both(oracle: OracleOnChain) -> None:
    await check_chain_id(oracle.w3, 31337)
    with pytest.raises(ConfigurationFault, match=r"serves chain 31337, chain\.chain_id says 1: correct one"):
        await check_chain_id(oracle.w3, 1)


async def test_code__when_there_is_none__then_refused_by_setting_and_address(oracle: OracleOnChain) -> None:
    assert await require_code(oracle.w3, oracle.contract.address, "chain.oracle")
    with pytest.raises(ConfigurationFault, match=rf"chain\.oracle: there is no contract at {NOWHERE}"):
        await require_code(oracle.w3, NOWHERE, "chain.oracle")


@pytest.mark.parametrize("place", ["nothing", "another contract"])
async def test_calls__when_the_address_is_no_oracle__then_refused_at_the_start_and_waited_for_later(
    oracle: OracleOnChain, place: str
) -> None:
    address = NOWHERE if place == "nothing" else to_address(oracle.manager.address)
    wrong = OracleContract(oracle.w3, address, oracle.chain.chain_id)
    with pytest.raises(ConfigurationFault, match=rf"{address} does not answer like an AIRiskOracle: correct"):
        await wrong.check_interface()
    head = await block_ref(oracle.w3, "latest")
    for attempt in (wrong.signers(), wrong.registry(), wrong.state_of(1), wrong.request_count(head.hash)):
        with pytest.raises(TransientFault, match=f"{address} does not answer"):
            await attempt


async def test_interface__when_it_is_the_oracle__then_silent(oracle: OracleOnChain) -> None:
    await oracle.contract.check_interface()


async def test_registry__when_the_address_is_another_contract__then_a_fault_in_words(oracle: OracleOnChain) -> None:
    registry = await oracle.contract.registry()
    wrong = type(registry)(oracle.w3, to_address(oracle.manager.address))
    with pytest.raises(TransientFault, match="does not answer model"):
        await wrong.model(MODEL)


# ------------------------------------------------------------------ blocks


async def test_block__when_asked_by_number_hash_or_name__then_the_same(oracle: OracleOnChain) -> None:
    latest = await block_ref(oracle.w3, "latest")
    assert latest.number == await oracle.chain.block_number()
    assert latest.timestamp == await oracle.chain.timestamp()
    assert await block_ref(oracle.w3, latest.number) == latest
    assert await block_ref(oracle.w3, latest.hash) == latest  # type: ignore[arg-type]


@pytest.mark.parametrize("block", [10_000, "0x" + "ab" * 32])
async def test_block__when_the_chain_does_not_have_it__then_unavailable_not_unreachable(
    oracle: OracleOnChain, block: int | str
) -> None:
    with pytest.raises(BlockUnavailable, match="does not serve block"):
        await block_ref(oracle.w3, block)  # type: ignore[arg-type]
