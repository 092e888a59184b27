# Every command of the project. `make help` lists them.
# Both environments are built by uv, which is itself put into .tools by the machine's python3.

SHELL := /bin/sh
UV := .tools/bin/uv
DESK := .venv/bin
ENGINE := engine/.venv/bin
PYTHON3 ?= python3
export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 2

.DEFAULT_GOAL := help
.PHONY: help setup run chat train test lint evaluate bench-massive prove lock browser clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

run: setup train ## set everything up and run the desk; Ctrl-C stops it
	@$(DESK)/madoguchi run

test: setup train browser ## set everything up and pass every test
	@$(DESK)/python -m pytest --numprocesses 2 --dist loadgroup $(PYTEST)

lint: setup train ## check style, types, layers and the Rasa project
	@$(DESK)/ruff check .
	@$(DESK)/ruff format --check .
	@$(DESK)/mypy
	@$(DESK)/lint-imports
	@$(ENGINE)/python -m engine.quiet data validate --fail-on-warnings

setup: .venv/.ready engine/.venv/.ready ## build the two environments

train: setup ## train the model if what it is made of has changed
	@$(DESK)/madoguchi train

chat: setup ## talk to the running desk in the terminal
	@$(DESK)/madoguchi chat

evaluate: setup train ## score the model on the held-out messages and write a report
	@$(ENGINE)/python -m engine.evaluate --heldout --report var/evaluation

bench-massive: setup ## train the same components on MASSIVE ja-JP and score them
	@$(ENGINE)/python -m bench.massive

prove: setup train ## run the long proofs at their full counts
	@MADOGUCHI_PROVE=1 $(DESK)/python -m pytest $(PYTEST)
	@$(DESK)/python tests/chaos/sabotage.py
	@$(DESK)/python -m bench.store

lock: $(UV) ## resolve both environments anew
	@$(UV) pip compile -q -U --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --group dev pyproject.toml -o requirements.lock
	@$(UV) pip compile -q -U --python-version 3.10 --python-platform x86_64-manylinux_2_28 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" engine/pyproject.toml -o engine/requirements.lock

browser: ## install Chromium for the browser tests where that is possible
	@sh tests/web/install-chromium.sh

clean: ## remove environments, models and everything the desk has stored
	rm -rf .tools .venv engine/.venv models/*.tar.gz models/*.json var

$(UV):
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { echo "Madoguchi needs python3 (3.9 or newer): please install it." >&2; exit 1; }
	@echo "Setting up uv …"
	@$(PYTHON3) -m venv .tools || { echo "python3 cannot make a virtual environment: please install its venv module." >&2; exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

.venv/.ready: requirements.lock pyproject.toml .python-version | $(UV)
	@echo "Setting up the desk's environment …"
	@$(UV) venv -q --clear --python $$(sed -n 1p .python-version) .venv
	@$(UV) pip sync --compile-bytecode --python $(DESK)/python --require-hashes requirements.lock
	@$(UV) pip install -q --python $(DESK)/python --no-deps --no-build-isolation -e .
	@touch $@

engine/.venv/.ready: engine/requirements.lock .python-version | $(UV)
	@echo "Setting up the engine's environment (Rasa, spaCy, GiNZA; about 2 GB) …"
	@$(UV) venv -q --clear --python $$(sed -n 2p .python-version) engine/.venv
	@$(UV) pip sync --compile-bytecode --python $(ENGINE)/python --require-hashes engine/requirements.lock
	@touch $@
