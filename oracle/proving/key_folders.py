"""Which folder holds a model's keys: the one folder that was named, or one of those below it."""

from pathlib import Path

from oracle.proving.errors import KeysFault
from oracle.proving.keys import MANIFEST, VERIFYING_KEY, read_keys


def open_beside(folder: Path) -> Path:
    """Return where the keys of a model's open circuit are, for where its own are: beside them, or in the same place."""
    return folder.with_name(f"{folder.name}-open") if (folder / MANIFEST).is_file() else folder


def find_keys(folder: Path, model_id: bytes) -> Path:
    """Return the key folder of a model: `folder` itself, or the one directly below it whose manifest names the model.

    Raises KeysFault when there is none, or several with different keys; the files are not hashed here, see
    `check_keys`.
    """
    if (folder / MANIFEST).is_file():
        keys = read_keys(folder)
        if keys.model_id != model_id:
            raise KeysFault(
                f"{folder} holds the keys of model 0x{keys.model_id.hex()}, not of 0x{model_id.hex()}: name the folder "
                "above it in model.keys, and make the missing ones with `risk-oracle setup --model NAME`"
            )
        return folder
    damaged, found = [], []
    for path in sorted(folder.glob(f"[!.]*/{MANIFEST}")):  # hidden ones are being made
        try:
            if (keys := read_keys(path.parent)).model_id == model_id:
                found.append(keys)
        except KeysFault:
            damaged.append(str(path))  # another model's, perhaps: named only when ours is not found
    if len({keys.sha256[VERIFYING_KEY] for keys in found}) > 1:
        raise KeysFault(
            f"{' and '.join(str(keys.folder) for keys in found)} hold different keys of model 0x{model_id.hex()}: "
            "name the folder in model.keys that the verifier on the chain was generated from"
        )
    if found:
        return found[0].folder
    hint = f"; damaged: {', '.join(damaged)}" if damaged else ""
    raise KeysFault(
        f"no keys of model 0x{model_id.hex()} in or below {folder}: make them with "
        f"`risk-oracle setup --model NAME` (model.keys says where they are looked for){hint}"
    )
