"""The batch circuit against its integers, and what its export refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezkl
import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.words import feature_words, pack_outputs
from oracle.models.export import WEIGHTS
from oracle.models.folder import GRAPH, MANIFEST, SETTINGS
from oracle.models.registry import SHIPPED
from oracle.models.table_export import UnsafeBatch, check_batch, export_batch
from oracle.models.table_format import HIGHEST, LOGROWS
from oracle.models.table_net import TableNetwork
from oracle.models.table_weights import load_table_weights
from oracle.training.table_pipeline import BATCH_MODEL, OPEN
from tests.support.table_networks import random_network

WALLETS = 5
UNREAD = [feature.name for feature in FEATURES].index("protocol_diversity")


@pytest.fixture(scope="module")
def network() -> TableNetwork:
    return random_network()


@pytest.fixture(scope="module")
def folder(network: TableNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("batch")
    export_batch(network, found, "random", WALLETS)
    ezkl.compile_circuit(str(found / GRAPH), str(found / "circuit.ezkl"), str(found / SETTINGS))
    return found


@pytest.fixture
def settings(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / SETTINGS).read_text())
    return found


def test_witness__of_the_shipped_circuit__has_the_shipped_integers_words_to_the_bit(tmp_path: Path) -> None:
    shipped = SHIPPED / BATCH_MODEL
    network, circuit = load_table_weights(shipped / WEIGHTS), shipped / OPEN
    wallets = json.loads((circuit / MANIFEST).read_text())["batch_size"]
    ezkl.compile_circuit(str(circuit / GRAPH), str(tmp_path / "circuit.ezkl"), str(circuit / SETTINGS))
    chain = torch.randint(0, ENCODED_ONE + 1, (wallets, len(FEATURES)), generator=torch.Generator().manual_seed(7))
    chain[0], chain[1, ::2] = 0, ENCODED_ONE

    assert network.fits(chain).all()
    assert _witness(tmp_path, chain) == _words(network, chain)


def _words(network: TableNetwork, chain: torch.Tensor) -> list[int]:
    features = [word for row in chain.tolist() for word in feature_words(row)]
    return features + [pack_outputs(row) for row in network(chain).tolist()]


def _witness(folder: Path, chain: torch.Tensor) -> list[int]:
    """Return the public words that the circuit gives for features, answer by answer: all features, then all outputs."""
    cells = [int(value).to_bytes(32, "little").hex() for value in chain.ravel()]
    (folder / "input.json").write_text(json.dumps({"input_data": [cells]}))
    ezkl.gen_witness(str(folder / "input.json"), str(folder / "circuit.ezkl"), str(folder / "witness.json"))
    found = json.loads((folder / "witness.json").read_text())["outputs"]
    return [int.from_bytes(bytes.fromhex(cell), "little") for tensor in found for cell in tensor]


def test_witness__random_wallets_and_the_ends__has_the_integers_words_to_the_bit(
    folder: Path, network: TableNetwork
) -> None:
    generator = torch.Generator().manual_seed(2)
    for _ in range(4):
        chain = torch.randint(0, ENCODED_ONE + 1, (WALLETS, len(FEATURES)), generator=generator)
        chain[0], chain[1] = 0, ENCODED_ONE
        chain[2] = ENCODED_ONE * torch.randint(0, 2, (len(FEATURES),), generator=generator)

        assert _witness(folder, chain) == _words(network, chain)


@pytest.mark.parametrize(("value", "holds"), [(ENCODED_ONE, True), (HIGHEST + 1, False), (2**15, False)])
def test_constraints__a_feature_beyond_the_table__do_not_hold(folder: Path, value: int, holds: bool) -> None:
    chain = torch.zeros(WALLETS, len(FEATURES), dtype=torch.int64)
    # Read by nothing but the words: the table itself is what bounds it.
    chain[3, UNREAD] = value
    _witness(folder, chain)

    assert _satisfied(folder) is holds


def _satisfied(folder: Path) -> bool:
    try:
        return bool(ezkl.mock(str(folder / "witness.json"), str(folder / "circuit.ezkl")))
    except RuntimeError:
        return False


def test_proof__of_a_batch__verifies_with_its_own_words_and_no_others(folder: Path, network: TableNetwork) -> None:
    chain = torch.randint(0, ENCODED_ONE + 1, (WALLETS, len(FEATURES)), generator=torch.Generator().manual_seed(3))
    words = _witness(folder, chain)
    circuit, witness, proving_key, verifying_key, srs, proof = (
        str(folder / name) for name in ("circuit.ezkl", "witness.json", "pk", "vk", "srs", "proof.json")
    )
    ezkl.gen_srs(srs, LOGROWS)
    ezkl.setup(circuit, verifying_key, proving_key, srs)  # type: ignore[call-arg] # the stub forgets the defaults
    ezkl.prove(witness, circuit, proving_key, proof, srs)
    made = json.loads(Path(proof).read_text())
    [instances] = made["instances"]

    assert [int.from_bytes(bytes.fromhex(cell), "little") for cell in instances] == words == _words(network, chain)
    assert _verifies(made, instances, folder)
    first = WALLETS * 2
    one_more = list(instances)
    one_more[first] = (words[first] + 1).to_bytes(32, "little").hex()
    assert not _verifies(made, one_more, folder)
    # Two answers exchanged, one answer twice, two wallets' features exchanged.
    for places in ((first + 1, first), (first, first), (2, 3, 0, 1)):
        other = list(instances)
        start = min(places)
        other[start : start + len(places)] = [instances[place] for place in places]
        assert other != instances
        assert not _verifies(made, other, folder)


def _verifies(proof: dict[str, Any], instances: list[str], folder: Path) -> bool:
    changed = proof | {"instances": [instances], "pretty_public_inputs": None}
    (folder / "changed.json").write_text(json.dumps(changed))
    try:
        return bool(
            ezkl.verify(str(folder / "changed.json"), str(folder / SETTINGS), str(folder / "vk"), str(folder / "srs"))
        )
    except RuntimeError:
        return False


def test_export__twice__gives_the_same_bytes(folder: Path, network: TableNetwork, tmp_path: Path) -> None:
    again = export_batch(network, tmp_path, "random", WALLETS)

    assert json.loads((folder / "model.json").read_text())["model_id"] == again
    assert (tmp_path / SETTINGS).read_bytes() == (folder / SETTINGS).read_bytes()


def _freivalds(found: dict[str, Any]) -> None:
    found["run_args"]["disable_freivalds"] = False


def _weights_not_fixed(found: dict[str, Any]) -> None:
    found["run_args"]["param_visibility"] = "Private"


def _hidden_outputs(found: dict[str, Any]) -> None:
    found["run_args"]["output_visibility"] = "Private"


def _longer_table(found: dict[str, Any]) -> None:
    found["run_args"]["lookup_range"][1] += 1


def _other_table(found: dict[str, Any]) -> None:
    found["required_lookups"][0]["Pow"]["a"] = 2.0


def _fewer_answers(found: dict[str, Any]) -> None:
    found["model_instance_shapes"][1][0] -= 1


def _rescaling(found: dict[str, Any]) -> None:
    found["required_range_checks"] = [[-1, 1]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_freivalds, "disable_freivalds"),
        (_weights_not_fixed, "Private"),
        (_hidden_outputs, "Private"),
        (_longer_table, "tables"),
        (_other_table, "tables"),
        (_fewer_answers, "instances"),
        (_rescaling, "rescaled"),
    ],
)
def test_check_batch__settings_that_bind_less__are_refused(
    folder: Path, settings: dict[str, Any], change: Callable[[dict[str, Any]], None], said: str
) -> None:
    check_batch(folder / GRAPH, settings, WALLETS)
    change(settings)
    with pytest.raises(UnsafeBatch, match=said):
        check_batch(folder / GRAPH, settings, WALLETS)


def test_check_batch__a_graph_that_reads_features_past_the_table__is_refused(
    network: TableNetwork, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oracle.models import table_graph

    monkeypatch.setattr(table_graph, "_clip", lambda values: values)
    table_graph.write_batch_graph(network, WALLETS, tmp_path / GRAPH)

    with pytest.raises(UnsafeBatch, match="passed no table"):
        check_batch(tmp_path / GRAPH, settings, WALLETS)
