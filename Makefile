# Everything here sees to its own set-up. `make` lists what there is.

# Outside the checkout, so that a fresh clone need not compile RocksDB again.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/raclette/target
# Where rustup puts Rust, should this shell not know yet.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

# For `node demo`, as in: make demo DEMO_ARGS=--once
DEMO_ARGS ?=
# For `sim`: how many networks, from which on; or the one to show in full (LEVEL=debug tells more of it)
SEEDS ?= 200
FIRST ?= 0
SEED ?=
# For `grow`: a peer's settings, blocks or headers, how many
GROW_ARGS ?=
# For `fuzz`: how long for each reader
FUZZ_SECONDS ?= 60
# For `cargo test`, as in: make test TEST_ARGS='--test restart'
TEST_ARGS ?=

# For `soak`: how long ten nodes are restarted, backed up and squeezed
export SOAK_SECONDS ?= 3600

# The same cases of the property tests on every run: what fails can be run again, and a change is
# not blamed for what chance found. Other cases: make test PROPTEST_RNG_SEED=2
export PROPTEST_RNG_SEED ?= 1

# All use the release profile: one build of RocksDB serves the demo, the tests and the lints. What may be
# the first build goes through a script that says how long it takes, and how far it is.
CARGO := scripts/cargo.sh
PROFILE := --release

.DEFAULT_GOAL := help
.PHONY: help setup build dist demo test soak fuzz screenshots check format-check lint bench difficulty grow sim

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the build needs, or say what is missing
	@scripts/setup.sh

build: setup ## Build the binary `node`: about ten minutes the first time, on two cores
	$(CARGO) build $(PROFILE) --bin node

dist: setup ## Pack what others install: an archive with checksums, and a .deb
	scripts/dist.sh

demo: build ## Run a tracker and three peers on this machine; Ctrl-C stops them
	@$(CARGO) run $(PROFILE) --quiet --bin node -- demo $(DEMO_ARGS)

test: ## Run all tests
	@scripts/setup.sh browser
	$(CARGO) test $(PROFILE) $(TEST_ARGS)

soak: setup ## Go through long trials: 10,000 messages with 50 kills, and an hour of ten nodes (SOAK_SECONDS)
	$(CARGO) test $(PROFILE) --lib --test attack --test p2p --test restart -- --ignored soak --nocapture

fuzz: setup ## Read what nobody should send: FUZZ_SECONDS=600 for each reader, other cases every time
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} \
		$(CARGO) test $(PROFILE) --test fuzz -- --ignored --nocapture --test-threads=1

screenshots: ## Write a picture of every page into docs/screenshots
	@scripts/setup.sh browser
	$(CARGO) test $(PROFILE) --test browser -- --ignored screenshots

check: format-check lint ## Check formatting and lints

format-check: setup
	cargo fmt --check

lint: setup
	$(CARGO) clippy $(PROFILE) --all-targets -- -D warnings

bench: setup ## Measure speed
	$(CARGO) bench --bench pow --bench news --bench ledger --bench channel --bench keys --bench delivery --bench ratios --bench applications

sim: setup ## Simulate networks on bad days: make sim SEEDS=1000 [FIRST=1], or one in full: make sim SEED=7
	@$(CARGO) run $(PROFILE) --quiet --example sim -- $(if $(SEED),seed $(SEED),seeds $(SEEDS) $(FIRST))

grow: setup ## Fill a new peer with a long chain, as in: make grow GROW_ARGS='alice.toml blocks 100000'
	$(CARGO) run $(PROFILE) --example grow -- $(GROW_ARGS)

difficulty: setup ## Simulate the rule of difficulty under fast, slow and lying miners
	$(CARGO) run $(PROFILE) --example difficulty
