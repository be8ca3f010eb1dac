"""All settings, typed: from a TOML file, the environment, and `*_FILE` variables for secrets.

The environment wins over the file. A variable is RISK_ORACLE_<SECTION>__<KEY>, for example
RISK_ORACLE_CHAIN__RPC_URL. With _FILE (in the settings file: _file) appended, a key names a file that holds
the value (Docker and systemd secrets). Nothing is read at import.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from pydantic import PrivateAttr, SecretStr, ValidationError, model_validator

from oracle.assessment.errors import ConfigurationFault
from oracle.config.api import ApiSettings
from oracle.config.chain import ChainSettings, TransactionSettings
from oracle.config.dashboard import DashboardSettings
from oracle.config.database import DatabaseSettings
from oracle.config.errors import explain
from oracle.config.exposure import exposed_files, exposed_in_file, told_of_file
from oracle.config.foreign import MISTAKEN_FOR, OWN
from oracle.config.history import HistorySettings, LabelSettings
from oracle.config.logging import LogSettings
from oracle.config.model import DriftSettings, ModelSettings
from oracle.config.networks import networks
from oracle.config.privacy import PrivacySettings
from oracle.config.proving import ProvingSettings
from oracle.config.signer import SignerSettings
from oracle.config.sources import merge_environment, read_files
from oracle.config.telemetry import TelemetrySettings
from oracle.config.values import Section
from oracle.config.web import WebSettings
from oracle.config.worker import WorkerSettings

ENVIRONMENT_PREFIX: Final = "RISK_ORACLE_"


def _another_network(network: object, chain_id: object) -> str | None:
    known = networks().get(network) if isinstance(network, str) else None
    if known is None or not str(chain_id).isdigit() or int(str(chain_id)) == known["chain_id"]:
        return None
    return (
        f"history.network {network} has chain id {known['chain_id']}, chain.chain_id says {chain_id}: "
        "correct one of the two"
    )


def _same_key(one: SecretStr, other: SecretStr) -> bool:
    return int(one.get_secret_value(), 16) == int(other.get_secret_value(), 16)


class AuditSettings(Section):
    """What it takes to read a wallet: a daemon's settings, of which an auditor has no key."""

    chain: ChainSettings
    history: HistorySettings
    labels: LabelSettings = LabelSettings()
    signer: SignerSettings | None = None
    model: ModelSettings = ModelSettings()
    drift: DriftSettings = DriftSettings()
    transactions: TransactionSettings = TransactionSettings()
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = WorkerSettings()
    web: WebSettings = WebSettings()
    api: ApiSettings = ApiSettings()
    privacy: PrivacySettings = PrivacySettings()
    proving: ProvingSettings = ProvingSettings()
    dashboard: DashboardSettings = DashboardSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    _exposed: tuple[str, ...] = PrivateAttr(())

    @property
    def warnings(self) -> list[str]:
        """What is allowed and hardly meant, a sentence each."""
        nothing = (
            "history: no market, exchange or lender is named, so every wallet reads as one without loans: name the "
            "network (history.network), or what stands on this chain ([[history.aave_v3]], [[history.lenders]], …)"
        )
        return [*self._exposed, *self._private(), *(() if self.history.reads_anything else (nothing,))]

    def _private(self) -> Iterator[str]:
        files = {
            "privacy.sealing_key_file": self.privacy.sealing_key_file,
            "privacy.storage_key_file": self.privacy.storage_key_file,
            "proving.key_file": self.proving.key_file,
        }
        for name, path in files.items():
            if path is not None and (told := told_of_file(path, name)) is not None:
                yield told
        if self.privacy.waits and not self.api.enabled:
            yield (
                "privacy: this daemon waits for private data, and api.enabled is false: "
                "another daemon of this database has to take them"
            )

    @model_validator(mode="after")
    def _one_network(self) -> Self:
        if fault := _another_network(self.history.network, self.chain.chain_id):
            raise ValueError(fault)
        return self


class Settings(AuditSettings):
    """Everything an operator can set."""

    signer: SignerSettings

    @model_validator(mode="after")
    def _accounts_apart(self) -> Self:
        requester = self.api.requester_key
        if requester is not None and _same_key(requester, self.signer.key):
            raise ValueError(
                "api.requester_key is signer.key: give requests an account of their own, apart from the answers' nonces"
            )
        return self


Kind = TypeVar("Kind", bound=AuditSettings)


def load_settings(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Return the settings of a TOML file and an environment; raises ConfigurationFault that lists every fault."""
    return load_settings_of(Settings, file, environment)


def load_settings_of(kind: type[Kind], file: Path | None, environment: Mapping[str, str]) -> Kind:
    """Do what `load_settings` does, for a daemon or for an auditor."""
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
    except FileNotFoundError as error:
        raise ConfigurationFault(f"settings file {file} does not exist: name another with --config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationFault(f"settings file {file} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationFault(f"settings file {file} is not valid TOML: {error}") from error
    exposed = list(exposed_in_file(values, kind, file)) if file else []
    faults = merge_environment(values, environment, kind, ENVIRONMENT_PREFIX)
    exposed += exposed_files(values, kind)
    faults += read_files(values, kind)
    settings: Kind | None = None
    try:
        settings = kind.model_validate(values)
    except ValidationError as error:
        faults += [_with_hint(line, environment) for line in explain(error, kind)]
        # Sections are compared only once each is right by itself: told now, it need not wait for another run.
        chain, history = (table if isinstance(table := values.get(key), dict) else {} for key in ("chain", "history"))
        if (other := _another_network(history.get("network"), chain.get("chain_id"))) and other not in faults:
            faults.append(other)
    if faults or settings is None:
        raise ConfigurationFault("\n".join(faults))
    settings._exposed = tuple(exposed)
    return settings


def _with_hint(line: str, environment: Mapping[str, str]) -> str:
    key = line.partition(": is required")[0]
    other = MISTAKEN_FOR.get(key)
    if other is None or ENVIRONMENT_PREFIX + other not in environment:
        return line
    variable = ENVIRONMENT_PREFIX + key.replace(".", "__").upper()
    return f"{line}; {ENVIRONMENT_PREFIX}{other} {OWN[other]} and is not read here: set {variable}"
