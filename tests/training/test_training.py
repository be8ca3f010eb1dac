"""A run over the real tables, on a local cluster, gives the shipped bytes; skipped without the data folder.

The learned weights are kept from the shipped model: fitting them gives the same bytes on one kind of processor only.
"""

from pathlib import Path

import pytest

from oracle.models import registry
from oracle.models.anomaly import ANOMALY
from oracle.models.export import WEIGHTS
from oracle.models.folder import GRAPH, MANIFEST, SETTINGS
from oracle.models.kept_policy import POLICY_FILE
from oracle.models.reference import REFERENCE
from oracle.models.registry import FLOAT_WEIGHTS
from oracle.training.pipeline import SEED, train
from oracle.training.workers import workers_at

DATA = Path(__file__).parents[2].parent / "shared" / "data"


# Minutes of work: the limit of other tests is near on a busy machine.
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data folder at {DATA}")
def test_train__same_data_seed_and_learned_weights__gives_the_shipped_model(tmp_path: Path) -> None:
    said: list[str] = []
    shipped = registry.load()
    # The shipped model was trained in one process: where work runs must not show.
    with workers_at("local") as workers:
        metrics = train(DATA, tmp_path / "model", SEED, workers=workers, say=said.append, keep=shipped.directory)
    assert metrics["model_id"] == shipped.model_id.hex()
    others = ("metrics.json", "card.md", "roc.png")
    for name in (WEIGHTS, GRAPH, SETTINGS, MANIFEST, FLOAT_WEIGHTS, ANOMALY, REFERENCE, POLICY_FILE, *others):
        assert (tmp_path / "model" / name).read_bytes() == (shipped.directory / name).read_bytes(), name
    assert registry.load(tmp_path / "model").model_id == shipped.model_id
    # Three stages, where nothing is fitted, and where the model was written.
    assert len(said) == 4
