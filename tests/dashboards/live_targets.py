"""Targets of a real Prometheus: the real exporter around a Redis, a program that
embeds the library, and pages of generated samples."""

import contextlib
import http.server
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from support import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dashboards" / "preview"))
import fleet  # noqa: E402
from prometheus_server import PrometheusServer  # noqa: E402

RULES = ROOT / "dashboards" / "jemalloc.rules.yml"
EMBEDDING = os.environ.get("EMBEDDING")
LAYERS = "job_instance_comm:jemalloc_memory_bytes:sum"


@contextlib.contextmanager
def pages(makers):
    """Serves a page of samples for each path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = fleet.page(makers[self.path](time.time())).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def write(path, end):
    """Sets values of many sizes in Redis, and deletes some, which leaves holes."""
    with socket.socket(socket.AF_UNIX) as redis:
        wait_for(lambda: redis.connect(path) is None, "connection to Redis")
        responses = redis.makefile("rb")
        while not end.is_set():
            for _ in range(1000):
                value = "x" * random.randrange(16, 4000)
                redis.sendall(f"SET {random.randrange(20000)} {value}\r\n".encode())
                redis.sendall(f"DEL {random.randrange(20000)}\r\n".encode())
            for _ in range(2000):
                responses.readline()
            end.wait(0.1)


@contextlib.contextmanager
def exporter():
    """The real exporter around a Redis with a client: the port that it serves on."""
    import programs  # Needs the exporter's path in the environment.

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis"
        redis = ["redis-server", "--save", "", "--port", "0", "--unixsocket", path]
        end = threading.Event()
        client = threading.Thread(target=write, args=(path, end))
        deep_sets = [f"--collector.{name}" for name in ("bins", "sizes", "locks")]
        options = ["exec", "--log.level=info", *deep_sets]
        with programs.Exporter(*options, command=redis) as running:
            client.start()
            try:
                yield running.port
            finally:
                end.set()
                client.join()


@contextlib.contextmanager
def embedding():
    """The README's program with the library in it: the port that it serves on."""
    with subprocess.Popen(
        [EMBEDDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield int(re.search(r":(\d+)/", process.stdout.readline())[1])
        process.stdin.close()


@contextlib.contextmanager
def rules_of_each_second():
    """A file with the rules, evaluated as often as the targets are scraped."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(re.sub(r"interval: \d+m", "interval: 1s", RULES.read_text()))
        file.flush()
        yield file.name


@contextlib.contextmanager
def scraping(scrapes, rules=None):
    """A Prometheus that scrapes, and evaluates a file of rules, each second."""
    interval = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    config = {
        "global": {**interval, "evaluation_interval": "1s"},
        "scrape_configs": scrapes,
        "rule_files": [rules] if rules else [],
    }
    with PrometheusServer(config) as prometheus:
        yield prometheus


class LiveTest(unittest.TestCase):
    """Tests of one class share their targets, which `stack` stops at its end."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)

    @classmethod
    def start(cls, context):
        return cls.stack.enter_context(context)


def scrape(job, path, port, instance):
    target = {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
    return {"job_name": job, "metrics_path": path, "static_configs": [target]}
