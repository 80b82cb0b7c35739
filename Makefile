# Everything a person runs. `make` alone explains the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Caches lie outside the clone, so that a second clone is warm.
export PERENNIAL_CACHE ?= $(HOME)/.cache/perennial
# operator/ must never shadow the standard library's module of that name.
export PYTHONSAFEPATH := 1
export PYTHONPATH := $(CURDIR)/operator/src:$(CURDIR)/trainer/src

hash = $(firstword $(shell cat $(1) | sha256sum | cut -c1-12))
UV := $(PERENNIAL_CACHE)/uv-$(call hash,scripts/requirements.txt)/bin/uv
OPERATOR_ENV := $(PERENNIAL_CACHE)/envs/operator-$(call hash,operator/requirements-dev.txt)
TRAINER_ENV := $(PERENNIAL_CACHE)/envs/trainer-$(call hash,trainer/requirements-dev.txt)
PY := $(OPERATOR_ENV)/bin/python
TRAINER_PY := $(TRAINER_ENV)/bin/python

##@ Main
.PHONY: help
help: ## Explain the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Environments
.PHONY: env
env: $(OPERATOR_ENV)/.done $(TRAINER_ENV)/.done ## Make the two Python environments (about 2 minutes cold)

$(UV): scripts/requirements.txt
	@scripts/debian-packages python
	@echo "-- uv, the installer of Python packages (10 s)"
	@python3 -m venv $(dir $(@D))
	@$(@D)/pip install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements.txt

$(OPERATOR_ENV)/.done: operator/requirements-dev.txt | $(UV)
	@echo "-- Python environment of the operator (20 s)"
	@$(UV) venv --quiet --allow-existing --python python3 $(@D)
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python $<
	@touch $@

$(TRAINER_ENV)/.done: trainer/requirements-dev.txt | $(UV)
	@echo "-- Python environment of the trainer (60 s)"
	@$(UV) venv --quiet --allow-existing --python python3 $(@D)
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python $<
	@touch $@

.PHONY: lock
lock: | $(UV) ## Write the hashed requirements files anew from each pyproject.toml
	@scripts/lock $(UV)

##@ Generated files
.PHONY: generate
generate: $(OPERATOR_ENV)/.done ## Write crds/ and docs/reference.md anew from the API types
	@$(PY) -m perennial.crdgen

.PHONY: check-generated
check-generated: $(OPERATOR_ENV)/.done # part of lint: fails when `make generate` would change a file
	@$(PY) -m perennial.crdgen --check

##@ Development
OPERATOR_IMAGE ?= $(shell $(PY) -m devcluster image-reference operator)
TRAINER_IMAGE ?= $(shell $(PY) -m devcluster image-reference trainer)
# Tests and checks import devcluster, demo and each other's helpers from the repository's root.
ROOTED := PYTHONPATH=$(PYTHONPATH):$(CURDIR)

.PHONY: run
run: $(OPERATOR_ENV)/.done ## Run the operator from this shell against the current kubeconfig (ARGS="--help")
	@$(ROOTED) PERENNIAL_TRAINER_IMAGE="$${PERENNIAL_TRAINER_IMAGE:-$(TRAINER_IMAGE)}" $(PY) -m perennial $(ARGS)

.PHONY: lint
lint: $(OPERATOR_ENV)/.done $(TRAINER_ENV)/.done check-generated ## Check style, types and layers, and that generated files are current
	@$(OPERATOR_ENV)/bin/ruff check --quiet .
	@$(OPERATOR_ENV)/bin/ruff format --quiet --check .
	@$(OPERATOR_ENV)/bin/mypy --python-executable $(PY) operator/src
	@$(OPERATOR_ENV)/bin/mypy --python-executable $(TRAINER_PY) trainer/src
	@$(OPERATOR_ENV)/bin/lint-imports

.PHONY: test-unit
test-unit: $(OPERATOR_ENV)/.done $(TRAINER_ENV)/.done ## Unit tests: pure functions, nothing runs beside them
	@$(ROOTED) $(PY) -m pytest tests/unit --ignore=tests/unit/trainer $(ARGS)
	@$(ROOTED) $(TRAINER_PY) -m pytest tests/unit/trainer $(ARGS)

.PHONY: test-apiserver
test-apiserver: $(OPERATOR_ENV)/.done ## Tests against a kube-apiserver with etcd, as the operator's own service account
	@$(ROOTED) $(PY) -m pytest tests/apiserver $(ARGS)
