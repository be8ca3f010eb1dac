"""The shipped model's open circuit: the model's answers without private data, with the features in the clear."""

import json
import random
import re
import shutil
from pathlib import Path

import ezkl
import onnx
import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, NEUTRAL_PRIVATE
from oracle.assessment.request import FIELD_MODULUS
from oracle.assessment.words import feature_words
from oracle.models.bound import UnboundedGraph, check_all_bounded
from oracle.models.folder import GRAPH, MANIFEST, OPEN, SETTINGS
from oracle.models.inference import Model
from oracle.models.open_graph import export_open
from oracle.models.registry import ModelFault, load
from oracle.models.weights import load_weights
from oracle.proving.circuit import Statement, compile_circuit, read_circuit
from oracle.proving.errors import KeysFault
from oracle.proving.ezkl_files import solve
from oracle.proving.field import to_signed

SHIPPED = load()
CIRCUIT = SHIPPED.open_circuit


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("open") / "circuit.ezkl"
    compile_circuit(read_circuit(SHIPPED.directory / OPEN), target)
    return target


def _rows() -> list[tuple[int, ...]]:
    draw = random.Random(3)  # noqa: S311 - inputs of a test
    rows = [tuple(draw.randint(0, ENCODED_ONE) for _ in FEATURES) for _ in range(12)]
    rows += [tuple(draw.choice((0, ENCODED_ONE)) for _ in FEATURES) for _ in range(12)]
    return [(0,) * len(FEATURES), (ENCODED_ONE,) * len(FEATURES), *rows]


def test_witness__of_any_features__shows_their_words_and_the_models_outputs_to_the_bit(
    compiled: Path, tmp_path: Path
) -> None:
    network = Model.open(SHIPPED).network
    for row in _rows():
        instances = solve(tmp_path, compiled, row)
        assert instances[:2] == feature_words(row)
        expected = network(torch.tensor([row]), torch.tensor([NEUTRAL_PRIVATE]))[0].tolist()
        assert [to_signed(element) for element in instances[2:]] == expected


def test_circuit__every_feature_a_step_above_its_range__has_no_proof_for_each(compiled: Path, tmp_path: Path) -> None:
    solve(tmp_path, compiled, [ENCODED_ONE + 1] * len(FEATURES))
    with pytest.raises(RuntimeError) as refused:
        ezkl.mock(str(tmp_path / "witness.json"), str(compiled))
    unmet = re.findall(r"Lookup \(index: \d+\) is not satisfied in .* at offset \d+", str(refused.value))
    assert len(set(unmet)) == len(FEATURES)


def test_witness__of_a_feature_a_little_below_its_range__shows_the_words_of_zero(
    compiled: Path, tmp_path: Path
) -> None:
    row = [2] * len(FEATURES)
    row[31] = FIELD_MODULUS - 1
    assert solve(tmp_path, compiled, row)[:2] == feature_words([2] * 31 + [0])


def test_circuit__as_shipped__is_what_the_export_writes_from_the_weights(tmp_path: Path) -> None:
    assert CIRCUIT is not None
    made = export_open(load_weights(SHIPPED.directory / "weights.json"), tmp_path, CIRCUIT.name)
    assert made == CIRCUIT.model_id.hex()
    for name in (GRAPH, SETTINGS, MANIFEST):
        assert (tmp_path / name).read_bytes() == (CIRCUIT.directory / name).read_bytes()


def test_circuit__of_the_shipped_model__says_what_it_shows() -> None:
    circuit = read_circuit(SHIPPED.directory / OPEN)
    assert circuit.statement is Statement.OPEN
    assert circuit.output_scales == SHIPPED.output_scales
    assert read_circuit(SHIPPED.directory).statement is Statement.COMMITTED
    run = json.loads(circuit.settings.read_text())["run_args"]
    visibility = [run[f"{part}_visibility"] for part in ("input", "output", "param")]
    assert (visibility, run["disable_freivalds"]) == (["Private", "Public", "Fixed"], True)


def _copied(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED.directory, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("folder", [".", OPEN])
def test_circuit__when_freivalds_check_is_on__is_refused(tmp_path: Path, folder: str) -> None:
    path = _copied(tmp_path) / folder
    settings = json.loads((path / SETTINGS).read_text())
    settings["run_args"]["disable_freivalds"] = False
    (path / SETTINGS).write_text(json.dumps(settings))
    with pytest.raises(KeysFault, match="disable_freivalds must be true"):
        read_circuit(path)


def test_model__with_an_open_circuit_of_another__is_refused(tmp_path: Path) -> None:
    folder = _copied(tmp_path)
    manifest = json.loads((folder / OPEN / MANIFEST).read_text())
    (folder / OPEN / MANIFEST).write_text(json.dumps(manifest | {"neutral_commitment": "0x" + "07" * 32}))
    with pytest.raises(ModelFault, match="is no open circuit of model"):
        assert load(folder).open_circuit
    (folder / OPEN / GRAPH).write_bytes(b"another")
    with pytest.raises(ModelFault, match="was altered"):
        assert load(folder).open_circuit
    shutil.rmtree(folder / OPEN)
    assert load(folder).open_circuit is None


def test_graph__in_which_a_feature_passes_no_table__is_refused(tmp_path: Path) -> None:
    assert CIRCUIT is not None
    graph = onnx.load(str(CIRCUIT.directory / GRAPH))
    [table] = [node for node in graph.graph.node if node.op_type == "Pow"]
    for node in graph.graph.node:
        if node.op_type == "MatMul" and table.output[0] in node.input:
            node.input[list(node.input).index(table.output[0])] = "chain"
    onnx.save(graph, str(tmp_path / GRAPH))
    with pytest.raises(UnboundedGraph, match="reads chain features that passed no table"):
        check_all_bounded(tmp_path / GRAPH, json.loads((CIRCUIT.directory / SETTINGS).read_text()))
