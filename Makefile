# Two commands do everything: `make demo` starts a living city, `make test` proves the house.
SHELL := /bin/sh
PY := .venv/bin/python
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: setup assets ## install what is missing and start the demo city on this machine
	@$(PY) -m dure up --demo

setup: ## the program's environment in .venv
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev

assets: ## the front-end files, from npm, without a Node on the machine, and the schemas of OCPP
	@$(PY) scripts/assets.py
	@$(PY) scripts/ocpp_schemas.py

test: setup-dev assets lint ## lint, types, import contracts, unit, contracts on every engine, flows, browser
	@scripts/browser.sh
	@TMPDIR=$$(scripts/test_folder.sh) && export TMPDIR && trap 'rm -rf "$$TMPDIR"' EXIT && $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup-dev ## ruff, mypy --strict, import contracts, sizes
	@.venv/bin/ruff check --no-cache .
	@.venv/bin/ruff format --no-cache --check .
	@.venv/bin/mypy
	@PYTHONPATH=src .venv/bin/lint-imports --no-cache

bench: ## all benchmarks, or one: make bench NAME=ingest
	@scripts/setup.sh bench
	@$(PY) scripts/assets.py
	@$(PY) scripts/ocpp_schemas.py
	@$(PY) -m benchmarks $(NAME)

soak: setup-dev ## long runs with faults: make soak ROUNDS=100
	@$(PY) -m soak $(or $(ROUNDS),100)

lock: ## lock every dependency by hash
	@scripts/lock.sh

clean: ## remove what make made
	rm -rf .venv src/dure/web/static/vendor src/dure/protocols/ocpp/schemas.json.gz dure-data

.PHONY: help demo setup setup-dev assets test lint bench soak lock clean
