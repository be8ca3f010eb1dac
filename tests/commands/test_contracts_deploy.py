"""`risk-oracle contracts deploy`: what it refuses, what it notices when it is run again, and who governs afterwards."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from eth_account import Account
from eth_utils.crypto import keccak

from oracle.assessment.errors import ConfigurationFault
from oracle.chain.accounts import SigningRefused
from oracle.commands.deployment.deeds import Differs, NotYet
from oracle.commands.deployment.means import Means
from oracle.config.model import ModelSettings
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil, RpcError
from oracle.devnet.machinery.artifacts import project
from oracle.models import registry
from oracle.proving.making import setup
from tests.support.deploying import Deploying, Operator, write_secret
from tests.support.faulty_node import FaultyNode, honest

NOBODY = "http://127.0.0.1:9"
ADMIN, GUARDIAN = (named_account(name).address for name in ("admin", "guardian"))
DAY = 86_400


@pytest.fixture
async def deploy(chain: Anvil, tmp_path: Path) -> Deploying:
    operator = Operator(chain, tmp_path)
    await operator.fund()
    return Deploying(operator)


async def _transactions(deploy: Deploying) -> int:
    """How many transactions the deployer has sent."""
    chain, deployer = deploy.operator.chain, deploy.operator.deployer
    return int(await chain.rpc("eth_getTransactionCount", deployer.address, "latest"), 16)


# ------------------------------------------------------------ refused at once


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"profile": "testnet", "chain_id": 424_242}, "development reference string"),
        ({"profile": "local", "chain_id": 424_242}, "--profile local has no timelock"),
        ({"chain_id": 424_242}, "say with --profile"),
        ({"profile": "lokal"}, "local, testnet, mainnet"),
        ({"coin_price_usd": None}, "--coin-price-feed ADDRESS"),
        ({"coin_price_usd": 2_000, "coin_price_feed": ADMIN}, "give one of the two"),
        ({"means": Means()}, "--keystore, --key-file, --wallet"),
        ({"means": Means(keystore=Path("a"), wallet=ADMIN)}, "not --keystore and --wallet"),
        ({"means": Means(key_file=Path("/not/there"))}, "is not there"),
        ({"signers": []}, "no signer"),
        ({"signers": ["0x12"]}, "--signer"),
        ({"options": {"threshold": 2}}, "threshold 2 is more than the 1 signers"),
        ({"options": {"price_feed": ADMIN}}, "--asset and --price-feed"),
        ({"fund_signer": "a bit"}, "--fund-signer"),
        ({"rpc_url": "ftp://somewhere"}, "http://"),
        ({"rpc_url": None}, "--rpc-url-file"),
    ],
)
async def test_deploy__of_what_cannot_be_right__is_refused_before_the_endpoint_is_asked(
    deploy: Deploying, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationFault, match=words):
        await deploy(**{"rpc_url": NOBODY} | given)


async def test_deploy__to_another_chain_than_the_endpoints__is_refused(deploy: Deploying) -> None:
    with pytest.raises(ConfigurationFault, match="serves chain 31337"):
        await deploy(chain_id=1337)
    assert await _transactions(deploy) == 0


async def test_deploy__with_a_wrong_password__says_so_without_telling_it(deploy: Deploying) -> None:
    folder = deploy.operator.folder
    write_secret(folder / "keystore.json", json.dumps(Account.encrypt(deploy.operator.deployer.key, "right")))
    write_secret(folder / "password", "hunter2\n")
    means = Means(keystore=folder / "keystore.json", password_file=folder / "password")
    with pytest.raises(ConfigurationFault, match="the password is wrong") as refused:
        await deploy(means=means)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
    write_secret(folder / "password", "right\n")
    assert await deploy(means=means)


# ------------------------------------------------------------ run again


async def test_deploy__again_with_others__says_in_words_what_differs_and_sends_nothing(
    deploy: Deploying, tmp_path: Path
) -> None:
    assert await deploy()
    sent = await _transactions(deploy)
    with pytest.raises(Differs, match="AIRiskOracle: signers differ from the first run's: 0x") as other:
        await deploy(signers=[ADMIN])
    assert ADMIN.lower() in str(other.value)
    assert deploy.operator.signer.lower() in str(other.value)
    with pytest.raises(Differs, match="fee_wei differs from the first run's: 1000000000000000 then, 5 now"):
        await deploy(options={"fee_wei": 5})
    model = registry.load()
    setup(model.directory, tmp_path / "others" / model.name)
    with pytest.raises(Differs, match="the keys differ from the first run's"):
        await deploy(model_settings=ModelSettings(keys=tmp_path / "others"))
    write_secret(tmp_path / "another.key", "0x" + "77" * 32)
    with pytest.raises(ConfigurationFault, match="deployer differs from the first run's"):
        await deploy(means=Means(key_file=tmp_path / "another.key"))
    assert await _transactions(deploy) == sent


async def test_deploy__on_a_chain_that_was_started_anew__says_so(deploy: Deploying) -> None:
    assert await deploy()
    async with Anvil() as anew:
        with pytest.raises(Differs, match="another chain with the same id"):
            await deploy(rpc_url=anew.rpc_url)


async def test_deploy__when_it_is_killed_on_the_way__goes_on_and_sends_nothing_twice(deploy: Deploying) -> None:
    operator = deploy.operator
    await operator.chain.rpc("evm_setAutomine", False)
    killed = asyncio.create_task(deploy())
    # Sent, noted, and not mined yet: the moment at which least is known.
    while int(await operator.chain.rpc("eth_getTransactionCount", operator.deployer.address, "pending"), 16) == 0:
        assert not killed.done()
        await asyncio.sleep(0.01)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    [(name, noted)] = deploy.deeds.items()
    assert (name, noted["block"]) == ("AccessManager", None)
    await operator.chain.mine_each_transaction()
    assert await deploy()
    assert deploy.deeds["AccessManager"]["address"] == noted["address"]
    assert await _transactions(deploy) == len(deploy.deeds)
    sent = await _transactions(deploy)
    assert await deploy()
    assert await _transactions(deploy) == sent


async def test_deploy__when_its_nonce_went_to_another_transaction__begins_that_deed_again(deploy: Deploying) -> None:
    operator = deploy.operator
    await operator.chain.rpc("evm_setAutomine", False)
    killed = asyncio.create_task(deploy())
    while int(await operator.chain.rpc("eth_getTransactionCount", operator.deployer.address, "pending"), 16) == 0:
        assert not killed.done()
        await asyncio.sleep(0.01)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    noted = deploy.deeds["AccessManager"]
    await operator.chain.rpc("anvil_dropTransaction", noted["hashes"][0])
    await operator.chain.mine_each_transaction()
    await Transactor(operator.chain).send(operator.deployer, operator.signer, value=1)
    assert await deploy()
    assert deploy.deeds["AccessManager"]["address"] != noted["address"]


# ------------------------------------------------------------ time, roles, coins


async def test_deploy__behind_a_timelock__says_from_when_to_run_it_again_and_then_activates(deploy: Deploying) -> None:
    asked: dict[str, Any] = {"options": {"timelock_seconds": DAY, "admin": ADMIN}}
    assert not await deploy(**asked)
    assert any("run this again from" in line for line in deploy.said)
    chain, sent = deploy.operator.chain, await _transactions(deploy)
    models = project("ModelRegistry").at(deploy.deeds["ModelRegistry"]["address"])
    assert int.from_bytes(await Transactor(chain).read(models, "primaryModel")) == 0
    assert not await deploy(**asked)
    assert await _transactions(deploy) == sent
    await chain.warp(DAY + 1)
    assert await deploy(**asked)
    assert int.from_bytes(await Transactor(chain).read(models, "primaryModel")) != 0


async def test_deploy__with_an_admin_and_a_guardian__leaves_the_deployer_without_a_role(deploy: Deploying) -> None:
    asked: dict[str, Any] = {"options": {"admin": ADMIN, "admin_delay_seconds": DAY, "guardian": GUARDIAN}}
    assert await deploy(**asked)
    chain, transactor = deploy.operator.chain, Transactor(deploy.operator.chain)
    manager = project("AccessManager").at(deploy.deeds["AccessManager"]["address"])
    oracle = project("AIRiskOracle").at(deploy.deeds["AIRiskOracle"]["address"])
    assert await transactor.read(manager, "hasRole", 0, ADMIN) == (True, DAY)
    assert await transactor.read(manager, "hasRole", 0, deploy.operator.deployer.address) == (False, 0)
    assert str(await transactor.read(oracle, "payee")).lower() == ADMIN.lower()
    for name in ("admin", "guardian"):
        await chain.set_balance(named_account(name).address, ETHER)
    await transactor.call(named_account("guardian"), oracle, "pause")
    assert await transactor.read(oracle, "paused")
    await transactor.call(named_account("guardian"), oracle, "unpause", fails=True)
    await transactor.call(deploy.operator.deployer, oracle, "unpause", fails=True)
    issuers = project("IssuerRegistry").at(deploy.deeds["IssuerRegistry"]["address"])
    # It may stop an issuer, if there were one; to let it vouch again stays the admin's.
    for function, error in (("suspend", "IssuerUnknown"), ("setSchema", "AccessManagedUnauthorized")):
        arguments = (bytes(32),) if function == "suspend" else (bytes(32), b"\1" * 32, True)
        call = {"from": named_account("guardian").address, "to": issuers.address}
        with pytest.raises(RpcError) as refused:
            await chain.rpc("eth_call", call | {"data": issuers.encode(function, *arguments)}, "latest")
        kind = "bytes32" if error == "IssuerUnknown" else "address"
        assert refused.value.payload["data"].startswith("0x" + keccak(text=f"{error}({kind})")[:4].hex())
    await transactor.call(named_account("guardian"), issuers, "setActive", bytes(32), True, fails=True)
    sent = await _transactions(deploy)
    assert await deploy(**asked)
    assert await _transactions(deploy) == sent
    with pytest.raises(ConfigurationFault, match="admin differs from the first run's"):
        await deploy(options={"admin": GUARDIAN, "guardian": GUARDIAN, "payee": ADMIN})


async def test_deploy__with_approvals__lets_the_lender_want_one_and_the_guardian_stop_a_panel(
    deploy: Deploying,
) -> None:
    assert await deploy(options={"approvals": True, "lender": True, "guardian": GUARDIAN})
    chain, transactor = deploy.operator.chain, Transactor(deploy.operator.chain)
    places = {name: str(deed.get("address")) for name, deed in deploy.deeds.items()}
    lender, accepted = (project(name).at(places[name]) for name in ("SmartLending", "AcceptedApprovals"))
    assert await transactor.read(lender, "acceptedIssuers") == places["AcceptedApprovals"].lower()
    assert await transactor.read(accepted, "approvals") == places["ApprovalRegistry"].lower()
    assert await transactor.read(accepted, "registry") == places["IssuerRegistry"].lower()
    assert "AcceptedIssuers" not in places
    approvals, guardian = project("ApprovalRegistry").at(places["ApprovalRegistry"]), named_account("guardian")
    await transactor.call(deploy.operator.deployer, approvals, "addPanel", ADMIN, GUARDIAN, "Two")
    await chain.set_balance(guardian.address, ETHER)
    await transactor.call(guardian, approvals, "suspend", 1)
    await transactor.call(guardian, approvals, "setActive", 1, True, fails=True)


async def test_deploy__with_a_new_signers_key__writes_it_for_its_owner_and_funds_it_once(
    deploy: Deploying, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"signers": [], "signer_key_file": tmp_path / "signer.key", "fund_signer": "0.5"}
    assert await deploy(**asked)
    file = tmp_path / "signer.key"
    assert file.stat().st_mode & 0o777 == 0o600
    signer = Account.from_key(file.read_text().strip()).address
    oracle = project("AIRiskOracle").at(deploy.deeds["AIRiskOracle"]["address"])
    chain = deploy.operator.chain
    assert await Transactor(chain).read(oracle, "signers") == (signer.lower(),)
    assert file.read_text().strip()[2:] not in "".join(deploy.said)
    await chain.set_balance(signer, 1)
    assert await deploy(**asked)
    assert int(await chain.rpc("eth_getBalance", signer, "latest"), 16) == 1


async def test_deploy__when_the_fee_is_above_the_limit__waits_for_the_operator(deploy: Deploying) -> None:
    await deploy.operator.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(500 * 10**9))
    await deploy.operator.chain.mine()
    with pytest.raises(NotYet, match="--max-fee-gwei 200"):
        await deploy()


# ------------------------------------------------------------ a wallet that signs


async def _wallet(deploy: Deploying, url: str) -> Means:
    """The node's own account, which it signs for when asked: as a wallet with a device behind it does."""
    [account, *_] = await deploy.operator.chain.rpc("eth_accounts")
    return Means(wallet=account, wallet_url=url)


async def test_deploy__with_a_wallet_that_signs__needs_no_key_here(deploy: Deploying) -> None:
    async with FaultyNode(deploy.operator.chain.rpc_url, honest) as wallet:
        means = await _wallet(deploy, wallet.url)
        assert await deploy(means=means)
        assert wallet.calls["eth_signTransaction"] == len(deploy.deeds)
        assert wallet.calls["eth_sendRawTransaction"] == wallet.calls["eth_sendTransaction"] == 0


# What wallets without the method say, and nodes behind them that do not have the account.
@pytest.mark.parametrize("code", [-32601, -32000])
async def test_deploy__with_a_wallet_that_only_sends__has_it_send(deploy: Deploying, code: int) -> None:
    def no_signing(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method.endswith("_signTransaction"):
            return {"error": {"code": code, "message": "no"}}
        return answer

    async with FaultyNode(deploy.operator.chain.rpc_url, no_signing) as wallet:
        means = await _wallet(deploy, wallet.url)
        assert await deploy(means=means)
        assert wallet.calls["eth_sendTransaction"] == len(deploy.deeds)


async def test_deploy__with_clef__signs_by_its_method(deploy: Deploying) -> None:
    chain, signed = deploy.operator.chain, 0

    async def clef(request: web.Request) -> web.Response:
        nonlocal signed
        asked = await request.json()
        answer: dict[str, Any] = {"error": {"code": -32601, "message": f"the method {asked['method']} does not exist"}}
        if asked["method"] == "account_signTransaction":
            signed += 1
            answer = {"result": {"raw": await chain.rpc("eth_signTransaction", *asked["params"]), "tx": {}}}
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **answer})

    application = web.Application()
    application.router.add_post("/", clef)
    async with TestServer(application) as server:
        assert await deploy(means=await _wallet(deploy, str(server.make_url("/"))))
    assert signed == len(deploy.deeds)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"code": 4001, "message": "the user said no"}}, "the user said no"),
        ({"result": None}, "signed nothing"),
    ],
)
async def test_deploy__when_the_wallet_does_not_sign__ends_with_its_words(
    deploy: Deploying, answer: dict[str, Any], words: str
) -> None:
    def refuse(method: str, params: list[Any], true: dict[str, Any]) -> dict[str, Any]:
        return answer if method == "eth_signTransaction" else true

    async with FaultyNode(deploy.operator.chain.rpc_url, refuse) as wallet:
        with pytest.raises(SigningRefused, match=words):
            await deploy(means=await _wallet(deploy, wallet.url))
    assert await deploy.operator.chain.block_number() == 0


async def test_deploy__when_the_wallet_signs_something_else__sends_nothing(deploy: Deploying) -> None:
    chain, thief = deploy.operator.chain, named_account("thief")
    other = thief.sign_transaction(
        {"type": 2, "chainId": chain.chain_id, "nonce": 0, "to": ADMIN, "value": 1, "gas": 21_000}
        | {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1}
    )

    def exchange(method: str, params: list[Any], true: dict[str, Any]) -> dict[str, Any]:
        return {"result": other.raw_transaction.to_0x_hex()} if method == "eth_signTransaction" else true

    async with FaultyNode(chain.rpc_url, exchange) as wallet:
        with pytest.raises(SigningRefused, match="nothing was sent"):
            await deploy(means=await _wallet(deploy, wallet.url))
    assert await chain.block_number() == 0


async def test_deploy__with_a_wallet_of_another_chain_or_without_the_account__is_refused(deploy: Deploying) -> None:
    async with Anvil(chain_id=1337) as elsewhere:
        with pytest.raises(ConfigurationFault, match="the wallet is set to chain 1337"):
            await deploy(means=await _wallet(deploy, elsewhere.rpc_url))
    with pytest.raises(ConfigurationFault, match="does not show account"):
        await deploy(means=Means(wallet=ADMIN, wallet_url=deploy.operator.chain.rpc_url))
