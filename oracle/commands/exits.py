"""How the command line ends: every outcome with its message and its exit code."""

import sys
import traceback
from collections.abc import Callable
from typing import Final, NoReturn, cast

import typer

from oracle.assessment.errors import ConfigurationFault, OracleError, TransientFault
from oracle.exit_codes import MEANINGS, ExitCode
from oracle.processes import ProgramError

# The parser's base of all errors in what was typed; it has no public name.
_USAGE_ERROR: Final = cast(type[Exception], typer.BadParameter.__mro__[1])

# \b: the lines stay as they are.
EPILOG: Final = "\b\nExit codes:\n" + "\n".join(f"  {code:3}  {meaning}" for code, meaning in MEANINGS.items())


def end(app: Callable[..., object]) -> NoReturn:
    """Run an application and exit; an expected fault is told in a line for each cause, any other with its trace."""
    try:
        code = app(standalone_mode=False)
    except _USAGE_ERROR as error:
        _show(error)
        sys.exit(ExitCode.USAGE)
    except typer.Abort:
        sys.exit(ExitCode.INTERRUPTED)
    # The process ends here: whoever started it must tell a fault from a difference.
    except Exception as error:
        cause = _first_expected(error)
        if cause is None:
            traceback.print_exc()
            sys.exit(ExitCode.FAULT)
        for line in str(cause).splitlines():
            typer.echo(f"risk-oracle: {line}", err=True)
        sys.exit(code_of(cause))
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def code_of(error: OracleError) -> ExitCode:
    """Return the exit code for an expected fault."""
    if isinstance(error, TransientFault):
        return ExitCode.UNAVAILABLE
    if isinstance(error, ProgramError):
        return ExitCode.FAULT
    if type(error) is ConfigurationFault:
        return ExitCode.REFUSED
    # Only for the rarer ones: the libraries behind these take long to load.
    from oracle.proving.errors import ProvingFailed
    from oracle.store.database import DatabaseUnreachable

    if isinstance(error, DatabaseUnreachable):
        return ExitCode.UNAVAILABLE
    return ExitCode.FAULT if isinstance(error, ProvingFailed) else ExitCode.REFUSED


def _first_expected(error: BaseException) -> OracleError | None:
    """Return an expected fault, also out of a group: a task group wraps what went wrong."""
    if isinstance(error, OracleError):
        return error
    if isinstance(error, BaseExceptionGroup):
        causes = [_first_expected(one) for one in error.exceptions]
        # What nobody expected weighs more than what comes with it.
        return None if None in causes else causes[0]
    return None


def _show(error: BaseException) -> None:
    show = getattr(error, "show", None)
    if callable(show):
        show()
    else:
        typer.echo(f"risk-oracle: {error}", err=True)
