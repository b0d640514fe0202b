# The two commands: make demo, make test. Everything lives in .venv and .custody, but for Kafka's jars (~/.cache/custody) and
# the caches of the tools.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SEEDS ?= 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20

.PHONY: docs demo test fast check prove bench laws fuzz setup pin clean

demo: setup ## the main job, from evidence to the operator's screen
	$(BIN)/python -m streams.cli demo

test: check fast ## all checks and all tests, real Kafka and real ClickHouse included
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m service tests

fast: setup ## the tests that need no service
	$(BIN)/python -m pytest -q -n logical --dist worksteal -m "not service" tests

prove: setup ## twenty simulated days of 50,000 messages: what Custody finds against the truth
	for seed in $(SEEDS); do $(BIN)/python -m streams.cli simulate --seed $$seed --check || exit 1; done

check: setup ## format, lint, types, layers, documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check README.md

docs: setup ## write the lists in README
	$(BIN)/cog -r README.md

bench: setup ## figures beside a baseline of the same run, in one table: make bench ROWS="fold tracker" (all: half an hour on a quick machine, 45 minutes on a slow one)
	$(BIN)/python -m tests.bench $(ROWS)

laws: setup ## the tests of laws, with examples that nobody has tried, some of them on the real stack: make laws ROUNDS=10
	for round in $$(seq $(or $(ROUNDS),1)); do $(BIN)/python -m pytest -q -n logical --hypothesis-profile=search -m hypothesis tests || exit 1; done

fuzz: setup ## every reader of foreign bytes, SECONDS each (default 60): make fuzz SECONDS=300 TARGETS="postfix reports"
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(TARGETS)

setup: $(READY)

$(READY): infra/requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Custody needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r infra/requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

pin: ## compile the hash-pinned requirements from pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml -o infra/requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra embedded --extra dev pyproject.toml infra/requirements/build.in -o infra/requirements/dev.txt

clean:
	rm -rf $(VENV) .custody .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .fuzz
	find . -maxdepth 1 -name '*__mypyc.*.so' -delete && find streams -name '*.so' -delete
