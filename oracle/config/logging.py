"""What is logged."""

from typing import Literal

from pydantic import Field

from oracle.config.values import Section


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severity that is logged")
    format: Literal["console", "json"] = Field("console", description="for people, or one JSON object a line")
