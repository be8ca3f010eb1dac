"""Which models run, and when their drift is told."""

from pathlib import Path

from pydantic import Field

from oracle.config.values import Seconds, Section


class ModelSettings(Section):
    """Which models run, and where they and their keys are."""

    name: str | None = Field(
        None,
        description="model to run (a name, or a folder), refused unless active; absent: the registry's primary",
    )
    directory: Path | None = Field(None, description="folder of model folders, beside the shipped ones")
    keys: Path = Field(Path("build/keys"), description="folder of key folders (`risk-oracle setup`), or one of them")
    ceremony: Path | None = Field(
        None,
        description="file that pins a reference string's ceremony of your own, trusted beside the shipped one",
    )
    shadow: str | None = Field(
        None,
        description="model to run beside it, recorded and never signed (a name, or a folder); "
        "absent: the registry's other active one; off: none",
    )
    follow_seconds: Seconds = Field(15.0, description="pause between two looks at the registry")


class DriftSettings(Section):
    """How far requests and outcomes are from what the model was trained on."""

    every_minutes: float = Field(60.0, gt=0, allow_inf_nan=False, description="pause between two measurements")
    window_days: int = Field(30, ge=1, description="requests of so many days are measured")
    minimum_requests: int = Field(200, ge=20, description="fewer requests in the window give no number")
    warn_psi: float = Field(
        0.25, gt=0, allow_inf_nan=False, description="population stability index from which /readyz warns"
    )
