"""The series of details: collectors, ?collect[]=, and names of processes."""

import contextlib
import os
import subprocess
import tempfile
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agents import resting
from details import details, rows
from heap_fields import STATISTICS
from programs import Exporter, get, run
from support import children, wait_for

ALL = ["--collector.bins", "--collector.sizes", "--collector.locks"]
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Series(unittest.TestCase):
    def scrape(self, exporter, query=""):
        answer = get(f"{exporter.url}/metrics{query}", Accept=OPENMETRICS)
        self.assertEqual(answer.status, 200, answer.text)
        return list(text_string_to_metric_families(answer.text))

    def names(self, families, pid):
        return {
            family.name
            for family in families
            for sample in family.samples
            if sample.labels.get("pid") == str(pid)
        }

    def series(self, families, pid, *prefixes):
        return [
            sample
            for family in families
            if family.name.startswith(prefixes)
            for sample in family.samples
            if sample.labels.get("pid") == str(pid)
        ]

    DEEP = {
        "jemalloc_bin_allocated_bytes",
        "jemalloc_bin_slab_bytes",
        "jemalloc_allocation_size_bytes",
        "jemalloc_mutex_acquisitions",
        "jemalloc_mutex_waits",
        "jemalloc_mutex_wait_seconds",
    }

    def test_are_off_by_default(self):
        with resting() as host, Exporter() as exporter:
            names = self.names(self.scrape(exporter), host.pid)
            self.assertIn("jemalloc_allocated_bytes", names)
            self.assertEqual(names & self.DEEP, set())

    def test_are_on_with_the_flags(self):
        with resting() as host, Exporter(*ALL) as exporter:
            families = self.scrape(exporter)
            document = details(host.pid)
            for pid in (host.pid, exporter.process.pid):
                self.assertEqual(self.names(families, pid) & self.DEEP, self.DEEP)
                self.assertLessEqual(len(self.series(families, pid, "jemalloc_bin_")), 72)
                sizes = self.series(families, pid, "jemalloc_allocation_size_bytes")
                sizes = [s for s in sizes if not s.name.endswith("_created")]
                self.assertEqual(len(sizes), 24)
                self.assertEqual(len(self.series(families, pid, "jemalloc_mutex_")), 36)
            slabs = {
                int(sample.labels["size"]): sample.value
                for sample in self.series(families, host.pid, "jemalloc_bin_slab_bytes")
            }
            expected = {
                size: row["slabs"] * row["slab_bytes"]
                for size, row in rows(document["bins"]).items()
            }
            self.assertEqual(slabs, expected)

    def test_satisfy_promtool_and_the_strict_parser(self):
        with resting(), Exporter(*ALL) as exporter:
            checked = subprocess.run(
                ["promtool", "check", "metrics"],
                input=get(f"{exporter.url}/metrics").text,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual((checked.returncode, checked.stderr), (0, ""))
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(get(f"{exporter.url}/metrics", Accept=OPENMETRICS).text)
                file.flush()
                command = [os.environ["OPENMETRICS_VALIDATOR"], file.name]
                validated = subprocess.run(command, capture_output=True, check=False)
            self.assertEqual((validated.returncode, validated.stderr), (0, b""))

    def test_are_selected_by_collect_and_exclude(self):
        with resting() as host, Exporter(*ALL) as exporter:
            names = self.names(self.scrape(exporter, "?collect[]=bins"), host.pid)
            self.assertEqual(
                names & self.DEEP, {"jemalloc_bin_allocated_bytes", "jemalloc_bin_slab_bytes"}
            )
            self.assertNotIn("jemalloc_allocated_bytes", names)
            self.assertIn("jemalloc_up", names)
            names = self.names(self.scrape(exporter, "?collect%5B%5D=heap"), host.pid)
            self.assertIn("jemalloc_allocated_bytes", names)
            self.assertEqual(names & self.DEEP, set())
            names = self.names(self.scrape(exporter, "?exclude[]=sizes"), host.pid)
            self.assertEqual(names & self.DEEP, self.DEEP - {"jemalloc_allocation_size_bytes"})

    # Beside those of details.
    def test_are_of_the_enabled_collectors(self):
        groups = {
            "heap": {"jemalloc_allocated_bytes", "jemalloc_retained_bytes"},
            "activity": {"jemalloc_threads", "jemalloc_allocations"},
            "options": {"jemalloc_options_info"},
        }
        every = set.union(*groups.values())

        def of(exporter, query_=""):
            return self.names(self.scrape(exporter, query_), host.pid) & every

        with resting() as host:
            with Exporter() as exporter:
                self.assertEqual(of(exporter), every)
                for name, group in groups.items():
                    self.assertEqual(of(exporter, f"?collect[]={name}"), group)
                    self.assertEqual(of(exporter, f"?exclude[]={name}"), every - group)
            for name in ("activity", "options"):
                with Exporter(f"--no-collector.{name}") as exporter:
                    self.assertEqual(of(exporter), every - groups[name])
                    answer = get(f"{exporter.url}/metrics?collect[]={name}")
                    self.assertEqual(answer.status, 400)

    def test_are_no_more_than_documented(self):
        with resting() as host, Exporter(*ALL) as exporter:
            families = self.scrape(exporter)
            for pid in (host.pid, exporter.process.pid):
                names = [
                    sample.name
                    for sample in self.series(families, pid, "jemalloc_")
                    if not sample.name.endswith("_created")
                    and not sample.name.startswith(("jemalloc_up", "jemalloc_process_"))
                ]
                self.assertLessEqual(len(names), 5 + len(STATISTICS) + 1 + 72 + 24 + 36)

    def test_are_rejected_by_400_where_the_query_is_wrong(self):
        with Exporter("--collector.bins") as exporter:
            for query_, line in {
                "collect[]=cpu": "unknown collector 'cpu'",
                "collect[]=sizes": "collector 'sizes' is disabled",
                "exclude[]=sizes": "collector 'sizes' is disabled",
                "collect[]=bins&exclude[]=heap": (
                    "collect[] and exclude[] cannot be combined"
                ),
            }.items():
                answer = get(f"{exporter.url}/metrics?{query_}")
                self.assertEqual((answer.status, answer.text), (400, line + "\n"))

    def test_are_of_included_names_only(self):
        flags = [*ALL, "--collector.comm-include=agent_.*"]
        with resting() as host, resting("rename", "other_host") as other:
            with Exporter(*flags) as exporter:
                families = self.scrape(exporter)
                own = exporter.process.pid
                self.assertEqual(self.names(families, host.pid) & self.DEEP, self.DEEP)
                for pid in (other.pid, own):
                    self.assertEqual(self.names(families, pid) & self.DEEP, set())
                    self.assertIn("jemalloc_allocated_bytes", self.names(families, pid))
            with Exporter(*ALL, "--collector.comm-include=jemalloc_exp.*") as exporter:
                families = self.scrape(exporter)
                own = exporter.process.pid
                self.assertEqual(self.names(families, own) & self.DEEP, self.DEEP)
                self.assertEqual(self.names(families, host.pid) & self.DEEP, set())

    # Its agent's socket has the pid of that namespace, which another process has here.
    def test_are_of_included_names_in_a_nested_pid_namespace(self):
        nested = ["unshare", "--pid", "--fork", "--kill-child"]
        if subprocess.run([*nested, "true"], check=False).returncode != 0:
            self.skipTest("pid namespaces are forbidden")
        flags = [*ALL, "--collector.comm-include=agent_host"]
        with contextlib.ExitStack() as stack:
            hosts = [
                stack.enter_context(resting(*mode, command=nested))
                for mode in ((), ("rename", "other_host"))
            ]
            pid, other = (children(host.pid)[0] for host in hosts)
            exporter = stack.enter_context(Exporter(*flags))

            def deep_names(pid):
                return self.names(self.scrape(exporter), pid) & self.DEEP

            wait_for(lambda: deep_names(pid) == self.DEEP, "details")
            names = self.names(self.scrape(exporter), other)
            self.assertIn("jemalloc_allocated_bytes", names)
            self.assertEqual(names & self.DEEP, set())

    def test_are_set_by_the_environment(self):
        env = {
            "JEMALLOC_EXPORTER_COLLECTOR_BINS": "true",
            "JEMALLOC_EXPORTER_COLLECTOR_COMM_INCLUDE": "agent_host",
        }
        with resting() as host, Exporter(env=env) as exporter:
            names = self.names(self.scrape(exporter), host.pid)
            self.assertIn("jemalloc_bin_slab_bytes", names)

    def test_invalid_expression_is_an_error(self):
        status, out, err = run("--collector.comm-include=(")
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"\Ajemalloc_exporter: .*regular expression.*\n\Z")


if __name__ == "__main__":
    unittest.main()
