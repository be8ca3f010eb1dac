"""Commands run within the test's process, as `risk-oracle` ends them: exit code, output, and what stands in errors."""

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from oracle.assessment.errors import OracleError
from oracle.cli import app
from oracle.commands.exits import code_of


@dataclass(frozen=True)
class Ended:
    """How a command ended; `error` holds standard error and the fault that it would end with."""

    code: int
    output: str
    error: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.error
        return json.loads(self.output)


def command(*words: object, answers: str | bytes | None = None) -> Ended:
    """Run a command; `answers` is what is typed."""
    done = CliRunner().invoke(app, [str(word) for word in words], input=answers)
    if isinstance(done.exception, OracleError):
        return Ended(code_of(done.exception), done.stdout, f"{done.stderr}{done.exception}")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)
