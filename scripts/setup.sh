#!/bin/sh
# Installs what the build needs and the machine lacks; says what and why first.
# Does nothing when all is there. For Debian, Ubuntu and macOS with Rust.
#
#   scripts/setup.sh           what `make demo` needs
#   scripts/setup.sh --tests   and what the tests against Apache Kafka need
set -eu

tests=no
[ "${1:-}" != --tests ] || tests=yes

missing=
# need PACKAGE REASON: notes a package to install, once.
need() {
    case " $missing " in *" $1 "*) return ;; esac
    missing="$missing $1"
    echo "setup: missing $1: $2"
}
has() { command -v "$1" >/dev/null 2>&1; }
library() { has pkg-config && pkg-config --exists "$1"; }
java_is_recent() {
    has java || return 1
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; return; fi
    has sudo || { echo "setup: neither root nor sudo: run as root: $*" >&2; exit 64; }
    sudo "$@"
}

# The package of a Java that is recent enough, in this release.
debian_java() {
    for version in 21 17 25; do
        if apt-cache show "openjdk-$version-jre-headless" >/dev/null 2>&1; then
            echo "openjdk-$version-jre-headless"
            return
        fi
    done
    echo default-jre-headless
}

debian() {
    { has cc && has c++ && has make; } || need build-essential "a C toolchain, for librdkafka, zstd and the linker of Rust"
    has pkg-config || need pkg-config "finds the libraries below"
    library openssl || need libssl-dev "TLS and SCRAM of the Kafka client"
    library zlib || need zlib1g-dev "compression in the Kafka client"
    [ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates "trust in the hosts that PostgreSQL and feeds come from"
    if [ $tests = yes ]; then
        java_is_recent || need java "runs the real Apache Kafka that the tests use (Java 17 or later)"
        has mvn || need maven "fetches the jars of Apache Kafka"
    fi
    [ -n "$missing" ] || return 0
    echo "setup: installing with apt-get:$missing"
    as_root apt-get update -q
    case " $missing " in *" java "*) missing="${missing% java*} $(debian_java)${missing#* java}" ;; esac
    # shellcheck disable=SC2086 # a list of packages
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

macos() {
    xcode-select -p >/dev/null 2>&1 || {
        echo "setup: missing the command line tools: a C toolchain, for librdkafka and the linker of Rust"
        echo "setup: their installer opens now; run this again when it is done"
        xcode-select --install
        exit 64
    }
    has pkg-config || need pkgconf "finds the library below"
    library openssl || { has brew && brew list --versions openssl@3 >/dev/null 2>&1; } || need openssl@3 "TLS and SCRAM of the Kafka client"
    if [ $tests = yes ]; then
        java_is_recent || need openjdk "runs the real Apache Kafka that the tests use (Java 17 or later)"
        has mvn || need maven "fetches the jars of Apache Kafka"
    fi
    [ -n "$missing" ] || return 0
    has brew || { echo "setup: install Homebrew, or these by hand:$missing" >&2; exit 64; }
    echo "setup: installing with brew:$missing"
    # shellcheck disable=SC2086 # a list of packages
    brew install $missing
}

has cargo || { echo "setup: Rust is missing (the command cargo): install it with rustup, then run this again" >&2; exit 64; }
case "$(uname -s)" in
    Darwin) macos ;;
    Linux)
        if has apt-get; then
            debian
        else
            echo "setup: no apt-get here; make sure that a C and C++ compiler, make, pkg-config and the headers of openssl and zlib are installed"
        fi
        ;;
    *) echo "setup: $(uname -s) is not supported: Tocsin builds on Linux and macOS" >&2; exit 64 ;;
esac
