"""Where the spans of each request go."""

from typing import Annotated

from pydantic import Field, SecretStr

from oracle.config import values
from oracle.config.values import Seconds, Section


class TelemetrySettings(Section):
    """OpenTelemetry: one trace for each request, a span for each stage."""

    endpoint: Annotated[SecretStr, values.endpoint("http://", "https://")] | None = Field(
        None,
        description="OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; absent: no spans; "
        "needs risk-oracle[telemetry]",
    )
    service_name: str = Field("risk-oracle", min_length=1, max_length=100, description="service.name of the spans")
    timeout_seconds: Seconds = Field(5.0, le=8.0, description="patience with the collector, at the end too")
