# `make run` and `make test` need Python 3.11 or newer and nothing else: what the lock files pin goes into .venv.

PYTHON ?= python3
POSTGRES_15 ?= /usr/lib/postgresql/15/bin
BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --no-config --no-emit-index-url --custom-compile-command 'make lock' \
	--universal --python-version 3.11 --generate-hashes --group build

# Tests of sockets, processes and the proxy, in which the version of PostgreSQL makes no difference.
SOCKETS := $(addprefix --ignore=tests/service/test_,gateway.py http.py nginx.py probes.py read_process.py secrets.py unread.py)

.PHONY: help run test test-all faults lint format explore mutants contract schema lock archive spark \
	bench bench-all bench-released bench-replay clean
.DELETE_ON_ERROR:

help: ## this list 任务一览
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## start the service with its example on http://127.0.0.1:8000 启动示例服务; EXAMPLE=three-levels-2022
	@exec $(BIN)/suyuan run $(if $(EXAMPLE),--example $(EXAMPLE))

test: lint ## lint, and all tests but the long ones, on the embedded PostgreSQL 运行测试; COVERAGE=1 also measures what they reach
	@echo '== pytest'
	@$(BIN)/python -m pytest -n 2 -m 'not long' $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

test-all: test ## also the long tests, the database tests on PostgreSQL 15, and the fault campaign
	@echo '== pytest -m long'
	@$(BIN)/python -m pytest -n 3 -m long
	@if [ -x $(POSTGRES_15)/initdb ]; then \
		echo '== pytest -m database, on PostgreSQL 15'; \
		SUYUAN_TEST_POSTGRES_BIN=$(POSTGRES_15) $(BIN)/python -m pytest -n 2 -m 'database and not long' $(SOCKETS); \
	else \
		echo '== PostgreSQL 15 is not installed here: its run is left out'; \
	fi
	@$(MAKE) --no-print-directory faults

faults: .venv/.test ## everything fails while programs post; SECONDS=600 EACH=8 SEED=1
	@echo '== faults'
	@$(BIN)/python -m tests.faults --seconds $(or $(SECONDS),600) --each $(or $(EACH),8) --seed $(or $(SEED),1)

lint: .venv/.test ## style, types, prose, and the direction of imports
	@echo '== ruff check'
	@$(BIN)/ruff check
	@echo '== ruff format --check'
	@$(BIN)/ruff format --check
	@echo '== mypy'
	@$(BIN)/mypy
	@echo '== hadolint, yamllint'
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/yamllint --strict --config-data '{extends: default, rules: {line-length: {max: 150}, document-start: disable, comments: {min-spaces-from-content: 1}}}' compose.yaml docs/operations
	@echo '== lint-imports'
	@$(BIN)/lint-imports --no-logo
	@echo '== codespell, prose'
	@$(BIN)/codespell
	@$(BIN)/python -m tests.prose

explore: .venv/.test ## draw new random lives; SECONDS=600
	@$(BIN)/python -m tests.explore $(or $(SECONDS),60)

mutants: .venv/.test ## how many small changes of the domain and the ledger a test notices; SAMPLE=100
	@$(BIN)/python -m tests.mutants $(or $(SAMPLE),100)

format: .venv/.test ## what a tool can format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: .venv/.test ## write the lock files after a change of pyproject.toml; LOCK_FLAGS=--upgrade for newer versions
	@$(LOCK) $(LOCK_FLAGS) pyproject.toml --output-file requirements.lock
	@$(LOCK) $(LOCK_FLAGS) pyproject.toml --extra archive --constraint requirements.lock --output-file requirements-archive.lock
	@$(LOCK) $(LOCK_FLAGS) pyproject.toml --extra archive --extra spark --constraint requirements.lock --output-file requirements-spark.lock
	@$(LOCK) $(LOCK_FLAGS) pyproject.toml --extra archive --group dev --constraint requirements.lock --output-file requirements-dev.lock

archive: .venv/.run ## install what `suyuan archive`, `replay` and `restore` need
	@$(PIP) install --require-hashes --no-deps -r requirements-archive.lock

spark: .venv/.run ## install what `suyuan replay --engine spark` needs, except Java 17
	@$(PIP) install --require-hashes --no-deps -r requirements-spark.lock

contract: .venv/.test ## add what is new to docs/openapi.json, the published contract
	@$(BIN)/python -m service contract docs/openapi.json

schema: .venv/.test ## write migrations/schema.sql, the whole schema as the migrations leave it
	@$(BIN)/python -m service schema migrations/schema.sql

bench-replay: .venv/.test ## how fast a million events are folded, rebuilt, checked and followed; EVENTS=1000000
	@$(BIN)/python -m bench.replay $(EVENTS)

bench: .venv/.test ## how fast everything is, next to its peers and PostgreSQL itself; SECTIONS="append http" for a part
	@$(BIN)/python -m bench $(SECTIONS)

bench-released: .venv/.test ## posting, next to another version of this repository, installed in FOLDER
	@$(BIN)/python -m bench.released $(FOLDER)

bench-all: .venv/.test ## also what takes long: ten million events, a million replayed, isolation, instructions
	@$(BIN)/python -m bench --long

clean: ## remove everything that was installed or made, except the data under var/
	@rm -rf mutants .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find . -path ./var -prune -o -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Suyuan needs Python 3.11 or newer; name one: make PYTHON=python3.13' >&2; \
		echo '溯元需要 Python 3.11 或更新的版本，可以指定：make PYTHON=python3.13' >&2; exit 1; }
	@$(PYTHON) -m venv .venv

# A stamp per lock file: nothing is installed again until the lock file or pyproject.toml changes.
.venv/.run: requirements.lock
.venv/.test: requirements-dev.lock
.venv/.run .venv/.test: pyproject.toml | .venv/bin/python
	@echo 'Installing $(filter %.lock,$^) into .venv · 正在安装 $(filter %.lock,$^)'
	@$(PIP) install --require-hashes --no-deps -r $(filter %.lock,$^)
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@
