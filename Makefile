# Everything a checkout needs is set up by the targets themselves; each may be run again at any time.
#
#   make test     everything CI checks
#   make demo     a small cluster, a room and the bot, to look at (ONCE=1: only the conversation)
#   make bench    side-by-side measurements

# The lab makes namespaces and runs a Docker engine, which needs root. Nothing else does: all building happens before.
# sudo's own PATH would miss cargo.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo env "PATH=$(PATH)" "HOME=$(HOME)" $(foreach v,CARGO_TARGET_DIR CARGO_HOME RUSTUP_HOME OPSROOM_LAB_HOME RUST_TEST_THREADS,$(if $($(v)),"$(v)=$($(v))")))
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
LAB := $(SUDO) $(TARGET)/debug/opsroom-lab

# Stories wait more than they compute: more of them at once than there are processors.
STORIES := $(shell echo $$(( $$(nproc) < 4 ? 5 : $$(nproc) + 2 )))

.PHONY: test lint unit e2e demo bench setup lab

test: setup lint unit e2e

setup:
	@tests/lab/setup.sh

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

unit:
	cargo test --lib --bins
	cargo test --doc --workspace

lab: setup
	cargo build -p opsroom-lab

e2e: lab
	cargo test --workspace --test '*' --no-run
	RUST_TEST_THREADS=$(STORIES) $(LAB) run -- cargo test --workspace --test '*'

demo: lab
	cargo build -p opsroom
	$(LAB) demo --bin $(TARGET)/debug/opsroom $(if $(ONCE),--once)

bench: lab
	cargo bench -p opsroom --no-run
	$(LAB) run -- cargo bench -p opsroom
