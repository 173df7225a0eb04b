# The commands of the project; `make` alone lists them. All they need is make and Python 3.11 or
# newer (PYTHON=python3.12 names another one). Everything is installed into .venv, once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
TORCH := $(shell grep '^torch==' constraints.txt)
# The address of PyTorch's CPU-only packages, for a machine without a GPU: see README.md.
TORCH_INDEX ?=

# pip's thousand lines as one short line a package
PROGRESS := awk '/^Collecting /{sub(/[^A-Za-z0-9_.-].*/, "", $$2); print "  " $$2; fflush()} \
	/^ *Downloading .*\([0-9.]+ [MG]B\)/{print "    " $$(NF-1) " " $$NF; fflush()} \
	/^Installing collected/{print "  installing all of these"; fflush()}'

.PHONY: help
help: ## list the commands
	@echo "qa_service: ask a long official document, check every citation."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "Variables: PYTHON=python3.12, HOST=127.0.0.1, PORT=8000, CORPUS=DIR, INDEX=DIR, TORCH_INDEX=ADDRESS"

# --- install ---------------------------------------------------------------------------------

.PHONY: setup
setup: $(READY) ## install everything into .venv (done by the others when needed)

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) > /dev/null || { \
		echo "Python 3.11 is needed, and there is no '$(PYTHON)' here. Install it, or name a newer" \
			"one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is too old: Python 3.11 or newer is needed." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing PyTorch, the largest part: this takes some minutes"
	@$(BIN)/python -m pip install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH) \
		--disable-pip-version-check | $(PROGRESS)
	@echo "Installing the rest"
	@$(BIN)/python -m pip install -c constraints.txt -e '.[dev]' \
		--disable-pip-version-check | $(PROGRESS)
	@touch $(READY)

.PHONY: constraints
constraints: ## write constraints.txt anew, from the newest versions of everything
	@rm -rf build/constraints-venv && $(PYTHON) -m venv build/constraints-venv
	@echo "Installing the newest versions into an empty environment"
	@build/constraints-venv/bin/python -m pip install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) \
		$(TORCH) --disable-pip-version-check | $(PROGRESS)
	@build/constraints-venv/bin/python -m pip install '.[dev]' \
		--disable-pip-version-check | $(PROGRESS)
	@{ echo "# Made by 'make constraints': every version that the project is tested with."; \
		build/constraints-venv/bin/python -m pip freeze --all --exclude pip --exclude qa-service \
		| sed 's/+[a-z0-9.]*$$//'; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt && rm -rf build/constraints-venv
	@echo "Wrote constraints.txt: $$(grep -c == constraints.txt) packages"

# --- use -------------------------------------------------------------------------------------

PLACES = $(if $(CORPUS),--corpus '$(CORPUS)') $(if $(INDEX),--index '$(INDEX)')

.PHONY: serve
serve: $(READY) ## serve the API; HOST=127.0.0.1 PORT=8000
	@$(BIN)/qa-service serve $(if $(HOST),--host '$(HOST)') $(if $(PORT),--port '$(PORT)') $(PLACES)

.PHONY: ask
ask: export QUESTION = $(value Q)
ask: $(READY) ## get an answer: make ask Q="日米合同委員会の目的は"
	@test -n "$$QUESTION" || { echo 'Say what to ask: make ask Q="日米合同委員会の目的は"' >&2; exit 2; }
	@$(BIN)/qa-service ask $(PLACES) -- "$$QUESTION"

.PHONY: search
search: export QUESTION = $(value Q)
search: $(READY) ## find passages: make search Q="日米「2+2」とは"
	@test -n "$$QUESTION" || { echo 'Say what to look for: make search Q="日米「2+2」とは"' >&2; exit 2; }
	@$(BIN)/qa-service search $(PLACES) -- "$$QUESTION"

.PHONY: index
index: $(READY) ## build the index anew where the corpus has changed
	@$(BIN)/qa-service index $(PLACES)

.PHONY: evaluate
evaluate: $(READY) ## judge the search by a question file: make evaluate FILE=questions.jsonl
	@test -n "$(FILE)" || { echo 'Name a question file: make evaluate FILE=questions.jsonl' >&2; exit 2; }
	@$(BIN)/qa-service evaluate $(PLACES) '$(FILE)'

.PHONY: bench
bench: $(READY) ## measure speed and memory
	@$(BIN)/python scripts/bench_search.py

# --- develop ---------------------------------------------------------------------------------

.PHONY: test
test: $(READY) ## run the tests; ARGS="-k search" chooses, ARGS="-n 0" runs one by one
	@$(BIN)/python -m pytest -n auto $(ARGS)

.PHONY: check
check: $(READY) ## lint, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

.PHONY: clean
clean: ## remove what can be made again: caches, builds, the index (.venv stays)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	@find index -mindepth 1 -not -name README.md -delete 2> /dev/null || true
