# Each target does all of its own set-up. PYTHON picks the interpreter that the virtual environment is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The release that cluster-test runs on.
KUBERNETES ?= 1.37

.PHONY: demo test lint unit thorough docs conformance cluster-test jq-test mutate fuzz bench clean

demo: $(VENV)/installed
	@$(BIN)/hostprocess check examples/ || test $$? -eq 1

test: lint unit

lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hostprocess lint
	$(BIN)/hostprocess test policies --fail-under 100
	$(BIN)/hostprocess export --check bundles/v1
	$(BIN)/hostprocess export --check bundles/v1beta1
	$(BIN)/python tools/documentation/rule_pages.py --check

# What repeats data in the documentation: the pages of the rules, and what the commands of the guides print.
docs: $(VENV)/developing
	$(BIN)/python tools/documentation/rule_pages.py
	$(BIN)/python tools/documentation/commands.py

unit: $(VENV)/developing
	$(BIN)/python -m pytest -n auto -m "not slow"

# The tests that take longer: packages that are installed, hooks, the action, guides, a browser, servers, all suites in the other CEL libraries.
thorough: $(VENV)/developing
	$(BIN)/python -m pytest -n auto -m slow

# The proof against the API server's own code: needs Go, builds for some minutes at first. CONFORMANCE holds options of the run (--quick).
conformance: $(VENV)/developing
	@command -v go >/dev/null || { echo "make conformance needs Go: it builds the API server's own code to compare with" >&2; exit 1; }
	HOSTPROCESS_ORACLE=1 $(BIN)/python -m pytest -n auto tests/oracle tests/conformance tests/test_catalogue.py
	$(BIN)/python tests/conformance/run.py $(CONFORMANCE)

# Exported policies on a real API server of the release KUBERNETES: needs Go, builds for some minutes at first.
cluster-test: $(VENV)/developing
	@command -v go >/dev/null || { echo "make cluster-test needs Go: it builds a real API server to test on" >&2; exit 1; }
	HOSTPROCESS_CLUSTER=1 HOSTPROCESS_CLUSTER_MINOR=$(KUBERNETES) $(BIN)/python -m pytest -n 0 tests/cluster

# The edits of suites with the other jq library, which has to be built: autoconf, automake, libtool and a C compiler.
jq-test:
	$(PYTHON) -m venv $(VENV)-pyjq
	$(VENV)-pyjq/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(VENV)-pyjq/bin/python -m pip install --quiet --editable '.[test,pyjq]' --group dev
	$(VENV)-pyjq/bin/python -c 'import pyjq'
	$(VENV)-pyjq/bin/python -m pytest -q tests/test_edit.py tests/test_suite_format.py

# Small faults in all rules, one at a time: which of them no suite notices. docs/mutation.md says why, of those that may stay.
mutate: $(VENV)/developing
	$(BIN)/python tests/mutate_pack.py

# Damaged inputs of all kinds for SECONDS: nothing but the documented errors may come of them, and in time.
SECONDS ?= 60
fuzz: $(VENV)/developing
	$(BIN)/python tests/fuzz/fuzzing.py --seconds $(SECONDS) $(FUZZ)

bench: $(VENV)/developing
	$(BIN)/python tests/bench/bench.py
	$(BIN)/python tests/bench/policy_bench.py
	$(BIN)/python tests/bench/mutation_bench.py

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
	rm -rf $(VENV) $(VENV)-pyjq build dist .pytest_cache .mypy_cache .ruff_cache
