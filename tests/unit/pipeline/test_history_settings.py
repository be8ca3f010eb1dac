"""Every market that may name a subgraph is read from it, and then needs no index."""

from typing import Any

from oracle.assessment.request import BlockRef
from oracle.config.history import HistorySettings
from oracle.pipeline.history import Histories

URL = "https://gateway.example/api/key/subgraphs/id/"
PLACE = "0x" + "ab" * 20
AAVE = {"addresses_provider": PLACE, "pool": PLACE}


def settings(**of_compound: Any) -> HistorySettings:
    return HistorySettings.model_validate(
        {
            "coin_price_feed": PLACE,
            "aave_v3": [{**AAVE, "subgraph": URL + "1"}, {**AAVE, "name": "spark"}],
            "aave_v2": [{**AAVE, "base_price_feed": PLACE, "subgraph": URL + "2"}],
            "compound_v2": [{"comptroller": PLACE, **of_compound}],
            "compound_v3": [{"comet": PLACE, "subgraph": URL + "4"}],
        }
    )


def histories(of: HistorySettings) -> Histories:
    nobody: Any = None
    return Histories(nobody, of, 1)


async def test_settings__when_they_name_subgraphs__then_each_market_has_its_own() -> None:
    found = histories(settings(subgraph=URL + "3"))
    assert found._services.subgraphs.keys() == {"aave-v3", "aave-v2", "compound-v2", "compound-v3"}
    assert "gateway.example" not in repr(settings(subgraph=URL + "3"))
    # Without an endpoint at hand: a market that is indexed would ask it.
    await found.index_markets(BlockRef(10**6, "0x" + "12" * 32, 1))
    await found.close()
