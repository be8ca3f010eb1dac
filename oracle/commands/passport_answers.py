"""`risk-oracle passport prove | open`: private data for a request, by a proof of one's own or by a sealed opening."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import JsonOption, run_job, tell
from oracle.commands.passport import OpeningArgument, warn_if_readable

if TYPE_CHECKING:
    from oracle.assessment.outputs import Scores
    from oracle.client.borrower import Borrower
    from oracle.commands.borrower_chain import Chain
    from oracle.commands.key_cache import ProvingKeys
    from oracle.models.registry import ShippedModel
    from oracle.passports.opening import Opening


@dataclass(frozen=True, slots=True)
class _Show:
    """What is shown before anything is proven; `ways` only where recourse was asked for."""

    scores: Callable[["Scores"], None]
    ways: Callable[[list[str]], None] | None


@dataclass(frozen=True, slots=True)
class _Means:
    """Where model and keys are taken from, as the options say."""

    folder: Path | None
    keys: Path | None
    cache: Path | None
    ceremony: Path | None

    def model_of(self, model_id: str) -> "ShippedModel":
        from oracle.commands.key_cache import model_of

        return model_of(model_id, self.folder)

    async def keys_of(self, borrower: "Borrower", url: str, model: "ShippedModel") -> "ProvingKeys":
        from oracle.commands.borrowing import is_on_this_machine
        from oracle.commands.key_cache import default_cache, keys_of, own_keys
        from oracle.proving.ceremony import read_ceremony

        own = None if self.ceremony is None else read_ceremony(self.ceremony)
        if self.keys is not None:
            return own_keys(self.keys, model, own)
        cache = self.cache or default_cache()
        return await keys_of(borrower, model, cache, _say, own=own, on_this_machine=is_on_this_machine(url))


RequestArgument = Annotated[int, typer.Argument(help="The request's id on the chain.", metavar="REQUEST_ID", min=0)]
UrlOption = Annotated[str, typer.Option(help="Address of the operator's API, such as https://oracle.example.")]
WaitOption = Annotated[float, typer.Option(min=0, help="Seconds to wait for the daemon to read the request's wallet.")]
RpcOption = Annotated[
    str | None, typer.Option(help="RPC endpoint of yours: the request is looked up on the chain first; needs --oracle.")
]
StartOption = Annotated[int, typer.Option(min=0, help="With --rpc: block to search the request from.")]


def passport_prove(
    opening: OpeningArgument,
    request_id: RequestArgument,
    url: UrlOption,
    rpc: RpcOption = None,
    oracle: Annotated[str | None, typer.Option(help="The oracle's address; with --rpc.")] = None,
    start_block: StartOption = 0,
    model: Annotated[
        Path | None, typer.Option(help="Folder of the model, where this release does not ship it; its id is checked.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder of kept keys (the platform's cache folder).")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Folder of keys that `risk-oracle setup` made here; nothing is downloaded.")
    ] = None,
    ceremony: Annotated[
        Path | None, typer.Option(help="File that pins a ceremony of the operator's, trusted beside the shipped one.")
    ] = None,
    wait: WaitOption = 120.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the scores; prove and send nothing.")] = False,
    recourse: Annotated[
        bool, typer.Option("--recourse", help="Show what of the passport would lead to a better category: here alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Prove a request's answer on this machine and send the proof: the operator never sees the private data.

    What the daemon tells of the request is checked first, and the scores are shown. The reference
    string (0.7 MB) is downloaded once, the proving key made from it here. Exit code 3 when the daemon has not read the
    request yet.
    """
    from oracle.passports.private_files import read_opening

    held = read_opening(opening).opening
    warn_if_readable(opening)
    chain = _chain_of(rpc, oracle, start_block)

    def show(scores: "Scores") -> None:
        if not as_json:
            typer.echo(_in_words(scores))

    def show_ways(ways: list[str]) -> None:
        if not as_json:
            typer.echo(
                "\n".join(f"recourse: {way}" for way in ways) or "recourse: nothing that a passport could change"
            )

    means = _Means(model, keys, cache, ceremony)
    shown = _Show(show, show_ways if recourse else None)
    told = run_job(_prove(held, request_id, url, chain, means, wait, shown, dry_run=dry_run))
    done = "nothing was proven or sent" if dry_run else f"proof sent after {told['seconds']:.1f} s, {told['state']}"
    tell(told, f"request {request_id}: {done}", as_json=as_json)


def passport_open(
    opening: OpeningArgument,
    request_id: RequestArgument,
    url: UrlOption,
    oracle: Annotated[str, typer.Option(help="The oracle's address: the opening is sealed for this request alone.")],
    chain_id: Annotated[int | None, typer.Option(min=1, help="The chain's id; with --rpc it is asked.")] = None,
    rpc: Annotated[
        str | None, typer.Option(help="RPC endpoint of yours: the request is looked up on the chain first.")
    ] = None,
    start_block: StartOption = 0,
    sealing_key: Annotated[
        str | None, typer.Option(help="The key that the operator published elsewhere: another one is refused.")
    ] = None,
    wait: WaitOption = 120.0,
    as_json: JsonOption = False,
) -> None:
    """Hand a request's opening to the operator, sealed to the daemon's key: it proves, and sees the private data.

    The daemon keeps it encrypted and erases it with the answer. Exit code 3 when it has not read the request yet.
    """
    from oracle.commands.borrowing import address_of
    from oracle.passports.private_files import read_opening

    held = read_opening(opening).opening
    warn_if_readable(opening)
    address = address_of("--oracle", oracle)
    chain = _chain_of(rpc, oracle, start_block)
    told = run_job(_open(held, request_id, url, address, chain_id, chain, sealing_key, wait))
    tell(
        told,
        f"request {request_id}: opening sealed to {told['sealing_key']} and sent, {told['state']}",
        as_json=as_json,
    )


async def _prove(
    held: "Opening",
    request_id: int,
    url: str,
    chain: "Chain | None",
    means: "_Means",
    wait: float,
    show: "_Show",
    *,
    dry_run: bool,
) -> dict[str, Any]:
    from oracle.commands.borrower_proof import Bench, check_features, ways_to_better
    from oracle.commands.borrowing import check_wanted, daemon_at, features_of
    from oracle.verification.told import told_scores

    async with daemon_at(url) as borrower:
        features = await features_of(borrower, request_id, wait)
        started = time.perf_counter()
        check_wanted(features, request_id, held)
        check_features(features)
        if chain is not None:
            await chain.compare(features, held)
        with Bench(used := means.model_of(features.model_id)) as bench:
            scores, outputs = bench.solve(features, held)
            show.scores(scores)
            told = {
                "request_id": str(request_id),
                "state": features.state,
                "model_id": features.model_id,
                "block_number": features.block_number,
                "feature_commitment": str(features.feature_commitment),
                "data_commitment": str(held.commitment),
                "assessment": told_scores(scores),
                "outputs": [str(output) for output in outputs],
                "sent": False,
            }
            if show.ways is not None:
                told["recourse"] = ways = ways_to_better(used, features, held)
                show.ways(ways)
            if dry_run:
                return told
            keys = await means.keys_of(borrower, url, used)
            made = bench.prove(keys)
        seconds = time.perf_counter() - started
        if chain is not None:
            await chain.verify(used.model_id, made)
        linked = _note_use(held, url, request_id)
        taken = await borrower.prove(request_id, made.proof, made.outputs)
    return told | {
        "state": taken.state,
        "sent": True,
        "proof_bytes": len(made.proof),
        "reference_string": keys.reference_string,
        "downloaded_bytes": keys.fetched_bytes,
        "seconds": round(seconds, 3),
        "linked_requests": linked,
    }


async def _open(
    held: "Opening",
    request_id: int,
    url: str,
    oracle: str,
    chain_id: int | None,
    chain: "Chain | None",
    pinned: str | None,
    wait: float,
) -> dict[str, Any]:
    from oracle.commands.borrowing import check_wanted, daemon_at, features_of, sealing_key_of
    from oracle.passports.opening import to_hex32
    from oracle.passports.sealing import seal

    there = await _chain_id(chain_id, chain)
    async with daemon_at(url) as borrower:
        key = await sealing_key_of(borrower, url, pinned)
        features = await features_of(borrower, request_id, wait)
        check_wanted(features, request_id, held)
        if chain is not None:
            await chain.compare(features, held)
        sealed = seal(held, chain_id=there, oracle=oracle, request_id=request_id, public_key=key)
        linked = _note_use(held, url, request_id)
        taken = await borrower.open(request_id, sealed)
    return {
        "request_id": str(request_id),
        "state": taken.state,
        "data_commitment": to_hex32(held.commitment),
        "sealing_key": f"0x{key.hex()}",
        "linked_requests": linked,
    }


def _chain_of(rpc: str | None, oracle: str | None, start_block: int) -> "Chain | None":
    from oracle.commands.borrowing import address_of

    if rpc is None:
        return None
    if oracle is None:
        raise ConfigurationFault("--rpc needs --oracle: the contract whose request this is")
    from oracle.commands.borrower_chain import Chain

    return Chain(rpc, address_of("--oracle", oracle), start_block)


async def _chain_id(told: int | None, chain: "Chain | None") -> int:
    if chain is not None:
        there = await chain.chain_id()
        if told not in (None, there):
            raise ConfigurationFault(f"--chain-id: --rpc is on chain {there}, not {told}")
        return there
    if told is None:
        raise ConfigurationFault("--chain-id: name the chain whose request this is, or an endpoint with --rpc")
    return told


def _note_use(held: "Opening", url: str, request_id: int) -> list[str]:
    from oracle.passports.uses import Uses, request_at

    linked = Uses().add(held, request_at(url, request_id))
    if linked:
        _say(
            f"warning: this opening was used before ({', '.join(linked)}): by the commitment, whoever reads the chain "
            "sees that the requests are of one passport. Take a fresh one for each: `risk-oracle passport commit`"
        )
    return linked


def _in_words(scores: "Scores") -> str:
    return (
        f"{scores.category.name.lower()} risk, score {scores.score_bps / 100:.1f}, "
        f"default {scores.probability_of_default_bps / 100:g} %, fraud {scores.fraud_likelihood_bps / 100:g} %, "
        f"confidence {scores.confidence_bps / 100:g} %; terms: {scores.interest_rate_bps / 100:g} % a year, "
        f"{scores.duration_days} days, at most {scores.maximum_ltv_bps / 100:g} % of the collateral"
    )


def _say(line: str) -> None:
    typer.echo(line, err=True)
