"""Details of a heap: the request by a socket's name, the agent's response, and
show --detail."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest

from agents import (
    AGENT_ENV,
    Host,
    NOBODY,
    address,
    query,
    receive_as,
    resting,
)
from details import SETS, details, request, rows
from programs import run
from support import DEADLINE, wait_for


def is_traced(pid):
    """Whether a tracer is attached to each thread of the process."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as status:
            if "\nTracerPid:\t0\n" in status.read():
                return False
    return True


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
