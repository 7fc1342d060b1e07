# Everything runs in .venv, made from requirements.lock with whatever Python 3.11 to 3.13 is found (or PYTHON=…).
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# An environment that another Python than the one asked for has made, whose Python is gone, or whose setup was interrupted, is
# made anew; one of another folder, or of other requirements, is brought up to date.
VERSION := import sys; print(sys.version_info[:2])
GIVEN := $(filter command environment,$(firstword $(origin PYTHON)))
ASKED := $(if $(GIVEN),$(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null))
FOUND := $(shell $(BIN)/python -c 'import pip; $(SUPPORTED)' 2>/dev/null && $(BIN)/python -c '$(VERSION)')
FITS := $(and $(FOUND),$(if $(wildcard .venv/.begun),,yes),$(if $(GIVEN),$(and $(ASKED),$(findstring $(ASKED),$(FOUND))),yes))
ifneq ($(if $(FITS),$(shell cat .venv/.ready 2>/dev/null)),$(CURDIR))
.PHONY: .venv/.ready
endif

.PHONY: run setup test test-slow lint benchmark clean clean-outputs lock

run: .venv/.ready ## train the runs of a small paper on bundled data, make its figures and tables
	@$(BIN)/python scripts/paper.py

setup: .venv/.ready ## make .venv with everything pinned by hash

.venv/.ready: requirements.lock pyproject.toml
	@$(or $(PYTHON),false) -c '$(SUPPORTED)' || { echo "ae_jax needs Python 3.11 to 3.13; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@mkdir -p .venv && touch .venv/.begun
	$(if $(FITS),,$(PYTHON) -m venv --clear .venv && touch .venv/.begun)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@ && rm .venv/.begun

test: .venv/.ready ## the fast tests, under three minutes on two cores
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: .venv/.ready ## whole programs and fault injection
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

lint: .venv/.ready ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

benchmark: .venv/.ready ## against peers (install them with: pip install -e '.[benchmark]') and the physical limit
	$(BIN)/python scripts/benchmark.py

lock: ## renew requirements.lock (needs uv)
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock --upgrade

clean-outputs: ## delete all run folders
	find outputs -mindepth 1 -maxdepth 1 ! -name .gitignore -exec rm -rf {} +

clean: ## delete the environment and caches
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis
