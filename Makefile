# Everything a newcomer or a maintainer does, one word each. Needs python3 (3.11 or newer), make and a package index.
# `make demo` and `make test` each do everything from a bare checkout; the environment lives in .venv and is made
# again only when pyproject.toml or a lock changes.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
LOCK_VENV := $(VENV)-lock
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test slow lint format types bench docs lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## make the environment and compare theories on Tully's first model
	$(BIN)/brackish compare tully1

# one thread each for LAPACK: with more than processors, each waits for the others, twenty times as long
test slow: export OPENBLAS_NUM_THREADS = 1

test: $(VENV)/.dev ## make the environment and run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(PYTEST_ARGS)

slow: $(VENV)/.dev ## run the tests that `make test` leaves out
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow $(PYTEST_ARGS)

lint: $(VENV)/.dev ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## check types
	$(BIN)/mypy

bench: $(VENV)/.bench ## run the benchmarks and print their ratios
	set -e; for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script; done

docs: $(VENV)/.docs ## build the documentation into site/
	$(BIN)/mkdocs build --strict

lock: ## resolve the dependencies in pyproject.toml again
	test -x $(LOCK_VENV)/bin/uv || { $(PYTHON) -m venv $(LOCK_VENV) && $(LOCK_VENV)/bin/python -m pip install --quiet 'uv>=0.5,<1'; }
	$(LOCK_VENV)/bin/uv $(RESOLVE) pyproject.toml --output-file requirements.lock
	$(LOCK_VENV)/bin/uv $(RESOLVE) pyproject.toml --extra dev --constraints requirements.lock --output-file requirements-dev.lock

# One version of each package for every supported Python and platform, with hashes and without the address of any index.
RESOLVE = pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --upgrade \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) $(LOCK_VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamps: each is newer than what it was made from, so an environment that is up to date costs nothing.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "brackish needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the environment in $(VENV) (once, about a minute)"
	$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the development environment in $(VENV) (once, about a minute)"
	$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	$(PIP) install --no-deps --editable .
	@touch $(VENV)/.runtime $@

$(VENV)/.docs: $(VENV)/.dev
	$(PIP) install --editable '.[docs]'
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install --editable '.[benchmarks]'
	@touch $@
