"""The history table: made from the settings, read from a file or an address, and compared with the published one."""

from typing import Any

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.fetching import fetched, parsed
from oracle.config.settings import AuditSettings
from oracle.history.configuration import HistoryConfiguration
from oracle.history.table import configuration_of, encode_table, plain_table, table_hash
from oracle.pipeline.history import history_configuration

_LARGEST_BYTES = 1 << 20


def table_of(settings: AuditSettings) -> tuple[str, bytes]:
    """Return the hash (0x and hex digits) and the canonical bytes of the table that settings describe."""
    configuration = history_configuration(settings.history, settings.chain.chain_id)
    return table_hash(configuration), encode_table(plain_table(configuration))


async def read_table(place: str) -> HistoryConfiguration:
    """Return what a table says to read, from a file or an http(s) address.

    Raises ConfigurationFault for one that cannot be had, or is no table of this release.
    """
    table = parsed(await fetched(place, "the history table", _LARGEST_BYTES), f"the history table at {place}")
    if not isinstance(table, dict):
        raise ConfigurationFault(f"the history table at {place} is not a JSON object")
    return configuration_of(table)


def described(table: dict[str, Any]) -> str:
    """Return one line on how a table stands to the published one."""
    if table["same"] is None:
        return f"history table {table['hash']}; none is published in the registry, so others may read by another"
    if table["same"]:
        return f"history table {table['hash']}, the published one ({table['uri']})"
    return (
        f"history table {table['hash']} is NOT the published one, {table['published']} ({table['uri']}): an answer's "
        "features may differ for that alone; read by the published one with --table"
    )
