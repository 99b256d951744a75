"""Heap profiles of hostile programs, and of programs that end meanwhile."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from agents import AGENT_ENV, HOSTS, Host, query, wait_for
from alternate_debug_info import refer_to
from profiles import PROFILED, profiled, read_dump, request_profile
from programs import EXPORTER, run


class DebugInformation(unittest.TestCase):
    def test_is_not_read_from_a_file_that_the_program_names(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = os.path.join(folder, "fifo")
            program = os.path.join(folder, "host")
            os.mkfifo(fifo)
            refer_to(os.path.join(HOSTS, "profile_host"), fifo, program)
            with Host(program=program, env=PROFILED) as host:
                host.await_ready()
                host.answer("leak 40000\n")
                # Opened by the command, the FIFO would make it wait for 30 s.
                start = time.monotonic()
                status, out, err = run("profile", f"--pid={host.pid}", "--format=collapsed")
                self.assertEqual((status, err), (0, ""))
                self.assertLess(time.monotonic() - start, 20)
        self.assertRegex(out, r"(?m);main;.*shop::Parse\(int\)")  # By its symbol.


class EndOfTheProgram(unittest.TestCase):
    """The program has 20,000 stacks: a dump takes some tens of milliseconds."""

    def setUp(self):
        env = {**AGENT_ENV, "MALLOC_CONF": "prof:true,lg_prof_sample:0"}
        self.host = Host("20000", program="benchmarks/profiled_host", env=env)
        self.addCleanup(self.host.__exit__)
        self.host.await_ready()

    def test_during_a_dump_is_reported(self):
        command = [EXPORTER, "profile", f"--pid={self.host.pid}", "--format=raw"]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as client:
            self.await_dump()
            os.kill(self.host.pid, signal.SIGKILL)
            _, err = client.communicate(timeout=60)
        self.assertNotEqual(client.returncode, 0)
        self.assertRegex(err, rf"process {self.host.pid} .*ended|no process {self.host.pid}")
        self.assertEqual(err.count("\n"), 1)

    def await_dump(self):
        """Returns when the agent's thread has begun to write: its file is open."""
        deadline = time.monotonic() + 60
        folder = f"/proc/{self.host.pid}/task"
        while time.monotonic() < deadline:
            for thread in os.listdir(folder):
                fds = f"{folder}/{thread}/fd"
                for number in os.listdir(fds):
                    try:
                        if "memfd:jemalloc_profile" in os.readlink(f"{fds}/{number}"):
                            return
                    except FileNotFoundError:
                        continue
        raise AssertionError("no dump has begun")

    def test_leaves_a_profile_that_was_received(self):
        _, (file,) = request_profile(self.host.pid)
        with file:
            os.kill(self.host.pid, signal.SIGKILL)
            self.host.process.wait()
            self.assertTrue(file.read().startswith(b"heap_v2/1\n"))

    def test_is_not_delayed_by_dumps(self):
        done = threading.Event()

        def poll():
            while not done.is_set():
                try:
                    read_dump(self.host.pid)
                except (AssertionError, OSError):
                    return

        client = threading.Thread(target=poll)
        client.start()
        try:
            self.await_dump()
            self.assertEqual(self.host.end(), (0, "", ""))
        finally:
            done.set()
            client.join()


class Agent(unittest.TestCase):
    # jemalloc writes under its locks: a pipe or socket whose reader waits would
    # stop the program.
    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_writes_a_profile_to_a_memory_file_alone(self):
        with profiled() as host:
            host.await_ready()
            host.answer("leak 40000\n")
            read_dump(host.pid)  # jemalloc maps memory for a new thread.
            agent = self.thread_of_agent(host.pid)
            command = ["strace", "-qq", "-y", "-p", agent]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as traced:
                try:
                    wait_for(lambda: self.is_traced(host.pid, agent), "tracer")
                    read_dump(host.pid)
                    query(host.pid)
                finally:
                    traced.terminate()
                    _, text = traced.communicate(timeout=60)
        opened = re.findall(r'(?m)^(?:creat|open|openat)\((?:AT_FDCWD\S*, )?"([^"]*)"', text)
        self.assertEqual(len(opened), 2, text)
        self.assertRegex(opened[0], r"^/proc/thread-self/fd/\d+$")
        self.assertEqual(opened[1], f"/proc/{host.pid}/task/{host.pid}/maps")
        written = re.findall(r"(?m)^write\(\d+<([^>]*)>", text)
        self.assertTrue(written, text)
        for path in written:
            self.assertTrue(path.startswith("/memfd:jemalloc_profile"), text)
        self.assertNotRegex(text, r"(?m)^(pipe2?|socketpair|socket|connect|dup\w*)\(")

    @staticmethod
    def thread_of_agent(pid):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as comm:
                if comm.read().startswith("jemalloc_export"):
                    return thread
        raise AssertionError("no agent")

    @staticmethod
    def is_traced(pid, thread):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as status:
            return re.search(r"(?m)^TracerPid:\t[1-9]", status.read())


class Clients(unittest.TestCase):
    def test_that_read_nothing_delay_no_other(self):
        with profiled() as host:
            host.await_ready()
            host.answer("leak 40000\n")
            idle = [subprocess.Popen(
                ["/usr/bin/python3", "-c",
                 "import socket, sys; s = socket.socket(socket.AF_UNIX);"
                 f"s.connect('\\0jemalloc_exporter_profile/{host.pid}');"
                 "print(flush=True); sys.stdin.read()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
            try:
                for client in idle:
                    client.stdout.readline()
                self.assertTrue(read_dump(host.pid).startswith("heap_v2/"))
                self.assertEqual(host.answer("leak 10\n"), "leak 0")
                # Each memory file is closed by the agent after it was sent.
                self.assertEqual(self.memory_files(host.pid), 0)
            finally:
                for client in idle:
                    client.communicate()

    @staticmethod
    def memory_files(pid):
        count = 0
        for thread in os.listdir(f"/proc/{pid}/task"):
            folder = f"/proc/{pid}/task/{thread}/fd"
            for number in os.listdir(folder):
                count += bool(re.search("memfd:", os.readlink(f"{folder}/{number}")))
        return count


if __name__ == "__main__":
    unittest.main()
