"""Known hazards of preloaded libraries, each in a host with the agent.
JEMALLOC_EXPORTER_LONG_TESTS=1 uses the counts of the long run."""

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from agents import (
    AGENT,
    AGENT_ENV,
    CLEAN_ENV,
    DEADLINE,
    HOSTS,
    LONG,
    NOBODY,
    Host,
    limits,
    outcomes,
    query,
    query_raw,
    listening,
    resting,
    threads,
    wait_for,
)

as_root = unittest.skipUnless(os.geteuid() == 0, "needs root")


@contextlib.contextmanager
def queried(host, period=0.01):
    """Queries the agent each `period` seconds; yields the pids of the responses."""
    stop = threading.Event()
    responses = []

    def poll():
        while not stop.wait(period):
            with contextlib.suppress(OSError, ValueError):
                responses.append(query(host.pid)["pid"])

    client = threading.Thread(target=poll)
    client.start()
    try:
        yield responses
    finally:
        stop.set()
        client.join()


class Descriptors(unittest.TestCase):
    def test_agent_fds_survive_closing_all_fds(self):
        with Host("close-all") as host:
            port = int(host.line())
            for _ in range(20):
                query(host.pid)
                with socket.create_connection(("127.0.0.1", port)) as client:
                    self.assertEqual(client.makefile("rb").read(), b"host\n")

    def test_host_gets_the_lowest_free_number(self):
        with Host("lowest-descriptor", "100000") as host, queried(host, 0) as responses:
            self.assertEqual(host.line(), "others 0")
        self.assertTrue(responses)

    def test_host_has_no_fd_of_the_agent(self):
        with resting() as host:
            query(host.pid)
            self.assertEqual(sorted(os.listdir(f"/proc/{host.pid}/fd")), ["0", "1", "2"])

    def test_agent_keeps_no_fd_of_the_host_open(self):
        with resting() as host:
            host.process.stdout.close()
            os.kill(host.pid, signal.SIGSTOP)
            agent = max(os.listdir(f"/proc/{host.pid}/task"), key=int)
            links = [
                os.readlink(f"/proc/{host.pid}/task/{agent}/fd/{number}")
                for number in os.listdir(f"/proc/{host.pid}/task/{agent}/fd")
            ]
            self.assertEqual([link for link in links if link.startswith("pipe")], [])

    def test_agent_keeps_no_folder_of_the_host_busy(self):
        with tempfile.TemporaryDirectory() as folder, resting(cwd=folder) as host:
            agent = max(os.listdir(f"/proc/{host.pid}/task"), key=int)
            self.assertEqual(os.readlink(f"/proc/{host.pid}/cwd"), folder)
            self.assertEqual(os.readlink(f"/proc/{host.pid}/task/{agent}/cwd"), "/")


class Functions(unittest.TestCase):
    def test_of_the_host_with_names_of_libc_are_not_called(self):
        with resting(program="agent_host_own_functions") as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)
            self.assertEqual(host.end(), (0, "", ""))


class Signals(unittest.TestCase):
    def test_are_delivered_to_the_host_only(self):
        with Host("signals", "100000") as host, queried(host) as responses:
            self.assertEqual(host.line(), "usr1 100000")
            self.assertEqual(host.line(), "chld 100")
            self.assertEqual(host.line(), "elsewhere 0")
            self.assertEqual(host.line(), "waited 100")
        self.assertTrue(responses)


PYTHON_FORKS_AND_ALLOCATES = """
import os
import sys
if os.fork() == 0:
    blocks = [bytearray(1 << 20) for _ in range(64)]
    print(os.getpid(), flush=True)
sys.stdin.read()
"""


class Forks(unittest.TestCase):
    def test_children_of_busy_host_exit(self):
        count = 20000 if LONG else 300
        with Host("forks", str(count)) as host, queried(host) as responses:
            self.assertEqual(host.line(), f"good {count}")
        self.assertTrue(responses)

    def test_children_without_exec_are_served_by_pid(self):
        with Host("fork-twice") as host:
            pids = {int(host.line().replace("ready", "") or host.line()) for _ in range(3)}
            self.assertEqual(len(pids), 3)
            for pid in pids:
                self.assertEqual(query(pid)["pid"], pid)
                self.assertEqual(threads(pid), 2)

    def test_child_has_statistics_of_its_own(self):
        env = {**CLEAN_ENV, "LD_PRELOAD": f"libjemalloc.so.2:{AGENT}"}
        command = ["/usr/bin/python3", "-c", PYTHON_FORKS_AND_ALLOCATES]
        with subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            child = int(process.stdout.readline())
            read = {
                pid: wait_for(lambda pid=pid: query(pid))["statistics"]
                for pid in (process.pid, child)
            }
            process.stdin.close()  # Ends both.
        allocated, requests = (
            [read[pid][name] for pid in (process.pid, child)]
            for name in ("large_allocated_bytes", "large_requests")
        )
        self.assertLess(allocated[0], 16 << 20)
        self.assertGreater(allocated[1], 64 << 20)
        # Counters continue from the parent's values.
        self.assertGreaterEqual(requests[1], requests[0] + 64)

    def test_children_do_not_keep_the_socket_of_their_parent(self):
        with Host("fork-twice") as host:
            pids = {int(host.line().replace("ready", "") or host.line()) for _ in range(3)}
            os.kill(host.pid, signal.SIGKILL)
            host.process.wait()
            self.assertEqual(
                {str(pid) for pid in pids} & listening(),
                {str(pid) for pid in pids - {host.pid}},
            )

    def test_children_of_vfork_and_posix_spawn_exit(self):
        count = 10000 if LONG else 300
        with Host("spawns", str(count)) as host, queried(host) as responses:
            self.assertEqual(host.line(), f"good {2 * count}")
        self.assertTrue(responses)


class Ends(unittest.TestCase):
    def test_status_is_that_of_the_host(self):
        with resting() as host:
            query(host.pid)
            self.assertEqual(host.end(), (0, "", ""))

    def test_other_thread_exits_after_main_thread(self):
        with resting("leave-main") as host:
            self.assertEqual(host.end(), (7, "", ""))

    def test_process_ends_with_last_thread_of_the_host(self):
        with resting("leave-all") as host:
            self.assertEqual(host.end(), (0, "", ""))

    def test_process_without_pending_signals_ends_and_forks(self):
        none = limits(SIGPENDING=0)
        with resting("leave-all", preexec_fn=none) as host:
            self.assertEqual(host.end(), (0, "", ""))
        with Host("forks", "5", preexec_fn=none) as host:
            self.assertEqual(host.line(), "good 5")

    def test_sigkill_leaves_no_socket(self):
        for _ in range(1000 if LONG else 50):
            with resting() as host:
                with queried(host, 0):
                    host.process.kill()
                    host.process.wait()
            self.assertNotIn(str(host.pid), listening())

    def test_short_lived_children_leave_no_socket(self):
        count = 10000 if LONG else 300
        command = f'i=0; while [ $i -lt {count} ]; do "$0"; echo $! $?; i=$((i+1)); done'
        shell = subprocess.run(
            ["sh", "-c", command.replace('"$0"', '"$0" & wait $!'), f"{HOSTS}/agent_host"],
            env=AGENT_ENV,
            capture_output=True,
            text=True,
            timeout=10 * DEADLINE,
            check=True,
        )
        ended = [line.split() for line in shell.stdout.splitlines()]
        self.assertEqual({status for _, status in ended}, {"2"})
        self.assertEqual(len(ended), count)
        self.assertEqual({pid for pid, _ in ended} & listening(), set())
        self.assertEqual(shell.stderr, "")


class Sandboxes(unittest.TestCase):
    def assert_works_as_without(self, *command):
        without, within = (
            subprocess.run(command, env=env, capture_output=True, timeout=DEADLINE, check=False)
            for env in (CLEAN_ENV, AGENT_ENV)
        )
        if without.returncode != 0:
            self.skipTest(f"{command[0]} fails here: {without.stderr.decode().strip()}")
        self.assertEqual(within.returncode, 0, within.stderr)
        self.assertEqual((within.stdout, within.stderr), (without.stdout, without.stderr))

    def test_unshare_enters_user_namespace(self):
        self.assert_works_as_without("unshare", "-U", "true")

    def test_bubblewrap_enters_namespaces(self):
        self.assert_works_as_without(
            "bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "true"
        )

    @as_root
    def test_host_enters_mount_namespace(self):
        self.assert_works_as_without(f"{HOSTS}/agent_host", "enter-mounts")

    def test_host_started_under_filter_is_served(self):
        allow_all = b"\x06\0\0\0\0\0\xff\x7f"  # A filter: return ALLOW.
        reader, writer = os.pipe()
        os.write(writer, allow_all)
        os.close(writer)
        bwrap = ["bwrap", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        bwrap += ["--seccomp", str(reader)]
        if subprocess.run([*bwrap[:-2], "true"], check=False, capture_output=True).returncode:
            self.skipTest("bwrap can make no sandbox here")
        with Host("fork-twice", command=bwrap, pass_fds=[reader]) as host:
            pid = int(host.line())
            with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                self.assertIn("Seccomp:\t2\n", status.read())
            self.assertEqual(query(pid)["pid"], pid)

    def test_filter_that_kills_for_calls_of_a_response(self):
        with Host("seccomp") as host:
            self.assertEqual(host.line(), "open")
            self.assertEqual(query(host.pid)["pid"], host.pid)
            wait_for(lambda: self.all_sleep(host.pid))
            host.process.stdin.write("x")
            host.process.stdin.flush()
            host.await_ready()
            with self.assertRaises(TimeoutError):
                query(host.pid, timeout=0.5)
            self.assertEqual(host.end(), (0, "", ""))

    @staticmethod
    def all_sleep(pid):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as stat:
                if ") S " not in stat.read():
                    return False
        return True

    def test_host_without_descriptors_uses_no_cpu(self):
        # poll(2) fails with EINVAL, or accept4(2) with EMFILE.
        for limit in (0, 3):
            with self.subTest(limit), resting() as host:
                resource.prlimit(host.pid, resource.RLIMIT_NOFILE, (limit, limit))
                with contextlib.suppress(ConnectionError):
                    query_raw(host.pid)
                time.sleep(0.5)  # A busy loop would use as much CPU time.
                self.assertLess(sum(self.cpu_ticks(host.pid)), 10)

    @staticmethod
    def cpu_ticks(pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return [int(field) for field in stat.read().rpartition(")")[2].split()[11:13]]

    # Without /proc a child cannot count its seccomp filters, so that the agent
    # does not restart in its own children.
    @as_root
    def test_host_is_served_after_chroot(self):
        with Host("change-root", "/var/empty" if os.path.isdir("/var/empty") else "/opt") as host:
            pids = sorted(
                int(host.line().replace("ready", "") or host.line()) for _ in range(3)
            )
            for pid in pids[:2]:
                answer = query(pid)
                self.assertEqual((answer["pid"], answer["comm"]), (pid, "agent_host"))
            self.assertEqual(threads(pids[2]), 1)

    @as_root
    def test_host_is_served_after_setuid(self):
        with resting("change-user", str(NOBODY)) as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)


class Programs(unittest.TestCase):
    def test_output_and_status_are_the_same_as_without(self):
        for command in (
            ["true"],
            ["false"],
            ["sh", "-c", "echo out; echo err >&2; ls /; exit 3"],
            ["sh", "-c", "kill -9 $$"],
            ["redis-server", "--version"],
            ["redis-cli", "--no-such-option"],
            ["redis-benchmark", "--version"],
            ["python3", "-c", "import os, sys; print(os.listdir('/proc/self/task') and 1)"],
            [f"{HOSTS}/agent_host"],
            [f"{HOSTS}/agent_host", "rename", "x"],
        ):
            with self.subTest(command=command):
                without, within = outcomes(command, CLEAN_ENV, AGENT_ENV)
                self.assertEqual(within, without)

    @unittest.skipUnless(shutil.which("musl-gcc"), "needs musl-gcc")
    def test_program_of_another_libc_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            subprocess.run(
                ["musl-gcc", "-x", "c", "-", "-o", program],
                input=b'int puts(const char*); int main() { puts("out"); return 3; }',
                check=True,
            )
            done = subprocess.run(program, env=AGENT_ENV, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, b"out\n", b""))


if __name__ == "__main__":
    unittest.main()
