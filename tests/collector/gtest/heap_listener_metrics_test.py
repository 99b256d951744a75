"""The metrics of the listener, scraped while tests run."""

import json
import os
import subprocess
import unittest
import urllib.parse

from listener import METRICS, MIB, ListenerCase, families, values
from programs import get
from support import wait_for

VALIDATOR = os.environ["OPENMETRICS_VALIDATOR"]
# Bytes that the server's threads may allocate during a test.
OTHER_THREADS = MIB // 4


class Metrics(ListenerCase):
    def test_please_promtool(self):
        page = self.run_with_textfile("--gtest_filter=*.*", FIXTURE_TESTS=1)
        self.assertEqual(set(families(page)), METRICS)
        lint = subprocess.run(
            ["promtool", "check", "metrics"],
            input=page,
            capture_output=True,
            text=True,
        )
        self.assertEqual((lint.returncode, lint.stdout, lint.stderr), (0, "", ""))
        self.assertEqual(
            values(families(page)["jemalloc_test_heap_growth_bytes"])["Heap.Leaks"],
            MIB,
        )

    def serve_program(self, way):
        """A program that waits in its last test; returns it and where it
        serves."""
        program = self.start(
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=Heap.*:*.DISABLED_WaitsForStdin",
            FIXTURE_SERVES=way,
        )
        return program, "127.0.0.1:" + program.stdout.readline().split()[1]

    def test_please_the_strict_parser_while_tests_run(self):
        program, address = self.serve_program("by Server")

        def page():
            reply = get(
                f"http://{address}/metrics", accept="application/openmetrics-text"
            )
            return "DISABLED_WaitsForStdin" in reply.text and reply

        reply = wait_for(page, "last test")
        self.assertRegex(reply.headers["Content-Type"], r"\Aapplication/openmetrics-text")
        growth = families(reply.text)["jemalloc_test_heap_growth_bytes"]
        self.assertAlmostEqual(values(growth)["Heap.Leaks"], MIB, delta=OTHER_THREADS)
        file = self.folder / "page"
        file.write_bytes(reply.body)
        validator = subprocess.run([VALIDATOR, file], capture_output=True, text=True)
        self.assertEqual((validator.returncode, validator.stderr), (0, ""))
        program.communicate("\n")
        self.assertEqual(program.returncode, 0)

    def test_are_scraped_by_prometheus_while_tests_run(self):
        served = [self.serve_program(way) for way in ("by Exposer", "by Server")]
        config = self.folder / "prometheus.yml"
        config.write_text(
            json.dumps(
                {
                    "global": {
                        "scrape_interval": "100ms",
                        "scrape_timeout": "100ms",
                    },
                    "scrape_configs": [
                        {
                            "job_name": "tests",
                            "static_configs": [{"targets": [a for _, a in served]}],
                        }
                    ],
                }
            )
        )
        server = self.serve(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder}/tsdb",
            "--web.listen-address=127.0.0.1:0",
        )
        query = "/api/v1/query?" + urllib.parse.urlencode(
            {
                "query": 'jemalloc_test_result{result="running"} and on(instance) '
                f'abs(jemalloc_test_heap_growth_bytes{{test="Leaks"}} - {MIB}) < {OTHER_THREADS}'
            }
        )

        def answer():
            reply = get(server + query)  # 503 until it is ready.
            found = reply.status == 200 and json.loads(reply.body)["data"]["result"]
            return found and len(found) == len(served) and found

        found = wait_for(answer, "scrapes of the running tests")
        self.assertEqual(
            {series["metric"]["test"] for series in found}, {"DISABLED_WaitsForStdin"}
        )
        for program, _ in served:
            program.communicate("\n")
            self.assertEqual(program.returncode, 0)


if __name__ == "__main__":
    unittest.main()
