"""What can be wrong with private credit data; no text here ever holds a value of it."""

from enum import StrEnum

from oracle.assessment.errors import OracleError


class Check(StrEnum):
    """Which check an opening failed, as the API names it."""

    NOT_SEALED_TO_THIS_KEY = "not_sealed_to_this_key"
    ANOTHER_REQUEST = "another_request"
    OUT_OF_RANGE = "out_of_range"
    ANOTHER_COMMITMENT = "another_commitment"


class PassportError(OracleError):
    """Base of what can be wrong with a passport, an opening or a sealed one."""


class WrongSchema(PassportError):
    """The file follows a schema, or a version of it, that this release does not read."""


class InvalidPassport(PassportError):
    """Fields are missing, unknown, or outside their ranges; one line a fault, each naming field, unit and range."""


class InvalidSalt(PassportError):
    """The salt is too short to hide anything, or no salt."""


class PrivateFileFault(PassportError):
    """A passport's or an opening's file cannot be read, or would be overwritten."""


class InvalidOpening(PassportError):
    """An opening that does not hold; `check` says which of the checks it failed."""

    check = Check.OUT_OF_RANGE


class NotSealedToThisKey(InvalidOpening):
    """The sealed box does not open with this key, or was changed on its way."""

    check = Check.NOT_SEALED_TO_THIS_KEY


class AnotherRequest(InvalidOpening):
    """The opening was sealed for another request, oracle or chain."""

    check = Check.ANOTHER_REQUEST


class AnotherCommitment(InvalidOpening):
    """The opening does not open the commitment that it was given for."""

    check = Check.ANOTHER_COMMITMENT
