#!/bin/sh
# Make the environment of the encrypted approval's engine: approval-python.sh FOLDER REQUIREMENTS
# Where no Python is found that openfhe has a module for, a sentence says so, and nothing else is touched.
set -eu
folder=$1
requirements=$2

works() { [ -x "$1/bin/python" ] && "$1/bin/python" -I -c 'import numpy, openfhe' 2> /dev/null; }

if works "$folder" && [ "$folder/.made" -nt "$requirements" ]; then exit 0; fi

# 3.12's module needs the libstdc++ of GCC 13: it is tried last, and kept only if it can be imported.
for version in 3.10 3.12; do
  for python in "$(command -v python$version || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/$version.*/bin/python; do
    # A shim of pyenv is found in the PATH for versions that are not switched on.
    "$python" -c 'import venv' 2> /dev/null || continue
    echo "==> The encrypted approval's engine ($("$python" --version))"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    if "$folder/bin/pip" install -qq --only-binary :all: -r "$requirements" && works "$folder"; then
      touch "$folder/.made"
      exit 0
    fi
    echo "    openfhe cannot be used on it" >&2
  done
done
rm -rf "$folder"
echo "==> No encrypted approval here: openfhe has a module for Python 3.10 (and 3.12 with GCC 13's libstdc++), and none is found" >&2
