"""One trace for each request, from the event to its end, a span for each try of a stage: where the settings want it.

A trace's id follows from chain, oracle and request: whichever daemon works on it, before and after a restart, its spans
are of one trace. Without an endpoint nothing is recorded, and OpenTelemetry need not be installed.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address
from oracle.config.telemetry import TelemetrySettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_NANOSECONDS: Final = 10**9
_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8

Attributes = Mapping[str, str | int | float | bool]

_tracer: "Tracer | None" = None
_whole_request: ContextVar[tuple[int, int] | None] = ContextVar("whole_request", default=None)


def configure(settings: TelemetrySettings, exporter: "SpanExporter | None" = None) -> Callable[[], None]:
    """Record spans from now on, where an endpoint is set (or an exporter given); return what ends it, all sent.

    Raises ConfigurationFault where OpenTelemetry is not installed.
    """
    global _tracer
    if settings.endpoint is None and exporter is None:
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    except ModuleNotFoundError as error:
        raise ConfigurationFault(
            f"telemetry.endpoint is set, and {error.name} is not installed: pip install 'risk-oracle[telemetry]'"
        ) from error

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            whole = _whole_request.get()
            return super().generate_trace_id() if whole is None else whole[0]

        def generate_span_id(self) -> int:
            whole = _whole_request.get()
            return super().generate_span_id() if whole is None else whole[1]

    if exporter is None and settings.endpoint is not None:
        exporter = OTLPSpanExporter(settings.endpoint.get_secret_value(), timeout=settings.timeout_seconds)
    if exporter is None:
        raise TypeError("there is neither an endpoint nor an exporter")
    resource = Resource.create({"service.name": settings.service_name})
    provider = TracerProvider(resource=resource, id_generator=Ids(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("oracle")
    return lambda: _end(provider)


def _end(provider: "TracerProvider") -> None:
    global _tracer
    _tracer = None
    provider.shutdown()


class RequestTrace:
    """The trace of one request."""

    def __init__(self, chain_id: int, oracle: Address, request_id: int) -> None:
        digest = hashlib.sha256(f"{chain_id}:{oracle}:{request_id}".encode()).digest()
        self._ids = (
            int.from_bytes(digest[:_TRACE_BYTES], "big"),
            int.from_bytes(digest[_TRACE_BYTES : _TRACE_BYTES + _SPAN_BYTES], "big"),
        )
        self._attributes: dict[str, str | int | float | bool] = {
            "chain.id": chain_id,
            "oracle.address": oracle,
            "request.id": str(request_id),
        }

    @property
    def id(self) -> str:
        """The trace's id, 32 hex digits."""
        return f"{self._ids[0]:032x}"

    def step(self, name: str, seconds: float, attributes: Attributes, fault: str = "") -> None:
        """Record what was done until now within the request, with the kind of its fault where it failed."""
        if _tracer is None:
            return
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

        trace_id, span_id = self._ids
        whole = NonRecordingSpan(SpanContext(trace_id, span_id, True, TraceFlags(TraceFlags.SAMPLED)))
        self._record(name, seconds, attributes, fault, set_span_in_context(whole))

    def over(self, requested_at: int, state: str) -> None:
        """Record the whole request, whose steps are its children; `requested_at` is the event's time, Unix seconds."""
        if _tracer is None:
            return
        from opentelemetry.context import Context

        token = _whole_request.set(self._ids)
        try:
            self._record("assessment", max(time.time() - requested_at, 0.0), {"request.state": state}, "", Context())
        finally:
            _whole_request.reset(token)

    def _record(self, name: str, seconds: float, attributes: Attributes, fault: str, context: object) -> None:
        from opentelemetry.context import Context
        from opentelemetry.trace import Status, StatusCode

        if _tracer is None or not isinstance(context, Context):
            return
        now = time.time_ns()
        begun = now - round(seconds * _NANOSECONDS)
        span = _tracer.start_span(name, context, attributes={**self._attributes, **attributes}, start_time=begun)
        if fault:
            span.set_status(Status(StatusCode.ERROR, fault))
        span.end(now)
