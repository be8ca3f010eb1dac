"""Weights as text: integers on the fixed-point grid, so that a file says exactly what the circuit fixes."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from oracle.assessment.errors import ConfigurationFault
from oracle.models.fixed_point import BIAS_BITS, WEIGHT_BITS
from oracle.models.network import DEPTH_OF, RiskNetwork, Shape


def save_weights(network: RiskNetwork, path: Path) -> None:
    """Write a quantised network: its shape and, by layer, weights in 2^-WEIGHT_BITS and biases in 2^-BIAS_BITS."""
    layers = {
        name: {
            "weight": (network.layer(name).weight.detach().double() * 2**WEIGHT_BITS).round().long().tolist(),
            "bias": (network.layer(name).bias.detach().double() * 2**BIAS_BITS).round().long().tolist(),
        }
        for name in DEPTH_OF
    }
    rows = [f'  "{name}": {json.dumps(layer)}' for name, layer in layers.items()]
    head = json.dumps({"shape": asdict(network.shape), "weight_bits": WEIGHT_BITS, "bias_bits": BIAS_BITS})
    path.write_text(f'{{"format": {head}, "layers": {{\n' + ",\n".join(rows) + "\n}}\n")


def save_float(network: RiskNetwork, path: Path) -> None:
    """Write an unrounded network: its shape and, by layer, weights and biases to seven digits."""
    rows = [
        f'  "{name}": '
        + json.dumps(
            {
                "weight": [[float(f"{value:.7g}") for value in row] for row in network.layer(name).weight.tolist()],
                "bias": [float(f"{value:.7g}") for value in network.layer(name).bias.tolist()],
            }
        )
        for name in DEPTH_OF
    ]
    path.write_text(f'{{"shape": {json.dumps(asdict(network.shape))}, "layers": {{\n' + ",\n".join(rows) + "\n}}\n")


def load_float(path: Path) -> RiskNetwork:
    """Read an unrounded network; raises ConfigurationFault when the file is missing or not one."""
    try:
        content = json.loads(path.read_text())
        shape: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in content["shape"].items()
        }
        network = RiskNetwork(Shape(**shape)).double()
        with torch.no_grad():
            for name in DEPTH_OF:
                stored = content["layers"][name]
                network.layer(name).weight.copy_(torch.tensor(stored["weight"], dtype=torch.float64))
                network.layer(name).bias.copy_(torch.tensor(stored["bias"], dtype=torch.float64))
    except (KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise ConfigurationFault(f"{path} holds no unrounded network: {error}") from error
    return network


def load_weights(path: Path) -> RiskNetwork:
    """Read a network; raises ConfigurationFault when the file does not describe one of this format."""
    try:
        content = json.loads(path.read_text())
        head = content["format"]
        if (head["weight_bits"], head["bias_bits"]) != (WEIGHT_BITS, BIAS_BITS):
            raise ConfigurationFault(f"{path} has another fixed-point format than this release: {head}")
        shape: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in head["shape"].items()
        }
        network = RiskNetwork(Shape(**shape))
        with torch.no_grad():
            for name in DEPTH_OF:
                layer, stored = network.layer(name), content["layers"][name]
                layer.weight.copy_(torch.tensor(stored["weight"], dtype=torch.float64) / 2**WEIGHT_BITS)
                layer.bias.copy_(torch.tensor(stored["bias"], dtype=torch.float64) / 2**BIAS_BITS)
    except (KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise ConfigurationFault(f"{path} holds no weights of this network: {error}") from error
    return network
