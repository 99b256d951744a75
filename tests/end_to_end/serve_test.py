"""What a scraper and a browser meet at the exporter's endpoints."""

import contextlib
import gzip
import re
import socket
import subprocess
import tempfile
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from golden import assert_golden, read_golden
from programs import EXPORTER, Exporter, get

# The first line of those that the exporter adds of itself, the last ones.
EXPORTER_METRICS = "# HELP process_cpu_seconds_total "
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
# As sent by Prometheus 2.42.
PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


def masked(page):
    """The page with what differs from run to run made equal."""
    page = re.sub(r'pid="\d+"', 'pid="PID"', page)
    page = re.sub(r'narenas="\d+"', 'narenas="N"', page)
    page = re.sub(r',(?:unit|container_id|pod_uid)="[^"]*"', "", page)
    page = re.sub(
        r"(jemalloc_exporter_build_info)\{.*\}",
        r"\1{LABELS}",
        page,
    )
    return re.sub(r"(?m)^([^#].*) [0-9.e+-]+$", r"\1 VALUE", page)


class SocketTable(unittest.TestCase):
    def test_is_read_once_for_the_landing_page(self):
        with contextlib.ExitStack() as stack, Exporter() as exporter:
            for number in range(500):
                listener = stack.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(f"\0{number:0100}")

            def bytes_read():
                with open(f"/proc/{exporter.process.pid}/io", encoding="ascii") as file:
                    return int(re.match(r"rchar: (\d+)", file.read())[1])

            before = bytes_read()
            self.assertEqual(get(exporter.url + "/").status, 200)
            read = bytes_read() - before
            with open("/proc/net/unix", "rb") as file:
                table = len(file.read())
        self.assertGreater(table, 500 * 150)
        self.assertGreater(read, 0.8 * table)
        self.assertLess(read, 1.5 * table)


class Endpoints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = Exporter()
        cls.addClassCleanup(cls.exporter.stop)

    def get(self, path, **options):
        return get(self.exporter.url + path, **options)

    def assert_error(self, answer, status, text):
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.text, text)
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")

    def test_metrics_are_text_by_default(self):
        answer = self.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], TEXT)
        assert_golden(self, masked(answer.text), "metrics.txt")

    def test_metrics_are_openmetrics_for_prometheus(self):
        answer = self.get("/metrics", Accept=PROMETHEUS_ACCEPT)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], OPENMETRICS)
        assert_golden(self, masked(answer.text), "metrics.openmetrics")

    def test_openmetrics_satisfies_the_strict_parser(self):
        page = self.get("/metrics", Accept=PROMETHEUS_ACCEPT).text
        families = {f.name: f for f in text_string_to_metric_families(page)}
        for name in ("allocated", "active", "resident", "mapped"):
            family = families[f"jemalloc_{name}_bytes"]
            self.assertEqual(family.unit, "bytes")
            (sample,) = family.samples
            self.assertEqual(
                sample.labels,
                {
                    "comm": "jemalloc_export",
                    "pid": str(self.exporter.process.pid),
                },
            )
            self.assertGreater(sample.value, 10_000)

    def test_promtool_finds_nothing(self):
        checked = subprocess.run(
            ["promtool", "check", "metrics"],
            input=self.get("/metrics").text,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_metrics_are_packed_on_demand(self):
        answer = self.get("/metrics", accept_encoding="gzip")
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        page = gzip.decompress(answer.body).decode()
        assert_golden(self, masked(page), "metrics.txt")

    def test_head_is_get_without_the_page(self):
        head, page = self.get("/", method="HEAD"), self.get("/")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["Content-Type"], page.headers["Content-Type"])

    def test_requests_are_counted_by_status(self):
        def count(code):
            page = self.get("/metrics").text
            pattern = (
                rf'jemalloc_exporter_http_requests_total{{code="{code}"}} (\d+)'
            )
            return int(re.search(pattern, page).group(1))

        before = count(404)
        self.get("/nothing")
        self.get("/nothing")
        self.assertEqual(count(404), before + 2)

    def test_landing_page_is_html_with_the_process(self):
        answer = self.get("/")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn(str(self.exporter.process.pid), answer.text)
        self.assertIn("<svg", answer.text)

    def test_health(self):
        for path, text in (("/-/healthy", "Healthy\n"), ("/-/ready", "Ready\n")):
            answer = self.get(path)
            self.assertEqual((answer.status, answer.text), (200, text))

    def test_other_paths_are_not_found(self):
        for path in ("/metricsx", "/metrics/x", "/metrics%00", "//metrics", "/x"):
            self.assert_error(self.get(path), 404, "Not found.\n")

    def test_other_methods_are_not_allowed(self):
        for method in ("POST", "PUT", "DELETE"):
            answer = self.get("/metrics", method=method)
            self.assert_error(answer, 405, "Method not allowed.\n")
            self.assertEqual(answer.headers["Allow"], "GET, HEAD, OPTIONS")

    def test_options_is_a_health_check(self):
        for path in ("/metrics", "/"):
            answer = self.get(path, method="OPTIONS")
            self.assertEqual((answer.status, answer.text), (200, ""))
            self.assertEqual(answer.headers["Allow"], "GET, HEAD, OPTIONS")


class Options(unittest.TestCase):
    def test_telemetry_path_moves_the_metrics(self):
        with Exporter("--web.telemetry-path=/heap") as exporter:
            self.assertEqual(get(exporter.url + "/heap").status, 200)
            self.assertEqual(get(exporter.url + "/metrics").status, 404)
            self.assertIn('href="./heap"', get(exporter.url + "/").text)

    def test_telemetry_path_may_be_percent_encoded(self):
        with Exporter("--web.telemetry-path=/m%C3%A9triques%20x") as exporter:
            self.assertEqual(
                get(exporter.url + "/m%C3%A9triques%20x").status, 200
            )

    def test_metrics_at_the_root_replace_the_landing_page(self):
        with Exporter("--web.telemetry-path=/") as exporter:
            answer = get(exporter.url + "/")
            self.assertEqual(answer.headers["Content-Type"], TEXT)

    def test_exporter_metrics_can_be_left_out(self):
        with Exporter("--web.disable-exporter-metrics") as exporter:
            page = get(exporter.url + "/metrics").text
            with_them = read_golden("metrics.txt")
            self.assertIn(EXPORTER_METRICS, with_them)
            self.assertEqual(masked(page), with_them.partition(EXPORTER_METRICS)[0])


class DebugLog(unittest.TestCase):
    USERS = "basic_auth_users: {alice: $2b$04$" + 53 * "a" + "}\n"

    def test_has_each_request(self):
        with Exporter("--log.level=debug") as exporter:
            get(exporter.url + "/-/healthy")
            get(exporter.url + "/none", method="HEAD")
            exporter.await_log("(msg=Request method=GET path=/-/healthy status=200)")
            exporter.await_log("(msg=Request method=HEAD path=/none status=404)")

    def test_has_rejected_credentials(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(self.USERS)
            file.flush()
            with Exporter(
                "--log.level=debug", f"--web.config.file={file.name}"
            ) as exporter:
                self.assertEqual(get(exporter.url + "/metrics").status, 401)
                exporter.await_log("(msg=Request method=GET path=/metrics status=401)")

    def test_is_not_the_default(self):
        with Exporter() as exporter:
            get(exporter.url + "/-/healthy")
            exporter.stop()
            self.assertNotIn("msg=Request", exporter.log)


class Descriptors(unittest.TestCase):
    def test_are_as_many_as_the_machine_allows(self):
        limited = ("prlimit", "--nofile=256:4096", EXPORTER)
        with Exporter(program=limited) as exporter:
            page = get(exporter.url + "/metrics").text
            self.assertIn("\nprocess_max_fds 4096\n", page)


if __name__ == "__main__":
    unittest.main()
