"""Four real programs, each with memory that it does not need, under the exporter and
Prometheus: the alerts that fire, and the largest layers, are the diagnosis.

The rules are those of jemalloc.rules.yml with other times, and with a minimum size
that programs of a test reach."""

import contextlib
import http.server
import re
import socket
import socketserver
import sys
import tempfile
import threading
import unittest
import urllib.request

import live_targets as live
import programs
from support import wait_for

EXEC = ("exec", "--log.level=info")
MIB = 1 << 20
WASTE = 4 * MIB
# Allocations below the oversize threshold, which are not purged at once.
IDLE = """
import sys
blocks = [bytearray(1 << 20) for _ in range(64)]
del blocks
sys.stdin.read()
"""


class Backend(http.server.BaseHTTPRequestHandler):
    """Objects of 17 kB, each in the size class of 20 KiB."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # One segment for each response, which Nagle does not delay.

    def do_GET(self):
        body = b"x" * 17000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class ThreadingServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def redis_commands(path, commands):
    with socket.socket(socket.AF_UNIX) as redis:
        wait_for(lambda: redis.connect(path) is None, "connection to Redis")
        responses = redis.makefile("rb")
        for start in range(0, len(commands), 5000):
            batch = commands[start : start + 5000]
            redis.sendall("".join(f"{command}\r\n" for command in batch).encode())
            for _ in batch:
                responses.readline()


@contextlib.contextmanager
def redis(commands):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis"
        command = ["redis-server", "--save", "", "--port", "0", "--unixsocket", path]
        with programs.Exporter(*EXEC, command=command) as exporter:
            redis_commands(path, commands)
            yield exporter.port


def redis_after_deletion():
    keys = range(50000)
    sets = [f"SET key:{i} {'x' * (100 + i % 300)}" for i in keys]
    return redis(sets + [f"DEL key:{i}" for i in keys if i % 8])


def redis_with_large_values():
    return redis([f"SET key:{i} {'x' * 16000}" for i in range(3000)])


@contextlib.contextmanager
def varnish():
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        backend = stack.enter_context(ThreadingServer(("127.0.0.1", 0), Backend))
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        stack.callback(backend.shutdown)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = ["varnishd", "-F", "-j", "none", "-n", f"{folder}/v"]
        command += ["-a", f"127.0.0.1:{port}", "-s", "malloc,200m"]
        command += ["-b", f"127.0.0.1:{backend.server_address[1]}"]
        exporter = stack.enter_context(programs.Exporter(*EXEC, command=command))
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: urllib.request.urlopen(url).read(), "response of Varnish")
        for number in range(1500):
            with urllib.request.urlopen(f"{url}/{number}") as response:
                response.read()
        yield exporter.port


@contextlib.contextmanager
def idle():
    command = ["env", "PYTHONMALLOC=malloc", sys.executable, "-c", IDLE]
    with programs.Exporter(*EXEC, "--with-jemalloc", command=command) as exporter:
        yield exporter.port


# The program, the process, the alerts that fire, those that do not, and the largest
# layers of the heap beyond live data.
SITUATIONS = {
    "redis-deleted": (
        redis_after_deletion,
        "redis-server",
        {"JemallocFragmentationHigh"},
        {"JemallocPaddingHigh", "JemallocDecayStalled"},
        "holes",
    ),
    "redis-large": (
        redis_with_large_values,
        "redis-server",
        {"JemallocPaddingHigh"},
        {"JemallocFragmentationHigh", "JemallocDecayStalled"},
        "padding",
    ),
    "varnish": (
        varnish,
        "cache-main",
        {"JemallocPaddingHigh"},
        {"JemallocFragmentationHigh"},
        "padding",
    ),
    "idle": (
        idle,
        "python3",
        {"JemallocDecayStalled", "JemallocRetentionHigh"},
        {"JemallocFragmentationHigh", "JemallocPaddingHigh"},
        "dirty",
    ),
}


@contextlib.contextmanager
def rules_of_a_test():
    text = re.sub(r"interval: \d+m", "interval: 1s", live.RULES.read_text())
    text = re.sub(r"for: \d+[mh]", "for: 2s", text)
    text = text.replace("offset 5m", "offset 5s").replace("[5m]", "[5s]")
    assert '"268435456"' in text
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text.replace('"268435456"', f'"{WASTE}"'))
        file.flush()
        yield file.name


class Diagnosis(live.LiveTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scrapes = [
            live.scrape(name, "/metrics", cls.start(program()), name)
            for name, (program, *_) in SITUATIONS.items()
        ]
        rules = cls.start(rules_of_a_test())
        cls.prometheus = cls.start(live.scraping(scrapes, rules))

    def firing(self, name, comm):
        """The alerts of a process that fire."""
        query = f"ALERTS{{instance='{name}',comm='{comm}',alertstate='firing'}}"
        alerts = self.prometheus.instant(query)
        return {alert["metric"]["alertname"] for alert in alerts}

    def layers(self, name, comm):
        """The layers of a process in bytes, without those of live data."""
        series = self.prometheus.instant(
            f"{live.LAYERS}{{instance='{name}',comm='{comm}'}}"
        )
        sizes = {s["metric"]["layer"]: float(s["value"][1]) for s in series}
        for layer in ("small", "large", "outside"):
            sizes.pop(layer)
        return sizes

    def test_alerts_and_layers_name_the_cause(self):
        for name, (_, comm, fire, silent, largest) in SITUATIONS.items():
            with self.subTest(name):
                wait_for(
                    lambda name=name, comm=comm, fire=fire: fire
                    <= self.firing(name, comm),
                    f"alerts {fire}",
                )
                self.assertEqual(self.firing(name, comm) & silent, set())
                sizes = self.layers(name, comm)
                self.assertEqual(max(sizes, key=sizes.get), largest, sizes)
                self.assertGreater(sizes[largest], WASTE)


if __name__ == "__main__":
    unittest.main()
