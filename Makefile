# The commands of the project. `make` lists the usual ones; CI calls the same.
# Options are variables, for example make deploy STAGE=dev; python -m infra COMMAND --help has them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INFRA := $(BIN)/python -m infra
PYTEST := $(BIN)/python -m pytest
PARALLEL := $(PYTEST) -n auto --dist worksteal
UV := $(BIN)/uv
UV_VERSION := $(shell awk '/^name = "uv"$$/ { getline; gsub(/[^0-9.]/, ""); print }' uv.lock)
SYNC := $(UV) sync --quiet --locked --inexact --only-group
RUN := $(VENV)/run-installed
DEV := $(VENV)/dev-installed
WEB := $(VENV)/web-installed
LOAD := $(VENV)/load-installed

.DEFAULT_GOAL := help
.PHONY: help run web web-build web-types test test-system test-clients test-deployed test-web test-speed lint lint-python lint-web format tables policy deploy package stack site events-resend webhook-secret verify account backfill claims-check export import user-export user-erase openapi bench load audit lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'There are rarer ones, such as make export: .venv/bin/python -m infra --help lists them.'

run: $(RUN) ## Serve the API at http://127.0.0.1:8000 (PORT), with an embedded database (DATA_DIR)
	@exec $(INFRA) run

web: $(WEB) ## Serve the shop at http://127.0.0.1:4200 (WEB_PORT), for the API of make run (API_URL)
	@exec $(INFRA) web

web-build: $(WEB)
	@$(INFRA) web-build

web-types: $(WEB) ## Write the shop's types of the API, from chalicelib/openapi.json
	@$(INFRA) npm run types

test: $(DEV) ## Run the contract and unit tests
	@$(PARALLEL) tests/contract tests/unit

test-system: $(DEV) ## Test races, faults, crashes, commands and the local server
	@$(PARALLEL) tests/system

test-clients: $(DEV) $(LOAD) ## Test the API with a browser, Postman, generated clients and load (needs node, chromium)
	@$(PARALLEL) tests/clients

test-deployed: $(DEV) $(WEB) ## Deploy to an emulated AWS account, and test there
	@$(PARALLEL) tests/deployed

test-web: $(DEV) $(WEB) ## Test the shop in a browser (needs chromium)
	@$(INFRA) npm test
	@$(INFRA) web-build
	@$(PARALLEL) tests/web --ignore tests/web/test_lighthouse.py

test-speed: $(DEV) $(WEB) ## Check the CPU and memory budgets, and the shop with Lighthouse (needs chromium)
	@$(PYTEST) tests/speed
	@$(INFRA) web-build
	@$(PYTEST) -s tests/web/test_lighthouse.py

lint: lint-python lint-web ## Check style and types

lint-python: $(DEV)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml

lint-web: $(WEB)
	@$(INFRA) npm run lint

format: $(DEV) $(WEB) ## Format the code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@$(INFRA) npm run format

tables: $(DEV)
	@$(INFRA) tables

policy: $(DEV) ## Write the IAM policy of every stage, from the code
	@$(INFRA) policy

deploy: $(DEV) ## Deploy a STAGE with Chalice: tables, policy, function and API
	@$(INFRA) deploy

package: $(DEV) ## Write the zip and the CloudFormation template of a STAGE to dist/STAGE
	@$(INFRA) package

stack: $(DEV) ## Deploy dist/STAGE as a CloudFormation stack, through an S3 BUCKET
	@$(INFRA) stack

site: $(DEV) $(WEB) ## Build the shop, and upload it for a STAGE whose stack has a site
	@$(INFRA) site

events-resend: $(DEV)
	@$(INFRA) events-resend

webhook-secret: $(RUN)
	@$(INFRA) webhook-secret

verify: $(DEV) ## Run the contract tests against the API at a URL, as the staff member of a TOKEN
	@$(INFRA) verify

account: $(DEV)
	@$(INFRA) account

backfill: $(DEV)
	@$(INFRA) backfill

claims-check: $(DEV)
	@$(INFRA) claims-check

export: $(DEV)
	@$(INFRA) export

import: $(DEV)
	@$(INFRA) import

user-export: $(DEV)
	@$(INFRA) user-export

user-erase: $(DEV)
	@$(INFRA) user-erase

openapi: $(DEV) ## Write chalicelib/openapi.json from the routes and the models
	@$(INFRA) openapi

bench: $(DEV) ## Compare cold starts and requests with other frameworks
	@$(BIN)/python -m bench

load: $(RUN) $(LOAD) ## Test the API at a URL under load, as the staff member of a TOKEN (USERS, SECONDS)
	@exec $(INFRA) load

audit: $(DEV) $(WEB) ## Look up known vulnerabilities of the dependencies (needs the internet)
	@$(UV) tool run pip-audit --disable-pip --require-hashes --requirement requirements-dev.txt
	@$(INFRA) npm audit

lock: $(DEV) ## Write uv.lock from pyproject.toml, and requirements.txt and requirements-dev.txt from uv.lock
	@$(UV) lock --quiet
	@$(INFRA) requirements

clean: ## Delete what the other commands have written to this folder
	rm -rf $(VENV) dist .local .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf web/node_modules web/dist web/.angular web/.config
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Storefront needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1); name another: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(UV): | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(RUN): uv.lock | $(UV)
	@echo "Installing what make run needs into $(VENV)." >&2
	@$(SYNC) run
	@touch $@

$(DEV): uv.lock | $(UV)
	@echo "Installing what developing needs into $(VENV)." >&2
	@$(SYNC) dev
	@touch $@ $(RUN)

$(LOAD): uv.lock | $(UV)
	@echo "Installing the load generator into $(VENV)/load." >&2
	@UV_PROJECT_ENVIRONMENT=$(VENV)/load $(SYNC) load --python $(BIN)/python
	@touch $@

$(WEB): web/package-lock.json | $(RUN)
	@$(INFRA) web-install
	@touch $@
