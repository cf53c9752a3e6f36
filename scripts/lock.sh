#!/bin/sh
# Writes the lock files: every version with its hashes, and no address of an index.
set -eu
cd "$(dirname "$0")/.."
compile() {
  output=$1
  shift
  env -u PIP_FIND_LINKS .venv/bin/pip-compile --quiet --generate-hashes --strip-extras \
    --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header \
    --no-annotate --output-file "$output" "$@" pyproject.toml
}
compile requirements.lock
compile requirements-dev.lock --extra test --extra dev --extra sm
compile requirements-bench.lock --extra bench
compile requirements-interop.lock --extra test --extra interop
compile requirements-spark.lock --extra spark
compile requirements-fuzz.lock --extra test --extra fuzz
