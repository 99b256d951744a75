"""`attach PID` and `detach PID`."""

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from agents import AGENT, HOSTS, LONG, NOBODY, Host, listening
from attach_hosts import EveryWait, HostCase, require_ptrace, stop, unchanged
from programs import EXPORTER, Exporter, get, run
from redis import Redis
from support import CLEAN_ENV, threads, wait_for

PLUGIN = """
import _ctypes, ctypes, sys
plugin = ctypes.CDLL(sys.argv[1])
plugin.plugin_allocate(100000)
print("ready", flush=True)
sys.stdin.readline()
_ctypes.dlclose(plugin._handle)
print("closed", flush=True)
sys.stdin.read()
"""

ROUNDS = 500 if LONG else 5
LOAD_FROM_MEMORY = """
import ctypes, os, sys
file = os.memfd_create("plugin")
with open("/lib/x86_64-linux-gnu/libutil.so.1", "rb") as library:
    os.write(file, library.read())
plugin = ctypes.CDLL(f"/proc/self/fd/{file}")
os.close(file)
print("ready", flush=True)
sys.stdin.read()
"""


class AttachCase(HostCase):
    def attach(self, pid, text="loaded the agent", **options):
        status, out, err = run("attach", str(pid), **options)
        self.assertEqual((status, out), (0, ""), err)
        self.assertRegex(err, rf"\Ajemalloc_exporter: {pid} \([^)]+\): {text}")
        self.assertEqual(err.count("\n"), 1)

    def detach(self, pid):
        status, out, err = run("detach", str(pid))
        self.assertEqual((status, out), (0, ""), err)
        self.assertRegex(err, rf"\Ajemalloc_exporter: {pid} \([^)]+\): the agent has ended\n")

    def show(self, pid):
        status, out, err = run("show", "--pid", str(pid))
        self.assertEqual(status, 0, err)
        return out

    def assert_refused(self, started, reason, *options):
        before = threads(started.pid)
        with unchanged(self, started.pid):
            status, out, err = run("attach", str(started.pid), *options)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(
            err, rf"\Ajemalloc_exporter: {started.pid} \([^)]+\): {reason}\n\Z"
        )
        self.assertEqual(threads(started.pid), before)
        self.assertNotIn(str(started.pid), listening())

    def agent_thread(self, pid):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as comm:
                if comm.read() == "jemalloc_export\n":
                    return int(task)
        return None


class Served(AttachCase):
    def test_is_served_until_it_is_detached(self):
        started = self.start("attach_host")
        series = f'jemalloc_up{{comm="attach_host",pid="{started.pid}"}} 1\n'
        with Exporter() as exporter:
            self.assertNotIn(series, get(exporter.url + "/metrics").text)
            self.attach(started.pid)
            self.assertIn(series, get(exporter.url + "/metrics").text)
            self.detach(started.pid)
            self.assertNotIn(series, get(exporter.url + "/metrics").text)
        self.assertEqual(stop(started)["eintr"], "0")

    def test_attaching_twice_loads_once(self):
        started = self.start("attach_host")
        self.attach(started.pid)
        tasks = threads(started.pid)
        self.attach(started.pid, "the agent is running already")
        self.assertEqual(threads(started.pid), tasks)

    def test_attaching_at_the_same_time_loads_once(self):
        started = self.start("attach_host")
        command = [EXPORTER, "attach", str(started.pid)]
        attaching = [
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)
        ]
        messages = sorted(process.communicate()[1] for process in attaching)
        self.assertEqual([process.returncode for process in attaching], [0] * 4, messages)
        self.assertEqual(sum("loaded the agent" in text for text in messages), 1, messages)
        self.assertEqual(threads(started.pid), 2)

    def test_a_preloaded_agent_is_recognised(self):
        started = Host(program="attach_host")
        self.addCleanup(started.__exit__)
        started.await_ready()
        self.attach(started.pid, "the agent is running already")
        self.detach(started.pid)
        self.attach(started.pid, "started the agent again")
        self.show(started.pid)

    def test_attaching_again_needs_no_second_copy(self):
        started = self.start("attach_host")

        def copies():
            with open(f"/proc/{started.pid}/maps", encoding="utf-8") as maps:
                return sum("jemalloc_exporter_agent" in line for line in maps)

        self.attach(started.pid)
        self.detach(started.pid)
        self.assertEqual(threads(started.pid), 1)
        first = copies()
        for _ in range(ROUNDS):
            self.attach(started.pid, "started the agent again")
            self.show(started.pid)
            self.detach(started.pid)
        self.assertEqual(copies(), first)
        self.assertEqual(stop(started)["eintr"], "0")

    def test_no_descriptor_remains(self):
        started = self.start("attach_host")
        before = os.listdir(f"/proc/{started.pid}/fd")
        self.attach(started.pid)
        self.assertEqual(os.listdir(f"/proc/{started.pid}/fd"), before)

    def test_a_program_of_another_user_that_cannot_read_the_agent(self):
        started = self.start("attach_host", user=NOBODY, group=NOBODY, extra_groups=[])
        with tempfile.TemporaryDirectory() as folder:  # Mode 0700.
            agent = os.path.join(folder, "agent.so")
            subprocess.run(["cp", AGENT, agent], check=True)
            status, _, err = run("attach", str(started.pid), "--agent.path", agent)
        self.assertEqual(status, 0, err)
        self.show(started.pid)

    def test_a_program_in_other_namespaces(self):
        started = self.start(
            "attach_host",
            command=["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"],
        )
        with open(f"/proc/{started.pid}/task/{started.pid}/children") as children:
            child = int(children.read().split()[0])
        self.attach(child)
        self.assertIsNotNone(self.agent_thread(child))
        self.detach(child)
        self.assertIsNone(self.agent_thread(child))

    def test_a_prefixed_jemalloc_whose_symbols_are_hidden(self):
        started = self.start("attach_host_hidden")
        self.attach(started.pid)
        self.assertRegex(self.show(started.pid), r"allocated_bytes: \d+")

    def test_a_program_that_loaded_a_library_from_memory(self):
        """glibc takes an equal path for the library that it loaded before, and the
        descriptor of the agent's file has the same number."""
        started = Host(
            "-c", LOAD_FROM_MEMORY, program=sys.executable,
            env={**CLEAN_ENV, "LD_PRELOAD": "libjemalloc.so.2"},
        )
        self.addCleanup(started.__exit__)
        started.await_ready()
        self.attach(started.pid)
        self.show(started.pid)

    def test_a_program_that_closes_the_library_with_jemalloc(self):
        started = Host(
            "-c", PLUGIN, os.path.join(HOSTS, "libjemalloc_plugin.so"),
            program=sys.executable,
            env={**CLEAN_ENV, "GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=16384"},
        )
        self.addCleanup(started.__exit__)
        started.await_ready()
        self.attach(started.pid)
        self.assertEqual(started.answer("close\n"), "closed")
        self.show(started.pid)
        self.assertEqual(started.end(), (0, "", ""))

    def test_the_agent_s_thread_has_its_own_scheduling(self):
        started = self.start("attach_host")
        os.sched_setscheduler(
            started.pid, os.SCHED_FIFO, os.sched_param(1)
        )
        self.attach(started.pid)
        thread = self.agent_thread(started.pid)
        self.assertEqual(os.sched_getscheduler(thread), os.SCHED_OTHER)
        self.assertEqual(os.sched_getscheduler(started.pid), os.SCHED_FIFO)
        with open(f"/proc/{thread}/status", encoding="utf-8") as status:
            self.assertRegex(status.read(), r"(?m)^SigBlk:\tf{7}ef{3}bfeff$")
        with open(f"/proc/{started.pid}/comm", encoding="utf-8") as comm:
            self.assertEqual(comm.read(), "attach_host\n")

    def test_redis_reports_no_error(self):
        redis = Redis()
        self.addCleanup(redis.close)
        process = subprocess.Popen(
            redis.command, env=CLEAN_ENV, stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        redis.connect()
        load = subprocess.Popen(
            ["redis-benchmark", "-s", redis.path, "-q", "-c", "20", "-n", "10000000"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        self.attach(process.pid)
        self.detach(process.pid)
        for _ in range(ROUNDS):
            self.attach(process.pid, "started the agent again")
            self.show(process.pid)
            self.detach(process.pid)
        self.assertEqual(redis.execute("PING"), b"PONG")
        self.assertIsNone(load.poll())
        process.terminate()
        output = process.communicate(timeout=60)[0]
        self.assertNotRegex(output, r"(?i)error|warning: .*interrupted|crash")


class Hosts(EveryWait, AttachCase):
    """Whatever a host waits in, it goes on as if it had not been interrupted."""

    def check(self, mode):
        started = self.start("attach_host", mode)
        self.attach(started.pid)
        self.detach(started.pid)
        for _ in range(ROUNDS):
            self.attach(started.pid, "started the agent again")
            self.detach(started.pid)
        numbers = stop(started)
        self.assertEqual(
            (numbers["eintr"], numbers["early"], numbers["mask"]), ("0", "0", "kept")
        )

    def test_a_tracer_that_is_killed_at_any_time(self):
        for i in range(10 * ROUNDS):
            started = self.start("attach_host")
            attaching = subprocess.Popen(
                [EXPORTER, "attach", str(started.pid)],
                env=CLEAN_ENV, stderr=subprocess.DEVNULL,
            )
            time.sleep(0.01 + 0.001 * (i % 50))
            attaching.kill()
            attaching.wait()
            self.assertEqual(stop(started)["mask"], "kept")

    def test_a_process_that_ends_meanwhile(self):
        for i in range(5 * ROUNDS):
            started = self.start("attach_host")
            attaching = subprocess.Popen(
                [EXPORTER, "attach", str(started.pid)],
                env=CLEAN_ENV, stderr=subprocess.PIPE, text=True,
            )
            time.sleep(0.001 * (5 + i % 40))
            os.kill(started.pid, signal.SIGKILL)
            err = attaching.communicate(timeout=60)[1]
            self.assertIn(attaching.returncode, (0, 1))
            self.assertEqual(err.count("\n"), 1, err)


class Refusals(AttachCase):
    """One line, exit status 1, and the process is unchanged."""

    def test_no_jemalloc(self):
        self.assert_refused(self.start("attach_host_plain"), "no jemalloc in it")

    def test_a_static_program(self):
        self.assert_refused(
            self.start("attach_host_static"),
            "a static program: only `show --pid PID --ptrace` can read it",
        )

    def test_a_static_program_of_musl(self):
        self.has("mallctl_host_musl")
        self.assert_refused(
            self.start("mallctl_host_musl"),
            "a static program: only `show --pid PID --ptrace` can read it",
        )

    def test_a_dynamic_program_of_musl(self):
        self.has("mallctl_host_musl_dynamic")
        self.assert_refused(
            self.start("mallctl_host_musl_dynamic"),
            "of another libc than glibc, or without dlopen",
        )

    def test_a_filter_that_kills_for_a_call_of_the_agent(self):
        started = self.start("attach_host", "sealed")
        self.assert_refused(started, "its seccomp filter forbids [a-z_0-9]+")
        self.assertEqual(stop(started)["eintr"], "0")

    def test_a_filter_of_the_only_thread_that_waits(self):
        started = self.start("attach_host", "sealed-thread")
        self.assert_refused(started, "its seccomp filter forbids [a-z_0-9]+")

    def test_a_stripped_program(self):
        self.assert_refused(
            self.start("attach_host_stripped"),
            r"jemalloc 5\.[^ ]+ is present, but its symbols are stripped.*",
        )

    def test_a_signal_handler_amid_malloc(self):
        self.assert_refused(
            self.start("attach_host", "handler"),
            "waits in a signal handler; tried for 2 s",
        )

    def test_a_stopped_process(self):
        started = self.start("attach_host")
        os.kill(started.pid, signal.SIGSTOP)

        def is_stopped():
            with open(f"/proc/{started.pid}/status", encoding="utf-8") as status:
                return "stopped" in status.read()

        wait_for(is_stopped, "stop")
        self.assert_refused(started, "is stopped")

    def test_an_agent_that_is_switched_off(self):
        started = Host(
            program="attach_host", env={**CLEAN_ENV, "JEMALLOC_EXPORTER_AGENT": "off"}
        )
        self.addCleanup(started.__exit__)
        started.await_ready()
        self.assert_refused(
            started, "JEMALLOC_EXPORTER_AGENT=off is set in its environment"
        )

    def test_a_program_of_the_exclusion_list(self):
        """The agent would not start, and is not loaded."""
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "bwrap")
            os.symlink(os.path.join(HOSTS, "attach_host"), program)
            started = self.start(program)
            self.assert_refused(
                started, "bwrap is excluded: it changes users or namespaces"
            )
        self.assertEqual(stop(started)["eintr"], "0")

    def test_a_program_whose_second_name_is_excluded(self):
        """argv[0], as for the agent."""
        started = Host(
            program="/proc/runc", executable=f"{HOSTS}/attach_host", env=CLEAN_ENV
        )
        self.addCleanup(started.__exit__)
        started.await_ready()
        self.assert_refused(started, "runc is excluded: it changes users or namespaces")
        self.assertEqual(stop(started)["eintr"], "0")

    @unittest.skipUnless(shutil.which("gcc"), "needs gcc")
    def test_a_program_with_thread_sanitizer(self):
        source = b"#include <stdio.h>\nint main() { puts(\"ready\"); fflush(stdout); getchar(); }"
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            command = ["gcc", "-fsanitize=thread", "-rdynamic", "-x", "c", "-", "-x", "none"]
            command += [f"{HOSTS}/libje_jemalloc.a", "-Wl,-u,je_mallctl", "-lm", "-o", program]
            if subprocess.run(command, input=source, check=False).returncode != 0:
                self.skipTest("gcc has no ThreadSanitizer")
            started = Host(program=program, env=CLEAN_ENV)
            self.addCleanup(started.__exit__)
            started.await_ready()
            self.assert_refused(
                started, "has ThreadSanitizer, with which the agent does not start"
            )

    def test_a_program_that_its_environment_excludes(self):
        variable = "JEMALLOC_EXPORTER_AGENT_EXCLUDE"
        started = Host(
            program="attach_host", env={**CLEAN_ENV, variable: "other,attach_host"}
        )
        self.addCleanup(started.__exit__)
        started.await_ready()
        self.assert_refused(
            started, f"attach_host is excluded by {variable} in its environment"
        )
        self.assertEqual(stop(started)["eintr"], "0")

    def test_a_process_with_a_message_queue(self):
        """To close a copy of its descriptor removes what mq_notify(3) registered."""
        libc = ctypes.CDLL(None, use_errno=True)
        name = f"/jemalloc_exporter_test_{os.getpid()}".encode()
        queue = libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600, None)
        if queue < 0:
            self.skipTest(f"mq_open: {os.strerror(ctypes.get_errno())}")
        libc.mq_unlink(name)
        self.addCleanup(os.close, queue)
        started = Host(program="attach_host", env=CLEAN_ENV, pass_fds=[queue])
        self.addCleanup(started.__exit__)
        started.await_ready()
        self.assert_refused(
            started,
            "has a POSIX message queue open; to load the agent would end its mq_notify",
        )
        self.assertEqual(stop(started)["eintr"], "0")

    def test_a_program_that_is_executed_meanwhile(self):
        """It goes on. The agent may have been loaded before."""
        for mode in ("exec", "exec-thread"):
            started = self.start("attach_host", mode)
            for _ in range(5 * ROUNDS):
                status, _, err = run("attach", str(started.pid))
                self.assertIn(status, (0, 1))
                self.assertEqual(err.count("\n"), 1, err)
                self.assertNotIn("fault", err)
            self.assertGreater(int(stop(started)["executed"]), ROUNDS)

    def test_a_file_that_is_no_library(self):
        started = self.start("attach_host")
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("not a library" * 100)
            file.flush()
            self.assert_refused(
                started,
                "cannot load the agent: invalid ELF header",
                "--agent.path", file.name,
            )
        self.attach(started.pid)
        self.assertEqual(stop(started)["eintr"], "0")

    def test_no_process(self):
        with subprocess.Popen(["true"]) as gone:
            gone.wait()
        for command in ("attach", "detach"):
            self.assertEqual(
                run(command, str(gone.pid)),
                (1, "", f"jemalloc_exporter: {gone.pid}: no such process\n"),
            )

    def test_detach_without_an_agent(self):
        started = self.start("attach_host")
        status, _, err = run("detach", str(started.pid))
        self.assertEqual(status, 0)
        self.assertRegex(err, re.escape("the agent is not running"))


class Lines(AttachCase):
    def test_have_the_format_of_the_log(self):
        started = self.start("attach_host")
        for command, text in (
            ("attach", "loaded the agent; thread"),
            ("attach", "the agent is running already"),
            ("detach", "the agent has ended"),
            ("detach", "the agent is not running"),
        ):
            status, _, err = run("--log.format=json", command, str(started.pid))
            self.assertEqual(status, 0, err)
            record = json.loads(err)
            self.assertEqual(record["level"], "info")
            start = f"{started.pid} (attach_host): {text}"
            self.assertEqual(record["msg"][:len(start)], start)


class Filters(AttachCase):
    def test_a_filter_that_returns_errors_is_accepted(self):
        """As those of container runtimes do."""
        started = self.start(
            "attach_host",
            command=[os.path.join(HOSTS, "seccomp_launcher"), "eperm:capset,setgroups"],
        )
        self.attach(started.pid)
        self.show(started.pid)
        # A child for a probe would copy the page tables of a large process.
        with open(f"/proc/{started.pid}/stat", encoding="utf-8") as stat:
            faults_of_children = stat.read().rpartition(")")[2].split()[8]
        self.assertEqual(faults_of_children, "0")


if __name__ == "__main__":
    require_ptrace()
    unittest.main()
