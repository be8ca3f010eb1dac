"""The alerts that are shipped ask for metrics that exist."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from oracle.pipeline import metrics

RULES = Path(__file__).parents[3] / "deploy" / "prometheus-rules.yml"


def test_rules__when_they_name_a_metric__then_the_daemon_has_it() -> None:
    named = set(re.findall(r"(?m)^\s+expr: (risk_oracle_\w+)", RULES.read_text()))
    known = {sample.name for metric in REGISTRY.collect() for sample in metric.samples} | {
        metric.name for metric in REGISTRY.collect()
    }
    assert metrics.NONCE_GAP_SECONDS in REGISTRY._collector_to_names
    assert len(named) == RULES.read_text().count("- alert:") == 5
    assert named <= known
