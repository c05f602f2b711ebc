# Two commands for a new user: `make demo` and `make test`.

CARGO ?= cargo
# Tests wait for servers and clocks more than they compute. Examples are checked by clippy and there are no
# tests in the documentation, so neither is built for them.
RUST_TEST_THREADS ?= 4

.PHONY: help setup demo test lint fmt ci

help:
	@echo 'make demo          build, then crawl a sample newsroom until Ctrl-C (ONCE=1: until its webhook arrived)'
	@echo 'make test          all tests, those against real Apache Kafka and PostgreSQL included'
	@echo 'make lint fmt ci   clippy, rustfmt, everything that CI runs'
	@echo 'make setup         only install what the machine lacks'

setup:
	@sh scripts/setup.sh

demo: setup
	$(CARGO) run --locked --bin tocsin -- demo $(if $(ONCE),--once)

test:
	@sh scripts/setup.sh --tests
	@sh scripts/kafka.sh
	RUST_TEST_THREADS=$(RUST_TEST_THREADS) $(CARGO) test --locked --workspace --lib --bins --tests

lint:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all

ci:
	./.ci/run
