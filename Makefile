PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: demo test test-lowest calibrate lint types imports docs check clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e ".[examples]"
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## the main job on real data: verdict in words, out/report.html, out/verdict.json, figures
	$(BIN)/qstats demo --out out

test: $(VENV)/.dev  ## the whole test suite
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --nbmake tests src notebooks

test-lowest:  ## the same suite (without the big engines) on the lowest versions pyproject.toml allows
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --upgrade pip
	.venv-lowest/bin/python tests/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet -e ".[test]" -c .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pytest -n $(JOBS) --dist loadgroup tests src

calibrate: $(VENV)/.dev  ## the simulations of size, power and coverage in full
	QSTATS_CALIBRATE=full $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m calibration tests/calibration

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests docs benchmarks
	$(BIN)/ruff format --check src tests docs benchmarks

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## HTML documentation, warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

check: lint types imports docs

clean:
	rm -rf .venv .venv-lowest out docs/_build
