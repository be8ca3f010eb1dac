"""The spans and the log lines of a request by the running daemon: one id from the event to the receipt."""

import asyncio
import json

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from oracle.assessment.states import State
from oracle.devnet.stack import Stack
from oracle.telemetry import RequestTrace
from tests.daemon.watching import ask, until_state
from tests.support.served import Served

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

_STAGES = ["event", "collect", "score", "prove", "sign", "submit", "confirm", "finalize"]
_STATES = ["collected", "scored", "proven", "signed", "submitted", "confirmed", "final"]


class Collector(Served):
    """An OTLP collector over HTTP."""

    path = "/v1/traces"

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")


async def test_spans__of_a_request__then_one_trace_from_the_event_to_the_receipt(stack: Stack) -> None:
    async with Collector() as collector:
        more = f'\n[telemetry]\nendpoint = "{collector.url}"\nservice_name = "oracle-test"\n\n[log]\nformat = "json"\n'
        stack.settings_file.write_text(stack.settings_file.read_text() + more)
        daemon = await stack.start_daemon("traced")
        number = (await ask(stack, "traced")).request_id
        await until_state(stack, number, State.FINAL)
        await stop(stack)
        assert daemon.returncode == 0, daemon.tail()

    trace = RequestTrace(stack.chain.chain_id, stack.oracle_address, number)
    assert collector.services == {"oracle-test"}
    assert {span.trace_id.hex() for span in collector.spans} == {trace.id}
    (whole,) = [span for span in collector.spans if not span.parent_span_id]
    assert whole.name == "assessment"
    steps = [span for span in collector.spans if span.parent_span_id]
    assert {span.parent_span_id for span in steps} == {whole.span_id}
    assert list(dict.fromkeys(span.name for span in sorted(steps, key=lambda one: one.end_time_unix_nano))) == _STAGES
    assert {
        attribute.value.string_value
        for span in collector.spans
        for attribute in span.attributes
        if attribute.key == "request.id"
    } == {str(number)}

    lines = [json.loads(line) for line in (stack.folder / "traced.log").read_text().splitlines() if line[:1] == "{"]
    moved = [line for line in lines if line.get("request_id") == number and line["event"].startswith("request_")]
    assert [line["event"] for line in moved] == [f"request_{state}" for state in _STATES]


async def stop(stack: Stack) -> None:
    """End the daemon while the collector, which is served by this loop, still answers."""
    await asyncio.to_thread(stack.stop_daemons)
