# The commands of the project; CI calls the same ones.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
# What the bench's peers need and the Lambda runtime has.
BROUGHT := botocore python-dateutil six urllib3

# Commands on a stage in AWS take STAGE=dev, test or prod.
.PHONY: run test test-clients test-deployed test-speed fuzz bench soak tables policy deploy delete package stack account openapi postman screenshot claims-check costs scaling lint format requirements clean

run: $(VENV)/installed ## Serve the API at http://127.0.0.1:8000, with a database of its own
	@exec $(BIN)/python -m infra.local

test: $(VENV)/installed ## Run the tests, but for the three kinds that follow
	@$(BIN)/python -m pytest -n auto --dist loadfile --ignore tests/clients --ignore tests/deployed --ignore tests/speed

test-clients: $(VENV)/installed ## Use the API as a browser, Postman and others do (needs node, chromium)
	@$(BIN)/python -m pytest -n auto --dist loadfile tests/clients

test-deployed: $(VENV)/installed ## Deploy to an emulated AWS account, and run the tests there
	@$(BIN)/python -m pytest -n auto --dist loadfile tests/deployed

test-speed: $(VENV)/installed ## See that a cold start and a request cost no more than they may
	@$(BIN)/python -m pytest tests/speed

fuzz: $(VENV)/installed ## Put 20,000 requests that nobody thought of to the API
	@FUZZ_EXAMPLES=700 $(BIN)/python -m pytest -s tests/system/test_fuzz.py

tables: $(VENV)/installed ## Make the tables that a STAGE misses
	@$(BIN)/python -m infra.tables

policy: $(VENV)/installed ## Write the policy of every stage, read off the code
	@$(BIN)/python -m infra.policy

deploy: $(VENV)/installed ## Deploy a STAGE: tables, policy, function and API
	@$(BIN)/python -m infra.deploy

delete: $(VENV)/installed ## Delete a STAGE, but for its logs and, without TABLES=delete, its tables
	@$(BIN)/python -m infra.delete

package: $(VENV)/installed ## Write the zip and the CloudFormation template of a STAGE to dist/STAGE
	@$(BIN)/python -m infra.package

stack: $(VENV)/installed ## Deploy what package wrote for a STAGE as a stack, by way of a BUCKET
	@$(BIN)/python -m infra.stack

account: $(VENV)/installed ## Let API Gateway write logs: once for an account and region
	@$(BIN)/python -m infra.account

openapi: $(VENV)/installed ## Write docs/openapi.json, read off the routes and the models
	@$(BIN)/python -m infra.openapi

postman: $(VENV)/installed ## Write docs/postman_collection.json, read off the OpenAPI document
	@$(BIN)/python -m infra.postman

screenshot: $(VENV)/installed ## Take docs/docs-page.png of the running API's docs page
	@$(BIN)/python -m infra.screenshot

claims-check: $(VENV)/installed ## Compare the items of a STAGE with the claims on their unique values
	@$(BIN)/python -m infra.claims_check

costs: $(VENV)/installed ## Count anew what each call costs, for docs/costs.md
	@$(BIN)/python -m infra.costs

scaling: $(VENV)/installed ## Count anew what grows with the number of items, for docs/scaling.md
	@$(BIN)/python -m infra.scaling

bench: $(VENV)/installed ## Measure cold starts and requests beside others', for docs/performance.md
	@$(BIN)/python -m bench

soak: $(VENV)/installed ## Send 200,000 requests to one environment and watch its memory
	@$(BIN)/python -m bench.soak

lint: $(VENV)/installed ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(VENV)/installed ## Put the code in shape
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

requirements: $(VENV)/installed ## Compile requirements*.txt anew from requirements*.in
	@for name in requirements requirements-dev bench/runtime bench/runtime-older; do \
		$(COMPILE) $$name.in --output-file $$name.txt || exit 1; done
	@for name in $(basename $(wildcard bench/peers/*/requirements.in)); do \
		$(COMPILE) $(BROUGHT:%=--no-emit-package %) $$name.in --output-file $$name.txt || exit 1; done

clean: ## Remove what the other commands made in this folder
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Storefront needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1); name another: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "Installing what is needed into $(VENV), once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
