#!/usr/bin/env python3
"""Scores a page extractor on labelled pages.

    score.py FIXTURES COMMAND...     e.g.  score.py ../shared/fixtures/extraction tocsin extract --jsonl

FIXTURES holds aeb.tar.xz, magic-*.tar.xz and wcxb-dev.tar.xz, or their contents in folders of those names. COMMAND
reads lines {id, url, path} and answers each with {id, text, published_at}. Text: F1 of 4-gram shingles, every CJK
character a token, precision and recall averaged over pages. Date: day equal, day other, none, of the dated pages.
"""
import collections, gzip, json, os, re, resource, subprocess, sys, tarfile, tempfile

TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
KANA = re.compile(r"[\u3040-\u30ff]")


def shingles(text, n=4):
    tokens = TOKEN.findall(text or "")
    return collections.Counter(tuple(tokens[i : i + n]) for i in range(max(1, len(tokens) - n + 1)))


def match(truth, text):
    truth, found = shingles(truth), shingles(text)
    both = sum((truth & found).values())
    return both, sum(found.values()) - both, sum(truth.values()) - both


def f1(rows):
    precision = recall = 0.0
    for tp, fp, fn in rows:
        precision += 1.0 if fp == fn == 0 else tp / (tp + fp) if tp + fp else 0.0
        recall += 1.0 if fp == fn == 0 else tp / (tp + fn) if tp + fn else 0.0
    precision, recall = precision / len(rows), recall / len(rows)
    return 2 * precision * recall / (precision + recall or 1), precision, recall


def is_chinese(text):
    return len(CHINESE.findall(text)) > 0.3 * len(re.sub(r"\s", "", text)) and len(KANA.findall(text)) < 20


def pages(root):
    """(set, id, url, path, truth, date) of every page."""
    truth = json.load(open(f"{root}/aeb/ground-truth.json"))
    for id, page in truth.items():
        path = f"{root}/aeb/html/{id}.html"
        if not os.path.exists(path):
            open(path, "wb").write(gzip.open(path + ".gz").read())
        yield "aeb", id, page["url"], path, page["articleBody"], None
    for name in ["article", "forum"]:
        for id, page in json.load(open(f"{root}/magic-{name}/truth.json")).items():
            kind = f"magic-{name}"
            yield kind, id, page["url"], f"{root}/{kind}/html/{id}.html", page["content"], None
    for file in sorted(os.listdir(f"{root}/wcxb-dev/truth")):
        page = json.load(open(f"{root}/wcxb-dev/truth/{file}"))
        kind, said = page["_internal"]["page_type"]["primary"], page["ground_truth"]
        if "main_content" not in said:
            continue  # two pages have only sample sentences
        id = file.removesuffix(".json")
        path = f"{root}/wcxb-dev/html/{id}.html"
        yield f"wcxb-{kind}", id, page.get("url") or "", path, said["main_content"], said.get("publish_date") or ""


def unpack(fixtures):
    if os.path.isdir(f"{fixtures}/aeb"):
        return fixtures
    root = tempfile.mkdtemp(prefix="extraction-")
    for name in ["aeb", "magic-article", "magic-forum", "wcxb-dev"]:
        tarfile.open(f"{fixtures}/{name}.tar.xz").extractall(f"{root}/{name}", filter="data")
    return root


def run(command, asked):
    lines = "".join(json.dumps({"id": str(n), "url": page[2], "path": page[3]}) + "\n" for n, page in enumerate(asked))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [answer["id"] for answer in answers] == [str(n) for n in range(len(asked))], "answers out of order"
    return answers, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def dates(rows):
    dated = [(truth, answer.get("published_at")) for truth, answer in rows if truth]
    exact = sum(truth == (said or "")[:10] for truth, said in dated)
    none = sum(not said for _, said in dated)
    invented = sum(bool(answer.get("published_at")) for truth, answer in rows if truth == "")
    undated = sum(truth == "" for truth, _ in rows)
    total = len(dated) or 1
    return (f"dates: exact {exact / total:.3f}, wrong {(total - exact - none) / total:.3f}, none {none / total:.3f} "
            f"of {total}; a date on {invented} of {undated} undated pages")


def main():
    root, command = unpack(sys.argv[1]), sys.argv[2:]
    asked = list(pages(root))
    answers, seconds = run(command, asked)
    groups = collections.defaultdict(list)
    for page, answer in zip(asked, answers):
        row = match(page[4], answer.get("text") or "")
        groups[page[0]].append(row)
        if page[0].startswith("magic"):
            groups[page[0] + (" Chinese" if is_chinese(page[4]) else " others")].append(row)
        if page[0].endswith("forum"):
            groups["all forums"].append(row)
        if page[0].endswith("article"):
            groups["all articles but aeb"].append(row)
    for name, rows in sorted(groups.items()):
        print(f"{name:24} F1 {f1(rows)[0]:.4f}  P {f1(rows)[1]:.3f}  R {f1(rows)[2]:.3f}  of {len(rows)}")
    print(dates([(page[5], answer) for page, answer in zip(asked, answers) if page[5] is not None]))
    print(f"{len(asked) / seconds:.0f} pages a CPU second, reading and printing included")
    only = [page for page in asked if page[0] == "aeb"]
    print(f"{len(only) / run(command, only)[1]:.0f} pages a CPU second on the {len(only)} of aeb")


if __name__ == "__main__":
    main()
