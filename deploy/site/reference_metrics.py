"""The page of Prometheus metrics, from their own declarations."""

from prometheus_client.metrics import MetricWrapperBase

from oracle.pipeline import metrics


def page() -> str:
    """Return the page: each metric with its kind, its labels, its meaning."""
    lines = [
        "# Metrics",
        "",
        "What `/metrics` gives, besides Python's own; [alerts and dashboards](../alerts.md) look at it. A counter's",
        "name ends in `_total`; a histogram has `_bucket`, `_sum`, `_count`. What has a stage or a state is there from",
        "the start.",
        "",
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "none"
            lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(lines) + "\n"
