# Everything a person or CI does with this repository. Each target does its own set-up from a clean clone;
# a second run finds it done and needs no network.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
AREAS  := $(patsubst %/area.yaml,%,$(wildcard deploy/areas/*/area.yaml))
# What the compiled modules are stamped with (SOURCES of schemas/acceleration.py): some of it is Python.
NATIVE := $(wildcard schemas/*.pyx schemas/*.pxd schemas/*.h streams/*/*.pyx streams/*/*.pxd) \
          schemas/cut_program.py streams/routing/fast_lane.py streams/routing/lane_desk.py

# Test processes at once, each with a broker and a database of its own: much of their time is waiting for those. Files
# in their own order: the long ones, in tests/fault, come early, and the last ones are short.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install run test check fault bench format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with everything in it (only when pyproject.toml or a compiled module changed)

run: $(STAMP) ## run the whole exchange here with simulated traffic; ctrl-C stops it
	$(BIN)/masa up --demo

test: $(STAMP) ## run every test, those on real Kafka and PostgreSQL included
	@deploy/scripts/install-test-tools.sh || echo 'make: without Chromium and Prometheus the tests of pages and alerts fail' >&2
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(STAMP) ## lint, formatting, types, contract, area files, rule cases and papers; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/masa schemas check
	$(BIN)/masa schemas asyncapi --check
	$(BIN)/masa gateway openapi --check
	$(BIN)/masa rules schema --check
	$(BIN)/masa topics strimzi --out deploy/kubernetes/kafka --check
	@set -e; for area in $(AREAS); do echo "$(BIN)/masa rules check --strict $$area"; $(BIN)/masa rules check --strict $$area; done
	@set -e; for area in $(AREAS); do $(BIN)/masa calendar check $$area; done
	@set -e; for area in $(AREAS); do echo "$(BIN)/masa rules test $$area"; $(BIN)/masa rules test $$area; done
	@set -e; for area in $(AREAS); do echo "$(BIN)/masa rules verify $$area"; $(BIN)/masa rules verify $$area; done
	@set -e; for area in $(AREAS); do echo "$(BIN)/masa rules document --check $$area"; $(BIN)/masa rules document --check $$area; done

fault: $(STAMP) ## kill, pause and add processes under 200,000 events; about a quarter of an hour
	MASA_FAULT_SIZE=full $(BIN)/pytest tests/fault

bench: $(STAMP) ## measure throughput and latency against raw librdkafka on this machine
	$(BIN)/masa bench

format: $(STAMP) ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the virtual environment and everything that was built or run here
	rm -rf $(VENV) .masa build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamp is made last, so a broken installation is tried again.
$(STAMP): pyproject.toml setup.py $(NATIVE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python 3.11 or newer is needed, '$(PYTHON)' is older: say 'make PYTHON=/path/to/python3.11 install'" >&2; exit 3; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
