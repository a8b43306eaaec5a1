# `make` lists the targets. Each does its own set-up: a virtual environment in .venv, nothing outside it but
# the system packages that .make/environment.sh names.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL:
.PHONY: help demo test quick test-lowest test-pythons check bench bench-peers torture notebooks format clean

# What surrounds the checkout must not leak into its environment; pip's warnings are noise, its errors are not.
unexport PYTHONPATH PYTHONHOME PYTHONWARNINGS PYTHONSAFEPATH VIRTUAL_ENV MPLBACKEND
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV UV_PYTHON UV_SYSTEM_PYTHON UV_PROJECT_ENVIRONMENT
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore

BIN := .venv/bin
TESTS ?= tests
# More words for pytest: make quick PYTEST_ARGS="-x -k budget"
PYTEST_ARGS ?=
export PYTEST_ARGS
# A file of tests stays in one process, with what its tests share; slow files are begun first (tests/conftest.py).
IN_PROCESSES := -n 2 --dist loadfile --no-loadscope-reorder

# The environment is made again when what decides it has changed: its definition or the place of the checkout,
# whose path its scripts hold. A checksum, since a clone or a branch switch gives old files new dates.
KEY := $(shell { cat pyproject.toml .make/environment.sh; pwd -P; } | cksum | cut -d ' ' -f 1)
DEMO_READY := .venv/.ready-demo-$(KEY)
TEST_READY := .venv/.ready-test-$(KEY)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO_READY) ## benchmark the shipped datasets with RapidOCR and Tesseract; results in runs/demo/
	@$(BIN)/python .make/demo.py

test: check ## all checks and all tests with branch coverage; TESTS=tests/project/test_project.py runs fewer
	@$(BIN)/python -m pytest $(TESTS) $(IN_PROCESSES) --benchmark-disable --cov --cov-report=term $(PYTEST_ARGS)

quick: $(TEST_READY) ## within a minute: the tests of what you changed, without the slow kinds; PYTEST_ARGS="-x -k name"
	@$(BIN)/python .make/quick.py

test-lowest: $(TEST_READY) ## the tests with the lowest versions that pyproject.toml allows
	@TESTS="$(TESTS)" $(BIN)/python .make/elsewhere.py lowest

test-pythons: $(TEST_READY) ## the tests on every Python from 3.11 on that is here or can be fetched
	@TESTS="$(TESTS)" $(BIN)/python .make/elsewhere.py pythons

check: $(TEST_READY) ## ruff, mypy, the import floors, and known vulnerabilities where somebody can be asked
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy toolkit .make/demo.py .make/bench.py .make/bench_peers.py
	@$(BIN)/lint-imports
	@$(BIN)/python .make/audit.py

bench: $(TEST_READY) ## measure, keep the figures of this commit, say what got worse; TOOLKIT_BENCH=full for the largest
	@$(BIN)/python .make/bench.py

bench-peers: $(TEST_READY) ## other tools on the same server, in environments of their own in .venv-peers
	@$(BIN)/python .make/bench.py peers

torture: $(TEST_READY) ## break the promises on purpose for an hour: kills, power cuts, full disks, load; TESTS=… runs fewer
	@$(BIN)/python -m pip install -qq "atheris>=3" || echo "torture: no atheris here, so nothing is fuzzed by coverage"
	@TOOLKIT_TORTURE=whole TOOLKIT_TORTURE_REPORT=.cache/torture.json \
		$(BIN)/python -m pytest $(if $(filter-out tests,$(TESTS)),$(TESTS),tests/torture) --timeout=7200 $(PYTEST_ARGS)
	@$(BIN)/python .make/torture_table.py .cache/torture.json

notebooks: $(TEST_READY) ## execute the notebooks and keep their outputs in them; a test holds them to what the code gives
	@$(BIN)/python .make/notebooks.py $(filter %.ipynb,$(TESTS))

format: $(TEST_READY) ## let ruff format the code and fix what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove what these targets made: .venv and .venv-*, caches and runs/demo (your other runs stay)
	@rm -rf .venv .venv-* runs/demo build dist *.egg-info .coverage htmlcov .benchmarks
	@rm -rf .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEMO_READY):
	@.make/environment.sh demo
	@find .venv -maxdepth 1 -name '.ready-*' ! -name '*-$(KEY)' -delete
	@touch $@

# The tests' environment holds the demo's.
$(TEST_READY):
	@.make/environment.sh test
	@find .venv -maxdepth 1 -name '.ready-*' ! -name '*-$(KEY)' -delete
	@touch $@ $(DEMO_READY)
