"""The HTTP side."""

from pydantic import Field

from oracle.config.values import Section


class WebSettings(Section):
    """The HTTP side: health, readiness, metrics."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
