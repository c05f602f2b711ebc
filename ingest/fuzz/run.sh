#!/bin/sh
# Coverage-guided fuzzing of one target with the compiler of this repository, no nightly:
#   sh ingest/fuzz/run.sh feed|page|robots|sitemap SECONDS [FOLDER WITH SEEDS...]
# What fails is left in ingest/fuzz/artifacts, what was found on the way in ingest/fuzz/corpus.
# The flags are those of cargo-fuzz without a sanitizer, which would need nightly.
set -eu
[ $# -ge 2 ] || { sed -n '2,5s/^# *//p' "$0" >&2; exit 64; }
target=$1 seconds=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
triple=$(rustc -vV | sed -n 's/^host: //p')
out=${CARGO_TARGET_DIR:-$here/target}
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions" \
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=false \
    cargo build --release --manifest-path "$here/Cargo.toml" --target "$triple" --bin "$target"
mkdir -p "$here/corpus/$target" "$here/artifacts/$target"
exec "$out/$triple/release/$target" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$here/artifacts/$target/" "$here/corpus/$target" "$@"
