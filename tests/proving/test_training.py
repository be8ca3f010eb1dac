"""Training from the real tables gives the shipped bytes; skipped where the data folder is absent."""

from pathlib import Path

import pytest

from oracle.models import registry
from oracle.models.anomaly import ANOMALY
from oracle.models.export import GRAPH, MANIFEST, SETTINGS, WEIGHTS
from oracle.models.reference import REFERENCE
from oracle.models.registry import FLOAT_WEIGHTS
from oracle.models.training.pipeline import SEED, train

DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data folder at {DATA}")
def test_train__same_data_and_seed__gives_the_shipped_model(tmp_path: Path) -> None:
    said: list[str] = []
    metrics = train(DATA, tmp_path / "model", SEED, say=said.append)
    shipped = registry.load()
    assert metrics["model_id"] == shipped.model_id.hex()
    others = ("metrics.json", "card.md", "roc.png")
    for name in (WEIGHTS, GRAPH, SETTINGS, MANIFEST, FLOAT_WEIGHTS, ANOMALY, REFERENCE, *others):
        assert (tmp_path / "model" / name).read_bytes() == (shipped.directory / name).read_bytes(), name
    assert registry.load(tmp_path / "model").model_id == shipped.model_id
    assert len(said) > 5
