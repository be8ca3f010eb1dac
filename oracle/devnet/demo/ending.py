"""How a demo is run, and how it ends: told in a line, and with nothing left running."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from rich.console import Console

from oracle.assessment.errors import OracleError
from oracle.processes import ProgramError


def run_told(console: Console, demo: Coroutine[Any, Any, None]) -> None:
    """Run a demo; Ctrl-C and SIGTERM end it and everything that it started. Raises SystemExit for any other end."""
    # A SIGTERM unwinds like Ctrl-C does, so that no child stays behind; a shell's background job ignores SIGINT.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        asyncio.run(demo)
    except KeyboardInterrupt:
        console.print("interrupted; nothing is left running")
        raise SystemExit(130) from None
    except (ProgramError, OracleError) as error:
        console.print(f"[red]the demo failed:[/] {error}", markup=True)
        raise SystemExit(1) from None
