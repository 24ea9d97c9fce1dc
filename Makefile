# Two commands: `make demo` and `make test`. Everything they need goes into .venv, from the lock files.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: bench demo test test-long test-browser lint docs house operating-characteristics lock lab notebooks notebooks-reduced clean

demo: .venv/core
	@$(BIN)/heorsynth run protocols/pbc.yaml --out runs; code=$$?; \
	  echo "The exit code was $$code: 0 is fit, 1 not fit, 2 inconclusive."; test $$code -le 2

test: .venv/dev lint
	$(BIN)/python -m pytest

# Every test, also those that take long.
test-long: .venv/dev lint
	$(BIN)/python -m pytest -m "long or not long"

# JupyterLab and the pages of a run in Chromium, which the machine must have; `make test` skips these. What was seen
# is kept in build/browser.
test-browser: .venv/dev
	$(PIP) install -c requirements.lock -c requirements-dev.lock --no-build-isolation --editable ".[browser]"
	$(BIN)/python -m pytest tests/browser

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy heorsynth

# The documentation as a site in build/docs: warnings are errors, links are checked, nothing is fetched.
docs: .venv/dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

# The structure of the package, a line a measure with its goal; `tools/house.py -v` lists what was found.
house: .venv/dev
	$(BIN)/python tools/house.py

# Speed and memory beside peers, into docs/performance.md; the largest sizes take an hour.
bench: .venv/dev
	$(PIP) install -c requirements.lock --no-build-isolation --editable ".[bench]"
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/bench.py --write

# How often each check is right: the page, from what the scripts in benchmarks/ stored when they last ran.
operating-characteristics: .venv/dev
	$(BIN)/python benchmarks/page.py

# Every notebook, executed and held against the recorded results: at reduced size, or all of it. One runs twice.
notebooks-reduced: .venv/dev
	$(BIN)/python tools/notebooks.py
	$(BIN)/python tools/notebooks.py --twice 09_privacy_in_a_cohort_of_100

notebooks: .venv/dev
	$(BIN)/python tools/notebooks.py --full

lab: .venv/models
	$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks

# The decision models of notebook 03.
.venv/models: .venv/core requirements-dev.lock
	$(PIP) install -c requirements.lock "$$(grep '^heormodel==' requirements-dev.lock)"
	@touch $@

# torch first, in its own command: it is pinned to the version whose CPU build pip may find locally.
.venv/core: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("heorsynth needs Python 3.11 or later, not " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(PIP) install "$$(grep '^torch==' requirements.lock)"
	$(PIP) install -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The lock is complete, and has the CPU build of XGBoost in place of the one that ForestDiffusion would bring.
.venv/dev: .venv/core requirements-dev.lock
	$(PIP) install --no-deps -r requirements-dev.lock
	@touch $@

lock:
	$(PYTHON) tools/lock.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build dist
