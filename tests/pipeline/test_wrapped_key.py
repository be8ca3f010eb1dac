"""Keys that AWS KMS holds: no file has them, each opens for its own purpose alone, and what KMS says is told."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from oracle.pipeline.private import wrapped_key
from oracle.pipeline.private.key_files import SEALING, STORAGE, KeyFiles, Kms, check_files, make_keys, read_key
from oracle.pipeline.private.work import prove_opening, take_opening
from oracle.pipeline.private.wrapped_key import KmsFault, KmsUnavailable
from oracle.proving import worker
from tests.support.commanding import command
from tests.unit.pipeline.test_opening_work import BOUND, OWN, sealed

_REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    wrapped_key._unwrapped.cache_clear()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """KMS by moto's server, on a port of this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kms(endpoint: str) -> Kms:
    client = botocore.session.get_session().create_client("kms", region_name=_REGION, endpoint_url=endpoint)
    return Kms(client.create_key()["KeyMetadata"]["KeyId"], _REGION, endpoint)


def test_keys__behind_kms__stand_in_no_file_and_work_as_others(
    kms: Kms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_keys(tmp_path / "privacy", kms)
    keys = [read_key(files.sealing, SEALING), read_key(files.storage, STORAGE)]
    assert [len(key) for key in keys] == [32, 32]
    for path in (files.sealing, files.storage):
        assert path.stat().st_mode & 0o777 == 0o600
        assert not any(key.hex() in path.read_text() or key in path.read_bytes() for key in keys)
    proven = []
    monkeypatch.setattr(worker, "prove", lambda *tensors: proven.append(tensors))
    # Nothing but the first use asks KMS.
    monkeypatch.setattr(wrapped_key, "_ask", None)
    stored = take_opening(files, BOUND, sealed(files))
    prove_opening(files, BOUND, stored, (1, 2))
    assert proven == [((1, 2), OWN.tensor)]


def test_keys__of_one_purpose__do_not_open_as_the_other(kms: Kms, tmp_path: Path) -> None:
    files = make_keys(tmp_path / "privacy", kms)
    with pytest.raises(KmsFault, match="refuses"):
        check_files(KeyFiles(files.storage, files.sealing))
    shutil.copy(files.sealing, files.storage)
    with pytest.raises(KmsFault, match="refuses"):
        check_files(files)


def test_kms__that_cannot_be_reached__is_waited_for(kms: Kms, tmp_path: Path) -> None:
    files = make_keys(tmp_path / "privacy", kms)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{one.getsockname()[1]}"
        files.storage.write_text(json.dumps(json.loads(files.storage.read_text()) | {"endpoint": gone}))
        with pytest.raises(KmsUnavailable, match="cannot be reached"):
            read_key(files.storage, STORAGE)


@pytest.mark.parametrize(
    ("code", "kind"), [("ThrottlingException", KmsUnavailable), ("AccessDeniedException", KmsFault)]
)
def test_kms__that_refuses__is_waited_for_where_that_passes_by(
    monkeypatch: pytest.MonkeyPatch, code: str, kind: type[Exception]
) -> None:
    session = botocore.session.get_session()
    client = session.create_client("kms", region_name=_REGION)
    monkeypatch.setattr(session, "create_client", lambda *_, **__: client)
    monkeypatch.setattr(botocore.session, "get_session", lambda: session)
    with Stubber(client) as stubbed:
        stubbed.add_client_error("encrypt", code, http_status_code=400)
        with pytest.raises(kind, match=code) as told:
            wrapped_key.wrap(b"\7" * 32, STORAGE, "key", _REGION, None)
    assert not isinstance(told.value.__cause__, ClientError)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "its JSON"),
        ('{"key_id": "k", "region": "r"}', "ciphertext"),
        ('{"kms": "other", "key_id": "k", "region": "r", "ciphertext": ""}', "kms"),
        ('{"key_id": "k", "region": "r", "ciphertext": "€"}', "no key"),
        ('{"key_id": "k", "region": "r", "ciphertext": "?"}', "no base64"),
    ],
)
def test_file__that_holds_nothing_that_kms_made__says_which_part(tmp_path: Path, content: str, why: str) -> None:
    file = tmp_path / STORAGE
    file.write_text(content)
    with pytest.raises(Exception, match=why):
        read_key(file, STORAGE)


def test_command__with_kms__says_what_goes_together_and_makes_both(kms: Kms, tmp_path: Path) -> None:
    half = command("privacy", "keys", "--folder", tmp_path / "a", "--kms", kms.key_id)
    assert (half.code, "go together" in half.error) == (2, True)
    options = ("--kms", kms.key_id, "--kms-region", _REGION, "--kms-endpoint", kms.endpoint)
    told = command("privacy", "keys", "--folder", tmp_path / "b", *options, "--json").json
    assert json.loads(Path(told["storage_key_file"]).read_text())["key_id"] == kms.key_id
