# The whole project in four commands; each makes the environment that it needs, in .venv.
#   make demo    train the paper's network until it has grokked, and write its report
#   make test    run the tests
#   make check   lint, formatting, types, tests of structure
#   make bench   compare a training step and an intervention with plain ones, and time the streams of examples

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check bench clean

demo: $(VENV)/installed
	$(BIN)/grokscope train mainline --out runs/mainline --resume

test: $(VENV)/developing
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest tests/test_structure.py

bench: $(VENV)/installed
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/interventions.py
	$(BIN)/python benchmarks/streams.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "grokscope needs Python 3.11 or newer, $(PYTHON) is older; use make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "making the environment in $(VENV), a minute or two"
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/developing: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/installed
