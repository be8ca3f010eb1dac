"""A home folder for EZKL, which ends the process (a panic is no Exception) where the environment names none."""

import os
import tempfile
from pathlib import Path


def ensure_home() -> None:
    """Name a home folder in this process's environment where there is none, as under a bare service manager."""
    if "HOME" in os.environ or "EZKL_REPO_PATH" in os.environ:
        return
    try:
        home = str(Path.home())
    except RuntimeError:  # a user id that no account has, as in a container
        home = tempfile.gettempdir()
    os.environ["HOME"] = home
