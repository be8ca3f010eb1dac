#!/bin/sh
# Make the environment of the library that the encrypted approval is compared with: approval-peer.sh FOLDER REQUIREMENTS
# It is large (6 GB), is for the benchmark alone, and has its own torch, numpy and xgboost, of years that ours are not.
set -eu
folder=$1
requirements=$2

works() { [ -x "$1/bin/python" ] && "$1/bin/python" -I -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("concrete.ml") is None)' 2> /dev/null; }

if works "$folder" && [ "$folder/.made" -nt "$requirements" ]; then exit 0; fi

for version in 3.10 3.11 3.12 3.9; do
  for python in "$(command -v python$version || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/$version.*/bin/python; do
    # A shim of pyenv is found in the PATH for versions that are not switched on.
    "$python" -c 'import venv' 2> /dev/null || continue
    echo "==> The library to compare with ($("$python" --version), 6 GB: this takes minutes)"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    if "$folder/bin/pip" install -qq --only-binary :all: -r "$requirements" && works "$folder"; then
      touch "$folder/.made"
      exit 0
    fi
    echo "    it cannot be installed on it" >&2
  done
done
rm -rf "$folder"
echo "==> No comparison here: concrete-ml needs a Python from 3.9 to 3.12, and packages that could be had" >&2
exit 1
