"""A change of state as streams and webhooks tell it."""

from pydantic import BaseModel, Field

from oracle.assessment.states import State
from oracle.store.event_log import Change
from oracle.web.api.values import AnyAddress, Exact, Moment


class ChangeView(BaseModel):
    """A change of state."""

    request_id: Exact
    address: AnyAddress = Field(description="the assessed wallet")
    requester: AnyAddress
    source: State | None
    target: State
    at: Moment
    notice: str | None = Field(
        None, description="reminder: the state is the same, and the request waits for its private data"
    )


def change_view(change: Change) -> ChangeView:
    """Return a change as it is told."""
    return ChangeView(
        request_id=change.request_id,
        address=change.user,
        requester=change.requester,
        source=None if change.source is None else State(change.source),
        target=State(change.target),
        at=change.at,
        notice=change.notice,
    )
