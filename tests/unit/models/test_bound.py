"""Private features are bounded in the graph itself, and no graph without the bound is exported or served."""

import json
import shutil
import warnings
from pathlib import Path

import ezkl
import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES
from oracle.models import export as exporting
from oracle.models import registry
from oracle.models.bound import NEARLY_ONE, TABLE, UnboundedGraph, check_bounded
from oracle.models.export import GRAPH, SETTINGS, WEIGHTS, export, write_manifest
from oracle.models.integer import IntegerNetwork
from oracle.models.network import CARD, HOME, RiskNetwork
from oracle.models.registry import ModelFault
from oracle.models.weights import load_weights
from oracle.proving.field import from_hex

FOLDER = registry.load().directory


class Raw(torch.nn.Module):
    """The graph as it was: nothing between the private input and the network."""

    def __init__(self, network: RiskNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, chain: torch.Tensor, private: torch.Tensor) -> torch.Tensor:
        return self.network.answer(chain, self.bounded(private))

    def bounded(self, private: torch.Tensor) -> torch.Tensor:
        return private


class CardPastTheTable(Raw):
    def bounded(self, private: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.pow(private[:, HOME], NEARLY_ONE), private[:, CARD]], dim=1)


class OtherPower(Raw):
    def bounded(self, private: torch.Tensor) -> torch.Tensor:
        return torch.pow(private[:, : len(PRIVATE_FEATURES)], 1 + 2.0**-12)


@pytest.mark.parametrize("graph", [Raw, CardPastTheTable, OtherPower])
def test_export__when_a_private_feature_gets_past_the_table__then_refused(
    graph: type[Raw], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BoundedGraph", graph)
    with pytest.raises(UnboundedGraph, match="export the model again"):
        export(load_weights(FOLDER / WEIGHTS), tmp_path, "open")
    # Nor by what the graph says alone: with settings that have the table, the way past it is seen.
    with pytest.raises(UnboundedGraph, match="reads private features that passed no table"):
        check_bounded(tmp_path / GRAPH, json.loads((FOLDER / SETTINGS).read_text()))


@pytest.mark.parametrize(
    "change",
    [
        {"lookup_range": [0, ENCODED_ONE]},
        {"lookup_range": [TABLE[0] + 1, TABLE[1] + 1]},
        {"lookup_range": [-32768, 32768]},
        {"logrows": 13},
    ],
    ids=str,
)
def test_load__when_the_table_would_hold_more_than_the_range__then_refused(
    change: dict[str, object], tmp_path: Path
) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    path = tmp_path / "model" / SETTINGS
    settings = json.loads(path.read_text())
    settings["run_args"] |= change
    path.write_text(json.dumps(settings))
    write_manifest(tmp_path / "model", "open")
    with pytest.raises(ModelFault, match="models export --model"):
        registry.load(tmp_path / "model")


def test_table__in_the_circuit_of_its_operation_alone__is_the_identity_on_the_range(tmp_path: Path) -> None:
    class Table(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return torch.pow(values, NEARLY_ONE)

    values = list(range(ENCODED_ONE + 1))
    graph, settings, compiled, data, witness = (str(tmp_path / name) for name in "gscdw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(Table(), (torch.zeros(1, len(values)),), graph, opset_version=17, dynamo=False)
    arguments = ezkl.PyRunArgs()
    for name, value in {"input_scale": 10, "param_scale": 10, "logrows": 12, "lookup_range": TABLE}.items():
        setattr(arguments, name, value)
    ezkl.gen_settings(graph, settings, py_run_args=arguments)
    ezkl.compile_circuit(graph, compiled, settings)
    Path(data).write_text(json.dumps({"input_data": [[value.to_bytes(32, "little").hex() for value in values]]}))
    ezkl.gen_witness(data, compiled, witness)  # type: ignore[call-arg] # the stub forgets the defaults
    [found] = json.loads(Path(witness).read_text())["outputs"]
    assert [from_hex(text) for text in found] == values


def test_networks__beyond_the_range__answer_as_at_its_ends() -> None:
    network = load_weights(FOLDER / WEIGHTS)
    generator = torch.Generator().manual_seed(3)
    chain = torch.randint(0, ENCODED_ONE + 1, (64, 32), generator=generator)
    private = torch.randint(-4 * ENCODED_ONE, 5 * ENCODED_ONE, (64, len(PRIVATE_FEATURES)), generator=generator)
    clipped = private.clamp(0, ENCODED_ONE)
    integers = IntegerNetwork.of(network)
    assert torch.equal(integers(chain, private), integers(chain, clipped))
    with torch.no_grad():
        beyond, at_the_ends = (
            network.double()(chain.double() / ENCODED_ONE, one.double() / ENCODED_ONE) for one in (private, clipped)
        )
    assert torch.equal(beyond, at_the_ends)
