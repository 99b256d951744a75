"""exec between a command and its terminal, whoever else reads and writes its
streams, and a container."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import unittest

from programs import CLEAN_ENV, DEADLINE, EXPORTER, wait_for

EXEC = [EXPORTER, "exec", "--web.listen-address=127.0.0.1:0", "--"]
COUNT_SIGNALS = (
    "trap 'echo INT' INT; trap 'echo HUP; exit 3' HUP; trap 'exit 4' TERM;"
    " echo ready; while :; do sleep 0.1; done"
)


def has_ended(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"


class Terminal(unittest.TestCase):
    """exec as a terminal's first program, as in a container with one."""

    def setUp(self):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(EXPORTER, [*EXEC, "sh", "-c", COUNT_SIGNALS], CLEAN_ENV)
        self.addCleanup(self.stop)
        self.read_until("ready")

    def stop(self):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)

    def read_until(self, word):
        text = ""
        while word not in text:
            self.assertTrue(select.select([self.terminal], [], [], DEADLINE)[0], text)
            text += os.read(self.terminal, 100).decode()
        return text

    def status(self):
        wait_for(lambda: has_ended(self.pid), "end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def test_interrupts_the_command_once(self):
        os.write(self.terminal, b"\x03")
        text = self.read_until("INT")
        os.kill(self.pid, signal.SIGTERM)
        self.assertEqual(self.status(), 4)
        with contextlib.suppress(OSError):  # Nobody has the other end.
            text += os.read(self.terminal, 100).decode()
        self.assertEqual(text.count("INT"), 1)
        os.close(self.terminal)

    def test_that_goes_ends_the_command(self):
        os.close(self.terminal)
        self.assertEqual(self.status(), 3)


class Streams(unittest.TestCase):
    def test_end_when_the_command_closes_them(self):
        reader, writer = os.pipe()
        script = f"exec <&- >&- {writer}>&-; exec sleep 600"
        process = subprocess.Popen(
            [*EXEC, "sh", "-c", script],
            env=CLEAN_ENV,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[writer],
        )
        os.close(writer)
        with process, os.fdopen(reader, "rb") as inherited:
            try:
                for stream in (process.stdout, inherited):
                    self.assertTrue(select.select([stream], [], [], DEADLINE)[0])
                    self.assertEqual(stream.read(), b"")
                with self.assertRaises(BrokenPipeError):
                    os.write(process.stdin.fileno(), b"in")
                self.assertIsNone(process.poll())
            finally:
                process.terminate()


class Entrypoint(unittest.TestCase):
    """exec as a container's first process, whose signals are no others'."""

    CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]

    def setUp(self):
        if subprocess.run([*self.CONTAINER, "true"], check=False).returncode:
            self.skipTest("no pid namespace to be had")

    def test_reaps_passes_signals_on_and_ends_with_the_command(self):
        script = (
            "trap 'echo caught; exit 5' TERM; (sleep 0.1 &); sleep 0.3;"
            " cat /proc/1/comm; grep -hc Z.zombie /proc/[0-9]*/status | sort -u;"
            " kill -TERM 1; sleep 600 & wait"
        )
        done = subprocess.run(
            [*self.CONTAINER, *EXEC, "sh", "-c", script],
            env=CLEAN_ENV,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        self.assertEqual(
            (done.returncode, done.stdout, done.stderr),
            (5, "jemalloc_export\n0\ncaught\n", ""),
        )


if __name__ == "__main__":
    unittest.main()
