# Phial. `make help` lists the targets.

SHELL := /bin/sh
GO ?= go
# Heavy things that tests build once (other OTP generations, releases, tools)
# stand outside the checkout, by content hash.
HOME := $(or $(HOME),$(shell getent passwd "$$(id -u)" | cut -d: -f6),/tmp)
PHIAL_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/phial
GOLANGCI_LINT_VERSION := v2.15.0
LINT := $(PHIAL_CACHE)/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
TESTFLAGS ?= -timeout 30m
FUZZTIME ?= 30s
export HOME PHIAL_CACHE
# Debian keeps nft and debootstrap where an ordinary user's PATH does not reach.
export PATH := $(PATH):/usr/sbin:/sbin
export GOTOOLCHAIN ?= local
export GOFLAGS ?= -mod=readonly
# Elixir warns, and mangles names, where the locale is not UTF-8.
export LANG := C.UTF-8
export LC_ALL := C.UTF-8

.DEFAULT_GOAL := help
.PHONY: demo-kubernetes setup-cluster help build images install demo test test-cgroup2 check lint fmt generate fuzz bench otps kube kubectl-env kubectl-down cluster cluster-down setup-demo setup-test clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/phial
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/phial ./cmd/phial

images: ## the images of Phial itself, for amd64 and arm64, with SBOMs, into dist/images; IMAGES_FLAGS=-push=REPOSITORY/ pushes them
	@$(GO) run ./internal/image/images $(IMAGES_FLAGS)

install: ## install phial into GOBIN
	CGO_ENABLED=0 $(GO) install -trimpath ./cmd/phial

demo: setup-demo build ## what one spec stands for; examples/tally as three replicas, their mesh, one broken, why; ends by itself
	@scripts/demo.sh

demo-kubernetes: setup-cluster setup-demo build ## the same on a real Kubernetes of one node, as root: images, a mesh, a rolling update, a cut link and its cause; ends by itself
	@scripts/demo-kubernetes.sh

test: setup-test lint otps kube ## everything: linters, the example's own tests, all Go tests with the race detector
	cd examples/tally && MIX_ENV=test mix test
	$(GO) test -run 'GateSimulation' -v ./internal/mesh
	$(GO) test -p 3 -race $(TESTFLAGS) ./test/e2e ./...   # e2e waits more than it works, so it goes first, beside the others

test-cgroup2: setup-cluster kube ## tests of nodes on cgroups of version 2, in a virtual machine with Debian's kernel; ends by itself
	@scripts/cgroup2.sh

check: ## the quick loop: vet, and the tests that need no real node
	$(GO) vet ./...
	$(GO) test -short ./...

lint: $(LINT) ## golangci-lint, at the pinned version
	$(LINT) run ./...

$(LINT):
	@echo "lint: building golangci-lint $(GOLANGCI_LINT_VERSION), once" >&2
	@mkdir -p $(PHIAL_CACHE)/bin/tmp.$$$$ && \
	  GOFLAGS= GOBIN=$(PHIAL_CACHE)/bin/tmp.$$$$ $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION) && \
	  mv $(PHIAL_CACHE)/bin/tmp.$$$$/golangci-lint $@ && rmdir $(PHIAL_CACHE)/bin/tmp.$$$$

fmt: $(LINT) ## format the code
	$(LINT) fmt ./...

generate: ## what is generated from api/v1alpha1: the definition, copying code, docs/reference/beamapp.md
	$(GO) generate ./deploy/crd
	$(GO) generate ./internal/manifest
	$(GO) test ./internal/apidoc -run 'TestPage$$' -update

fuzz: ## fuzz every decoder, FUZZTIME each (default 30s)
	@for f in erlang/etf:FuzzDecode erlang/etf:FuzzRoundTrip erlang/epmd:FuzzRequest erlang/epmd:FuzzAnswer \
	  erlang/internal/wire:FuzzHandshake erlang/internal/wire:FuzzAssembler erlang/dist:FuzzReceive erlang/dist:FuzzHandshake internal/project:FuzzRead internal/manifest:FuzzRead \
	  internal/plan:FuzzPodTemplate internal/plan:FuzzYAMLStrings internal/manifest:FuzzPin internal/project:FuzzReadLock \
	  internal/image/apps:FuzzRead internal/image/abi:FuzzELF internal/image/abi:FuzzScript internal/image/abi:FuzzTar \
	  internal/image/debian:FuzzIndex internal/image/debian:FuzzSources internal/image/debian:FuzzRelease internal/image/debian:FuzzDeb \
	  elixir/syntax:FuzzParse internal/envsh:FuzzRun internal/beam:FuzzReadFlags internal/manifest:FuzzObjects internal/manifest:FuzzQuick internal/check:FuzzCheck internal/check:FuzzConfig internal/check:FuzzReadBase internal/checklist:FuzzCI \
	  internal/agent/supervisor:FuzzLines internal/agent/metrics:FuzzText internal/agent/peers:FuzzRequest internal/agent/peers:FuzzGreeting; do \
	  echo "$$f"; $(GO) test -run '^$$' -fuzz "^$${f#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$${f%:*} || exit 1; done

bench: setup-test ## the figures of docs/benchmarks.md, beside OTP and the release's own tools; fails where one is missed
	$(GO) run ./erlang/etf/bench
	$(GO) run ./internal/bench/connect
	$(GO) run ./internal/bench/startup
	$(GO) run ./internal/bench/render
	$(GO) run ./internal/bench/check
	$(GO) run ./internal/bench/image
	$(GO) run ./internal/bench/kubernetes
	$(GO) test -run '^$$' -bench 'Scan1000' -benchtime 3x ./internal/probe
	$(GO) test -run '^$$' -bench . ./erlang/dist

otps: ## OTP 25, 27 and 29 side by side in the cache (the first time takes minutes)
	@$(GO) run ./internal/beamtest/prepare

kube: ## Kubernetes in the cache, for the tests (the first time takes minutes)
	@$(GO) run ./internal/kubetest/prepare

kubectl-env: ## a Kubernetes API server on this machine, with a kubectl for it: eval what "make -s kubectl-env" prints
	@$(GO) run ./internal/kubetest/env up

kubectl-down: ## stop what kubectl-env started
	@$(GO) run ./internal/kubetest/env down

cluster: setup-cluster ## a Kubernetes of one node on this machine, on which pods run (as root): eval what "make -s cluster" prints
	@$(GO) run ./internal/kubetest/env -node up

cluster-down: ## stop what cluster started
	@$(GO) run ./internal/kubetest/env -node down

setup-demo:
	@scripts/setup.sh demo

setup-cluster:
	@scripts/setup.sh cluster

setup-test:
	@scripts/setup.sh test

clean: ## remove what was built in the checkout
	rm -rf bin dist examples/*/_build
