"""The daemon's settings for what was deployed: written for whoever runs it, never over what somebody wrote."""

import os
from dataclasses import dataclass
from pathlib import Path

from oracle.commands.deployment.deployment import PRICE_FEED, Deployment
from oracle.config.networks import networks

_LENDERS = {"SmartLending": "smart-lending", "TokenLender": "token-lender"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the settings say besides the deployed contracts; the endpoint's URL stands in a file, or in the settings."""

    chain_id: int
    rpc_url: str
    rpc_url_file: Path | None
    model_keys: Path
    model_directory: Path | None
    ceremony: Path | None
    signer_key_file: Path | None
    coin_price_feed: str | None


def daemon_settings(deployment: Deployment, around: Surroundings) -> str:
    """Return the settings of a daemon for this deployment; what it cannot know is a comment."""
    w3, deeds = deployment.doer.w3, deployment.doer.journal.deeds
    oracle = deployment.part("AIRiskOracle")
    if oracle is None:
        raise ValueError("there is no oracle yet: the settings would name none")
    lines = ["# Written by `risk-oracle contracts deploy`. Every setting and its meaning: `risk-oracle config keys`."]
    lines += [
        f"# {name}: {w3.to_checksum_address(deed.address)}" for name, deed in deeds.items() if deed.address is not None
    ]
    lines += ["", "[chain]"]
    if around.rpc_url_file is not None:
        lines.append(f"rpc_url_file = {_text(around.rpc_url_file.resolve())}")
    else:
        lines.append(f"rpc_url = {_text(around.rpc_url)}")
    lines += [
        f"chain_id = {around.chain_id}",
        f'oracle = "{w3.to_checksum_address(oracle.address)}"',
        f"start_block = {oracle.block}",
        "",
        "[history]",
        *_price(deployment, around),
    ]
    for name, called in _LENDERS.items():
        if (lender := deployment.part(name)) is not None:
            address = w3.to_checksum_address(lender.address)
            lines += ["", "[[history.lenders]]", f'name = "{called}"']
            lines += [f'address = "{address}"', f"start_block = {lender.block}"]
    lines += ["", "[model]", f"keys = {_text(around.model_keys.resolve())}"]
    for key, path in (("directory", around.model_directory), ("ceremony", around.ceremony)):
        if path is not None:
            lines.append(f"{key} = {_text(path.resolve())}")
    lines += ["", "[signer]"]
    if around.signer_key_file is None:
        lines.append('# key_file = "…": the private key of a registered signer')
    else:
        lines.append(f"key_file = {_text(around.signer_key_file.resolve())}")
    lines += ["", "# [database]", '# url_file = "…": without it the daemon runs a Postgres of its own']
    return "\n".join(lines) + "\n"


def write_settings(file: Path, text: str) -> Path:
    """Write the settings, readable by their owner alone; beside a file of another content, under another name."""
    if file.exists() and file.read_text(encoding="utf-8", errors="replace") != text:
        file = file.with_name(f"{file.name}.new")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.write(text)
    return file


def network_of(chain_id: int) -> str | None:
    """Return the registry's network with a chain id."""
    return next((name for name, table in networks().items() if table["chain_id"] == chain_id), None)


def _price(deployment: Deployment, around: Surroundings) -> list[str]:
    lines = []
    if (network := network_of(around.chain_id)) is not None:
        lines.append(f'network = "{network}"  # where its markets are; any key here wins')
    feed = deployment.part(PRICE_FEED)
    if around.coin_price_feed is not None:
        lines.append(f'coin_price_feed = "{deployment.doer.w3.to_checksum_address(around.coin_price_feed)}"')
    elif feed is not None:
        lines += [
            f'coin_price_feed = "{deployment.doer.w3.to_checksum_address(feed.address)}"',
            "# Its price stands still until the deployer publishes another: push(int192), eight decimals.",
            "coin_price_max_age_seconds = 0",
        ]
    if network is None:
        lines.append(
            "# No market is named: every wallet reads as new until one is ([[history.aave_v3]] and the others)."
        )
    return lines


def _text(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
