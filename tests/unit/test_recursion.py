"""What every command sets for its whole process before its job."""

import subprocess
import sys

PROGRAM = """
import sys
from oracle.commands.common import run_job

async def job():
    import web3  # loads the library that raises the limit
    print(sys.getrecursionlimit(), "py_ecc" in sys.modules)

run_job(job())
"""


def test_job__whatever_a_library_sets__follows_strangers_json_to_a_bounded_depth() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["4000", "True"]
