#!/usr/bin/env python3
"""Google's cases for robots.txt, and real files, through `tocsin robots`.

    score.py ROBOTS TOCSIN     e.g.  score.py ../shared/fixtures/robots target/debug/tocsin

ROBOTS holds google/cases.json and real-top10000.tar.xz. Prints cases that agree, and real files that were read.
"""
import json, os, subprocess, sys, tarfile


def verdict(tocsin, robots, agent, url):
    command = [tocsin, "robots", "--agent", agent, "--url", url]
    done = subprocess.run(command, input=robots, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = done.stdout.decode().split("\t")[0].strip()
    return said if done.returncode == 0 and said in ("allowed", "disallowed") else f"ended with {done.returncode}"


def main():
    root, tocsin = sys.argv[1:3]
    cases = json.load(open(f"{root}/google/cases.json"))
    right = 0
    for case in cases:
        said = verdict(tocsin, case["robots"].encode("utf-8", "surrogateescape"), case["agent"], case["url"])
        expected = "allowed" if case["allowed"] else "disallowed"
        right += said == expected
        if said != expected:
            print("differs:", case, said)
    print(f"{right} of {len(cases)} cases")
    read = total = 0
    with tarfile.open(f"{root}/real-top10000.tar.xz") as files:
        for member in files:
            if member.isfile():
                total += 1
                content = files.extractfile(member).read()
                host = os.path.basename(member.name)
                said = verdict(tocsin, content, "TocsinBot", f"https://{host}/news/a?b=c")
                read += said in ("allowed", "disallowed")
                if said not in ("allowed", "disallowed"):
                    print(host, said)
    print(f"{read} of {total} real files")


if __name__ == "__main__":
    main()
