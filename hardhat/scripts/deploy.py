"""Deploys the contracts with Hardhat Ignition, or finishes what an earlier run began, and writes what the daemon needs.

    python hardhat/scripts/deploy.py local|testnet|mainnet --signer 0x... --payee 0x... [--activate] [--model credit-v1]

The endpoint and the deployer's key come from RISK_ORACLE_RPC_URL and RISK_ORACLE_DEPLOYER_KEY. What is deployed is
remembered in hardhat/ignition/deployments/<name>: a second run with the same parameters changes nothing. Addresses
go to build/deployment/<name>.toml, in the form of the daemon's settings.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3

from oracle.devnet.machinery.artifacts import BUILD
from oracle.devnet.machinery.node import REPOSITORY, node_binary
from oracle.models.registry import DEFAULT_MODEL, load
from oracle.proving.keys import read_keys

HARDHAT = REPOSITORY / "hardhat"
OUT = REPOSITORY / "build" / "deployment"
ORACLE = "RiskOracle#AIRiskOracle"
BUILT_AS_BY_IGNITION = ("build", "--quiet", "--no-tests", "--default-build-profile", "production")


def main() -> None:
    arguments = parse()
    for variable in ("RISK_ORACLE_RPC_URL", "RISK_ORACLE_DEPLOYER_KEY"):
        if not os.environ.get(variable):
            sys.exit(f"{variable} is not set: it says where to deploy, and who does")
    name = arguments.deployment_id or arguments.chain
    # First: the parameters hold the hash of the verifier's code, and new keys make another.
    hardhat(*BUILT_AS_BY_IGNITION, failure="the contracts cannot be compiled")
    parameters = fill(arguments)
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / f"{name}.parameters.json"
    file.write_text(json.dumps(parameters, indent=2) + "\n")
    deploy("RiskOracle", name, file, arguments.model)
    if "asset" in parameters["TokenLender"]:
        deploy("TokenLender", name, file, arguments.model)
    if arguments.activate:
        deploy("Activate", name, file, arguments.model)
    settings = OUT / f"{name}.toml"
    settings.write_text(daemon_settings(HARDHAT / "ignition" / "deployments" / name))
    print(settings.read_text(), end="")
    print(f"written to {settings.relative_to(REPOSITORY)}; ABIs are in oracle/chain/abi")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Deploy the contracts with Hardhat Ignition.")
    parser.add_argument("chain", choices=["local", "testnet", "mainnet"])
    parser.add_argument("--signer", action="append", required=True, help="a signer's address; repeat for more")
    parser.add_argument("--threshold", type=int, help="how many must sign (the parameters' default: 1)")
    parser.add_argument("--payee", required=True, help="where earned fees go")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--activate", action="store_true", help="also activate the model, once its timelock ran out")
    parser.add_argument("--asset", help="an ERC-20 token to lend: deploys a TokenLender (the parameters' default)")
    parser.add_argument("--price-feed", help="the Chainlink-style feed that prices ether in it")
    parser.add_argument("--deployment-id", help="another name for the deployment's records than the chain's")
    return parser.parse_args()


def fill(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the chain's parameters with signers, payee and the model's facts in them."""
    model = load(arguments.model)
    keys = read_keys(REPOSITORY / "build" / "keys" / model.name)
    if arguments.chain != "local" and keys.is_development:
        sys.exit(
            f"the keys in {keys.folder} were made with a development reference string: whoever made it can forge "
            "proofs. Run `risk-oracle setup --srs production`, and compile the contracts again"
        )
    artifact = BUILD / "verifiers" / model.name / "Verifier.sol" / "Halo2Verifier.json"
    if not artifact.is_file():
        sys.exit(f"no compiled verifier at {artifact}: run `make contracts` first")
    code = bytes.fromhex(json.loads(artifact.read_text())["deployedBytecode"][2:])
    file = HARDHAT / "ignition" / "parameters" / f"{arguments.chain}.json"
    parameters: dict[str, Any] = json.loads(file.read_text())
    facts = {
        "signers": sorted((Web3.to_checksum_address(signer) for signer in arguments.signer), key=lambda a: int(a, 16)),
        "payee": Web3.to_checksum_address(arguments.payee),
        "modelId": "0x" + model.model_id.hex(),
        "verifierCodeHash": "0x" + keccak(code).hex(),
        "featureSpecHash": "0x" + model.feature_spec_hash.hex(),
        "neutralCommitment": f"{model.neutral_commitment}n",
        "outputScales": "0x" + bytes(model.output_scales).ljust(32, b"\0").hex(),
    }
    if arguments.threshold is not None:
        facts["threshold"] = arguments.threshold
    parameters["RiskOracle"].update(facts)
    for key, given in (("asset", arguments.asset), ("priceFeed", arguments.price_feed)):
        if given is not None:
            parameters["TokenLender"][key] = Web3.to_checksum_address(given)
    if ("asset" in parameters["TokenLender"]) != ("priceFeed" in parameters["TokenLender"]):
        sys.exit("a TokenLender needs both --asset and --price-feed")
    parameters["Activate"] = {"modelId": facts["modelId"]}
    return parameters


def deploy(module: str, name: str, parameters: Path, model: str) -> None:
    """Run one Ignition module to its end; its journal makes it go on where it stopped."""
    hardhat(
        *("ignition", "deploy", f"ignition/modules/{module}.ts"),
        *("--network", "target", "--deployment-id", name, "--parameters", str(parameters)),
        model=model,
        failure=f"Ignition stopped at module {module}",
    )


def hardhat(*arguments: str, failure: str, model: str = DEFAULT_MODEL) -> None:
    """Run Hardhat; SystemExit, which says what failed, when it does."""
    command = [str(node_binary()), "node_modules/hardhat/dist/src/cli.js", *arguments]
    environment = os.environ | {"RISK_ORACLE_MODEL": load(model).name, "HARDHAT_IGNITION_CONFIRM_DEPLOYMENT": "true"}
    ended = subprocess.run(command, cwd=HARDHAT, env=environment, check=False)  # noqa: S603
    if ended.returncode != 0:
        sys.exit(f"{failure} (exit {ended.returncode}): mend the cause and run this again")


def daemon_settings(records: Path) -> str:
    """Return the [chain] table of the daemon's settings, and the other addresses as comments, from Ignition's records."""
    w3 = Web3(HTTPProvider(os.environ["RISK_ORACLE_RPC_URL"]))
    addresses = json.loads((records / "deployed_addresses.json").read_text())
    lines = [f"# Deployment {records.name!r}."]
    lines += [f"# {contract.split('#')[1]}: {address}" for contract, address in sorted(addresses.items())]
    lines += ["[chain]", f"chain_id = {w3.eth.chain_id}", f'oracle = "{addresses[ORACLE]}"']
    lines.append(f"start_block = {first_block(records, ORACLE)}")
    return "\n".join(lines) + "\n"


def first_block(records: Path, contract: str) -> int:
    """Return the block that a contract was deployed in, from Ignition's journal: a pruned node no longer knows it."""
    for line in filter(None, (records / "journal.jsonl").read_text().splitlines()):
        message = json.loads(line)
        if message["type"] == "TRANSACTION_CONFIRM" and message["futureId"] == contract:
            return int(message["receipt"]["blockNumber"])
    sys.exit(f"{records / 'journal.jsonl'} does not say in which block {contract} was deployed: restore the file")


if __name__ == "__main__":
    main()
