"""The domain's errors: what went wrong with an assessment, and whether trying again can help."""

from enum import IntEnum


class DeclineReason(IntEnum):
    """Why a request is declined, as the contract numbers it."""

    HISTORY_UNAVAILABLE = 1
    UNSUPPORTED_ASSET = 2
    PRIVATE_DATA_NOT_OPENED = 3
    MODEL_NOT_APPLICABLE = 4
    OPERATOR_POLICY = 5


class OracleError(Exception):
    """Base of every error that this project raises on purpose; its text says what to do."""


class InvalidFeature(OracleError):
    """A feature value or name does not fit the table."""


class InvalidRequest(OracleError):
    """A request's fields contradict each other or the protocol."""


class TransientFault(OracleError):
    """Trying again later can help: an endpoint is away, a block is not served yet."""


class BlockUnavailable(TransientFault):
    """The endpoint does not serve the pinned block (pruned, not synced, or reorganised away)."""


class HistoryIncomplete(TransientFault):
    """A source answered with a gap: a page, a range or a receipt is missing."""


class PermanentFault(OracleError):
    """Trying again cannot help; the request is declined with `reason`, and its fee goes back."""

    def __init__(self, message: str, reason: DeclineReason) -> None:
        super().__init__(message)
        self.reason = reason


class UnsupportedAsset(PermanentFault):
    """The loan's principal or collateral has no price in the configured oracle."""

    def __init__(self, message: str) -> None:
        super().__init__(message, DeclineReason.UNSUPPORTED_ASSET)


class ConfigurationFault(OracleError):
    """The daemon and what it is pointed at do not fit; it refuses to run."""
