#!/bin/sh
# Generates the Python of the contract. With --check: fails if what is committed is not current.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
out=proto/python
if [ "${1:-}" = "--check" ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
common=$("$python" -c 'import google.api, os; print(os.path.dirname(os.path.dirname(list(google.api.__path__)[0])))')
PATH="$(dirname "$python"):$PATH" "$python" -m grpc_tools.protoc -I proto -I "$common" \
  --python_out="$out" --mypy_out="quiet:$out" --grpc_python_out="$out" --mypy_grpc_out="quiet:$out" \
  proto/deltacare/v1/*.proto
if [ "${1:-}" = "--check" ]; then
  for f in "$out"/deltacare/v1/*; do
    cmp -s "$f" "proto/python/deltacare/v1/$(basename "$f")" || {
      echo "proto/python/deltacare/v1/$(basename "$f") is not current: run make proto" >&2
      exit 1
    }
  done
fi
