#!/usr/bin/env python3
"""Miniflux beside the crawler: the same sources, the same server, two cores, in turns.

    miniflux.py FARM MINIFLUX POSTGRES SOURCES PERCENT [PAGES [ROUNDS]]
    e.g.  miniflux.py target/debug/examples/farm ~/go/bin/miniflux ~/.cache/tocsin/postgres-18.6.0/bin 1000 1

FARM is the example of tocsin-ingest, MINIFLUX what `go install miniflux.app/v2@latest` makes, POSTGRES a folder of PostgreSQL
programs. Miniflux gets as many workers as the crawler has places, a database as carefree as the bench's, and all its
feeds at once; with PAGES it fetches and extracts the page of each item, as the crawler does. Both are timed until every
item of a good source is in their database; the median of the rounds counts.
"""
import base64, functools, http.client, json, os, shutil, signal, subprocess, sys, tempfile, time

from farm import STARTED, WORKERS, beside, feeds, free_port, peak_mb, served, wait

USER, PASSWORD = "bench", "bench-bench"


class Postgres:
    """As the tests have it: private, nothing synchronised to disk. Does not run as root."""

    def __init__(self, programs):
        self.port, self.data = free_port(), tempfile.mkdtemp(prefix="miniflux-")
        self.user = "postgres" if os.getuid() == 0 else None
        if self.user:
            shutil.chown(self.data, self.user)
        subprocess.run([f"{programs}/initdb", "-D", self.data, "-U", USER, "--auth=trust", "-E", "UTF8"], user=self.user,
                       check=True, stdout=subprocess.DEVNULL, cwd="/")
        options = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", f"unix_socket_directories={self.data}"]
        self.process = subprocess.Popen(
            [f"{programs}/postgres", "-D", self.data, "-p", str(self.port), *(f"-c{option}" for option in options)],
            user=self.user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        self.url = f"postgres://{USER}@127.0.0.1:{self.port}/postgres?sslmode=disable"
        STARTED.append(self.process)
        wait(self.is_ready)

    def is_ready(self):
        try:
            return open(f"{self.data}/postmaster.pid").read().split()[-1] == "ready"
        except OSError:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


class Miniflux:
    def __init__(self, program, database):
        self.port = free_port()
        settings = {
            "DATABASE_URL": database, "LISTEN_ADDR": f"127.0.0.1:{self.port}", "RUN_MIGRATIONS": "1", "CREATE_ADMIN": "1",
            "ADMIN_USERNAME": USER, "ADMIN_PASSWORD": PASSWORD, "WORKER_POOL_SIZE": str(WORKERS),
            "HTTP_CLIENT_TIMEOUT": "30", "FETCHER_ALLOW_PRIVATE_NETWORKS": "1", "DISABLE_SCHEDULER_SERVICE": "1",
            "LOG_LEVEL": "error",
        }
        self.process = subprocess.Popen([program], env={**os.environ, **settings})
        STARTED.append(self.process)
        wait(self.is_ready)

    def is_ready(self):
        try:
            return self.ask("GET", "/v1/me") is not None
        except OSError:
            return False

    def ask(self, method, path, body=None, kind="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        connection.request(method, path, body, {"Authorization": f"Basic {secret}", "Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text[:200]}"
        return json.loads(text) if text else {}

    def stop(self):
        self.process.terminate()
        self.process.wait()


def opml(sources, port):
    outlines = "".join(f'<outline text="s{n}" type="rss" xmlUrl="{url}"/>' for n, url in enumerate(feeds(sources, port)))
    return f'<opml version="2.0"><body>{outlines}</body></opml>'


def miniflux(program, programs, farm, sources, per_cent, pages):
    """Seconds until all items are there, and the most memory."""
    broken = sources * per_cent // 100
    with served(farm, broken, max(pages, 1)) as port:
        postgres = Postgres(programs)
        reader = Miniflux(program, postgres.url)
        try:
            reader.ask("POST", "/v1/import", opml(sources, port), "application/xml")
            if pages:
                for feed in reader.ask("GET", "/v1/feeds"):
                    reader.ask("PUT", f"/v1/feeds/{feed['id']}", json.dumps({"crawler": True}))
            wanted, started = (sources - broken) * max(pages, 1), time.monotonic()
            reader.ask("PUT", "/v1/feeds/refresh")
            wait(lambda: reader.ask("GET", "/v1/entries?limit=1")["total"] >= wanted, 900)
            return time.monotonic() - started, peak_mb(reader.process)
        finally:
            for process in (reader, postgres):
                process.stop()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    farm, program, programs, sources, per_cent, *rest = sys.argv[1:]
    pages, rounds = [int(rest[i]) if len(rest) > i else default for i, default in [(0, 0), (1, 3)]]
    peer = functools.partial(miniflux, program, programs)
    beside("miniflux", peer, farm, int(sources), int(per_cent), pages, rounds)


if __name__ == "__main__":
    main()
