# The whole project in a few commands; each makes the environment that it needs, in .venv.
#   make demo    grok the paper's network in two or three minutes, explain it, and write its report
#   make paper   the paper's own run, ten minutes: the same data and network, its optimiser
#   make test    run the tests, but for those marked slow: minutes
#   make test-all   run all tests, those that train whole networks, a cluster and a browser too
#   make check   lint, formatting, types, import contracts and tests of structure
#   make bench   compare a training step and an intervention with plain ones, and time the streams of examples

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo paper test test-all check bench clean

demo: $(VENV)/installed
	$(BIN)/grokscope train fastest --out runs/demo --resume --no-report
	$(BIN)/grokscope explain runs/demo
	$(BIN)/grokscope report runs/demo
	@echo
	@echo "Open runs/demo/report.html. To go on:"
	@echo "  . $(BIN)/activate"
	@echo "  grokscope show runs/demo --step 24       the network as it memorises"
	@echo "  grokscope train fastest --seed 1         other weights, other pairs"
	@echo "  grokscope --help                         all commands; make paper: the paper's own run"

paper: $(VENV)/installed
	$(BIN)/grokscope train mainline --out runs/mainline --resume

# bytecode is kept whatever the environment says: every process would compile six hundred modules anew
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder --numprocesses
CORES = $$($(BIN)/python -c 'import os; print(os.cpu_count() or 1)')

test: $(VENV)/developing
	$(PYTEST) $(CORES) -m "not slow"

# one process more than there are cores: many slow tests wait for a process of their own, a browser or a cluster
test-all: $(VENV)/developing
	$(PYTEST) $$(($(CORES) + 1))

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
