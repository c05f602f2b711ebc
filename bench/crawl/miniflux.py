#!/usr/bin/env python3
"""Miniflux beside the crawler: the same sources, the same server, two cores, in turns.

    miniflux.py FARM MINIFLUX POSTGRES SOURCES PERCENT [PAGES [ROUNDS]]
    e.g.  miniflux.py target/debug/examples/farm ~/go/bin/miniflux ~/.cache/tocsin/postgres-18.6.0/bin 1000 1

FARM is the example of tocsin-ingest, MINIFLUX what `go install miniflux.app/v2@latest` makes, POSTGRES a folder of PostgreSQL
programs. Miniflux gets as many workers as the crawler has places, a database as carefree as the bench's, and all its
feeds at once; with PAGES it fetches and extracts the page of each item, as the crawler does. Both are timed until every
item of a good source is in their database; the median of the rounds counts.
"""
import atexit, base64, http.client, json, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

WORKERS = 16
USER, PASSWORD = "bench", "bench-bench"
STARTED = []


@atexit.register
def end():
    for process in STARTED:
        process.kill()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


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


def wait(is_done, seconds=60):
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end, "not ready in time"
        time.sleep(0.2)


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

    def peak_mb(self):
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def opml(sources, port):
    # The hosts of `farm`: each source has its own.
    hosts = [f"127.{1 + n // 62_500}.{n // 250 % 250}.{1 + n % 250}" for n in range(sources)]
    feeds = "".join(f'<outline text="s{n}" type="rss" xmlUrl="http://{host}:{port}/feed/{n}"/>' for n, host in enumerate(hosts))
    return f'<opml version="2.0"><body>{feeds}</body></opml>'


def miniflux(farm, program, programs, sources, per_cent, pages):
    """Seconds until all items are there, and the most memory."""
    broken = sources * per_cent // 100
    server = subprocess.Popen([farm, "serve", str(broken), str(max(pages, 1))], stdout=subprocess.PIPE, text=True)
    STARTED.append(server)
    port, postgres = int(server.stdout.readline()), Postgres(programs)
    reader = Miniflux(program, postgres.url)
    try:
        reader.ask("POST", "/v1/import", opml(sources, port), "application/xml")
        if pages:
            for feed in reader.ask("GET", "/v1/feeds"):
                reader.ask("PUT", f"/v1/feeds/{feed['id']}", json.dumps({"crawler": True}))
        wanted, started = (sources - broken) * max(pages, 1), time.monotonic()
        reader.ask("PUT", "/v1/feeds/refresh")
        wait(lambda: reader.ask("GET", "/v1/entries?limit=1")["total"] >= wanted, 900)
        return time.monotonic() - started, reader.peak_mb()
    finally:
        for process in (reader, postgres):
            process.stop()
        server.kill()


def tocsin(farm, sources, per_cent, pages):
    line = subprocess.run([farm, *map(str, [sources, per_cent, pages])], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"after ([\d.]+) s", line)[1]), float(re.search(r"(\d+) MB at most", line)[1])


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    farm, program, programs, sources, per_cent, *rest = sys.argv[1:]
    sources, per_cent = int(sources), int(per_cent)
    pages, rounds = [int(rest[i]) if len(rest) > i else default for i, default in [(0, 0), (1, 3)]]
    good = sources - sources * per_cent // 100
    took = {"tocsin": [], "miniflux": []}
    for _ in range(rounds):
        took["tocsin"].append(tocsin(farm, sources, per_cent, pages))
        took["miniflux"].append(miniflux(farm, program, programs, sources, per_cent, pages))
    medians = {name: [statistics.median(values) for values in zip(*all)] for name, all in took.items()}
    for name, (seconds, megabytes) in medians.items():
        print(f"{name:9} {seconds:7.1f} s  {good / seconds:6.0f} sources/s  {good * pages / seconds:6.0f} pages/s  "
              f"{megabytes:5.0f} MB at most  (of {[round(s, 1) for s, _ in took[name]]})")
    print(f"miniflux / tocsin: {medians['miniflux'][0] / medians['tocsin'][0]:.2f} of the time")


if __name__ == "__main__":
    main()
