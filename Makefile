# Every target sets up what it needs: a machine with Python 3.11 and make is enough.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
RIVAL := .venv/bench

.PHONY: demo test check format lint types docs bench clean

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)
	@$(BIN)/taskhand demo

test: $(READY)
	$(BIN)/python -m pytest

check: lint types docs test

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python tests/documents.py --check

# `make bench ONLY=name` runs one figure. fastmcp, which start-up is measured against, is not installed beside ours.
bench: $(READY) $(RIVAL)/.ready
	PYTHONPATH=tests $(BIN)/python -m benchmarks $(ONLY)

$(RIVAL)/.ready: $(READY)
	$(PYTHON) -m venv $(RIVAL)
	$(RIVAL)/bin/python -m pip install --quiet --disable-pip-version-check '.[bench]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
