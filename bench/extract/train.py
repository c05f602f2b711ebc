#!/usr/bin/env python3
"""Learns which blocks of a page are its text, and writes the weights that Tocsin ships.

    train.py FIXTURES WEIGHTS COMMAND...
    e.g.  train.py ../shared/fixtures/extraction ingest/src/page/weights.bin target/release/examples/page_blocks

COMMAND reads lines {id, url, path} and answers {id, blocks, rows, told}. Labels come from aligning a page's words with the
labelled text. Prints the scores of pages whose sites the trees have not seen, then trains on all.
Needs lightgbm, numpy and rapidfuzz.
"""
import collections, json, struct, subprocess, sys, urllib.parse

import lightgbm, numpy
from rapidfuzz.distance import LCSseq

import score

FOLDS = 4
# As `choice.rs` and `page.rs` have them.
LEAST, LONG, LITTLE = 0.05, 15, 20
HEADING, LINKED = 25, 0.5
# Of the blocks of a few words, which are most, a share this large is enough to learn from.
SHORT, SHARE = 8, 0.3


def labels(blocks, truth):
    """Of each block, the share of its tokens that the labelled text holds in the same order."""
    tokens = [score.TOKEN.findall(text) for text in blocks]
    flat = [token for block in tokens for token in block]
    owner = [n for n, block in enumerate(tokens) for _ in block]
    wanted = score.TOKEN.findall(truth)
    found = numpy.zeros(len(blocks))
    # A run counts only where it is long, or a whole block: single words match anywhere.
    for op in LCSseq.opcodes(flat, wanted):
        if op.tag != "equal":
            continue
        for n, count in collections.Counter(owner[op.src_start : op.src_end]).items():
            if count >= min(3, len(tokens[n])):
                found[n] += count
    return found / numpy.maximum(1, [len(block) for block in tokens]), numpy.array([len(block) for block in tokens])


def fit(rows, y, weight, trees=200, leaves=24, rate=0.1, seed=7):
    short = rows[:, 0] < SHORT
    kept = ~short | (numpy.random.RandomState(seed).rand(len(rows)) < SHARE)
    rows, y, weight = rows[kept], y[kept], (weight * numpy.where(short, 1 / SHARE, 1.0))[kept]
    options = dict(objective="cross_entropy", num_leaves=leaves, learning_rate=rate, min_data_in_leaf=40,
                   feature_fraction=0.5, bagging_fraction=0.8, bagging_freq=1, lambda_l2=2.0, extra_trees=True, verbose=-1, seed=seed,
                   deterministic=True, num_threads=1, max_bin=63)
    return lightgbm.train(options, lightgbm.Dataset(rows, y, weight=weight), trees)


class Pages:
    def __init__(self, fixtures, command):
        self.asked = list(score.pages(score.unpack(fixtures)))
        lines = "".join(json.dumps({"id": str(n), "url": p[2], "path": p[3]}) + "\n" for n, p in enumerate(self.asked))
        out = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
        self.rows, self.y, self.weight, self.blocks, self.tokens, self.told = [], [], [], [], [], []
        for page, line in zip(self.asked, out.splitlines()):
            answer = json.loads(line)
            found, tokens = labels(answer["blocks"], page[4])
            rows = numpy.array(answer["rows"], dtype=numpy.float32)
            self.blocks.append(answer["blocks"])
            self.tokens.append(tokens)
            self.told.append(answer["told"])
            self.rows.append(rows)
            self.y.append(found)
            # A page counts once, however long: what is read wrong is weighed against what there is to read.
            self.weight.append((tokens + 1) / max(60, len(score.TOKEN.findall(page[4]))))
        sites = [urllib.parse.urlsplit(page[2]).hostname or page[1] for page in self.asked]
        names = sorted(set(sites))
        order = numpy.random.RandomState(7).permutation(len(names))
        self.fold = numpy.array([order[names.index(site)] % FOLDS for site in sites])

    def weights(self):
        boost = {"magic-article": 2.0, "magic-forum": 2.0, "wcxb-forum": 2.0, "aeb": 1.0}
        return [w * boost.get(page[0], 1.0) for w, page in zip(self.weight, self.asked)]


def pick(parts, chosen):
    return numpy.concatenate([parts[n] for n in chosen if len(parts[n])])


def within(chosen):
    """Of each block, whether it was not taken and stands alone between two that were."""
    alone = numpy.zeros(len(chosen), bool)
    alone[1:-1] = chosen[:-2] & ~chosen[1:-1] & chosen[2:]
    return alone


def choose(p, tokens, blocks, rows):
    """The likeliest blocks that together promise the best F1; a long one that stands twice once, unless it stands
    within the text; and headings between what was taken."""
    if not len(p) or p.max() < LEAST:
        return numpy.zeros(len(p), bool)
    order = numpy.argsort(-p, kind="stable")
    right, taken = numpy.cumsum((p * tokens)[order]), numpy.cumsum(tokens[order])
    count = numpy.argmax(2 * right / numpy.maximum(1e-9, taken + right[-1])) + 1
    chosen, copies, seen = numpy.zeros(len(p), bool), numpy.zeros(len(p), bool), set()
    chosen[order[:count]] = True
    for n in numpy.flatnonzero(chosen):
        copies[n] = tokens[n] >= LONG and blocks[n] in seen
        seen.add(blocks[n])
    chosen &= ~copies
    chosen |= within(chosen) & copies
    links, level = rows[:, 2], rows[:, 12]
    headings = (level > 0) & (tokens <= HEADING) & (links < LINKED) & (numpy.append(tokens[1:], 0) >= LONG)
    return chosen | within(chosen) & headings


def report(pages, probabilities):
    groups = collections.defaultdict(list)
    parts = zip(pages.asked, pages.blocks, pages.tokens, pages.told, pages.rows, probabilities)
    for page, blocks, tokens, told, rows, p in parts:
        text = "\n".join(block for block, keep in zip(blocks, choose(p, tokens, blocks, rows)) if keep)
        shown, instead = len(score.TOKEN.findall(text)), len(score.TOKEN.findall(told))
        if shown < LITTLE and instead > 2 * shown:
            text = told
        row = score.match(page[4], text)
        groups[page[0]].append(row)
        if page[0] == "magic-article" and score.is_chinese(page[4]):
            groups["Chinese articles"].append(row)
        if page[0].endswith("forum"):
            groups["all forums"].append(row)
    return "  ".join(f"{name} {score.f1(rows)[0]:.4f}" for name, rows in sorted(groups.items()))


def cross_validate(pages):
    """Probabilities by trees that never saw the page's site."""
    weights, unseen_p = pages.weights(), [numpy.zeros(0)] * len(pages.asked)
    for fold in range(FOLDS):
        seen, unseen = numpy.flatnonzero(pages.fold != fold), numpy.flatnonzero(pages.fold == fold)
        model = fit(pick(pages.rows, seen), pick(pages.y, seen), pick(weights, seen))
        for n in unseen:
            if len(pages.rows[n]):
                unseen_p[n] = model.predict(pages.rows[n])
    return unseen_p


def main():
    pages = Pages(sys.argv[1], sys.argv[3:])
    print("labels themselves:", report(pages, [(y > 0.5).astype(float) for y in pages.y]), flush=True)
    unseen = cross_validate(pages)
    print("unseen sites:", report(pages, unseen), flush=True)
    everything = range(len(pages.asked))
    weights = pages.weights()
    with open(sys.argv[2], "wb") as out:
        write(out, fit(pick(pages.rows, everything), pick(pages.y, everything), pick(weights, everything)))


def write(out, model):
    """Little-endian, of each tree: its number of nodes; of each node the feature (65535: a leaf), the
    right child (the left one follows) and the threshold or value."""
    trees = model.dump_model()["tree_info"]
    for tree in trees:
        nodes = []

        def walk(node):
            at = len(nodes)
            nodes.append(None)
            if "leaf_value" in node and "split_feature" not in node:
                nodes[at] = (65535, 0, node["leaf_value"])
                return at
            assert node["decision_type"] == "<="
            walk(node["left_child"])
            right = walk(node["right_child"])
            nodes[at] = (node["split_feature"], right, node["threshold"])
            return at

        walk(tree["tree_structure"])
        out.write(struct.pack("<H", len(nodes)))
        for feature, right, value in nodes:
            out.write(struct.pack("<HHf", feature, right, value))


if __name__ == "__main__":
    main()
