"""The reference of a model: its training loans, against which a daemon measures the drift of requests."""

from pathlib import Path

import numpy as np
import torch

from oracle.assessment.outputs import OUTPUTS, decode_outputs
from oracle.models.export import WEIGHTS
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import policy_of
from oracle.models.reference import write_reference
from oracle.models.registry import ShippedModel
from oracle.models.weights import load_weights
from oracle.training.accounts import read_accounts
from oracle.training.book import Book, make_book
from oracle.training.split import TRAIN


def write_reference_of(folder: Path, model_id: bytes, network: IntegerNetwork, book: Book) -> None:
    """Write a model folder's reference from the book's training loans, without passports, as most requests come.

    A loan counts for its weight: the share of failures is larger in training than in the world.
    """
    rows = book.part == TRAIN
    chain = book.chain[rows]
    with torch.inference_mode():
        outputs = network(torch.from_numpy(chain), torch.zeros((len(chain), book.private.shape[1]), dtype=torch.int64))
    scores = [decode_outputs(row, (OUTPUT_BITS,) * len(OUTPUTS)) for row in outputs.tolist()]
    points = np.array([one.score_bps for one in scores], dtype=np.int64)
    categories = np.array([one.category for one in scores], dtype=np.int64)
    write_reference(folder, model_id, chain, points, categories, book.weight[rows])


def remake_reference(model: ShippedModel, data_dir: Path, seed: int) -> None:
    """Write the reference of a model that was trained with these data and this seed."""
    network = load_weights(model.directory / WEIGHTS)
    policy = policy_of(model.directory, network)
    book = make_book(data_dir, read_accounts(data_dir, seed), seed, policy=policy)
    write_reference_of(model.directory, model.model_id, IntegerNetwork.of(network), book)
