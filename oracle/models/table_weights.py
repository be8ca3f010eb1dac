"""The batch model's weights as text: the integers that its circuit fixes, layer by layer."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Final

from oracle.assessment.errors import ConfigurationFault
from oracle.models.table_format import HIGHEST, INPUT_STRETCH, LOWEST, SCALE_BITS, SHRINK_EXPONENT
from oracle.models.table_net import READ, TableNetwork

_FORMAT: Final = {
    "scale_bits": SCALE_BITS,
    "shrink_exponent": SHRINK_EXPONENT,
    "table": [LOWEST, HIGHEST],
    "input_stretch": INPUT_STRETCH,
    "reads": list(READ),
}


def save_table_weights(network: TableNetwork, path: Path) -> None:
    """Write a network's integers; same network, same bytes."""
    rows = [f'  "{field.name}": {json.dumps(getattr(network, field.name).tolist())}' for field in fields(TableNetwork)]
    path.write_text(f'{{"format": {json.dumps(_FORMAT)}, "layers": {{\n' + ",\n".join(rows) + "\n}}\n")


def load_table_weights(path: Path) -> TableNetwork:
    """Read a network; raises ConfigurationFault when the file does not describe one of this format."""
    try:
        content = json.loads(path.read_text())
        if content["format"] != _FORMAT:
            raise ConfigurationFault(f"{path} has another table format than this release: {content['format']}")
        return TableNetwork.of(content["layers"])
    except (KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise ConfigurationFault(f"{path} holds no weights of a table network: {error}") from error
