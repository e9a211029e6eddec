# Every target sets up .venv. It needs only make and Python 3.11 or newer; an older Python is refused first.
PYTHON ?= python3
OLD := Python 3.11 or newer is needed, and $(PYTHON) is older. Name another: make PYTHON=python3.12
BIN := .venv/bin
READY := .venv/.ready
RIVAL := .venv/bench
HOSTS := dist/hosts
IDENTITY := dist/identity
BROWSER := dist/browser
# Tests of other programs, which take longer than tests of ours may.
WITH_PROGRAMS := -n 0 -rs -o faulthandler_timeout=600
# Tests start hundreds of processes, which share compiled modules in this folder.
export PYTHONDONTWRITEBYTECODE :=
MCPB := @anthropic-ai/mcpb@2.1.2

.PHONY: demo test coverage check format lint types docs generate bench bundle dist lock hosts identity browser chaos clean

LOCK := requirements/dev.txt

$(READY): pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit("$(OLD)" if sys.version_info < (3, 11) else 0)'
	@echo 'Installing the packages into .venv; this takes about half a minute.'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[dev]'
	@touch $@

demo: $(READY)
	@$(BIN)/taskhand demo

test: $(READY)
	$(BIN)/python -m pytest

# The whole suite with branch coverage, also of the processes that it starts; fails below the minimum in pyproject.toml.
coverage: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: lint types docs coverage

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/deptry .

types: $(READY)
	$(BIN)/mypy

# Fails if a generated file is out of date; `generate` writes it.
docs: $(READY)
	$(BIN)/python tests/documents.py --check

generate: $(READY)
	$(BIN)/python tests/documents.py

# `make bench ONLY=name` runs one benchmark. fastmcp, the comparison for start-up, has its own environment.
bench: $(READY) $(RIVAL)/.ready
	HOSTS=$$(ls -d $(CURDIR)/$(HOSTS)/node_modules/.bin || true) PYTHONPATH=tests $(BIN)/python -m benchmarks $(ONLY)

$(RIVAL)/.ready: $(READY)
	$(PYTHON) -m venv $(RIVAL)
	$(RIVAL)/bin/python -m pip install --quiet --disable-pip-version-check '.[bench]'
	@touch $@

# Kills, pauses and disconnects servers on one database while they are called, 60 seconds on each backend
# or on those in BACKEND.
SECONDS ?= 60
BACKEND ?=
SEED ?= 1
chaos: $(READY)
	PYTHONPATH=tests $(BIN)/python -m safety.chaos $(SECONDS) $(SEED) $(BACKEND)

# The bundle for desktop hosts. If npm is installed, the format's own tool checks it. If uv is installed, uv starts it.
bundle: $(READY)
	$(BIN)/python bundle/build.py
	! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --prefix dist/npm $(MCPB)
	MCPB=$$(ls $(CURDIR)/dist/npm/node_modules/.bin/mcpb || true) UV=$$(command -v uv || true) \
		$(BIN)/python -m pytest $(WITH_PROGRAMS) tests/bundle

# A release: wheel, sdist, SBOM and checksums. Each package is installed in a clean environment and started.
dist: $(READY)
	$(BIN)/python release/dist.py

# Locks the newest allowed version of every package, which `make` and the container install.
lock: $(READY)
	$(BIN)/python release/lock.py

# Runs Claude Code, Gemini CLI and Codex from npm against a scripted model on this machine.
# If npm is not installed, the tests are skipped with that reason.
hosts: $(READY) $(if $(shell command -v npm),$(HOSTS)/.ready)
	HOSTS=$$(ls -d $(CURDIR)/$(HOSTS)/node_modules/.bin || true) $(BIN)/python -m pytest $(WITH_PROGRAMS) tests/hosts

$(HOSTS)/.ready: tests/hosts/package.json tests/hosts/package-lock.json
	mkdir -p $(HOSTS)
	cp $^ $(HOSTS)
	npm ci --silent --no-audit --no-fund --prefix $(HOSTS)
	@touch $@

# Signs people in with a real identity provider from npm. Skipped without npm.
identity: $(READY) $(if $(shell command -v npm),$(IDENTITY)/.ready)
	IDENTITY=$$(ls -d $(CURDIR)/$(IDENTITY)/node_modules || true) $(BIN)/python -m pytest $(WITH_PROGRAMS) tests/identity

$(IDENTITY)/.ready: tests/identity/package.json tests/identity/package-lock.json
	mkdir -p $(IDENTITY)
	cp $^ $(IDENTITY)
	npm ci --silent --no-audit --no-fund --prefix $(IDENTITY)
	@touch $@

# Opens the board and the pages for linking credentials in a real browser from npm; screenshots are in
# dist/browser/shots. Skipped without npm.
browser: $(READY) $(if $(shell command -v npm),$(BROWSER)/.ready)
	BROWSER_MODULES=$$(ls -d $(CURDIR)/$(BROWSER)/node_modules || true) $(BIN)/python -m pytest $(WITH_PROGRAMS) tests/browser

$(BROWSER)/.ready: tests/browser/package.json tests/browser/package-lock.json
	mkdir -p $(BROWSER)
	cp $^ $(BROWSER)
	npm ci --silent --no-audit --no-fund --prefix $(BROWSER)
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* dist
