# Needs Python 3.11 or newer, and nothing else: Node.js servers and the conformance suite need npm.

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PEERS := build/bench-peers
ADAPTERS := build/adapters
FOREIGN := build/foreign
FRAMEWORKS := fastmcp google-adk langchain openai-agents pydantic-ai
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help up test all-tests foreign soak lint style types bench requirements clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(STAMPS)/runtime ## Run mcpool with your configuration, or with the demo server (ARGS="--port 9000")
	@$(BIN)/mcpool up $(ARGS)

test: $(STAMPS)/test $(STAMPS)/node $(STAMPS)/wheels $(STAMPS)/adapters ## Check and test everything (ARGS="tests/unit -k name" tests only these)
ifeq ($(strip $(ARGS)),)
	@$(MAKE) --no-print-directory -j 2 lint all-tests
else
	@$(BIN)/python -m pytest -n auto $(ARGS)
endif

all-tests: style
	@$(BIN)/python -m pytest -n auto

foreign: $(STAMPS)/test $(STAMPS)/foreign ## Try clients that others wrote: the MCP Inspector and Codex (600 MB from npm)
	@$(BIN)/python -m pytest tests/foreign $(ARGS)

soak: $(STAMPS)/test ## Simulate a million events, then kill real servers 10,000 times (ARGS="--events 1000")
	@$(BIN)/python -m tests.soak $(ARGS)

lint: style types ## Check style, types and the layers

style: $(STAMPS)/test
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "run: $(BIN)/ruff format ." >&2; exit 1; }
	@report=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$report"; exit 1; }

types: $(STAMPS)/test
	@report=$$($(BIN)/basedpyright) || { echo "$$report"; exit 1; }

bench: $(STAMPS)/bench $(STAMPS)/peers $(STAMPS)/adapters ## Measure, side by side with others (ARGS="...")
	@$(BIN)/python -m benchmarks $(ARGS)

requirements: $(STAMPS)/uv ## Renew the pinned versions in requirements/
	@for name in runtime test lint bench uv $(FRAMEWORKS:%=adapters-%); do \
		$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url --no-emit-find-links --no-emit-package mcpool \
			requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

clean: ## Remove everything that was installed or built
	rm -rf $(VENV) node_modules build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@test -n "$(PYTHON)" || { echo "mcpool needs Python 3.11 or newer; none was found on the PATH" >&2; exit 1; }
	@echo "creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: $(STAMPS)/venv requirements/runtime.txt pyproject.toml
	@echo "installing mcpool"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(STAMPS)/test: $(STAMPS)/runtime requirements/test.txt requirements/lint.txt
	@echo "installing what the tests need"
	@$(PIP) install --require-hashes -r requirements/test.txt -r requirements/lint.txt
	@touch $@

# What a clean environment is filled from, without an index, when the wheel is tested.
$(STAMPS)/wheels: $(STAMPS)/venv requirements/runtime.txt
	@$(PIP) download --require-hashes --no-deps --only-binary :all: -d $(VENV)/wheels -r requirements/runtime.txt
	@touch $@

$(STAMPS)/bench: $(STAMPS)/runtime requirements/bench.txt
	@echo "installing what the benchmarks need"
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

# What the benchmarks compare with, each kind in an environment of its own.
$(STAMPS)/peers: $(STAMPS)/uv benchmarks/peers/mcp-proxy.txt benchmarks/peers/google-adk.txt \
		benchmarks/peers/package-lock.json
	@echo "installing the peers"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)/python
	@$(BIN)/uv pip install --quiet --python $(PEERS)/python/bin/python --require-hashes -r benchmarks/peers/mcp-proxy.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)/google-adk
	@$(BIN)/uv pip install --quiet --python $(PEERS)/google-adk/bin/python --require-hashes \
		-r benchmarks/peers/google-adk.txt
	@if command -v npm >/dev/null; then \
		mkdir -p $(PEERS)/node && cp benchmarks/peers/package*.json $(PEERS)/node && \
		npm ci --prefix $(PEERS)/node --loglevel=error --no-audit --no-fund --ignore-scripts; \
	else \
		echo "npm was not found: the Node.js peers will be left out"; \
	fi
	@touch $@

# The frameworks that there are adapters for, each in an environment of its own, where mcpool is this clone's.
$(STAMPS)/adapters: $(FRAMEWORKS:%=$(STAMPS)/adapters-%)
	@touch $@

$(STAMPS)/adapters-%: requirements/adapters-%.txt $(STAMPS)/uv
	@echo "installing $*, for the tests of its adapter"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(ADAPTERS)/$*
	@$(BIN)/uv pip install --quiet --python $(ADAPTERS)/$*/bin/python --require-hashes -r $<
	@echo "$(CURDIR)/src" > "$$($(ADAPTERS)/$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mcpool.pth"
	@touch $@

$(STAMPS)/uv: $(STAMPS)/venv requirements/uv.txt
	@$(PIP) install --require-hashes -r requirements/uv.txt
	@touch $@

$(STAMPS)/foreign: $(STAMPS)/venv tests/foreign/package-lock.json
	@echo "installing the clients that others wrote"
	@mkdir -p $(FOREIGN) && cp tests/foreign/package*.json $(FOREIGN)
	@npm ci --prefix $(FOREIGN) --loglevel=error --no-audit --no-fund --ignore-scripts
	@touch $@

$(STAMPS)/node: $(STAMPS)/venv package-lock.json
	@if command -v npm >/dev/null; then \
		echo "installing the Node.js servers and the conformance suite"; \
		npm ci --loglevel=error --no-audit --no-fund --ignore-scripts; \
	else \
		echo "npm was not found: the tests of Node.js servers and the conformance suite will be skipped"; \
	fi
	@touch $@
