#!/usr/bin/env python3
"""StormCrawler beside the crawler: the same sources, the same server, two cores, in turns.

    mvn -q -f bench/crawl/stormcrawler compile dependency:copy-dependencies -DoutputDirectory=target/lib
    stormcrawler.py FARM SOURCES PERCENT PAGES [ROUNDS]
    e.g.  stormcrawler.py target/debug/examples/farm 300 1 10

FARM is the example of tocsin-ingest. StormCrawler runs in one process as its archetype sets it up, with as many threads as
the crawler has places, no pause between requests to a host (the bench gives the crawler none either), its frontier in memory,
and an index that only prints: no database and no bus. It is timed from the moment its topology stands until every page of
a good source is indexed; the median of the rounds counts. Its heap may take 512 MB. What is not done in fifteen minutes ends.
"""
import pathlib, signal, subprocess, sys, tempfile, threading, time

from farm import STARTED, WORKERS, beside, feeds, peak_mb, served

FOLDER = pathlib.Path(__file__).parent / "stormcrawler"
OPENED = ["java.base/java.lang", "java.base/java.nio", "java.base/sun.nio.ch"]


def command(addresses):
    """Storm 2.4 looks into classes that Java 17 has closed."""
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED]
    classes = f"--class-path={FOLDER}/target/classes:{FOLDER}/target/lib/*"
    quiet = f"-Dlog4j2.configurationFile={FOLDER}/log4j2.properties"
    return ["java", "-Xmx512m", *opened, quiet, classes, "Crawl", addresses, str(WORKERS)]


def stormcrawler(farm, sources, per_cent, pages):
    """Seconds until all pages are there, and the most memory."""
    broken = sources * per_cent // 100
    with served(farm, broken, pages) as port, tempfile.NamedTemporaryFile("w", suffix=".txt") as addresses:
        addresses.write("\n".join(feeds(sources, port)))
        addresses.flush()
        crawl = subprocess.Popen(command(addresses.name), stdout=subprocess.PIPE, text=True)
        STARTED.append(crawl)
        limit = threading.Timer(900, crawl.kill)
        limit.start()
        wanted, seen, started = (sources - broken) * pages, set(), None
        for line in crawl.stdout:
            if line == "started\n":
                started = time.monotonic()
            if line.startswith("url\t"):
                seen.add(line)
            if len(seen) == wanted:
                break
        limit.cancel()
        assert len(seen) == wanted, f"{len(seen)} of {wanted} pages"
        took, most = time.monotonic() - started, peak_mb(crawl)
        crawl.kill()
        crawl.wait()
        return took, most


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    farm, sources, per_cent, pages, *rest = sys.argv[1:]
    rounds = int(rest[0]) if rest else 3
    beside("stormcrawler", stormcrawler, farm, int(sources), int(per_cent), int(pages), rounds)


if __name__ == "__main__":
    main()
