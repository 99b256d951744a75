"""Details of a heap: the request by a socket's name, the agent's response, the
exporter's series, and show --detail."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agents import (
    AGENT_ENV,
    Host,
    NOBODY,
    address,
    query,
    receive_as,
    resting,
)
from heap_fields import STATISTICS
from programs import Exporter, get, run
from support import children, DEADLINE, wait_for

SETS = ("bins", "sizes", "locks", "arenas", "extents")
ALL = ["--collector.bins", "--collector.sizes", "--collector.locks"]
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def request(pid, name):
    """All bytes that the agent sends to a client whose socket has this name."""
    with socket.socket(socket.AF_UNIX) as client:
        client.bind(name)
        client.connect(address(pid))
        client.settimeout(DEADLINE)
        return client.makefile("rb").read()


def details(pid, words=",".join(SETS)):
    return json.loads(request(pid, f"\0jemalloc_exporter_ask/1/{words}/0123456789abcdef"))


def is_traced(pid):
    """Whether a tracer is attached to each thread of the process."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as status:
            if "\nTracerPid:\t0\n" in status.read():
                return False
    return True


def rows(table):
    """The rows of a table, by their first column."""
    return {row[0]: dict(zip(table["columns"], row)) for row in table["rows"]}


class Agent(unittest.TestCase):
    def test_sends_the_requested_sets(self):
        with resting() as host:
            for words in ("bins", "sizes,locks", "arenas", "extents", ",".join(SETS)):
                document = details(host.pid, words)
                present = [name for name in SETS if name in document]
                self.assertEqual(present, [s for s in SETS if s in words.split(",")])
                self.assertEqual(document["pid"], host.pid)

    def test_sends_no_details_for_any_other_name(self):
        names = [
            b"",  # The kernel chooses one.
            b"\0foreign",
            b"\0jemalloc_exporter_ask/2/bins/0",
            b"\0jemalloc_exporter_ask/1/bins",
            b"\0jemalloc_exporter_ask/1/new,,old/0",
            b"\0jemalloc_exporter_ask/1/\xff\xfe\0bins/0",
            b"\0" + b"j" * 107,
            b"\0jemalloc_exporter_ask/1/" + b"," * 83,
        ]
        with resting() as host:
            keys = list(query(host.pid))
            for name in names:
                with self.subTest(name=name):
                    self.assertEqual(list(json.loads(request(host.pid, name))), keys)
            self.assertIn("bins", details(host.pid, "new,,bins"))

    def test_serves_a_client_that_is_gone(self):
        with resting() as host:
            for _ in range(50):
                with socket.socket(socket.AF_UNIX) as client:
                    client.bind("\0jemalloc_exporter_ask/1/bins,sizes/0")
                    client.connect(address(host.pid))
            self.assertIn("bins", details(host.pid))

    def test_rejects_other_users_whatever_they_request(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to change users")
        name = "\0jemalloc_exporter_ask/1/bins/1"
        with resting() as host:
            self.assertEqual(receive_as(NOBODY, address(host.pid), name), b"")

    def test_allocates_nothing_in_the_host(self):
        env = {**AGENT_ENV, "MALLOC_CONF": "tcache:false"}
        with resting(program="counting_host", env=env) as host:
            details(host.pid)
            first = host.answer("\n")
            for _ in range(100):
                details(host.pid)
            self.assertEqual(host.answer("\n"), first)

    # They are on the stack of each thread.
    def test_leaves_room_for_the_thread_local_variables_of_a_host(self):
        with resting(program="agent_host_tls_stack") as host:
            self.assertIn("arenas", details(host.pid))
            self.assertEqual(host.end()[0], 0)

    def test_has_the_details_of_each_heap(self):
        with resting(program="agent_host_two") as host:
            document = details(host.pid)
        self.assertNotIn("bins", document)
        for heap in document["heaps"]:
            self.assertEqual([name for name in SETS if name in heap], list(SETS))

    def test_has_no_details_of_an_unused_heap(self):
        with resting(program="agent_host_unused") as host:
            self.assertEqual(list(details(host.pid)), list(query(host.pid)))

    def test_has_only_arenas_without_statistics(self):
        with resting(program="agent_host_no_statistics") as host:
            document = details(host.pid)
        self.assertEqual([name for name in SETS if name in document], ["arenas"])

    def test_has_its_own_in_a_forked_child(self):
        with Host("fork-twice") as host:
            pids = set()
            while len(pids) < 3:
                line = host.line()
                pids.update([int(line)] if line.isdigit() else [])
            for pid in pids:
                document = wait_for(lambda pid=pid: details(pid), "response")
                self.assertEqual(document["pid"], pid)
                self.assertIn("bins", document)

    # Those of a response without details: bind(2) is the client's.
    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_needs_no_system_call_beyond_those_of_a_response(self):
        with resting() as host:
            query(host.pid)  # jemalloc maps memory for a new thread.
            traced = subprocess.Popen(
                ["strace", "-f", "-qq", "-p", str(host.pid)],
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                wait_for(lambda: is_traced(host.pid), "tracer", deadline=10)
                self.assertIn("arenas", details(host.pid))
                self.assertEqual(query(host.pid)["pid"], host.pid)
            finally:
                traced.terminate()
                _, text = traced.communicate(timeout=DEADLINE)
        calls = re.findall(r"(\w+)\(", text)
        known = {
            "restart_syscall",
            "poll",
            "read",
            "lseek",
            "accept4",
            "getsockopt",
            "getpid",
            "sendto",
            "close",
        }
        self.assertLessEqual(set(calls), known)
        self.assertEqual(calls.count("accept4"), 2)


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


class Show(unittest.TestCase):
    def test_prints_a_table_of_each_set(self):
        with resting() as host:
            status, out, err = run("show", "--pid", str(host.pid), "--detail")
        self.assertEqual((status, err), (0, ""))
        titles = re.findall(r"(?m)^(bins|sizes|locks|arenas|extents): ", out)
        self.assertEqual(titles, list(SETS))
        self.assertRegex(out, r"(?m)^MUTEX +WAIT TIME +WAITS +ACQUISITIONS$")
        self.assertRegex(out, r"(?m)^0 +\d.*\d$")

    def test_prints_json(self):
        with resting() as host:
            status, out, _ = run(
                "show", "--pid", str(host.pid), "--detail", "--format=json"
            )
        self.assertEqual(status, 0)
        document = json.loads(out)
        self.assertGreater(document["allocated_bytes"], 1 << 20)
        self.assertEqual([name for name in SETS if name in document], list(SETS))
        self.assertGreater(rows(document["arenas"])[0]["active_bytes"], 1 << 20)

    def test_prints_the_details_of_each_heap(self):
        with resting(program="agent_host_two") as host:
            args = ("show", "--pid", str(host.pid), "--detail")
            _, out, _ = run(*args)
            _, document, _ = run(*args, "--format=json")
        self.assertEqual(len(re.findall(r"(?m)^bins: ", out)), 2)
        for heap in json.loads(document)["heaps"]:
            self.assertIn("bins", heap)

    def test_requires_a_pid(self):
        for args in (["--detail"], ["--detail", "--pid=1", "--watch=1s"]):
            status, out, err = run("show", *args)
            self.assertEqual((status, out), (2, ""))
            self.assertIn("--detail requires --pid", err)


if __name__ == "__main__":
    unittest.main()
