# Everything a checkout needs is set up by the targets themselves; each may be run again at any time.
#
#   make test     everything CI checks
#   make audit    known vulnerabilities of the dependencies, which needs a network
#   make runtimes the runtimes beside Docker, on machines that boot a Debian
#   make demo     a small cluster, a room and the bot, to look at (ONCE=1: only the conversation)
#   make bench    side-by-side measurements

# The lab makes namespaces and runs a Docker engine, which needs root. Nothing else does: all building happens before.
# sudo's own PATH would miss cargo.
SUDO = $(if $(filter 0,$(shell id -u)),,sudo env "PATH=$(PATH)" "HOME=$(HOME)" $(foreach v,CARGO_TARGET_DIR CARGO_HOME RUSTUP_HOME OPSROOM_LAB_HOME RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS,$(if $($(v)),"$(v)=$($(v))")))
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
LAB = $(SUDO) $(TARGET)/debug/opsroom-lab

# Each story waits now and then: more of them at once than there are processors.
STORIES := $(shell echo $$(( $$(nproc) < 4 ? 5 : $$(nproc) + 2 )))

# Checks licences, bans and sources of the dependencies; kept until its version changes.
OWN_DENY := $(TARGET)/deny/bin/cargo-deny
DENY ?= $(OWN_DENY)

.PHONY: test format lint deny audit build unit e2e stories others runtimes demo bench packages setup lab

# Set-up waits for a network while compiling keeps the processors busy.
test: packages format
	$(MAKE) --no-print-directory -j3 setup deny build
	$(MAKE) --no-print-directory unit e2e

# `cargo clippy` compiles all dependencies once more, in its own way: four minutes on two processors. Here its compiler
# is the one that builds what is tested, with warnings as errors.
test runtimes: export RUSTC_WORKSPACE_WRAPPER := clippy-driver
test runtimes: export CLIPPY_ARGS := -D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__

packages:
	@tests/lab/setup.sh --packages

setup: packages
	@tests/lab/setup.sh

format:
	cargo fmt --all --check

lint: format
	cargo clippy --workspace --all-targets -- -D warnings

$(OWN_DENY): tests/deny.txt | packages
	/usr/bin/python3 -m venv --clear $(TARGET)/deny
	$(TARGET)/deny/bin/pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r tests/deny.txt
	@touch $@

# It looks at the dependencies of every platform, and a build has fetched only this one's.
deny: $(DENY)
	cargo fetch --locked
	$(DENY) --offline check licenses bans sources
	@echo "deny: advisories were NOT checked: their database has to be fetched. Where there is a network: make audit"

audit: $(DENY)
	$(DENY) check advisories

# All that is tested is built at once, with one choice of features: a part of it by itself would compile some of the
# dependencies again.
build:
	cargo test --workspace --all-targets --no-run

unit: build
	cargo test --workspace --lib --bins
	cargo test --workspace --doc

lab: setup
	cargo build -p opsroom-lab

# The lab's own program is among what was built. Cargo runs one file of tests after the other, and each ends with a few
# tests that wait; so the longest runs beside all the others.
OTHERS := $(filter-out e2e runtimes,$(basename $(notdir $(wildcard tests/*.rs tests/lab/tests/*.rs))) \
	$(notdir $(patsubst %/,%,$(dir $(wildcard tests/*/main.rs)))))

e2e: setup build
	$(LAB) run -- $(MAKE) --no-print-directory -j2 stories others

stories:
	env RUST_TEST_THREADS=$(STORIES) cargo test --test e2e

others:
	env RUST_TEST_THREADS=2 cargo test --workspace $(OTHERS:%=--test %)

# Machines with a systemd of their own, in a Debian that is made when it is first wanted.
runtimes: setup build
	$(LAB) run -- env RUST_TEST_THREADS=$(STORIES) cargo test --test runtimes

demo: setup
	cargo build --workspace
	$(LAB) demo --bin $(TARGET)/debug/opsroom $(if $(ONCE),--once)

# What is measured is built as what is shipped.
bench: lab
	cargo bench -p opsroom --profile dist --no-run
	$(LAB) run -- cargo bench -p opsroom --profile dist
