"""`risk-oracle approval …`: the encrypted card approval on this machine, and its replay without any key."""

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import JsonOption, run_job, tell
from oracle.exit_codes import ExitCode

approval_app = typer.Typer(help="The encrypted card approval: three parties, one decision.", no_args_is_help=True)

_PythonOption = Annotated[
    Path | None, typer.Option("--python", help="The engine's Python (build/approval-python, from make).")
]
_APPROVED: Final[Mapping[str, Mapping[str, Any]]] = {
    "applicant": {
        "own_car": True,
        "own_property": True,
        "mobile_phone": True,
        "annual_income": 270_000,
        "income_type": "Working",
        "education_type": "Higher education",
        "occupation_type": "Managers",
        "housing_type": "House / apartment",
    },
    "bank": {"account_months": 10},
    "agency": {"employed": True, "years_employed": 9},
}
_DENIED: Final[Mapping[str, Mapping[str, Any]]] = {
    "applicant": {
        **_APPROVED["applicant"],
        "own_property": False,
        "annual_income": 130_000,
        "education_type": "Incomplete higher",
        "occupation_type": "IT staff",
    },
    "bank": {"account_months": 55},
    "agency": {"employed": True, "years_employed": 2.5},
}


@approval_app.command("demo")
def approval_demo(
    folder: Annotated[Path, typer.Option(help="Where the server's messages and the parties' shares go.")] = Path(
        "build/approval-demo"
    ),
    model: Annotated[str, typer.Option(help="fair, reference, or a model file.")] = "fair",
    python: _PythonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show it: joint keys, then two applicants, one approved and one denied and told what would change it."""
    told = run_job(_demo(folder, model, python, lambda line: typer.echo(line, err=as_json)))
    if as_json:
        tell(told, "", as_json=True)


@approval_app.command("train")
def approval_train(
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")],
    out: Annotated[Path, typer.Option(help="Folder for the two model files.")],
    as_json: JsonOption = False,
) -> None:
    """Make both models anew from the card table, and judge them on folds that were kept back (minutes)."""
    try:
        from oracle.training.approval import MODELS, read_applicants, train_card_model
    except ModuleNotFoundError as error:
        raise ConfigurationFault("training needs more packages: pip install 'risk-oracle[approval,train]'") from error
    frame = read_applicants(data)
    for name in MODELS:
        found = train_card_model(frame, name, out)
        line = f"{name}: AUC {found['auc']} {found['auc_interval']}, gradient boosting {found['boosting_auc']}"
        tell(found, line, as_json=as_json)


@approval_app.command("replay")
def approval_replay(
    folder: Annotated[Path, typer.Argument(help="A folder of messages, as a server keeps them.")],
    model: Annotated[str, typer.Option(help="fair, reference, or a model file.")] = "fair",
    python: _PythonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate kept ciphertexts again, with no key, and say whether the server's results are these; exit code 1 if not.

    What is compared are the bytes: whoever is given the folder can dispute an evaluation. Signatures are not checked
    here, the parties did that when they took part.
    """
    found = run_job(_replay(folder, model, python))
    lines = [f"application {number}: {'equal' if equal else 'DIFFERENT'}" for number, equal in found.items()]
    tell({str(number): equal for number, equal in found.items()}, "\n".join(lines), as_json=as_json)
    if not all(found.values()):
        raise typer.Exit(ExitCode.DIFFERENT)


async def _demo(folder: Path, model: str, python: Path | None, say: Any) -> dict[str, Any]:
    import aiohttp
    from aiohttp import web

    from oracle.approval.board import Board
    from oracle.approval.engine_process import Engine, engine_python
    from oracle.approval.fields import PARTIES
    from oracle.approval.identity import Identity, session_id
    from oracle.approval.layout import Layout
    from oracle.approval.model import load_model
    from oracle.approval.party import Party
    from oracle.approval.transcript import SERVER

    program, layout = engine_python(python), Layout(load_model(model))
    place = folder / time.strftime("%Y%m%d-%H%M%S")
    place.mkdir(parents=True, mode=0o700)
    identities = {name: Identity.of_file(place / f"{name}.key") for name in (*PARTIES, SERVER)}
    roster = {name: identity.public for name, identity in identities.items()}
    session = session_id(roster, layout.model.digest, os.urandom(16))
    async with contextlib.AsyncExitStack() as stack:
        engines = {name: await stack.enter_async_context(Engine(program, place / f"{name}.log")) for name in identities}
        board = Board(session, layout, roster, identities[SERVER], engines[SERVER], place / "board")
        await board.resume()
        runner = web.AppRunner(board.application())
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        http = await stack.enter_async_context(aiohttp.ClientSession())
        parties = {
            name: Party(name, session, layout, roster, identities[name], engines[name], url, place / name)
            for name in PARTIES
        }
        say(f"session {session}, model {layout.model.name}; messages in {place}")
        started = time.monotonic()
        await asyncio.gather(*(party.join(http) for party in parties.values()))
        told: dict[str, Any] = {"session": session, "folder": str(place), "keys_seconds": time.monotonic() - started}
        say(f"joint keys made by applicant, bank and agency in {told['keys_seconds']:.1f} s; no one holds the whole")
        for number, forms in enumerate((_APPROVED, _DENIED), 1):
            started = time.monotonic()
            outcomes = dict(
                zip(
                    PARTIES,
                    await asyncio.gather(*(parties[name].apply(http, number, forms[name]) for name in PARTIES)),
                    strict=True,
                )
            )
            seconds = time.monotonic() - started
            approved = outcomes["applicant"].approved
            told[f"application_{number}"] = {"approved": approved, "seconds": seconds}
            say(f"applicant {number}: {'approved' if approved else 'denied'} in {seconds:.2f} s")
            for note in (note for outcome in outcomes.values() for note in outcome.notes):
                say(f"  clipped: {note}")
            # Each party knows its own answer, and so what is a change from it.
            for name, outcome in outcomes.items():
                for changed, level in outcome.changes.items():
                    if any(one.name == changed and one.party == name for one in layout.model.fields):
                        say(f"  {changed}: {'no higher level would do' if level is None else f'{level} would do'}")
                        told[f"application_{number}"][changed] = level
        return told


async def _replay(folder: Path, model: str, python: Path | None) -> dict[int, bool]:
    from oracle.approval.engine_process import Engine, engine_python
    from oracle.approval.replay import replay

    program = engine_python(python)
    async with Engine(program, folder.parent / "replay.log") as engine:
        return await replay(folder, model, engine)
