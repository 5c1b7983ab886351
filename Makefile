# Each target does all of its own set-up. PYTHON picks the interpreter that the virtual environment is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The release that cluster-test runs on.
KUBERNETES ?= 1.37

.PHONY: demo test lint unit conformance cluster-test bench clean

demo: $(VENV)/installed
	@$(BIN)/hostprocess check examples/ || test $$? -eq 1

test: lint unit

lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hostprocess lint
	$(BIN)/hostprocess export --check bundles

unit: $(VENV)/developing
	$(BIN)/python -m pytest -n auto

# The proof against the API server's own code: needs Go, builds for some minutes at first. CONFORMANCE holds options of the run (--quick).
conformance: $(VENV)/developing
	@command -v go >/dev/null || { echo "make conformance needs Go: it builds the API server's own code to compare with" >&2; exit 1; }
	HOSTPROCESS_ORACLE=1 $(BIN)/python -m pytest -n 0 tests/oracle tests/conformance tests/test_catalogue.py
	$(BIN)/python tests/conformance/run.py $(CONFORMANCE)

# Exported policies on a real API server of the release KUBERNETES: needs Go, builds for some minutes at first.
cluster-test: $(VENV)/developing
	@command -v go >/dev/null || { echo "make cluster-test needs Go: it builds a real API server to test on" >&2; exit 1; }
	HOSTPROCESS_CLUSTER=1 HOSTPROCESS_CLUSTER_MINOR=$(KUBERNETES) $(BIN)/python -m pytest -n 0 tests/cluster

bench: $(VENV)/developing
	$(BIN)/python tests/bench/bench.py

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hostprocess needs Python 3.11 or newer: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/developing: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[test,jq]' --group dev
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
