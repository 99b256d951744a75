"""Where the agent does not start: it is excluded, or jemalloc is not the host's
allocator."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from agents import (
    AGENT,
    AGENT_ENV,
    CLEAN_ENV,
    HOSTS,
    Host,
    query,
    listening,
    outcomes,
    resting,
    threads,
)


FORKING = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
void* je_malloc(size_t);
int main() {
  int status;
  if (je_malloc(1) == NULL) return 1;
  if (fork() == 0) _exit(5);
  wait(&status);
  printf("%d", status);
}
"""


class Exclusion(unittest.TestCase):
    def assert_absent(self, host):
        self.assertEqual(threads(host.pid), 1)
        self.assertNotIn(str(host.pid), listening())

    def assert_absent_with(self, **env):
        with resting(env={**AGENT_ENV, **env}) as host:
            self.assert_absent(host)

    def assert_served_with(self, **env):
        with resting(env={**AGENT_ENV, **env}) as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)

    def test_agent_is_off(self):
        self.assert_absent_with(JEMALLOC_EXPORTER_AGENT="off")

    def test_agent_is_on_with_any_other_value(self):
        for value in ("", "on", "OFF", "off,"):
            with self.subTest(value=value):
                self.assert_served_with(JEMALLOC_EXPORTER_AGENT=value)

    def test_program_is_listed(self):
        for names in ("agent_host", "redis-server,agent_host", ",agent_host,"):
            with self.subTest(names=names):
                self.assert_absent_with(JEMALLOC_EXPORTER_AGENT_EXCLUDE=names)

    def test_other_program_is_listed(self):
        for names in ("", ",", "agent", "agent_host2", "xagent_host", "agent_host ", "a*"):
            with self.subTest(names=names):
                self.assert_served_with(JEMALLOC_EXPORTER_AGENT_EXCLUDE=names)

    def test_program_is_on_default_list(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("setpriv", "bwrap"):
                path = os.path.join(folder, name)
                shutil.copy(f"{HOSTS}/agent_host", path)
                for env in (AGENT_ENV, {**AGENT_ENV, "JEMALLOC_EXPORTER_AGENT_EXCLUDE": "x"}):
                    with self.subTest(name=name), resting(program=path, env=env) as host:
                        self.assert_absent(host)

    @unittest.skipUnless(shutil.which("gcc"), "needs gcc")
    def test_program_has_thread_sanitizer(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            command = ["gcc", "-fsanitize=thread", "-rdynamic", "-x", "c", "-", "-x", "none"]
            command += [f"{HOSTS}/libje_jemalloc.a", "-lm", "-o", program]
            done = subprocess.run(command, input=FORKING.encode(), check=False)
            if done.returncode != 0:
                self.skipTest("gcc has no ThreadSanitizer")
            without, within = outcomes([program], CLEAN_ENV, AGENT_ENV)
        self.assertEqual(without, (0, b"1280", b""))
        self.assertEqual(within, without)

    def test_program_on_the_list_executes_itself(self):
        code = (
            "import os, sys; file = os.open(sys.argv[1], os.O_RDONLY);"
            "os.set_inheritable(file, True);"
            "os.execv(f'/proc/self/fd/{file}', [sys.argv[2], 'wait'])"
        )
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bwrap")
            shutil.copy(f"{HOSTS}/agent_host", path)
            for program, name, expected in (
                (path, "other", 1),
                (f"{HOSTS}/agent_host", "/proc/runc", 1),
                (f"{HOSTS}/agent_host", "other", 2),
            ):
                with self.subTest(program=program, name=name), resting(
                    "-c", code, program, name, program=sys.executable
                ) as host:
                    self.assertEqual(threads(host.pid), expected)

    def test_forked_children_are_off(self):
        env = {**AGENT_ENV, "JEMALLOC_EXPORTER_AGENT_FORK": "off"}
        with Host("fork-and-wait", program="agent_sandbox_host", env=env) as host:
            child = int(host.line())
            self.assertEqual(query(host.pid)["pid"], host.pid)
            self.assertEqual(threads(child), 1)
            self.assertNotIn(str(child), listening())

    def test_forked_children_are_on(self):
        env = {**AGENT_ENV, "JEMALLOC_EXPORTER_AGENT_FORK": "on"}
        with Host("fork-and-wait", program="agent_sandbox_host", env=env) as host:
            child = int(host.line())
            self.assertEqual(query(child)["pid"], child)


class OtherAllocator(unittest.TestCase):
    def assert_absent(self, host):
        self.assertEqual(threads(host.pid), 1)
        self.assertNotIn(str(host.pid), listening())

    def test_malloc_of_the_program(self):
        env = {**CLEAN_ENV, "LD_PRELOAD": f"libjemalloc.so.2:{AGENT}"}
        with resting(program="agent_host_own_malloc", env=env) as host:
            self.assert_absent(host)

    def test_malloc_of_another_library_before_jemalloc(self):
        asan = subprocess.run(
            ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=False
        ).stdout.strip()
        if not os.path.isabs(asan):
            self.skipTest("no libasan here")
        env = {**CLEAN_ENV, "LD_PRELOAD": f"{asan}:{AGENT}", "ASAN_OPTIONS": "detect_leaks=0"}
        with resting(env=env) as host:
            with open(f"/proc/{host.pid}/task/{host.pid}/comm", encoding="utf-8") as comm:
                self.assertEqual(comm.read(), "agent_host\n")
            self.assertNotIn(str(host.pid), listening())

    def test_malloc_of_jemalloc_in_program_that_is_not_position_independent(self):
        with resting(program="agent_host_no_pie") as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)


if __name__ == "__main__":
    unittest.main()
