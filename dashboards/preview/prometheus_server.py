"""A real Prometheus on a free port of this machine, for as long as a `with`."""

import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

import yaml


class PrometheusServer:
    """Runs the configuration on the data folder, or on an empty one."""

    # Backfilled series have no staleness markers.
    OPTIONS = ("--query.lookback-delta=10s",)

    def __init__(self, config, data=None, options=OPTIONS):
        self.config = config
        self.data = data
        self.options = options

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        home = pathlib.Path(self.folder.name)
        (home / "prometheus.yml").write_text(yaml.safe_dump(self.config))
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={home}/prometheus.yml",
                f"--storage.tsdb.path={self.data or home / 'data'}",
                "--storage.tsdb.retention.time=10y",
                "--web.listen-address=127.0.0.1:0",
                *self.options,
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        log = []
        self.url = None
        is_ready = False
        for line in self.process.stderr:
            log.append(line)
            if found := re.search(r'msg="Listening on" address=(\S+)', line):
                self.url = f"http://{found[1]}"
            is_ready = is_ready or "Server is ready" in line
            if self.url and is_ready:  # In any order.
                break
        else:
            raise RuntimeError("Prometheus did not start:\n" + "".join(log))
        # The log is smaller than the buffer of the pipe, so it need not be read.
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
        self.folder.cleanup()

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}") as answer:
            return json.load(answer)["data"]

    def instant(self, expr, now=None):
        now = now or time.time()
        return self.get("query", query=expr, time=now)["result"]

    def range(self, expr, start, end, step):
        return self.get("query_range", query=expr, start=start, end=end, step=step)[
            "result"
        ]
