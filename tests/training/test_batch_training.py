"""The shipped batch model, measured again from its weights on the real tables; skipped without the data folder.

Fitting gives the same bytes on one kind of processor only, so the weights are the shipped ones.
"""

import json
from pathlib import Path

import pytest

from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.folder import GRAPH, MANIFEST, SETTINGS
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import policy_of
from oracle.models.table_weights import load_table_weights
from oracle.models.weights import load_weights
from oracle.training.accounts import read_accounts
from oracle.training.book import make_book
from oracle.training.pipeline import SEED
from oracle.training.remake import CARD, METRICS
from oracle.training.table_judging import judge_batch
from oracle.training.table_pipeline import BATCH_MODEL, OPEN, write_folder

DATA = Path(__file__).parents[2].parent / "shared" / "data"
FOLDER = registry.SHIPPED / BATCH_MODEL


# Minutes of work: the limit of other tests is near on a busy machine.
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data folder at {DATA}")
def test_judge_batch__shipped_weights_and_the_real_tables__gives_the_shipped_folder(tmp_path: Path) -> None:
    single = load_weights(registry.load().directory / WEIGHTS)
    policy, network = policy_of(registry.load().directory, single), load_table_weights(FOLDER / WEIGHTS)
    accounts = read_accounts(DATA, SEED)
    book = make_book(DATA, accounts, SEED, policy=policy)
    shipped = json.loads((FOLDER / METRICS).read_text())

    judged = judge_batch(network, IntegerNetwork.of(single), accounts, book, DATA, policy)
    assert judged == {name: shipped[name] for name in judged}

    write_folder(network, tmp_path, {name: value for name, value in shipped.items() if name != "circuit"})
    for name in (WEIGHTS, METRICS, CARD, *(f"{OPEN}/{file}" for file in (GRAPH, SETTINGS, MANIFEST))):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
