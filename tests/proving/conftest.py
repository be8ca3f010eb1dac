"""Real keys for the shipped model, made once a session."""

import pytest

from oracle.models import registry
from oracle.models.registry import ShippedModel
from oracle.proving.keys import Keys
from oracle.proving.making import setup


@pytest.fixture(scope="session")
def shipped() -> ShippedModel:
    return registry.load()


@pytest.fixture(scope="session")
def keys(shipped: ShippedModel, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return setup(shipped.directory, tmp_path_factory.mktemp("keys"))
