#!/bin/sh
# Install locked packages into a virtual environment: install.sh VENV LOCK
set -eu
venv=$1
lock=$2
here=$(dirname "$0")
pip="$venv/bin/pip"

$pip install -qq --progress-bar off --no-deps --require-hashes -r "$here/$lock"
# Which build of PyTorch comes first here? The CUDA build cannot be imported without its CUDA packages.
version=$($pip install -qq --dry-run --ignore-installed --no-deps --report - \
  "$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' "$here/requirements-torch-cuda.lock")" \
  | "$venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["install"][0]["metadata"]["version"])')
case $version in
*+cpu) build=cpu ;;
*) build=cuda ;;
esac
echo "==> PyTorch $version ($build build)"
$pip install -qq --progress-bar off --no-deps --require-hashes -r "$here/requirements-torch-$build.lock"
