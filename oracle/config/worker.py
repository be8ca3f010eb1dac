"""How much is done at once, and how patiently."""

from pydantic import Field

from oracle.config.values import Seconds, Section


class WorkerSettings(Section):
    """How much is done at once, and how patiently."""

    concurrency: int = Field(4, ge=1, le=64, description="requests in one stage at the same time")
    poll_seconds: Seconds = Field(1.0, description="pause between two looks for work that nothing announced")
    max_attempts: int = Field(8, ge=1, description="tries of one stage before a request goes to the dead letters")
    retry_seconds: Seconds = Field(2.0, description="pause before the second try; doubled each time, to ten minutes")
