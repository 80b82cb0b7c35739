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
export PYTHONPATH := $(CURDIR)/operator/src:$(CURDIR)/trainer/src:$(CURDIR)

hash = $(firstword $(shell cat $(1) | sha256sum | cut -c1-12))
UV := $(PERENNIAL_CACHE)/uv-$(call hash,scripts/requirements.txt)/bin/uv
OPERATOR_ENV := $(PERENNIAL_CACHE)/envs/operator-$(call hash,operator/requirements-dev.txt)
TRAINER_ENV := $(PERENNIAL_CACHE)/envs/trainer-$(call hash,trainer/requirements-dev.txt)
BENCH_ENV := $(PERENNIAL_CACHE)/envs/bench-$(call hash,bench/requirements.txt)
PY := $(OPERATOR_ENV)/bin/python
TRAINER_PY := $(TRAINER_ENV)/bin/python
BENCH_PY := $(BENCH_ENV)/bin/python
CLUSTER := python3 -m clusters
# Each process has an apiserver of its own; files stay whole where their tests share what is costly to make.
PARALLEL := -n auto --maxprocesses 4

##@ Main
.PHONY: help
help: ## Explain the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: install ## Show the main job on real flights: train, serve, canary, promote, roll back (3 minutes; 25 cold)
	@$(PY) -m demo

.PHONY: test
test: chosen ## Run every check and test (55 minutes; the first time 20 more)
	@scripts/suites lint test-unit test-apiserver test-faults $(if $(filter devcluster,$(PERENNIAL_CLUSTER)),test-devcluster) test-e2e

##@ Cluster (PERENNIAL_CLUSTER: kind where Docker is, else devcluster; or current, your kubeconfig's)
.PHONY: up
up: chosen cluster-packages ## Bring up a real Kubernetes with KServe, gateway and Prometheus (40 s; 20 minutes cold)
	@make env & environments=$$!; $(CLUSTER) up; wait $$environments

.PHONY: install
install: up ## Install Perennial on that cluster
	@scripts/install

.PHONY: down
down: chosen ## Remove the cluster; nothing of it is left on the machine. Of `current`, remove Perennial only
	@$(CLUSTER) down

.PHONY: status
status: chosen ## Say which cluster it is and what runs in it
	@$(CLUSTER) status

.PHONY: images
images: chosen cluster-packages ## Make binaries and images without starting anything
	@$(CLUSTER) build

.PHONY: kubectl
kubectl: chosen ## Print an alias for kubectl: eval "$$(make kubectl)"
	@$(CLUSTER) kubectl-alias

.PHONY: plugin
plugin: ## Put `kubectl perennial` on the PATH: eval "$$(make plugin)", or eval "$$(make kubectl plugin)"
	@make $(OPERATOR_ENV)/.done >&2
	@scripts/plugin $(PY) $(PERENNIAL_CACHE)/plugin

# Chosen once for everything that this make runs; a sentence says why when there is none.
.PHONY: chosen
chosen:
	$(eval export PERENNIAL_CLUSTER := $(shell $(CLUSTER) choose))
	@test -n "$(PERENNIAL_CLUSTER)"

.PHONY: cluster-packages
cluster-packages: chosen # Debian's part of the cluster: for the devcluster containerd, buildah and the like
	@scripts/debian-packages python
	@scripts/debian-packages $(PERENNIAL_CLUSTER)

.PHONY: run
run: chosen $(OPERATOR_ENV)/.done ## Run the operator from this shell on the cluster of KUBECONFIG, beside no other
	@PERENNIAL_TRAINER_IMAGE=$${PERENNIAL_TRAINER_IMAGE:-$$($(CLUSTER) image trainer)} \
	  PERENNIAL_PROMETHEUS_URL=$${PERENNIAL_PROMETHEUS_URL:-http://127.0.0.1:9090} \
	  PERENNIAL_METRICS_PORT=$${PERENNIAL_METRICS_PORT:-8081} $(PY) -m perennial

##@ Checks
.PHONY: lint
lint: env $(BENCH_ENV)/.done check-generated ## ruff, mypy --strict, the layers, and whether generated files are up to date (40 s)
	@$(OPERATOR_ENV)/bin/ruff check .
	@$(OPERATOR_ENV)/bin/ruff format --check .
	@$(OPERATOR_ENV)/bin/mypy operator/src clusters devcluster demo
	@$(TRAINER_ENV)/bin/mypy trainer/src
	@$(OPERATOR_ENV)/bin/mypy bench/scale --exclude picture
	@$(BENCH_ENV)/bin/mypy bench/rollout bench/scale/picture.py bench/tables.py
	@$(OPERATOR_ENV)/bin/lint-imports --no-cache

.PHONY: test-unit
test-unit: env $(BENCH_ENV)/.done ## Tests of everything that decides (3 minutes)
	@$(PY) -m pytest $(PARALLEL) tests/unit --ignore tests/unit/trainer --ignore tests/unit/bench
	@$(TRAINER_PY) -m pytest tests/unit/trainer
	@$(BENCH_PY) -m pytest tests/unit/bench

.PHONY: test-apiserver
test-apiserver: env ## Tests of the reconcilers on a real kube-apiserver (11 minutes)
	@scripts/debian-packages apiserver
	@$(PY) -m pytest $(PARALLEL) --dist loadfile tests/apiserver

.PHONY: test-faults
test-faults: env ## The operator is killed at every write of the main job, and other faults (10 minutes)
	@scripts/debian-packages apiserver
	@$(PY) -m pytest $(PARALLEL) --dist worksteal tests/faults --ignore tests/faults/test_soak.py

.PHONY: soak
soak: env ## What takes an hour: every crash and every other fault in a run of its own; writes tests/faults/results
	@scripts/debian-packages apiserver
	@$(PY) -m pytest $(PARALLEL) --dist worksteal -k "not crash" --results tests/faults/results/faults.json tests/faults/test_soak.py
	@$(PY) -m pytest $(PARALLEL) --dist worksteal -k crash --results tests/faults/results/crashes.json tests/faults/test_soak.py

.PHONY: test-devcluster
test-devcluster: env ## Tests of the cluster itself: up, down, accidents; takes a running one down (4 minutes)
	@scripts/debian-packages devcluster
	@$(PY) -m pytest tests/devcluster

.PHONY: test-e2e
test-e2e: install ## Tests of the main job on the whole cluster (24 minutes)
	@$(PY) -m pytest tests/e2e

##@ Benchmarks
.PHONY: bench-rollout
bench-rollout: $(BENCH_ENV)/.done ## The decision engine beside Flagger's and Argo Rollouts' rules (40 minutes; QUICK=1: one)
	@$(BENCH_PY) -m bench.rollout

.PHONY: bench-scale
bench-scale: env $(BENCH_ENV)/.done ## The operator with 10 to 1,000 rollouts on a real kube-apiserver (45 minutes; QUICK=1: two)
	@scripts/debian-packages apiserver
	@$(PY) -m bench.scale
	@test -n "$(QUICK)" || $(BENCH_PY) -m bench.scale.picture

##@ Environments
.PHONY: env
env: $(OPERATOR_ENV)/.done $(TRAINER_ENV)/.done ## Make the two Python environments (about 2 minutes cold)
	@:

$(UV): | scripts/requirements.txt
	@scripts/debian-packages python
	@echo "-- uv, the installer of Python packages (10 s)"
	@python3 -m venv $(dir $(@D))
	@$(@D)/pip install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements.txt
	@touch $@

# The folders are named after the hash of the locks: a fresh clone's newer files are no reason to make them again.
$(OPERATOR_ENV)/.done: | operator/requirements-dev.txt $(UV)
	@echo "-- Python environment of the operator (20 s)"
	@$(UV) venv --quiet --allow-existing --python python3 $(@D)
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python operator/requirements-dev.txt
	@touch $@

$(TRAINER_ENV)/.done: | trainer/requirements-dev.txt $(UV)
	@echo "-- Python environment of the trainer (60 s)"
	@$(UV) venv --quiet --allow-existing --python python3 $(@D)
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python trainer/requirements-dev.txt
	@touch $@

$(BENCH_ENV)/.done: | bench/requirements.txt $(UV)
	@echo "-- Python environment of the benchmarks (15 s)"
	@$(UV) venv --quiet --allow-existing --python python3 $(@D)
	@$(UV) pip sync --quiet --require-hashes --python $(@D)/bin/python bench/requirements.txt
	@touch $@

.PHONY: lock
lock: | $(UV) ## Write the hashed requirements files anew from each pyproject.toml
	@scripts/lock $(UV)

##@ Generated files
.PHONY: generate
generate: $(OPERATOR_ENV)/.done ## Write crds/, docs/reference.md and Argo CD's actions anew from their sources
	@$(PY) -m perennial.crdgen
	@scripts/argocd-actions

.PHONY: records
records: env cluster-packages ## Record anew what the reconcilers say in every situation of docs/conditions.md (2 minutes)
	@PERENNIAL_RECORD=1 $(PY) -m pytest tests/apiserver/gitops/test_records.py

.PHONY: check-generated
check-generated: $(OPERATOR_ENV)/.done # part of lint: fails when `make generate` would change a file
	@$(PY) -m perennial.crdgen --check
	@scripts/argocd-actions --check
