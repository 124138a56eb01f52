# Every target works on a fresh machine: Python >= 3.11, make and the package registries are enough.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q
WORKERS ?= 2
# `system` tests need root; without it they are deselected, never skipped.
MARK := $(shell [ "$$(id -u)" = 0 ] && echo "" || echo "not system")

.DEFAULT_GOAL := help
.PHONY: help run test lint bench coverage mutants system-deps lock clean

help:
	@echo "make run     start the daemon on config/quickstart.yml (http://127.0.0.1:9909/metrics)"
	@echo "make test    every test, with the real components"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make bench   side-by-side benchmarks (45 minutes)"
	@echo "make coverage  branch coverage of the contract core by its own tests"
	@echo "make mutants   mutation testing of credit, calendar, attribution and exclusions (half an hour on two free cores)"
	@echo "make lock    refresh the pinned dependencies (needs uv)"

# A bare Debian has python3 without venv; root installs it, anybody else is told the line.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "slamon needs Python >= 3.11; say: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); \
	  else echo "this Python has no venv module; as root: apt-get install -y python3-venv" >&2; exit 1; fi; }

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing the dependencies of requirements.lock"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@echo "installing the dependencies of requirements-dev.lock"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/run.stamp
	@$(BIN)/slamon run --config config/quickstart.yml --state .run

system-deps:
	@tests/system-deps

test: system-deps $(VENV)/dev.stamp
	@$(BIN)/python -m pytest -n $(WORKERS) $(if $(MARK),-m "$(MARK)") $(ARGS)

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m bench

coverage: $(VENV)/dev.stamp
	@mkdir -p .coverage
	@$(BIN)/python -m coverage run -m pytest -q -n0 tests/sla tests/test_cases.py
	@$(BIN)/python -m coverage report

mutants: $(VENV)/dev.stamp
	@ulimit -v 4000000; $(BIN)/mutmut run --max-children $(WORKERS) $(ARGS) | tr '\r' '\n' | tail -n 1
	@$(BIN)/mutmut results

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .run bench/built .pytest_cache .mypy_cache .ruff_cache .coverage mutants
