"""A batch model's network of random integers: small enough for the tables, large enough that every part speaks."""

import torch
from torch import Tensor

from oracle.models.table_net import TableNetwork


def random_network(seed: int = 0, fraud: tuple[int, int] = (6, 4), credit: tuple[int, int] = (5, 3)) -> TableNetwork:
    """Return a network that holds every table for all features 0..1024."""
    generator = torch.Generator().manual_seed(seed)

    def some(*shape: int, within: int) -> Tensor:
        return torch.randint(-within, within + 1, shape, generator=generator)

    return TableNetwork(
        fraud_1=some(fraud[0], 12, within=7),
        fraud_1_bias=some(fraud[0], within=900),
        fraud_2=some(fraud[1], fraud[0], within=9),
        fraud_2_bias=some(fraud[1], within=500),
        fraud_3=some(1, fraud[1], within=9),
        fraud_knots=some(11, within=500).sort().values,
        fraud_out=some(1, 11, within=20),
        credit_1=some(credit[0], 8, within=10),
        credit_1_bias=some(credit[0], within=900),
        credit_2=some(credit[1], credit[0], within=9),
        credit_2_bias=some(credit[1], within=500),
        credit_3=some(1, credit[1], within=9),
        default_knots=some(10, within=500).sort().values,
        default_out=some(3, 10, within=20),
        terms_1=some(3, 3, within=20),
        terms_1_bias=some(3, within=900),
        terms_2=some(4, 3 + credit[0], within=5),
        terms_2_bias=some(4, within=900),
        terms_out=some(2, 4, within=300),
        confidence_columns=torch.tensor([20, 11, 12, 14, 14]),
        confidence_signs=torch.tensor([-1, -1, -1, 1, -1]),
        confidence_bias=torch.tensor([460, 700, 500, -600, 200]),
        confidence_out=some(1, 5, within=900),
        output_bias=some(10, within=1000),
        hinges=torch.tensor([3, 5, 7, 8]),
        scales=torch.tensor([0, 0, 0, 20, 20, 20, 20, 20, 19, 20]),
    )
