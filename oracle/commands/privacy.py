"""`risk-oracle privacy …`: the keys that borrowers' private data are sealed to, and kept under."""

from pathlib import Path
from typing import Annotated

import typer

from oracle.commands.common import JsonOption, tell

privacy_app = typer.Typer(help="Private data of borrowers.", no_args_is_help=True)


@privacy_app.command("keys")
def privacy_keys(
    folder: Annotated[Path, typer.Option(help="Folder for both files.")] = Path("privacy"),
    as_json: JsonOption = False,
) -> None:
    """Make the two keys that taking openings needs, as files that their owner alone may read (0600).

    One is what borrowers seal to, the other encrypts openings in the database; all daemons of one database need the
    same. Keep a copy while requests wait: what was taken with a lost key has to be handed over again. Files that are
    there are never replaced.
    """
    from oracle.pipeline.private.key_files import make_keys, public_key

    made = make_keys(folder.absolute())
    sealing_key = f"0x{public_key(made.sealing).hex()}"
    lines = f'[privacy]\nsealing_key_file = "{made.sealing}"\nstorage_key_file = "{made.storage}"'
    told = {
        "sealing_key_file": str(made.sealing),
        "storage_key_file": str(made.storage),
        "sealing_key": sealing_key,
    }
    tell(told, f"openings are sealed to {sealing_key}; put into the settings:\n\n{lines}", as_json=as_json)
