"""`risk-oracle prover …`: a machine that makes proofs for daemons elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import run_job

prover_app = typer.Typer(help="Proofs for daemons elsewhere.", no_args_is_help=True)


@prover_app.command("serve")
def prover_serve(
    scheduler: Annotated[str, typer.Option(help="Address of the Dask scheduler, tls://host:port or tcp://….")],
    model: Annotated[str, typer.Option(help="Name of a shipped model, or a path to a model folder.")] = "credit-v1",
    keys: Annotated[
        Path | None, typer.Option(help="Folder of its keys, made here by `risk-oracle setup` (build/keys/<model>).")
    ] = None,
    authority: Annotated[Path | None, typer.Option(help="Certificate of the fleet's authority (PEM).")] = None,
    certificate: Annotated[Path | None, typer.Option(help="This machine's certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    name: Annotated[str | None, typer.Option(help="What the scheduler calls it.")] = None,
) -> None:
    """Make proofs for the daemons of a Dask scheduler, until it is told to end (SIGTERM).

    One proof at a time: start one for every two cores. It holds no key of an account and no database; what it makes is
    verified by whoever asked, and requests with private data never come here. Its keys must be the daemon's.
    """
    from importlib.util import find_spec

    from oracle.models.registry import load
    from oracle.proving.fleet.security import Certificates

    if find_spec("distributed") is None:
        raise ConfigurationFault("a prover for others needs more packages: pip install 'risk-oracle[fleet]'")
    from oracle.proving.fleet.on_worker import serve

    certificates = Certificates(authority, certificate, key)
    certificates.check(scheduler)
    shipped = load(model)
    folder = keys or Path("build/keys") / shipped.name
    run_job(serve(scheduler, shipped.directory, folder, certificates, typer.echo, name))
