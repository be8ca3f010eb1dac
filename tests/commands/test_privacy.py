"""`risk-oracle privacy keys`, and what the settings and the doctor say of the files that it makes."""

import json
import shutil
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from oracle.assessment.errors import ConfigurationFault
from oracle.cli import app
from oracle.commands.doctor_host import examine_secret_files
from oracle.commands.doctor_privacy import examine_privacy
from oracle.commands.findings import Findings
from oracle.config.settings import AuditSettings, load_settings_of
from oracle.pipeline.private.key_files import public_key

ADDRESS = "0x" + "0a" * 20


def made(folder: Path) -> dict[str, str]:
    done = CliRunner().invoke(app, ["privacy", "keys", "--folder", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.output))


def settings_file(tmp_path: Path, privacy: str, port: int = 1) -> Path:
    file = tmp_path / "risk-oracle.toml"
    file.write_text(
        f'[chain]\nrpc_url = "http://127.0.0.1:1"\nchain_id = 31337\noracle = "{ADDRESS}"\n'
        f'[history]\ncoin_price_feed = "{ADDRESS}"\n[web]\nport = {port}\n[api]\nenabled = true\n[privacy]\n{privacy}\n'
    )
    return file


def lines_of(told: dict[str, str]) -> str:
    return "\n".join(f'{name} = "{told[name]}"' for name in ("sealing_key_file", "storage_key_file"))


async def examined(file: Path) -> list[tuple[str, str]]:
    findings = Findings()
    await examine_privacy(findings, load_settings_of(AuditSettings, file, {}))
    assert {line.subject for line in findings.lines} <= {"private data"}
    return [(line.level, line.found) for line in findings.lines]


def test_keys__are_made_once_for_their_owner_and_shown_without_a_secret(tmp_path: Path) -> None:
    told = made(tmp_path / "privacy")
    sealing, storage = Path(told["sealing_key_file"]), Path(told["storage_key_file"])
    assert {path.stat().st_mode & 0o777 for path in (sealing, storage)} == {0o600}
    assert told["sealing_key"] == f"0x{public_key(sealing).hex()}"
    again = CliRunner().invoke(app, ["privacy", "keys", "--folder", str(tmp_path / "privacy")])
    assert isinstance(again.exception, ConfigurationFault)
    shown = CliRunner().invoke(app, ["privacy", "keys", "--folder", str(tmp_path / "other")]).output
    assert f'sealing_key_file = "{tmp_path / "other" / "sealing.key"}"' in shown
    for path in (tmp_path / "other").iterdir():
        assert path.read_text().strip() not in shown


@pytest.mark.parametrize(
    ("privacy", "why"),
    [
        ('sealing_key_file = "/a"', "go together"),
        ('storage_key_file = "/a"', "go together"),
        ('sealing_key_file = "/a"\nstorage_key_file = "/a"', "the same file"),
        ("decline_margin_seconds = 0", "decline_margin_seconds"),
    ],
)
def test_settings__of_half_a_pair__are_refused(tmp_path: Path, privacy: str, why: str) -> None:
    with pytest.raises(ConfigurationFault, match=why):
        load_settings_of(AuditSettings, settings_file(tmp_path, privacy), {})


def test_settings__with_a_key_that_others_may_read__warn(tmp_path: Path) -> None:
    told = made(tmp_path / "privacy")
    file = settings_file(tmp_path, lines_of(told))
    assert not [line for line in load_settings_of(AuditSettings, file, {}).warnings if "privacy" in line]
    Path(told["storage_key_file"]).chmod(0o644)
    warnings = load_settings_of(AuditSettings, file, {}).warnings
    assert any("privacy.storage_key_file" in line and "chmod" in line for line in warnings)
    findings = Findings()
    examine_secret_files(findings, file, {})
    assert any("storage.key" in line.found and line.level == "warning" for line in findings.lines)


async def test_doctor__looks_at_both_keys_and_at_the_one_that_the_daemon_publishes(tmp_path: Path) -> None:
    told = made(tmp_path / "privacy")
    assert await examined(settings_file(tmp_path, "")) == []
    [(level, found)] = await examined(settings_file(tmp_path, "take_proofs = true"))
    assert (level, "openings are not taken" in found) == ("ok", True)
    [(level, found)] = await examined(settings_file(tmp_path, lines_of(told)))
    assert (level, told["sealing_key"] in found) == ("ok", True)

    published = {"sealing_key": "0x" + "17" * 32}
    daemon = web.Application()

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(published)

    daemon.router.add_get("/v1/passports/key", answer)
    async with TestServer(daemon) as server:
        assert server.port is not None
        [(level, found)] = await examined(settings_file(tmp_path, lines_of(told), server.port))
        assert (level, published["sealing_key"] in found) == ("fault", True)
        published["sealing_key"] = told["sealing_key"]
        [(level, _)] = await examined(settings_file(tmp_path, lines_of(told), server.port))
        assert level == "ok"

    shutil.rmtree(tmp_path / "privacy")
    [(level, found)] = await examined(settings_file(tmp_path, lines_of(told)))
    assert (level, "privacy keys" in found) == ("fault", True)
