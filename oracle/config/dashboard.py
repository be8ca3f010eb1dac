"""The operators' dashboard and the borrower's page."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from oracle.config.values import ContractAddress, Seconds, Section

_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class Role(StrEnum):
    """What an account may do: look, or act too."""

    VIEWER = "viewer"
    OPERATOR = "operator"


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise ValueError(f"{value!r} is not a path: expected one like /oracle, without a slash at its end")
    return value


class OfferedLender(Section):
    """A lender that the page for borrowers offers: one of this project's desks, or one with the same interface."""

    name: str = Field(min_length=1, max_length=60, description="what the page calls it")
    address: ContractAddress = Field(description="its contract, on the oracle's chain")


class DashboardSettings(Section):
    """The operators' dashboard: nothing of it is shown to whoever is not signed in."""

    enabled: bool = Field(True, description="whether there is a dashboard; nobody sees it without an account")
    borrower_page: bool = Field(
        True, description="whether anybody may read /b/<request>: what was decided, why, and what would change it"
    )
    borrow_page: bool = Field(
        True,
        description="whether anybody may use /borrow: it commits to private data in the browser, asks by a wallet, "
        "and hands the sealed opening to the API; needs api.enabled",
    )
    borrow_lenders: tuple[OfferedLender, ...] = Field(
        (), description="lenders that /borrow offers; none: it asks for an assessment alone"
    )
    path_prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        "", description="path that all its pages stand below, as /oracle; a proxy passes it on unchanged"
    )
    https: bool = Field(
        False, description="whether browsers reach it by https alone: the session's cookie is then sent by nothing else"
    )
    session_hours: Seconds = Field(12.0, le=720, description="hours until somebody signs in again")
    refresh_seconds: Seconds = Field(2.0, ge=0.5, le=60, description="pause between two looks at the database, in s")
