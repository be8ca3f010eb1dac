"""The exit codes of the command line: what a supervisor or a script may conclude from each."""

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """How a command ended; 64, 70 and 75 are those of sysexits.h."""

    DONE = 0
    DIFFERENT = 1
    REFUSED = 2
    UNFINISHED = 3
    USAGE = 64
    FAULT = 70
    UNAVAILABLE = 75
    INTERRUPTED = 130


MEANINGS: Final[dict[ExitCode, str]] = {
    ExitCode.DONE: "done",
    ExitCode.DIFFERENT: "what was compared differs",
    ExitCode.REFUSED: "refused: settings, keys, data or contracts must be changed first; trying again cannot help",
    ExitCode.UNFINISHED: "not finished yet: run it again later, at the time that was said",
    ExitCode.USAGE: "unknown command, option or value on the command line",
    ExitCode.FAULT: "a fault of the program or of one that it needs",
    ExitCode.UNAVAILABLE: "an endpoint or the database is away: trying again can help",
    ExitCode.INTERRUPTED: "interrupted from the keyboard",
}
"""What each code says; one place for the help text and the documentation."""
