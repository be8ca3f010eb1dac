"""A daemon as a borrower meets it: the doors for private data, without chain or database, and with faults at will."""

import asyncio
import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from nacl.public import PrivateKey

from oracle.assessment.engineering import engineer
from oracle.models.registry import ShippedModel
from oracle.passports.errors import InvalidOpening
from oracle.passports.schema import SCHEMA_HASH, SCHEMA_ID
from oracle.passports.sealing import unseal
from oracle.proving.commitment import commit_chain
from oracle.proving.keys import CIRCUIT, PROVING_KEY, SETTINGS, SRS, Keys
from tests.unit.models.wallets import SITUATIONS

CHAIN_ID, ORACLE, REQUEST = 31337, "0x" + "ab" * 20, 17
IN_AN_HOUR = 2**33


@dataclass
class Doors:
    """What the daemon tells, to be changed by a test, and what was posted to it."""

    model: ShippedModel
    keys: Keys
    data_commitment: int
    features: dict[str, Any] = field(default_factory=dict)
    not_yet: int = 0
    """So many times the features are not read yet."""
    cut_after: int | None = None
    """The proving key's connection breaks after so many bytes, once."""
    tampered: bool = False
    key_listing: dict[str, dict[str, Any]] = field(default_factory=dict)
    sealing_key: PrivateKey = field(default_factory=PrivateKey.generate)
    posted: list[dict[str, Any]] = field(default_factory=list)
    asked_ranges: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = SITUATIONS["indebted"]
        situation = engineer(now.history, now.terms)
        encoded = situation.encoded
        self.features = {
            "request_id": str(REQUEST),
            "state": "awaiting_proof",
            "block_number": 5,
            "block_hash": "0x" + "cd" * 32,
            "model_id": f"0x{self.model.model_id.hex()}",
            "encoded": list(encoded),
            "values": {name: None if value is None else str(value) for name, value in situation.values.items()},
            "feature_commitment": str(commit_chain(encoded)),
            "data_commitment": str(self.data_commitment),
            "deadline": IN_AN_HOUR,
            "wants": "opening_or_proof",
        }
        for name in (CIRCUIT, SETTINGS, PROVING_KEY, SRS):
            path = Path(self.keys.path(name))
            self.key_listing[name] = {
                "name": name,
                "bytes": path.stat().st_size,
                "sha256": self.keys.sha256[name],
                "url": f"/v1/models/{self.features['model_id']}/keys/{name}",
            }

    def server(self) -> TestServer:
        """Return a server of these doors, to be entered."""
        app = web.Application()
        app.router.add_get("/v1/passports/key", self._sealing_key)
        app.router.add_get("/v1/requests/{id}/features", self._features)
        app.router.add_post("/v1/passports/{id}/opening", self._opening)
        app.router.add_post("/v1/passports/{id}/proof", self._proof)
        app.router.add_get("/v1/models/{id}/keys", self._keys)
        app.router.add_get("/v1/models/{id}/keys/{name}", self._file)
        return TestServer(app)

    async def _sealing_key(self, request: web.Request) -> web.Response:
        schemas = [{"id": SCHEMA_ID, "hash": f"0x{SCHEMA_HASH.hex()}"}]
        return web.json_response({"sealing_key": f"0x{bytes(self.sealing_key.public_key).hex()}", "schemas": schemas})

    async def _features(self, request: web.Request) -> web.Response:
        if int(request.match_info["id"]) != REQUEST:
            return _problem(404, "there is no such request")
        if self.not_yet > 0:
            self.not_yet -= 1
            return _problem(409, "its features are not read", {"Retry-After": "0"})
        return web.json_response(self.features)

    async def _opening(self, request: web.Request) -> web.Response:
        body = await request.json()
        sealed = base64.urlsafe_b64decode(body["sealed"] + "=" * (-len(body["sealed"]) % 4))
        bound = {"chain_id": CHAIN_ID, "oracle": ORACLE, "request_id": int(request.match_info["id"])}
        try:
            opening = unseal(sealed, **bound, secret_key=bytes(self.sealing_key))  # type: ignore[arg-type]
            opening.require(self.data_commitment)
        except InvalidOpening as error:
            return _problem(422, str(error))
        self.posted.append({"opening": opening})
        return web.json_response({"request_id": str(REQUEST), "state": "collected"}, status=202)

    async def _proof(self, request: web.Request) -> web.Response:
        self.posted.append(await request.json())
        return web.json_response({"request_id": str(REQUEST), "state": "proven"}, status=202)

    async def _keys(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != self.features["model_id"]:
            return _problem(404, "there are no keys of this model here")
        return web.json_response({"model_id": request.match_info["id"], "files": list(self.key_listing.values())})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = Path(self.keys.path(request.match_info["name"]))
        self.asked_ranges.append(f"{path.name} {request.headers.get('Range', 'whole')}")
        if path.name != SRS:
            return web.FileResponse(path)
        whole = await asyncio.to_thread(path.read_bytes)
        if self.tampered:
            return web.Response(body=whole[:-1] + bytes([whole[-1] ^ 1]))
        if self.cut_after is not None:
            cut, self.cut_after = self.cut_after, None
            response = web.StreamResponse(headers={"Content-Length": str(len(whole))})
            await response.prepare(request)
            await response.write(whole[:cut])
            assert request.transport is not None
            request.transport.close()
            return response
        return web.FileResponse(path)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"type": "urn:risk-oracle:problem:x", "title": "x", "status": status, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json", headers=headers)
