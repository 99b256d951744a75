"""Which agents are connected to, how often, and for how long."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import unittest

from programs import Exporter, get, run, wait_for

SLEEP = ["/usr/bin/python3", "-c", "import time; time.sleep(600)"]


class OtherAgent:
    """A socket with the name of this process's agent. Counts connections and
    never sends a document."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"\0jemalloc_exporter/{os.getpid()}")
        self.listener.listen(1000)
        self.accepted = []

    def count(self):
        self.listener.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.accepted.append(self.listener.accept()[0])
        return len(self.accepted)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.accepted:
            connection.close()
        self.listener.close()


def up(exporter):
    """The value of jemalloc_up by (comm, pid), without the exporter's own."""
    page = get(f"{exporter.url}/metrics").text
    found = re.findall(r'^jemalloc_up{comm="(.*)",pid="(\d+)"} (\d)$', page, re.M)
    return {
        (comm, int(pid)): int(value)
        for comm, pid, value in found
        if comm != "jemalloc_export"
    }


def exec_with_jemalloc(command, *options):
    return Exporter("exec", "--with-jemalloc", "--log.level=info", *options,
                    command=command)


def stop(pid):
    """Returns when all threads have stopped."""
    os.kill(pid, signal.SIGSTOP)

    def stopped():
        states = set()
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as stat:
                states.add(stat.read().rpartition(")")[2].split()[0])
        return states == {"T"}

    wait_for(stopped, "stop")


def pid_of(exporter, comm):
    def find():
        return [pid for (c, pid), value in up(exporter).items() if c == comm and value]

    return wait_for(find, f"response of {comm}")[0]


class FilteredAgents(unittest.TestCase):
    def test_exec_does_not_connect_outside_of_its_tree(self):
        with OtherAgent() as other, exec_with_jemalloc(SLEEP) as exporter:
            pid_of(exporter, "python3")
            for _ in range(20):
                self.assertEqual(list(up(exporter).values()), [1])
            self.assertEqual(other.count(), 0)

    def test_exec_finds_a_nested_pid_namespace(self):
        nested = ["unshare", "--pid", "--fork", *SLEEP]
        if subprocess.run(["unshare", "--pid", "--fork", "true"]).returncode != 0:
            self.skipTest("pid namespaces are forbidden")
        with exec_with_jemalloc(nested) as exporter:
            pid = pid_of(exporter, "python3")
            with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                self.assertRegex(status.read(), rf"NSpid:\t{pid}\t1\n")
            for _ in range(5):
                self.assertEqual(up(exporter)["python3", pid], 1)
            os.kill(pid, signal.SIGKILL)  # `unshare` ignores SIGTERM.

    def test_show_does_not_connect_to_other_pids(self):
        with exec_with_jemalloc(SLEEP) as exporter:
            pid = pid_of(exporter, "python3")
            with OtherAgent() as other:
                status, out, err = run("show", "--pid", str(pid))
                self.assertEqual((status, err), (0, ""))
                self.assertIn("allocated_bytes: ", out)
                self.assertEqual(other.count(), 0)


class EndingProcesses(unittest.TestCase):
    def test_are_not_reported_as_unreachable(self):
        loop = ["/bin/bash", "-c",
                "while :; do /bin/true & (/bin/true) & /bin/true & wait; done"]
        with exec_with_jemalloc(loop) as exporter:
            pid_of(exporter, "bash")
            down = []
            for _ in range(300):
                down += [key for key, value in up(exporter).items() if not value]
            self.assertEqual(down, [])


class StoppedProcess(unittest.TestCase):
    TIMEOUT = 2

    def setUp(self):
        self.exporter = exec_with_jemalloc(
            SLEEP, f"--agent.timeout={self.TIMEOUT}"
        )
        self.addCleanup(self.exporter.__exit__)
        self.pid = pid_of(self.exporter, "python3")

    def up(self):
        return up(self.exporter)["python3", self.pid]

    def seconds_of_scrape(self):
        begin = time.monotonic()
        self.assertEqual(self.up(), 0)
        return time.monotonic() - begin

    def test_costs_the_timeout_once(self):
        stop(self.pid)
        self.addCleanup(os.kill, self.pid, signal.SIGCONT)
        self.assertGreaterEqual(self.seconds_of_scrape(), self.TIMEOUT)
        # The fastest of ten, because a loaded machine delays some of them.
        fastest = min(self.seconds_of_scrape() for _ in range(10))
        self.assertLess(fastest, self.TIMEOUT)

    def test_is_reported_once_it_continues(self):
        stop(self.pid)
        for _ in range(30):  # More than the agent's backlog.
            self.assertEqual(self.up(), 0)
        os.kill(self.pid, signal.SIGCONT)
        wait_for(self.up, "response after SIGCONT")
        for _ in range(10):
            self.assertEqual(self.up(), 1)


if __name__ == "__main__":
    unittest.main()
