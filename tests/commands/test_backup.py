"""docs/backup.md, carried out: what is dumped and restored by its commands is the same database."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.states import State
from oracle.devnet.machinery.node import REPOSITORY
from oracle.store import database, embedded
from oracle.store.embedded import create_database
from tests.store.test_requests import CHAIN, ORACLE, moved, request, stored

PAGE = (REPOSITORY / "docs" / "backup.md").read_text()
(BACKUP, RESTORE) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def played(script: str, folder: Path, url: str) -> str:
    """Run a block of the page in a folder; the service's own commands are left out."""
    settings = folder / "risk-oracle.toml"
    settings.write_text(
        f'[chain]\nrpc_url = "http://127.0.0.1:1"\nchain_id = {CHAIN}\noracle = "{ORACLE}"\n'
        f'[history]\ncoin_price_feed = "{ORACLE}"\n[database]\nurl = "{url}"\n'
    )
    lines = [line for line in script.splitlines() if not line.startswith("systemctl")]
    path = f"{embedded._binaries()}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-euc", "\n".join(lines)],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "DATABASE_URL": _libpq(url)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(False)


@pytest.mark.parametrize("restored", ["restored_empty", "restored_over"])
async def test_backup__when_restored__then_requests_states_and_log_are_there_again(
    postgres_url: str, template: str, restored: str, tmp_path: Path
) -> None:
    before = create_database(postgres_url, "to_back_up", template)
    engine = database.connect(before, pool_size=2)
    sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(engine, expire_on_commit=False)
    await stored(sessions, request(1), request(2))
    await moved(sessions, 2, State.DEAD, fault="InvalidProof")
    await engine.dispose()
    played(BACKUP, tmp_path, before)
    shown = played("risk-oracle requests show 2 --json", tmp_path, before)
    # Also over what another database holds by then.
    after = create_database(postgres_url, restored, "to_back_up" if restored == "restored_over" else None)
    said = played(RESTORE, tmp_path, after)
    assert re.search(r"dead +1", said)
    assert played("risk-oracle requests show 2 --json", tmp_path, after) == shown
    assert json.loads(played("risk-oracle requests list --json", tmp_path, after))["counts"]["requested"] == 1
