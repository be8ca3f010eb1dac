"""What a database's errors mean: that it is away, that it is busy, or that something is wrong with what was asked."""

import re
from typing import Final

import psycopg
from sqlalchemy.engine import ExceptionContext

from oracle.assessment.errors import TransientFault


class DatabaseUnreachable(TransientFault):
    """Postgres cannot serve now; `lasting` says that only the operator can change that."""

    def __init__(self, text: str, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting


class DatabaseBusy(TransientFault):
    """One statement came to nothing, by a deadlock or a time limit: the next try may succeed."""


_READ_ONLY: Final = "25006"
_IDLED: Final = "25P03"
# By SQLSTATE, or its first two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY: Final = {
    "08": "the connection to the database broke",
    _READ_ONLY: "the database is read-only, as a standby is: waiting for one that can be written to",
    _IDLED: "the database ended a connection that idled",
    "25P04": "the database ended a transaction that took too long",
    "53100": "the database's disk is full",
    "53200": "the database is out of memory",
    "53300": "the database has no connection left",
    "53": "the database lacks resources",
    "57P": "the database server is going down, or not up yet",
    "58": "the database's system fails",
    "F0": "the database's configuration is at fault",
}
# Nothing that a request brings leads to these: the whole database is not as it was when the daemon started.
_TAKEN_AWAY: Final = {
    "28": "the database refuses our user",
    "3D": "the database is not there any more",
    "3F": "the schema is not there any more",
    "42501": "the database's user may not do that any more",
    "42P01": "a table is not there any more",
}
_BUSY: Final = frozenset({"40001", "40P01", "55P03", "57014"})
# A refused connection has no SQLSTATE, only the server's words.
_LASTING: Final = re.compile(
    r"authentication failed|no password supplied|role \"[^\"]*\" does not exist|database \"[^\"]*\" does not exist"
    r"|no pg_hba\.conf entry|permission denied|not permitted to log in|not currently accepting connections"
)


def meaning(error: psycopg.Error) -> DatabaseUnreachable | DatabaseBusy | None:
    """Return the fault that an error of the driver stands for; None when what was asked is at fault."""
    state = error.sqlstate
    said = " ".join(str(error).split())
    if state is None:
        if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return None
        return DatabaseUnreachable(f"the database does not answer: {said}", lasting=bool(_LASTING.search(said)))
    if state in _BUSY:
        return DatabaseBusy(f"the database gave up on a statement: {said}")
    for table, lasting in ((_AWAY, False), (_TAKEN_AWAY, True)):
        for length in (5, 3, 2):
            if (words := table.get(state[:length])) is not None:
                return DatabaseUnreachable(f"{words} ({said})", lasting=lasting)
    return None


def tell(context: ExceptionContext) -> Exception | None:
    """Replace an error of the driver by what it means; a listener for SQLAlchemy's `handle_error`."""
    error = context.original_exception
    if not isinstance(error, psycopg.Error):
        return None
    # Such connections pass every ping, and lead to the standby for ever: all of them are thrown away.
    if error.sqlstate in (_READ_ONLY, _IDLED):
        context.is_disconnect = True
    # A ping wants to know only whether the connection is to be replaced.
    return None if context.is_pre_ping else meaning(error)
