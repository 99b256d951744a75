"""A real Prometheus scrapes the exporter, in both formats."""

import http.server
import threading
import unittest

from programs import Exporter, get, wait_for
from prometheus_server import PrometheusServer

GAUGES = [
    "jemalloc_active_bytes",
    "jemalloc_allocated_bytes",
    "jemalloc_arenas",
    "jemalloc_mapped_bytes",
    "jemalloc_resident_bytes",
]


class TextOnly(http.server.BaseHTTPRequestHandler):
    """A proxy that always requests the text format from the exporter."""

    exporter = None

    def do_GET(self):
        answer = get(self.exporter.url + self.path)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


class Prometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = cls.enterClassContext(Exporter())
        TextOnly.exporter = cls.exporter
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TextOnly)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        cls.addClassCleanup(proxy.server_close)
        cls.addClassCleanup(proxy.shutdown)

        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
                }
                for job, port in (
                    ("openmetrics", cls.exporter.port),
                    ("text", proxy.server_port),
                )
            ],
        }
        cls.prometheus = cls.enterClassContext(PrometheusServer(config))
        wait_for(cls.both_scraped, "scrape of both targets")

    @classmethod
    def enterClassContext(cls, context):
        value = context.__enter__()
        cls.addClassCleanup(context.__exit__, None, None, None)
        return value

    @classmethod
    def both_scraped(cls):
        return len(cls.prometheus.instant("up")) == 2

    def query(self, expression):
        return self.prometheus.instant(expression)

    def test_both_targets_are_up(self):
        targets = self.prometheus.get("targets")["activeTargets"]
        self.assertEqual(
            {t["labels"]["job"]: (t["health"], t["lastError"]) for t in targets},
            {"openmetrics": ("up", ""), "text": ("up", "")},
        )

    def test_the_five_series_are_there_in_both_formats(self):
        for job in ("openmetrics", "text"):
            series = self.query(
                f'{{job="{job}", comm="jemalloc_export", '
                f'__name__=~"{"|".join(GAUGES)}"}}'
            )
            self.assertEqual(
                sorted(s["metric"]["__name__"] for s in series), GAUGES
            )
            for one in series:
                self.assertEqual(
                    one["metric"]["pid"], str(self.exporter.process.pid)
                )
                self.assertGreater(float(one["value"][1]), 0)

    def test_units_and_types_are_known(self):
        (metadata,) = {
            (m["type"], m["unit"])
            for m in self.prometheus.get(
                "targets/metadata",
                match_target='{job="openmetrics"}',
                metric="jemalloc_allocated_bytes",
            )
        }
        self.assertEqual(metadata, ("gauge", "bytes"))

    def test_no_sample_is_lost(self):
        for job in ("openmetrics", "text"):
            (scraped,) = self.query(f'scrape_samples_scraped{{job="{job}"}}')
            page = get(self.exporter.url + "/metrics").text
            lines = [line for line in page.splitlines() if line[0] != "#"]
            self.assertEqual(int(scraped["value"][1]), len(lines))


if __name__ == "__main__":
    unittest.main()
