"""`risk-oracle approval …`: the encrypted card approval on this machine, and its replay without any key."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import JsonOption, run_job, tell
from oracle.exit_codes import ExitCode

if TYPE_CHECKING:
    from oracle.approval.examples import Forms
    from oracle.approval.local_lane import LocalLane
    from oracle.approval.party import Outcome

    _Apply = Callable[[int, Forms], Awaitable[list[Outcome]]]

_Say = Callable[[str], None]
_Done = Callable[[dict[str, Any]], None]

approval_app = typer.Typer(help="The encrypted card approval: three parties, one decision.", no_args_is_help=True)

_PythonOption = Annotated[
    Path | None, typer.Option("--python", help="The engine's Python (build/approval-python, from make).")
]
_ModelOption = Annotated[str, typer.Option(help="fair, reference, or a model file.")]
_FolderOption = Annotated[Path, typer.Option(help="Where the server's messages and the parties' shares go.")]
_PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="The page's port here; 0 takes a free one.")]
_FOLDER: Final = Path("build/approval-demo")


@approval_app.command("demo")
def approval_demo(
    folder: _FolderOption = _FOLDER,
    model: _ModelOption = "fair",
    python: _PythonOption = None,
    keep: Annotated[bool, typer.Option("--keep", help="Show it on a page as well, which stays until Ctrl-C.")] = False,
    port: _PortOption = 8090,
    as_json: JsonOption = False,
) -> None:
    """Show it: joint keys, then two applicants, one approved and one denied and told what would change it."""

    def say(line: str) -> None:
        typer.echo(line, err=as_json)

    def done(told: dict[str, Any]) -> None:
        if as_json:
            tell(told, "", as_json=True)

    if keep:
        run_job(_until_stopped(_demo_with_page(folder, model, python, port, say, done)))
    else:
        run_job(_demo(folder, model, python, say, done))


@approval_app.command("page")
def approval_page(folder: _FolderOption = _FOLDER, python: _PythonOption = None, port: _PortOption = 8090) -> None:
    """Serve a page on which its six steps are done by hand, all parties on this machine; Ctrl-C ends it."""
    run_job(_until_stopped(_page(folder, python, port)))


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


async def _demo(folder: Path, model: str, python: Path | None, say: _Say, done: _Done) -> None:
    from oracle.approval.engine_process import engine_python
    from oracle.approval.layout import Layout
    from oracle.approval.local_lane import local_lane
    from oracle.approval.model import load_model

    program, layout = engine_python(python), Layout(load_model(model))
    async with local_lane(program, folder / time.strftime("%Y%m%d-%H%M%S"), layout) as lane:
        say(f"session {lane.session}, model {layout.model.name}; messages in {lane.folder}")
        started = time.monotonic()
        await lane.join()
        done(await _story(lane, lane.apply, time.monotonic() - started, say))


async def _demo_with_page(folder: Path, model: str, python: Path | None, port: int, say: _Say, done: _Done) -> None:
    from oracle.approval.engine_process import engine_python
    from oracle.approval.errors import ApprovalError
    from oracle.web.approval.page import serving

    async with serving(engine_python(python), folder, port) as (show, address):
        say(f"page {address}")
        show.choose(model)
        started = time.monotonic()
        await show.make_keys()
        await show.joined()
        if show.lane is None:
            raise ApprovalError("the session ended before its story was told")
        say(f"session {show.lane.session}, model {show.model.name}; messages in {show.lane.folder}")
        done(await _story(show.lane, show.apply_whole, time.monotonic() - started, say))
        say(f"the page stays at {address}; Ctrl-C ends it")
        await asyncio.Event().wait()


async def _page(folder: Path, python: Path | None, port: int) -> None:
    from oracle.approval.engine_process import engine_python
    from oracle.web.approval.page import serving

    async with serving(engine_python(python), folder, port) as (_, address):
        typer.echo(f"page {address} (all parties on this machine, for showing); Ctrl-C ends it")
        await asyncio.Event().wait()


async def _until_stopped(job: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(job)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _story(lane: "LocalLane", apply: "_Apply", keys_seconds: float, say: _Say) -> dict[str, Any]:
    from oracle.approval.examples import EXAMPLES
    from oracle.approval.fields import PARTIES

    model = lane.layout.model
    told: dict[str, Any] = {"session": lane.session, "folder": str(lane.folder), "keys_seconds": keys_seconds}
    say(f"joint keys made by applicant, bank and agency in {keys_seconds:.1f} s; no one holds the whole")
    for number, forms in enumerate(EXAMPLES.values(), 1):
        started = time.monotonic()
        outcomes = dict(zip(PARTIES, await apply(number, forms), strict=True))
        seconds = time.monotonic() - started
        approved = outcomes["applicant"].approved
        told[f"application_{number}"] = {"approved": approved, "seconds": seconds}
        say(f"applicant {number}: {'approved' if approved else 'denied'} in {seconds:.2f} s")
        for note in (note for outcome in outcomes.values() for note in outcome.notes):
            say(f"  clipped: {note}")
        # Each party knows its own answer, and so what is a change from it.
        for name, outcome in outcomes.items():
            for changed, level in outcome.changes.items():
                if any(one.name == changed and one.party == name for one in model.fields):
                    say(f"  {changed}: {'no higher level would do' if level is None else f'{level} would do'}")
                    told[f"application_{number}"][changed] = level
    return told


async def _replay(folder: Path, model: str, python: Path | None) -> dict[int, bool]:
    from oracle.approval.engine_process import Engine, engine_python
    from oracle.approval.replay import replay

    program = engine_python(python)
    async with Engine(program, folder.parent / "replay.log") as engine:
        return await replay(folder, model, engine)
