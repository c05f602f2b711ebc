#!/usr/bin/env python3
"""Counts the entries that Tocsin and feedparser find in sets of feeds.

    score.py FEEDS TOCSIN     e.g.  score.py ../shared/fixtures/feeds target/debug/tocsin

FEEDS holds feeds.tar.xz, or its folders. Prints a line for each set: files, entries of both, and the files in which
feedparser finds more; then the speed of `tocsin feed` in MB a CPU second on the 200 largest files, five times over. Needs feedparser.
"""
import collections, glob, json, os, resource, subprocess, sys, tarfile, tempfile

import feedparser


def unpack(fixtures):
    if not os.path.exists(f"{fixtures}/feeds.tar.xz"):
        return fixtures
    root = tempfile.mkdtemp(prefix="feeds-")
    tarfile.open(f"{fixtures}/feeds.tar.xz").extractall(root, filter="data")
    return root


def ours(tocsin, files):
    counts = collections.Counter()
    for at in range(0, len(files), 400):
        done = subprocess.run([tocsin, "feed", *files[at : at + 400]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode in (0, 1), f"tocsin feed ended with {done.returncode}: {done.stderr.decode()[-500:]}"
        for line in done.stdout.decode().splitlines():
            answer = json.loads(line)
            counts[answer["file"]] += "error" not in answer
    return counts


def theirs(file):
    try:
        return len(feedparser.parse(open(file, "rb").read()).entries)
    except Exception:
        return 0


def speed(tocsin, root):
    files = [file for file in glob.glob(f"{root}/**/*", recursive=True) if os.path.isfile(file)]
    files = sorted(files, key=os.path.getsize)[-200:] * 5
    size = sum(os.path.getsize(file) for file in files)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([tocsin, "feed", *files], stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{size / seconds / 1e6:.0f} MB a CPU second, reading and printing included")


def main():
    root, tocsin = unpack(sys.argv[1]), sys.argv[2]
    for name in sorted(name for name in os.listdir(root) if os.path.isdir(f"{root}/{name}")):
        inside = (os.path.join(folder, file) for folder, _, files in os.walk(f"{root}/{name}") for file in files)
        files = sorted(file for file in inside if file.endswith((".xml", ".json", ".rss", ".atom", ".rdf", ".txt")) or name == "chardet-legacy")
        found = ours(tocsin, files)
        peer = {file: theirs(file) for file in files}
        more = [(peer[file] - found[file], file) for file in files if peer[file] > found[file]]
        print(f"{name:18} {len(files):5} files  tocsin {sum(found.values()):6}  feedparser {sum(peer.values()):6}  "
              f"files where feedparser finds more: {len(more)}")
        for missing, file in sorted(more, reverse=True)[: int(os.environ.get("SHOW", 0))]:
            print(f"    {missing:4} {os.path.relpath(file, root)}")
    speed(tocsin, root)


if __name__ == "__main__":
    main()
