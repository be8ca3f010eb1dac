"""docker-compose.yml without a container engine: each service's command, on this machine, in compose's order.

What compose would give a container is mapped: mounted paths and secrets to a folder, the names of services to
this machine, ports to free ones, and the images' own programs to those that are here (psql, prometheus).
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from sqlalchemy import make_url

from oracle.devnet.machinery.anvil import free_port
from oracle.devnet.machinery.node import REPOSITORY
from oracle.processes import Child, start
from oracle.store import embedded
from oracle.store.embedded import create_database
from tests.support.prometheus import program

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text()
DATABASE = "oracle"
_OURS = Path(sys.executable).parent
# Nobody has Grafana here; the embedded server stands for the database's container.
NOT_HERE = {"grafana", "database"}


def order() -> list[str]:
    """Return the services that start by themselves, as compose starts them."""
    started = {name: one for name, one in SERVICES.items() if "profiles" not in one}
    return list(TopologicalSorter({name: one.get("depends_on", {}) for name, one in started.items()}).static_order())


def is_job(name: str) -> bool:
    """Say whether a service runs to its end, because another waits for that."""
    conditions = [one.get("depends_on", {}).get(name, {}).get("condition") for one in SERVICES.values()]
    return "service_completed_successfully" in conditions or "profiles" in SERVICES[name]


@dataclass
class Machine:
    """The host's folder with its settings and secrets, and a database server that asks for passwords."""

    folder: Path
    server_url: str
    secrets: dict[str, str]
    ports: dict[int, int] = field(default_factory=lambda: {8080: free_port(), 8081: free_port(), 9090: free_port()})
    children: list[Child] = field(default_factory=list)

    def prepare(self) -> str:
        """Write the secrets and make the database as its container does; return its owner's address."""
        (self.folder / "secrets").mkdir()
        wanted = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
        assert wanted == set(self.secrets), "the test gives each secret that compose names"
        for name, text in self.secrets.items():
            (self.folder / "secrets" / name).write_text(text + "\n")
            (self.folder / "secrets" / name).chmod(0o400)
        for volume in COMPOSE["volumes"]:
            (self.folder / volume).mkdir()
        shutil.copytree(REPOSITORY / "deploy", self.folder / "deploy")
        given = SERVICES["database"]["environment"]
        assert given["POSTGRES_DB"] == DATABASE
        url = make_url(create_database(self.server_url, given["POSTGRES_DB"])).set(username=given["POSTGRES_USER"])
        self._admit(given["POSTGRES_USER"], self.secrets["database.password"])
        return url.set(password=self.secrets["database.password"]).render_as_string(False)

    def _admit(self, owner: str, password: str) -> None:
        plain = make_url(self.server_url).set(drivername="postgresql").render_as_string(False)
        with psycopg.connect(plain, autocommit=True) as connection:
            role = sql.SQL("create role {} superuser login password {}").format(sql.Identifier(owner), password)
            connection.execute(role)
            (file,) = connection.execute("show hba_file").fetchone() or ("",)
            rules = Path(file)
            rules.write_text(f"local {DATABASE} {owner},reader scram-sha-256\n" + rules.read_text())
            connection.execute("select pg_reload_conf()")

    @property
    def socket(self) -> str:
        """The folder of the server's socket: where a container finds the host `database`."""
        return str(make_url(self.server_url).query["host"])

    def here(self, text: str, service: dict[str, Any]) -> str:
        """Return a container's text with this machine's paths, names and ports; only what is mounted is there."""
        mounts = dict(mount.split(":")[1::-1] for mount in service.get("volumes", []))
        secrets = {f"/run/secrets/{name}": COMPOSE["secrets"][name]["file"] for name in service.get("secrets", [])}
        for inside, outside in sorted((mounts | secrets).items(), key=lambda pair: -len(pair[0])):
            text = re.sub(rf"(?<![\w/]){re.escape(inside)}(?![\w.])", str(self.folder / outside), text)
        for inside, outside in self.ports.items():
            text = re.sub(rf"\b{inside}\b", str(outside), text)
        text = text.replace("--host=database", f"--host={self.socket}").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        return re.sub(r"(postgresql://\w+@)database/(\w+)", rf"\1/\2?host={self.socket}", text).replace("$$", "$")

    def environment(self, service: dict[str, Any]) -> dict[str, str]:
        """Return what the service's container sees."""
        image = dict(re.findall(r"(RISK_ORACLE_\w+)=(\S+)", DOCKERFILE)) if "build" in service else {}
        given = {
            name: self.here(str(text), service) for name, text in {**image, **service.get("environment", {})}.items()
        }
        if "RISK_ORACLE_WEB__HOST" in given:
            given["RISK_ORACLE_WEB__PORT"] = str(self.ports[8080])
        path = f"{_OURS}:{embedded._binaries()}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "PGHOST": self.socket, "PYTHONUNBUFFERED": "1", **given}

    def command(self, service: dict[str, Any]) -> list[str]:
        """Return the words of the service's container: the image's entry point, then what compose says."""
        words = service.get("command") or re.findall(r'"([^"]+)"', re.findall(r"^CMD \[(.*)\]$", DOCKERFILE, re.M)[0])
        mapped = [self.here(word, service) for word in words]
        if "build" in service:
            return [str(_OURS / "risk-oracle"), *mapped]
        if service["image"].startswith("prom/prometheus:"):
            return [program("prometheus"), *mapped, f"--web.listen-address=127.0.0.1:{self.ports[9090]}"]
        return mapped

    def run(self, name: str, instead: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a job's command to its end; `instead` exchanges words of it."""
        words = [(instead or {}).get(word, word) for word in self.command(SERVICES[name])]
        return self._ended(words, SERVICES[name], 240)

    def start(self, name: str) -> Child:
        """Start a service that stays."""
        service = SERVICES[name]
        log = self.folder / f"{name}.log"
        child = start(name, self.command(service), log, env=self.environment(service), cwd=self.folder)
        self.children.append(child)
        return child

    def start_again(self) -> None:
        """Start what ended, as compose does; raises AssertionError for what it would leave down."""
        for child in [one for one in self.children if not one.running]:
            assert SERVICES[child.name].get("restart") == "unless-stopped", child.tail(30)
            # It may come before the daemon's first look at the chain, from which it knows its oracle.
            assert child.name == "dashboard", child.tail(30)
            self.children.remove(child)
            self.start(child.name)

    def healthy(self, name: str) -> bool:
        """Run a service's health check once, the image's where compose has none."""
        service = SERVICES[name]
        if "healthcheck" in service:
            kind, *words = service["healthcheck"]["test"]
            assert kind == "CMD"
            return self._ended([self.here(word, service) for word in words], service, 10).returncode == 0
        assert "build" in service
        (line,) = re.findall(r"^HEALTHCHECK .* CMD \\\n +(.*)$", DOCKERFILE, re.M)
        return self._ended(["sh", "-c", self.here(line, service)], service, 10).returncode == 0

    def stop(self) -> None:
        """End all that was started."""
        for child in self.children:
            child.stop()

    def _ended(self, words: list[str], service: dict[str, Any], seconds: int) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment(service),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
