"""The keys of a model, for whoever proves with them: what there is, and the files, in ranges and by their digest."""

import asyncio
from pathlib import Path
from typing import Final, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from oracle.proving import keys as key_files
from oracle.proving.errors import KeysFault
from oracle.proving.key_folders import find_keys
from oracle.proving.keys import Keys, read_keys
from oracle.web.api.calls import Call, Operation, headers_of
from oracle.web.api.models import ModelParameters
from oracle.web.api.problems import Kind, Problem
from oracle.web.api.service import Api
from oracle.web.api.values import Hash

_OFFERED: Final = (
    key_files.CIRCUIT,
    key_files.SETTINGS,
    key_files.PROVING_KEY,
    key_files.VERIFYING_KEY,
    key_files.SRS,
)
_BYTES: Final = "application/octet-stream"
_CACHED: Final = "public, max-age=3600"


class KeyFileParameters(ModelParameters):
    """One of the files."""

    name: Literal["circuit.ezkl", "settings.json", "proving.key", "verifying.key", "kzg.srs"]


class KeyFileView(BaseModel):
    """A file that proving needs."""

    name: str
    bytes: int
    sha256: str = Field(description="hex; compare before use")
    url: str = Field(description="a path on this server; takes ranges")


class ModelKeysView(BaseModel):
    """The files that proving needs."""

    model_id: Hash
    files: list[KeyFileView]


async def keys(api: Api, call: Call) -> ModelKeysView:
    """Return what there is."""
    asked: ModelParameters = call.parameters
    found = await asyncio.to_thread(_found, api, asked.model_id)
    sizes = await asyncio.to_thread(lambda: [Path(found.path(name)).stat().st_size for name in _OFFERED])
    return ModelKeysView(
        model_id=asked.model_id,
        files=[
            KeyFileView(
                name=name, bytes=size, sha256=found.sha256[name], url=f"/v1/models/{asked.model_id}/keys/{name}"
            )
            for name, size in zip(_OFFERED, sizes, strict=True)
        ],
    )


async def key_file(api: Api, call: Call) -> web.FileResponse:
    """Return one of the files."""
    asked: KeyFileParameters = call.parameters
    found = await asyncio.to_thread(_found, api, asked.model_id)
    headers = headers_of({"Content-Type": _BYTES, "Cache-Control": _CACHED, "X-Sha256": found.sha256[asked.name]})
    return web.FileResponse(found.path(asked.name), headers=headers)


def _found(api: Api, model_id: str) -> Keys:
    try:
        return read_keys(find_keys(api.serving().models.keys, bytes.fromhex(model_id[2:])))
    except KeysFault:
        # Its words name folders of this machine.
        raise Problem(Kind.NOT_FOUND, f"there are no keys of model {model_id} here") from None


MODEL_KEYS: Final = (
    Operation(
        "GET", "/models/{model_id}/keys", "getModelKeys", "What a borrower needs to prove with a model", None, keys,
        ModelKeysView, parameters=ModelParameters, problems=(Kind.NOT_FOUND,), limited=True,
    ),
    Operation(
        "GET", "/models/{model_id}/keys/{name}", "getModelKeyFile", "One of these files", None, key_file, bytes,
        parameters=KeyFileParameters, media=_BYTES, problems=(Kind.NOT_FOUND,), limited=True,
    ),
)  # fmt: skip
