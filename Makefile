# Every command works from a bare checkout with python3 (3.11 or newer), make and git.
# See README.md for what each one does.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python

# The machine's npm if it has one (it may know a proxy), else the one among the Python packages.
NPM := PATH="$$PATH:$(CURDIR)/$(BIN)" npm

VENV_DONE := $(VENV)/.complete
NODE_DONE := node_modules/.complete
CATALOGUES := $(wildcard locale/*/LC_MESSAGES/*.po)

.PHONY: help setup environment demo stop test test-deep check bench lock messages chromium
.DEFAULT_GOAL := help

help:
	@echo 'make demo    everything, running, with a story told on real prices (PORT=8000)'
	@echo 'make stop    stop what make demo and manage.py started in this checkout'
	@echo 'make setup   only the environment: Python and browser packages, translations'
	@echo 'make test    all tests against real PostgreSQL and Redis (ARGS="-k word")'
	@echo 'make test-deep  any act in any order beside a model, for hours (EXAMPLES=, STEPS=, SEED=)'
	@echo 'make check   lint, formatting, types, import contracts, pending migrations'
	@echo 'make bench   benchmarks beside their floors (NAME=, SIZE=, JSON=file)'
	@echo 'make messages  collect translatable texts and compile the catalogues'
	@echo 'make lock    renew the hashed requirements and the browser packages'

# Two commands may start at once in a fresh checkout: one installs, the other waits.
setup:
	@$(PYTHON) config/alone.py .run/setup.lock $(MAKE) --no-print-directory environment

environment: $(VENV_DONE) $(NODE_DONE) $(CATALOGUES:.po=.mo)
	@:

# The stamp is the recipe's last act: an interrupted installation starts over.
$(VENV_DONE): requirements/dev.txt
	@config/make_venv $(VENV) $(PYTHON)
	@echo 'Installing Python packages'
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(NODE_DONE): package.json package-lock.json | $(VENV_DONE)
	@echo 'Installing browser packages'
	@$(NPM) ci --silent
	@mkdir -p staticfiles  # where a deployment collects them; WhiteNoise warns when it is missing
	@touch $@

%.mo: %.po | $(VENV_DONE)
	@$(RUN) -m config.catalogues $<

demo: setup
	@$(RUN) -m config.demo

stop:
	@if [ -x $(RUN) ]; then $(RUN) -m config.demo stop && $(RUN) -m config.services stop; fi

test: setup chromium
	@$(RUN) -m pytest -n $(or $(WORKERS),2) $(ARGS)

# The seed is said first: SEED= with the same EXAMPLES and STEPS plays the same acts again.
SEED ?= $(shell date +%s)

test-deep: setup
	@echo 'seed $(SEED)'
	@DEEP=1 EXAMPLES=$(or $(EXAMPLES),2000) STEPS=$(or $(STEPS),50) \
	$(RUN) -m pytest tests/model tests/concurrency/test_rights_races.py \
	tests/concurrency/test_double_pledge_race.py \
	tests/concurrency/test_conversion_races.py -s \
	--hypothesis-seed=$(SEED) $(ARGS)

chromium:
	@config/need_chromium

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	$(RUN) manage.py makemigrations --check --dry-run

# Only what stands on the command line: some systems export a NAME of their own.
given = $(if $(filter command,$(firstword $(origin $(1)))),$(2) '$($(1))')

bench: setup
	@$(RUN) manage.py bench $(call given,NAME,) $(call given,SIZE,--size) $(call given,JSON,--json)

messages: setup
	@$(RUN) manage.py makemessages --all --no-obsolete --ignore=node_modules --ignore=.venv
	@$(MAKE) --no-print-directory setup

# uv comes into a throw-away environment: nobody needs it to install. No index is named in the result.
lock:
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && $(PYTHON) -m venv "$$tools" && \
	"$$tools/bin/pip" install --quiet --disable-pip-version-check uv && \
	for name in base dev; do \
	"$$tools/bin/uv" pip compile requirements/$$name.in --output-file requirements/$$name.txt \
	--quiet --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	--no-emit-find-links $(UPGRADE) || exit 1; done
	@$(NPM) install --package-lock-only --silent
