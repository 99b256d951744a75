"""exec in a terminal, in a container, and with pipes as streams."""

import contextlib
import ctypes
import os
import pty
import select
import signal
import subprocess
import unittest

from programs import EXPORTER, FREE_PORT, temporary_folder
from redis import Redis
from support import CLEAN_ENV, DEADLINE, wait_for

PR_SET_CHILD_SUBREAPER = 36
EXEC = [EXPORTER, "exec", FREE_PORT]
PRINT_SIGNALS = """
import signal, sys
signals = [signal.SIGINT, signal.SIGHUP, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
print('ready', flush=True)
while True:
    received = signal.sigwait(signals)
    if received == signal.SIGHUP: sys.exit(3)
    print(received.name, flush=True)
    if received == signal.SIGTERM: sys.exit(4)
"""


def has_ended(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"


class Case(unittest.TestCase):
    def open_terminal(self, command):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, {**CLEAN_ENV, "PS1": "$ ", "TERM": "dumb"})
        self.addCleanup(self.stop)

    def stop(self):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.terminal)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read_until(self, word):
        text = ""
        while word not in text:
            self.assertTrue(select.select([self.terminal], [], [], DEADLINE)[0], text)
            text += os.read(self.terminal, 100).decode()
        return text

    def report(self):
        return f"--report={temporary_folder(self)}/report.json"


class Terminal(Case):
    """exec as a terminal's first program, as in a container with one."""

    def open_terminals(self):
        for options in ([], [self.report()]):
            self.open_terminal(
                [*EXEC, *options, "--", "/usr/bin/python3", "-c", PRINT_SIGNALS]
            )
            self.read_until("ready\r\n")
            yield

    def status(self):
        wait_for(lambda: has_ended(self.pid), "end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def test_interrupts_the_command_once(self):
        for _ in self.open_terminals():
            self.type("\x03")
            text = self.read_until("SIGINT")
            os.kill(self.pid, signal.SIGTERM)  # Forwarded after a SIGINT.
            text += self.read_until("SIGTERM")
            self.assertEqual(text.count("SIGINT"), 1)
            self.assertEqual(self.status(), 4)

    def test_that_is_closed_ends_the_command(self):
        for _ in self.open_terminals():
            os.close(self.terminal)
            self.assertEqual(self.status(), 3)


class RedisInATerminal(Case):
    """A second SIGINT makes Redis exit without saving."""

    def test_saves_after_ctrl_c(self):
        for options in ([], [self.report()]):
            redis = Redis(save="3600 1")
            self.addCleanup(redis.close)
            self.open_terminal([*EXEC, *options, "--", *redis.command])
            redis.connect()
            redis.execute("SET", "key", "value")
            self.type("\x03")
            self.read_until("bye bye")
            os.waitpid(self.pid, 0)
            with open(f"{redis.folder}/dump.rdb", "rb") as file:
                self.assertIn(b"key\x05value", file.read())


class JobControl(Case):
    def test_stops_and_continues_the_command(self):
        for options in ([], [self.report()]):
            self.open_terminal(["/bin/bash", "--norc", "--noediting", "-i"])
            self.read_until("$ ")
            self.type(" ".join([*EXEC, *options, "-- sh -c 'echo sta''rt; exec cat'\n"]))
            self.read_until("start")
            self.type("\x1a")  # Ctrl-Z.
            self.read_until("Stopped")
            self.read_until("$ ")
            self.type("fg\n")
            self.read_until("cat'")
            self.type("one line\n")
            self.read_until("one line\r\none line")
            self.type("\x04")  # Ctrl-D.
            self.read_until("$ ")
            self.type("echo status=$?\n")
            self.read_until("status=0")

    def test_in_the_background_is_waited_for(self):
        for options in ([], [self.report()]):
            done = subprocess.run(
                ["sh", "-c", '"$@" & wait $!; echo $?', "sh", *EXEC, *options,
                 "--", "sh", "-c", "exit 7"],
                env=CLEAN_ENV,
                capture_output=True,
                timeout=DEADLINE,
                check=True,
            )
            self.assertEqual((done.stdout, done.stderr), (b"7\n", b""))


class Streams(unittest.TestCase):
    def test_end_when_the_command_closes_them(self):
        reader, writer = os.pipe()
        script = f"exec <&- >&- {writer}>&-; exec sleep 600"
        process = subprocess.Popen(
            [*EXEC, "--", "sh", "-c", script],
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


class Subreaper(unittest.TestCase):
    def test_has_no_child_but_its_own(self):
        """The command adopts orphans: prctl(2), which execve(2) keeps."""
        done = subprocess.run(
            [*EXEC, "--", "sh", "-c", "read -r pids </proc/$$/task/$$/children; echo $pids"],
            env=CLEAN_ENV,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0),
        )
        self.assertEqual((done.stdout, done.stderr), ("\n", ""))


class Entrypoint(unittest.TestCase):
    """exec as PID 1 of a container."""

    CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]

    def setUp(self):
        if subprocess.run([*self.CONTAINER, "true"], check=False).returncode:
            self.skipTest("cannot create a pid namespace")

    def test_reaps_orphans_forwards_signals_and_ends_with_the_command(self):
        script = (
            "trap 'echo caught; exit 5' TERM; (sleep 0.1 &); sleep 0.3;"
            " cat /proc/1/comm; grep -hc Z.zombie /proc/[0-9]*/status | sort -u;"
            " kill -TERM 1; sleep 600 & wait"
        )
        done = subprocess.run(
            [*self.CONTAINER, *EXEC, "--", "sh", "-c", script],
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
