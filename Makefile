# Everything happens in .venv at the repo root; `make run` and `make test` on a fresh checkout do all that is needed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PIP_INSTALL := $(PIP) install --progress-bar off --require-hashes --only-binary :all: --no-compile
# pip compiles one file after the other. As with pip, a file of a package that is for another Python is no error.
COMPILE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true
LESS_NOISE := sed -u -e '/^Requirement already satisfied/d' -e '/^Ignoring /d'
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links --no-strip-extras

# What `make bench` measures, such as BENCH="--quick --minutes 15" or BENCH="scoring pages"; everything, about an hour, without.
BENCH ?=

# What `make check` has a minute for: the library's tests but the slow ones, on all cores.
QUICK := -n auto tests/core tests/test_architecture.py tests/test_docs.py \
	-m "not slow and not engine and not server and not browser and not soak"
FAST := -m "not engine and not server and not browser and not soak"

.PHONY: help setup setup-dev browser run test check check-tests coverage bench docs pictures soak lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(VENV)/.setup-done ## Create .venv and install what the app needs (nothing to do the second time)

setup-dev: $(VENV)/.setup-dev-done ## Add what tests and checks need

# The stamps are written last, so a setup that was interrupted is taken up again.
$(VENV)/.setup-done: requirements.lock
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "error: '$(PYTHON)' was not found. Bellwether needs Python 3.11 or newer: make setup PYTHON=/path/to/python3.11" >&2; \
		exit 1; }
	@python="$(PYTHON)"; if [ -x "$(BIN)/python" ]; then python="$(BIN)/python"; fi; \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "error: $$python is $$("$$python" -V 2>&1). Bellwether needs Python 3.11 or newer: remove $(VENV) if it is the" \
			"old one, then make setup PYTHON=/path/to/python3.11" >&2; \
		exit 1; }
	@$(PIP) --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "Installing into $(VENV): about 400 MB to download the first time."
	$(PIP_INSTALL) -r requirements.lock | $(LESS_NOISE)
	@$(COMPILE)
	@touch $@

$(VENV)/.setup-dev-done: requirements-dev.lock $(VENV)/.setup-done
	$(PIP_INSTALL) -r requirements-dev.lock | $(LESS_NOISE)
	@$(COMPILE)
	@touch $@

browser: setup-dev ## Find a browser for the browser tests, or install one
	$(BIN)/python tests/ensure_browser.py

run: setup ## Start the app
	$(BIN)/streamlit run app/main.py

test: setup-dev ## Run every test: fast ones, engine, server and browser
	@# A browser, where one has to be installed, comes while the fast tests run.
	$(BIN)/python tests/ensure_browser.py & browser=$$!; \
		$(BIN)/python -m pytest -n auto $(FAST) && wait $$browser
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "engine or server or browser or soak"

check: setup-dev ## Format, lint, types and the fast tests, in under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory check-tests

check-tests: setup-dev
	$(BIN)/python -m pytest $(QUICK)

coverage: setup-dev ## Fast tests with line and branch coverage
	$(BIN)/python -m pytest $(FAST) --cov

bench: setup-dev ## Measure beside what others take; one table, docs/performance.md, and the same as JSON
	$(BIN)/python -m bench.table $(BENCH)

docs: setup-dev ## Rebuild the references of commands and HTTP from the code
	$(BIN)/python -m tests.reference

pictures: setup-dev browser ## Take the pictures of the documentation again, still and moving
	$(BIN)/python -m tests.browser.pictures docs/images
	$(BIN)/python -m tests.browser.moving docs/images/first_minute.gif

soak: setup-dev browser ## Run the long tests at full count
	BELLWETHER_SOAK=1 $(BIN)/python -m pytest -m soak -o faulthandler_timeout=3600

lock: setup-dev ## Rebuild both lock files from requirements*.txt
	$(UV_COMPILE) requirements.txt -o requirements.lock
	$(UV_COMPILE) --constraint requirements.lock requirements-dev.txt -o requirements-dev.lock

clean: ## Remove caches; data, runs and .venv stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find app bench core tests -name __pycache__ -type d -prune -exec rm -rf {} +
