"""Spans of a request: one trace whoever works on it, the whole as their parent; nothing where nobody asked."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from oracle import telemetry
from oracle.assessment.request import Address
from oracle.config.telemetry import TelemetrySettings
from oracle.telemetry import RequestTrace

ORACLE = Address("0x" + "17" * 20)


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    end = telemetry.configure(TelemetrySettings(service_name="test"), kept)
    yield kept
    end()


def spans(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    telemetry._tracer.span_processor.force_flush()  # type: ignore[union-attr]
    return {span.name: span for span in exporter.get_finished_spans()}


def test_trace__of_a_request__then_its_steps_are_the_children_of_the_whole(exporter: InMemorySpanExporter) -> None:
    RequestTrace(1, ORACLE, 17).step("collect", 1.5, {"request.state": "collected"})
    # Another daemon, or the same after a restart.
    trace = RequestTrace(1, ORACLE, 17)
    trace.step("prove", 0.5, {"request.state": "proven"})
    trace.over(1_700_000_000, "final")
    found = spans(exporter)
    assert list(found) == ["collect", "prove", "assessment"]
    whole = found["assessment"]
    assert whole.parent is None
    assert {f"{span.context.trace_id:032x}" for span in found.values()} == {trace.id}
    for name, seconds in (("collect", 1.5), ("prove", 0.5)):
        span = found[name]
        assert span.parent is not None
        assert span.parent.span_id == whole.context.span_id
        assert span.end_time is not None
        assert span.start_time is not None
        assert span.end_time - span.start_time == seconds * 10**9
    assert whole.start_time is not None
    assert abs(whole.start_time - 1_700_000_000 * 10**9) < 10**9, "from the event on"
    assert (whole.attributes or {})["request.id"] == "17"
    assert whole.resource.attributes["service.name"] == "test"


def test_trace__of_another_request_or_chain__then_another(exporter: InMemorySpanExporter) -> None:
    ids = {RequestTrace(chain, ORACLE, number).id for chain in (1, 2) for number in (1, 2)}
    assert len(ids) == 4
    RequestTrace(1, ORACLE, 1).step("collect", 0.1, {})
    RequestTrace(1, ORACLE, 1).step("score", 0.1, {})
    found = spans(exporter)
    assert found["collect"].context.span_id != found["score"].context.span_id


def test_trace__when_a_stage_failed__then_its_span_says_so(exporter: InMemorySpanExporter) -> None:
    RequestTrace(1, ORACLE, 1).step("collect", 0.1, {"request.state": "requested"}, "EndpointUnreachable")
    status = spans(exporter)["collect"].status
    assert (status.status_code, status.description) == (StatusCode.ERROR, "EndpointUnreachable")


def test_trace__without_an_endpoint__then_nothing_is_recorded() -> None:
    end = telemetry.configure(TelemetrySettings())
    RequestTrace(1, ORACLE, 1).step("collect", 0.1, {})
    RequestTrace(1, ORACLE, 1).over(1_700_000_000, "final")
    assert telemetry._tracer is None
    end()
