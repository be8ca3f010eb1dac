"""Whose data a request commits to, what it is bound to, and how long it may wait for them."""

from dataclasses import dataclass

from oracle.config.privacy import PrivacySettings
from oracle.models.registry import ShippedModel
from oracle.pipeline.private.work import Bound
from oracle.store.tables import RequestRow

_LEAST_SHARE = 4
"""However long the margin, so much of a request's time belongs to the borrower: all but a quarter."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a request asks for its data once more, and when it is declined without; Unix seconds of the chain."""

    remind_at: int
    decline_at: int

    @classmethod
    def of(cls, row: RequestRow, settings: PrivacySettings) -> "Times":
        """Return a request's times; the reminder is at half of what the borrower has."""
        lifetime = row.deadline - row.requested_at
        decline_at = row.deadline - min(settings.decline_margin_seconds, lifetime // _LEAST_SHARE)
        return cls((row.requested_at + decline_at) // 2, decline_at)


def is_private(row: RequestRow, model: ShippedModel) -> bool:
    """Say whether a request commits to private data: any commitment but the neutral one."""
    return int(row.data_commitment) != model.neutral_commitment


def bound_to(row: RequestRow) -> Bound:
    """Return what a request's opening must be bound to."""
    return Bound(row.chain_id, row.oracle, int(row.request_id), int(row.data_commitment))
