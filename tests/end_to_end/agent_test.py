"""The response of the agent, its clients, and where it does not start."""

import contextlib
import os
import re
import resource
import socket
import struct
import subprocess
import unittest

from agents import (
    AGENT,
    AGENT_ENV,
    CLEAN_ENV,
    EMULATED,
    NOBODY,
    address,
    query,
    query_as,
    query_raw,
    limits,
    listening,
    resting,
    threads,
    wait_for,
)
from heap_fields import HEAP_STATE, STATISTICS

as_root = unittest.skipUnless(os.geteuid() == 0, "needs root to change users")


@contextlib.contextmanager
def without_descriptors():
    """A host that may open none: poll(2) of more than its limit fails."""
    with resting() as host:
        resource.prlimit(host.pid, resource.RLIMIT_NOFILE, (0, 0))
        yield host


def readelf(*options):
    return subprocess.run(
        ["readelf", "--wide", *options, AGENT], capture_output=True, text=True, check=True
    ).stdout


class Library(unittest.TestCase):
    def test_needs_libc_only(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("--dynamic"))
        self.assertEqual(needed, ["libc.so.6"])

    # A loader that misses a version refuses the program.
    def test_needs_glibc_2_17_at_most(self):
        versions = re.findall(r"Name: GLIBC_([\d.]+)", readelf("--version-info"))
        self.assertTrue(versions)
        newest = max(tuple(map(int, version.split("."))) for version in versions)
        self.assertLessEqual(newest, (2, 17))

    # Before glibc 2.34 they were in a library that a program may not have.
    def test_needs_no_library_of_threads(self):
        threads = re.findall(
            r"(\w+) +\w+ +UND (?:pthread_(?!attr_(?:init|destroy))|sem_)\S+",
            readelf("--dyn-syms"),
        )
        self.assertEqual(set(threads), {"WEAK"})

    def test_has_no_thread_local_variables(self):
        self.assertNotIn("TLS", readelf("--program-headers"))

    def test_exports_nothing(self):
        symbols = re.findall(
            r"(?:GLOBAL|WEAK|UNIQUE) +\S+ +(\S+) +(\S+)", readelf("--dyn-syms")
        )
        self.assertTrue(symbols)
        self.assertEqual([name for section, name in symbols if section != "UND"], [])

    # A host can have functions of the same names: see agent_host_own_functions.
    def test_calls_no_function_of_libc_for_a_system_call(self):
        undefined = set(re.findall(r" UND (\w+)@", readelf("--dyn-syms")))
        self.assertIn("strlen", undefined)
        calls = (
            "accept4 bind chdir close creat fcntl getdents64 geteuid getpid getrlimit"
            " getsockopt listen lseek memfd_create open openat poll ppoll prctl pread"
            " prlimit read readlink readlinkat sched_yield send sendmsg sendto socket"
            " syscall unshare wait4 waitpid write"
        )
        self.assertEqual(undefined & set(calls.split()), set())

    def test_is_not_unloaded(self):
        self.assertIn("NODELETE", readelf("--dynamic"))


class Response(unittest.TestCase):
    def test_has_all_keys_in_order(self):
        with resting() as host:
            response = query(host.pid)
        heap = response.pop("heap_state")
        version = response.pop("jemalloc_version")
        statistics = response.pop("statistics")
        options = response.pop("options")
        self.assertEqual(
            response, {"agent": 1, "pid": host.pid, "comm": "agent_host", "state": "used"}
        )
        self.assertRegex(version, r"^5\.\d+\.\d+")
        self.assertEqual(list(heap), HEAP_STATE)
        self.assertGreater(heap["allocated_bytes"], 1 << 20)
        self.assertLess(heap["allocated_bytes"], 2 << 20)
        self.assertEqual(list(statistics), STATISTICS)
        self.assertEqual(options["dirty_decay_ms"], "10000")

    def test_has_less_than_4_kib(self):
        with resting() as host:
            self.assertLess(len(query_raw(host.pid)), 4096)

    def test_has_pages_threads_and_arenas_of_a_build_without_statistics(self):
        env = {**AGENT_ENV}
        with resting(program="agent_host_no_statistics", env=env) as host:
            statistics = query(host.pid)["statistics"]
        self.assertEqual(
            set(statistics),
            {"dirty_bytes", "muzzy_bytes", "threads", "arenas_initialized", "refresh_nanoseconds"},
        )

    def test_omits_numbers_of_unused_heap(self):
        with resting(program="agent_host_unused") as host:
            response = query(host.pid)
        self.assertEqual(response["state"], "unused")
        self.assertEqual(response["heap_state"], {})

    def test_allocates_nothing_in_the_host(self):
        env = {**AGENT_ENV, "MALLOC_CONF": "tcache:false"}
        with resting(program="counting_host", env=env) as host:
            query(host.pid)
            first = host.answer("\n")
            for _ in range(100):
                query(host.pid)
            self.assertEqual(host.answer("\n"), first)

    def test_has_the_current_name_of_the_host(self):
        with resting("rename", "renamed") as host:
            for _ in range(2):
                self.assertEqual(query(host.pid)["comm"], "renamed")

    def test_has_names_as_valid_utf8(self):
        with resting("rename", b'"\\\n\x01\xff\xc3\xa9\xe2\x82') as host:
            raw = query_raw(host.pid)
        self.assertIn('"comm":"\\"\\\\\\u000a\\u0001�é�"'.encode(), raw)

    def test_is_complete_for_a_client_that_sends(self):
        with resting() as host, socket.socket(socket.AF_UNIX) as client:
            client.connect(address(host.pid))
            with contextlib.suppress(BrokenPipeError):  # It has responseed.
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.assertTrue(client.recv(65536).endswith(b"}}"))

    def test_is_sent_while_other_clients_are_idle(self):
        with resting() as host:
            idlers = [socket.socket(socket.AF_UNIX) for _ in range(300)]
            try:
                for idler in idlers:
                    idler.connect(address(host.pid))
                self.assertEqual(query(host.pid)["pid"], host.pid)
            finally:
                for idler in idlers:
                    idler.close()

    def test_is_sent_from_the_next_name_if_the_first_is_taken(self):
        taken = []

        def take():
            taken.append(socket.socket(socket.AF_UNIX))
            taken[0].bind(address(os.getpid()))
            taken[0].set_inheritable(True)

        with resting(preexec_fn=take, close_fds=False) as host:
            self.assertEqual(query(f"{host.pid}.2")["pid"], host.pid)


class Clients(unittest.TestCase):
    def allow(self, users):
        return {**AGENT_ENV, "JEMALLOC_EXPORTER_ALLOW_UID": users}

    @as_root
    def test_other_user_is_rejected(self):
        with resting() as host:
            self.assertEqual(query_as(NOBODY, host.pid), b"")

    @as_root
    def test_listed_user_is_served(self):
        with resting(env=self.allow(f"1,{NOBODY}")) as host:
            self.assertTrue(query_as(NOBODY, host.pid))

    @as_root
    def test_user_in_malformed_list_is_rejected(self):
        for users in (f"{NOBODY}x", f" {NOBODY}", f"1;{NOBODY}", "-2", f"{2**32 + NOBODY}"):
            with self.subTest(users=users), resting(env=self.allow(users)) as host:
                self.assertEqual(query_as(NOBODY, host.pid), b"")

    @as_root
    def test_current_user_of_the_host_is_served(self):
        with resting("change-user", str(NOBODY)) as host:
            self.assertTrue(query_as(NOBODY, host.pid))
            self.assertTrue(query(host.pid))

    @as_root
    def test_former_user_of_the_host_is_rejected(self):
        with resting("change-user", str(NOBODY), user=0) as host:
            self.assertEqual(query_as(1, host.pid), b"")


class Start(unittest.TestCase):
    """Where the agent starts and where it does not."""

    def assert_absent(self, host, hosts_threads=1):
        self.assertEqual(threads(host.pid), hosts_threads)
        self.assertNotIn(str(host.pid), listening())

    def assert_closed(self, host):
        """Its socket, where it has one, is closed after a query."""
        with contextlib.suppress(ConnectionError):
            query_raw(host.pid)
        self.assertNotIn(str(host.pid), listening())
        self.assertEqual(host.end(), (0, "", ""))

    def test_does_not_start_without_jemalloc(self):
        with resting(program="agent_host_plain") as host:
            self.assert_absent(host)

    def test_does_not_start_under_at_secure(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to give up a part of its rights")
        with resting(
            program="agent_host_linked",
            env=CLEAN_ENV,
            preexec_fn=lambda: os.setresuid(NOBODY, 0, 0),
        ) as host:
            with open(f"/proc/{host.pid}/auxv", "rb") as auxv:
                at_secure = 23
                self.assertIn((at_secure, 1), struct.iter_unpack("LL", auxv.read()))
            self.assert_absent(host)

    def test_starts_in_the_same_program_without_at_secure(self):
        with resting(program="agent_host_linked", env=CLEAN_ENV) as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)

    def test_starts_with_four_descriptors(self):
        # The loader takes a fourth, so no program has fewer.
        with resting(preexec_fn=limits(NOFILE=4)) as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)

    def test_closes_its_socket_in_a_host_without_descriptors(self):
        with without_descriptors() as host:
            self.assert_closed(host)

    # poll(2) fails at the next check of the host, after 0.1 s.
    def test_closes_its_socket_in_a_host_without_descriptors_before_a_client(self):
        with without_descriptors() as host:
            wait_for(lambda: str(host.pid) not in listening())
            self.assert_closed(host)

    @as_root
    @unittest.skipIf(EMULATED, "QEMU itself starts a thread")
    def test_does_not_start_without_a_thread(self):
        # RLIMIT_NPROC does not apply to root.
        user = 64000 + os.getpid() % 1000
        with resting(user=user, preexec_fn=limits(NPROC=1)) as host:
            self.assert_absent(host)

    def test_host_starts_with_little_memory(self):
        for megabytes in range(4, 64, 4):
            done = [
                subprocess.run(
                    ["/usr/bin/redis-cli", "--version"],
                    env=env,
                    preexec_fn=limits(AS=megabytes << 20),
                    capture_output=True,
                    check=False,
                )
                for env in (CLEAN_ENV, AGENT_ENV)
            ]
            if done[0].returncode == 0:
                self.assertEqual(done[1].stdout, done[0].stdout)

    def test_starts_where_thread_local_variables_fill_a_small_stack(self):
        with resting(program="agent_host_tls") as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)


if __name__ == "__main__":
    unittest.main()
