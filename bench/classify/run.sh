#!/bin/sh
# Compares the encoder with ONNX Runtime and PyTorch on files of a text a line:
#   sh bench/classify/run.sh [compare.py's options] --texts FILE...
# Keeps what it installs in bench/classify/venv (2 GB, most of it PyTorch; WITHOUT_TORCH=1 leaves that out).
set -eu
cd "$(dirname "$0")/../.."
venv=bench/classify/venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet numpy onnx onnxruntime safetensors tokenizers
torch=
if [ -z "${WITHOUT_TORCH:-}" ]; then
    "$venv/bin/python" -c 'import torch' 2>/dev/null || "$venv/bin/pip" install --quiet torch
    torch=--torch
fi
cargo build --locked --release -p tocsin-classifier --example encode
exec "$venv/bin/python" bench/classify/compare.py \
    --encode "${CARGO_TARGET_DIR:-target}/release/examples/encode" $torch "$@"
