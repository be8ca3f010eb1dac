"""`risk-oracle privacy …`: the keys that borrowers' private data are sealed to, and kept under."""

from pathlib import Path
from typing import Annotated

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import JsonOption, tell

privacy_app = typer.Typer(help="Private data of borrowers.", no_args_is_help=True)


@privacy_app.command("keys")
def privacy_keys(
    folder: Annotated[Path, typer.Option(help="Folder for both files.")] = Path("privacy"),
    kms: Annotated[
        str | None, typer.Option(help="Key id or ARN of AWS KMS: the files hold what it encrypted, no key.")
    ] = None,
    region: Annotated[str | None, typer.Option("--kms-region", help="Its region.")] = None,
    endpoint: Annotated[str | None, typer.Option("--kms-endpoint", help="Another address than AWS's own.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the two keys that taking openings needs, as files that their owner alone may read (0600).

    One is what borrowers seal to, the other encrypts openings in the database; all daemons of one database need the
    same. Keep a copy while requests wait: what was taken with a lost key has to be handed over again. Files that are
    there are never replaced. With --kms the daemon asks AWS KMS for them when it starts, and needs its permission to
    decrypt; whoever copies the files has nothing.
    """
    from oracle.pipeline.private.key_files import Kms, make_keys, public_key

    if (kms is None) != (region is None) or (endpoint is not None and kms is None):
        raise ConfigurationFault("--kms and --kms-region go together, and --kms-endpoint with both")
    made = make_keys(folder.absolute(), Kms(kms, region, endpoint) if kms and region else None)
    sealing_key = f"0x{public_key(made.sealing).hex()}"
    lines = f'[privacy]\nsealing_key_file = "{made.sealing}"\nstorage_key_file = "{made.storage}"'
    told = {
        "sealing_key_file": str(made.sealing),
        "storage_key_file": str(made.storage),
        "sealing_key": sealing_key,
    }
    tell(told, f"openings are sealed to {sealing_key}; put into the settings:\n\n{lines}", as_json=as_json)
