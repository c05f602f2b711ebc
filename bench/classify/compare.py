"""Compares the encoder of Tocsin (int8 and f32) with ONNX Runtime (fp32 and int8) and PyTorch.

Same weights (those of the shipped model, dequantised for the fp32 forms), same token ids, same number of
threads; the runners take turns, each turn in a process of its own that loads the model, encodes all texts
once to warm up and once on the clock. Prints a table of medians: texts a second by wall clock and by CPU
time, the ratio to ONNX Runtime fp32, peak memory by its weights, and what a million texts cost.

    cargo build --release -p tocsin-classifier --example encode
    pip install onnx onnxruntime tokenizers safetensors numpy   # and torch, if it is to take part
    python bench/classify/compare.py --encode target/release/examples/encode --texts headlines.txt long.txt
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BUDGET = 512  # tokens in a batch, as Tocsin's


def weights(folder):
    """Every tensor of the model as f32; rows of int8 times their scales."""
    from safetensors.numpy import load_file

    raw = load_file(folder / "model.safetensors")
    scaled = {n: t.astype(np.float32) * raw[n + ".scale"][:, None] for n, t in raw.items() if t.dtype == np.int8}
    return {n: scaled.get(n, t) for n, t in raw.items() if not (n.endswith(".scale") and n[:-6] in scaled)}


def write_f32(folder, out):
    """The same model with f32 tensors, for Tocsin's f32 path."""
    from safetensors.numpy import save_file

    out.mkdir()
    save_file({n: np.ascontiguousarray(t) for n, t in weights(folder).items()}, out / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        (out / name).write_bytes((folder / name).read_bytes())


def export(folder, out):
    """The encoder as ONNX with ONNX Runtime's own fused operators, the form it is fastest in."""
    from onnx import TensorProto, helper, numpy_helper, save

    shape = json.loads((folder / "config.json").read_text())["encoder"]
    w, nodes, constants = weights(folder), [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def norm(prefix):
        return [constant(prefix + ".weight", w[prefix + ".weight"]), constant(prefix + ".bias", w[prefix + ".bias"])]

    own = {"domain": "com.microsoft"}
    eps = {"epsilon": shape["layer_norm_eps"]}
    positions = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"].reshape(-1)
    words = node("Gather", [constant("words", w["embeddings.word_embeddings.weight"]), "ids"], "word_rows")
    places = node("Gather", [constant("positions", positions), "places"], "position_rows")
    x = node("LayerNormalization", [node("Add", [words, places], "sum"), *norm("embeddings.LayerNorm")], "x", **eps)
    for index in range(shape["num_hidden_layers"]):
        at = f"encoder.layer.{index}."
        parts = [at + f"attention.self.{part}" for part in ("query", "key", "value")]
        qkv = constant(at + "qkv", np.concatenate([w[p + ".weight"].T for p in parts], 1))
        bias = constant(at + "qkv_bias", np.concatenate([w[p + ".bias"] for p in parts]))
        context = node("Attention", [x, qkv, bias, "lengths"], at + "context", num_heads=shape["num_attention_heads"], **own)

        def product(value, part):
            return node("MatMul", [value, constant(at + part, w[at + part + ".weight"].T)], at + part + ".out")

        def joined(value, part, skip, normed):
            inputs = [product(value, part), skip, *norm(at + normed), constant(at + part + ".b", w[at + part + ".bias"])]
            return node("SkipLayerNormalization", inputs, at + normed + ".out", **eps, **own)

        x = joined(context, "attention.output.dense", x, "attention.output.LayerNorm")
        up = [product(x, "intermediate.dense"), constant(at + "up_bias", w[at + "intermediate.dense.bias"])]
        x = joined(node("BiasGelu", up, at + "gelu", **own), "output.dense", x, "output.LayerNorm")
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["b", "n"]),
        helper.make_tensor_value_info("places", TensorProto.INT64, ["b", "n"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT32, ["b"]),
    ]
    output = helper.make_tensor_value_info(x, TensorProto.FLOAT, ["b", "n", shape["hidden_size"]])
    graph = helper.make_graph(nodes, "encoder", inputs, [output], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=8), out)


def export_int8(fp32, out):
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        fp32,
        out,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Attention", "Gather"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def batches(folder, texts):
    """Token ids in batches of BUDGET, longest first, padded: (ids, places, lengths)."""
    from tokenizers import Tokenizer

    most = json.loads((folder / "config.json").read_text())["max_tokens"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = [tokenizer.encode(line).ids for line in Path(texts).read_text().splitlines()]
    ids = [i if len(i) <= most else i[: most - 1] + i[-1:] for i in ids]
    groups, longest = [], 0
    for one in sorted(ids, key=len, reverse=True):
        if not groups or longest * (len(groups[-1]) + 1) > BUDGET:
            groups.append([])
            longest = len(one)
        groups[-1].append(one)
    out = []
    for group in groups:
        lengths = np.array([len(one) for one in group], np.int32)
        padded = np.zeros((len(group), lengths.max()), np.int64)
        for row, one in zip(padded, group):
            row[: len(one)] = one
        places = np.broadcast_to(np.arange(lengths.max()), padded.shape).astype(np.int64)
        out.append((padded, np.ascontiguousarray(places), lengths))
    return out, ids[0]


def timed(encode, folder, texts):
    """Encodes all texts twice; prints the seconds of the second time."""
    groups, first = batches(folder, texts)
    for group in groups:
        encode(*group)
    cpu, wall = time.process_time(), time.perf_counter()
    for group in groups:
        encode(*group)
    report = {"seconds": [time.perf_counter() - wall], "cpu_seconds": time.process_time() - cpu}
    one = np.array([first], np.int64)
    state = encode(one, np.arange(len(first), dtype=np.int64)[None], np.array([len(first)], np.int32))
    report |= {"texts": sum(len(g[2]) for g in groups), "tokens": int(sum(g[2].sum() for g in groups))}
    print(json.dumps(report | {"output": [float(v) for v in np.asarray(state)[0, 0, :8]]}))


def run_onnx(model, folder, texts, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    timed(lambda i, p, n: session.run(None, {"ids": i, "places": p, "lengths": n})[0], folder, texts)


def run_torch(folder, texts, threads):
    import torch
    from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

    torch.set_num_threads(threads)
    shape = json.loads((folder / "config.json").read_text())["encoder"]
    w = {n: torch.from_numpy(np.ascontiguousarray(t)) for n, t in weights(folder).items() if not n.startswith("heads.")}
    heads, eps = shape["num_attention_heads"], shape["layer_norm_eps"]

    def affine(x, name):
        return linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(x, name):
        return layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)

    @torch.inference_mode()
    def encode(ids, places, lengths):
        table = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"].reshape(-1)
        x = norm(w["embeddings.word_embeddings.weight"][torch.from_numpy(ids)] + table[torch.from_numpy(places)], "embeddings.LayerNorm")
        b, n, h = x.shape
        mask = (torch.arange(n)[None] < torch.from_numpy(lengths)[:, None])[:, None, None]
        for index in range(shape["num_hidden_layers"]):
            at = f"encoder.layer.{index}."
            q, k, v = (affine(x, at + "attention.self." + p).view(b, n, heads, -1).transpose(1, 2) for p in ("query", "key", "value"))
            context = scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(b, n, h)
            x = norm(x + affine(context, at + "attention.output.dense"), at + "attention.output.LayerNorm")
            x = norm(x + affine(gelu(affine(x, at + "intermediate.dense")), at + "output.dense"), at + "output.LayerNorm")
        return x

    timed(encode, folder, texts)


def turn(command, texts=None):
    """Runs one turn: its report, with the peak memory of its process in MB."""
    with tempfile.TemporaryFile() as out, open(texts or os.devnull) as stdin:
        child = subprocess.Popen(command, stdin=stdin, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"{command[0]} ended with status {status}")
        out.seek(0)
        return json.loads(out.read()) | {"peak_mb": usage.ru_maxrss / 1024}


def compare(args):
    folder, work = args.model, Path(tempfile.mkdtemp())
    threads = str(args.threads)
    own = [sys.executable, __file__, "--model", str(folder), "--threads", threads]
    # In a process of its own: the peak memory of a child counts that of the process that started it.
    subprocess.run(own + ["--export", str(work), "--texts", "none"], check=True)
    size = {"f32": (work / "f32/model.safetensors").stat().st_size, "int8": (folder / "model.safetensors").stat().st_size}
    size |= {"fp32.onnx": (work / "fp32.onnx").stat().st_size, "int8.onnx": (work / "int8.onnx").stat().st_size}

    for texts in args.texts:
        def tocsin(model, rounds):
            # The second of two rounds counts; its CPU time is half of both.
            report = turn([args.encode, str(model), threads, str(rounds)], texts)
            return report | {"seconds": report["seconds"][-1:], "cpu_seconds": report["cpu_seconds"] / rounds}

        runners = {
            "onnxruntime fp32": (lambda: turn(own + ["--onnx", str(work / "fp32.onnx"), "--texts", texts]), "fp32.onnx"),
            "onnxruntime int8": (lambda: turn(own + ["--onnx", str(work / "int8.onnx"), "--texts", texts]), "int8.onnx"),
            "tocsin int8": (lambda: tocsin(folder, 2), "int8"),
            "tocsin f32": (lambda: tocsin(work / "f32", 2), "f32"),
        }
        if args.torch:
            runners["pytorch fp32"] = (lambda: turn(own + ["--torch-turn", "--texts", texts]), "f32")
        reports = {name: [] for name in runners}
        for _ in range(args.rounds):
            for name, (run, _) in runners.items():
                reports[name].append(run())
        table(texts, reports, {n: size[s] / 1e6 for n, (_, s) in runners.items()}, args)


def table(texts, reports, sizes, args):
    one = reports["tocsin int8"][0]
    print(f"\n{Path(texts).name}: {one['texts']} texts, {one['tokens'] / one['texts']:.0f} tokens each, {args.threads} threads, medians of {args.rounds} turns\n")
    print("| runtime | texts/s | CPU ms a text | ÷ ORT fp32 by CPU | by wall | peak MB | ÷ weights | first output differs by | $ a million |")
    print("|---|---|---|---|---|---|---|---|---|")
    median = lambda name, key: statistics.median(np.ravel(key(r))[-1] for r in reports[name])
    base = "onnxruntime fp32"
    for name in reports:
        wall, cpu = median(name, lambda r: r["seconds"]), median(name, lambda r: r["cpu_seconds"])
        n, peak = reports[name][0]["texts"], median(name, lambda r: r["peak_mb"])
        by_cpu, by_wall = median(base, lambda r: r["cpu_seconds"]) / cpu, median(base, lambda r: r["seconds"]) / wall
        off = np.abs(np.subtract(reports[name][0]["output"], reports[base][0]["output"])).max()
        cost = cpu / n * 1e6 / 3600 * args.price
        print(f"| {name} | {n / wall:.0f} | {cpu / n * 1e3:.2f} | {by_cpu:.2f} | {by_wall:.2f} | {peak:.0f} | {peak / sizes[name]:.1f} | {off:.4f} | {cost:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/tocsin-small"))
    parser.add_argument("--encode", help="the built example `encode` of tocsin-classifier")
    parser.add_argument("--texts", nargs="+", required=True, help="files with a text a line")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--price", type=float, default=0.05, help="dollars for an hour of one core")
    parser.add_argument("--torch", action="store_true", help="let PyTorch take part")
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--onnx", help=argparse.SUPPRESS)
    parser.add_argument("--torch-turn", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.export:
        write_f32(args.model, args.export / "f32")
        export(args.model, args.export / "fp32.onnx")
        export_int8(args.export / "fp32.onnx", args.export / "int8.onnx")
    elif args.onnx:
        run_onnx(args.onnx, args.model, args.texts[0], args.threads)
    elif args.torch_turn:
        run_torch(args.model, args.texts[0], args.threads)
    else:
        compare(args)


if __name__ == "__main__":
    main()
