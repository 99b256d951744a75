"""Debian's own programs on jemalloc, unmodified, with the agent. Redis has a
test of its own."""

import os
import unittest

from agents import AGENT, CLEAN_ENV, outcomes, query, wait_for
from debian_programs import DebianPrograms
from support import children


class Programs(DebianPrograms):
    def assert_served(self, pid, comm):
        response = wait_for(lambda: query(pid))
        self.assertEqual(
            (response["pid"], response["comm"], response["state"]), (pid, comm, "used")
        )
        self.assertGreater(response["heap_state"]["allocated_bytes"], 0)
        self.assert_statistics(response)

    def assert_statistics(self, response):
        """What holds between the numbers of one refresh in a program at rest:
        the arenas are read one after the other, so another refresh may be
        needed."""

        def are_consistent():
            state, statistics = (
                response[key] for key in ("heap_state", "statistics")
            )
            holes = (
                state["active_bytes"]
                - state["allocated_bytes"]
                - statistics["large_padding_bytes"]
            )
            base = statistics["metadata_bytes"] - statistics["internal_bytes"]
            resident = state["active_bytes"] + statistics["dirty_bytes"] + base
            consistent = (
                statistics["small_allocated_bytes"] + statistics["large_allocated_bytes"]
                == state["allocated_bytes"]
                and 0 <= holes < state["active_bytes"]
                # The arenas' bookkeeping is rounded up to pages.
                and abs(state["resident_bytes"] - resident) <= 4096 * state["narenas"]
            )
            if not consistent:
                response.update(query(response["pid"]))
            return consistent

        wait_for(are_consistent)
        self.assertGreater(response["statistics"]["threads"], 0)
        self.assertGreater(response["statistics"]["arenas_initialized"], 0)
        self.assertEqual(
            response["options"]["version"], response["jemalloc_version"][:32]
        )

    def test_nghttpd_is_served(self):
        pid = self.start("nghttpd", "--no-tls", "--address=127.0.0.1", "0")
        self.assert_served(pid, "nghttpd")

    def test_named_is_served_as_another_user(self):
        user = ["-u", "bind"] if os.geteuid() == 0 else []
        pid = self.start(*self.named(), *user)
        self.assert_served(pid, "named")

    def test_varnishd_and_its_worker_is_served(self):
        pid = self.start(*self.varnishd())
        self.assert_served(pid, "varnishd")
        worker = wait_for(
            lambda: next(
                (child for child in children(pid) if query(child)["comm"] == "cache-main"), None
            )
        )
        self.assert_served(worker, "cache-main")

    def test_kresd_is_served(self):
        conf = self.write("kresd.conf", "cache.size = 1 * MB\n")
        pid = self.start("kresd", "-n", "-c", conf, self.folder)
        self.assert_served(pid, "kresd")


PYTHON_LOCKED = "import ctypes; print(ctypes.CDLL(None).mlockall(3))"
PYTHON_FORKS = """
import os
for _ in range(50):
    if not (pid := os.fork()):
        os.execv("/bin/ls", ["ls", "/proc/self/fd"])
    print(os.waitpid(pid, 0)[1], flush=True)
"""
PYTHON_EXECS = "import os; os.execv('/bin/ls', ['ls', '/proc/self/fd'])"


class GivenJemalloc(unittest.TestCase):
    """Programs that do not use jemalloc by themselves, given jemalloc and the
    agent."""

    COMMANDS = (
        ["sh", "-c", "echo out; echo err >&2; ls /proc/self/fd; exit 3"],
        ["sh", "-c", "kill -9 $$"],
        ["bash", "-c", "cat <(echo a) <(ls /proc/self/fd); echo $(echo b | cat); wait"],
        [
            "bash",
            "-c",
            "umask; ulimit -n; pwd; cd /tmp; pwd; trap 'echo term; exit 4' TERM; kill $$",
        ],
        ["timeout", "-s", "INT", "0.2", "sleep", "10"],
        ["find", "/etc/default", "-maxdepth", "1"],
        ["tar", "cf", "-", "--sort=name", "-C", "/etc", "default"],
        ["sort", "--parallel=4", "/etc/services"],
        ["python3", "-c", PYTHON_EXECS],
        ["python3", "-c", PYTHON_FORKS],
        ["python3", "-c", PYTHON_LOCKED],
        ["python3", "-c", "import os; print(sorted(os.listdir('/proc/self/fd')))"],
        ["python3", "-c", "raise SystemExit(len(__import__('concurrent.futures')"
         ".futures.ProcessPoolExecutor(2).__enter__()._processes) + 6)"],
        ["python3", "-c", "import os; os.abort()"],
        ["no-such-program"],
    )

    @staticmethod
    def outcome(command, preload):
        return next(outcomes(["env", f"LD_PRELOAD={preload}", *command], CLEAN_ENV))

    def test_output_and_status_are_the_same_as_without(self):
        jemalloc = "libjemalloc.so.2"
        seen = ["grep", "-q", "@jemalloc_exporter/", "/proc/net/unix"]
        self.assertEqual(self.outcome(seen, f"{jemalloc}:{AGENT}"), (0, b"", b""))
        for command in self.COMMANDS:
            with self.subTest(command=command):
                self.assertEqual(
                    self.outcome(command, f"{jemalloc}:{AGENT}"),
                    self.outcome(command, jemalloc),
                )


if __name__ == "__main__":
    unittest.main()
