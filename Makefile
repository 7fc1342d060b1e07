# Everything runs in .venv (or VENV=…), made from requirements.lock with PYTHON=…; else with the Python that .venv has, else with
# whatever Python 3.11 to 3.13 is found. A .venv of another Python, or that was moved or copied, is made anew.
VENV ?= .venv
BIN := $(VENV)/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
VERSION := import sys; print(*sys.version_info[:2], sep=".")
PYTHON ?= $(shell for p in $(BIN)/python python3 python3.13 python3.12 python3.11; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
PYTHON := $(PYTHON)
WANTED := $(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null) $(CURDIR)
MADE := $(shell $(BIN)/python -c '$(VERSION)' 2>/dev/null) $(shell cat $(VENV)/.ready 2>/dev/null)

ifneq ($(MADE),$(WANTED))
CLEAR := $(and $(wildcard $(VENV)/pyvenv.cfg),--clear)
.PHONY: $(VENV)/.ready
endif

.PHONY: run setup test test-gpu test-slow lint benchmark clean clean-outputs lock

run: $(VENV)/.ready ## train the runs of a small paper on bundled data, make its figures and tables
	@$(BIN)/python scripts/paper.py

setup: $(VENV)/.ready ## make .venv with everything pinned by hash

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(or $(PYTHON),false) -c '$(SUPPORTED)' || { echo "ae_jax needs Python 3.11 to 3.13; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@rm -f $@ # where this is interrupted, it begins anew
	$(PYTHON) -m venv $(CLEAR) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@pwd -P >$@

test: $(VENV)/.ready ## the fast tests, under three minutes on two cores
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-gpu: $(VENV)/.ready ## the fast tests on a GPU (install JAX for it with: $(BIN)/pip install -e '.[cuda]')
	JAX_PLATFORMS=cuda,cpu $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(VENV)/.ready ## whole programs and fault injection
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

lint: $(VENV)/.ready ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

benchmark: $(VENV)/.ready ## against peers (install them with: pip install -e '.[benchmark]') and the physical limit
	$(BIN)/python scripts/benchmark.py

lock: ## renew requirements.lock (needs uv)
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock --upgrade

clean-outputs: ## delete all run folders
	find outputs -mindepth 1 -maxdepth 1 ! -name .gitignore -exec rm -rf {} +

clean: ## delete the environment and caches
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis
