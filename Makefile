# Two commands: `make verify` and `make test`. Both set everything up in .venv first.
PYTHON ?= python3
VENV   ?= .venv
PIP_ARGS ?=
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up

# One thread a process and one process a core: oversubscribed BLAS threads stall tiny operations.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup verify test lint types bench clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

setup: $(STAMP) ## create .venv with everything the project needs
	@echo "songoku is set up in $(VENV); try: $(BIN)/songoku --help"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "songoku needs Python 3.11 or newer; this is %d.%d. Name another one: make setup PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off -c constraints.txt $(PIP_ARGS) -e '.[dev]'
	@touch $@

verify: setup ## verify the theory: sweeps, claims, a real run, figures, report (minutes)
	$(BIN)/songoku verify --profile quick

test: setup ## run the test suite
	$(BIN)/python -m pytest

bench: setup ## time this package beside the usual tools, one table (minutes)
	$(BIN)/python tests/bench/run.py

lint: setup ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## static types
	$(BIN)/mypy

clean: ## remove the environment, caches and everything that was computed
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis runs report
