"""The farm that the peers of the crawler are measured on, and the crawler on it.

FARM is the example `farm` of tocsin-ingest: its server, a process of its own, plays every host of 127/8.
"""
import atexit, contextlib, re, socket, statistics, subprocess, time

# As many as the crawler has places.
WORKERS = 16
STARTED = []


@atexit.register
def end():
    for process in STARTED:
        process.kill()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(is_done, seconds=60):
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end, "not ready in time"
        time.sleep(0.2)


def peak_mb(process):
    return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{process.pid}/status").read())[1]) / 1024


def feeds(sources, port):
    """The feed of each source, which has a host of its own."""
    hosts = [f"127.{1 + n // 62_500}.{n // 250 % 250}.{1 + n % 250}" for n in range(sources)]
    return [f"http://{host}:{port}/feed/{n}" for n, host in enumerate(hosts)]


@contextlib.contextmanager
def served(farm, broken, items):
    """The port of a server whose first sources are broken, each other one with so many items."""
    server = subprocess.Popen([farm, "serve", str(broken), str(items)], stdout=subprocess.PIPE, text=True)
    STARTED.append(server)
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()


def tocsin(farm, sources, per_cent, pages):
    """Seconds until all items are there, and the most memory."""
    line = subprocess.run([farm, *map(str, [sources, per_cent, pages])], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"after ([\d.]+) s", line)[1]), float(re.search(r"(\d+) MB at most", line)[1])


def beside(name, peer, farm, sources, per_cent, pages, rounds):
    """The crawler and `peer`, which is called like `tocsin`, in turns; the medians are printed."""
    took = {"tocsin": [], name: []}
    for _ in range(rounds):
        took["tocsin"].append(tocsin(farm, sources, per_cent, pages))
        took[name].append(peer(farm, sources, per_cent, pages))
    good = sources - sources * per_cent // 100
    medians = {who: [statistics.median(values) for values in zip(*all)] for who, all in took.items()}
    for who, (seconds, megabytes) in medians.items():
        print(f"{who:12} {seconds:7.1f} s  {good / seconds:6.0f} sources/s  {good * pages / seconds:6.0f} pages/s  "
              f"{megabytes:5.0f} MB at most  (of {[round(s, 1) for s, _ in took[who]]})")
    print(f"{name} / tocsin: {medians[name][0] / medians['tocsin'][0]:.2f} of the time")
