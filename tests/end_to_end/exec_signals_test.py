"""exec: signals and messages reach the command as without exec."""

import contextlib
import itertools
import os
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from programs import EXPORTER, FREE_PORT, run, temporary_folder
from redis import Redis
from support import CLEAN_ENV, DEADLINE, children, wait_for

PYTHON = "/usr/bin/python3"


def comm(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().rstrip()


def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


class Signals(unittest.TestCase):
    """Each signal reaches the command once, with and without a parent."""

    PRINT_SIGNALS = (
        "import signal\n"
        "signals = [signal.SIGINT, signal.SIGUSR1, signal.SIGTERM]\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, signals)\n"
        "print('ready', flush=True)\n"
        "while True: print(signal.sigwait(signals).name, flush=True)\n"
    )

    def start(self, *options, command=(PYTHON, "-c", PRINT_SIGNALS)):
        process = subprocess.Popen(
            [EXPORTER, "exec", FREE_PORT, *options, "--", *command],
            env=CLEAN_ENV,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

        def stop():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

        self.addCleanup(stop)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def report(self):
        return f"--report={temporary_folder(self)}/report.json"

    def assert_received(self, process, *names):
        """Up to the marker SIGUSR1, which exec forwards last."""
        process.send_signal(signal.SIGUSR1)
        lines = iter(lambda: process.stdout.readline().strip(), "SIGUSR1")
        self.assertEqual(list(itertools.islice(lines, 10)), list(names))

    def test_to_the_process(self):
        for options in ([], [self.report()]):
            process = self.start(*options)
            process.send_signal(signal.SIGINT)
            self.assert_received(process, "SIGINT")
            process.send_signal(signal.SIGINT)
            self.assert_received(process, "SIGINT")

    def test_to_the_process_group(self):
        for options in ([], [self.report()]):
            process = self.start(*options)
            for _ in range(3):
                os.killpg(process.pid, signal.SIGINT)
                self.assertEqual(process.stdout.readline(), "SIGINT\n")
            self.assert_received(process)

    def test_to_the_process_group_and_then_to_the_process(self):
        process = self.start(self.report())
        os.killpg(process.pid, signal.SIGINT)
        self.assert_received(process, "SIGINT")
        process.send_signal(signal.SIGINT)
        self.assert_received(process, "SIGINT")

    def test_to_the_control_group(self):
        """As systemd does by default, one process after the other."""
        for options in ([], [self.report()]):
            process = self.start(*options)
            for pid in [process.pid, *children(process.pid)]:
                os.kill(pid, signal.SIGTERM)
            self.assertEqual(process.stdout.readline(), "SIGTERM\n")
            self.assert_received(process)

    def test_to_the_process_of_a_command_in_another_group(self):
        program = f"import os; os.setpgid(0, 0)\n{self.PRINT_SIGNALS}"
        process = self.start(self.report(), command=(PYTHON, "-c", program))
        (command, *_) = [
            pid for pid in children(process.pid) if comm(pid) == "python3"
        ]
        self.addCleanup(os.kill, command, signal.SIGKILL)
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(process.stdout.readline(), "SIGINT\n")

    def test_that_stop_it_stop_and_continue_both(self):
        for options in ([], [self.report()]):
            process = subprocess.Popen(
                [EXPORTER, "exec", FREE_PORT, *options, "--", "cat"],
                env=CLEAN_ENV,
                process_group=0,  # The kernel stops no orphaned group.
                stdin=subprocess.PIPE,
            )
            with process:
                wait_for(lambda: comm(self.command(process)) == "cat", "cat")
                command = self.command(process)
                os.killpg(process.pid, signal.SIGTSTP)
                wait_for(lambda: state(command) == "T", "stop of cat")
                wait_for(lambda: state(process.pid) == "T", "stop")
                process.send_signal(signal.SIGCONT)
                wait_for(lambda: state(command) == "S", "continuation")
                process.stdin.close()
            self.assertEqual(process.returncode, 0)

    @staticmethod
    def command(process):
        """With a report, the command is a child."""
        for pid in children(process.pid):
            if comm(pid) == "cat":
                return pid
        return process.pid

    def test_with_a_report_have_the_exit_status_of_a_shell(self):
        status, _, _ = run(
            "exec", FREE_PORT, self.report(), "--", "sh", "-c", "kill -9 $$"
        )
        self.assertEqual(status, 128 + signal.SIGKILL)


class Systemd(unittest.TestCase):
    """What the service manager and the command exchange by pid."""

    def setUp(self):
        self.folder = temporary_folder(self)

    def socket_activated(self, *options):
        path = f"{self.folder}/activated"
        process = subprocess.Popen(
            ["systemd-socket-activate", "-l", path, EXPORTER, "exec", FREE_PORT,
             *options, "--", "sh", "-c", "echo $LISTEN_PID $LISTEN_FDS $$"],
            env=CLEAN_ENV,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with process, socket.socket(socket.AF_UNIX) as client:
            wait_for(lambda: client.connect_ex(path) == 0, "socket")
            listen_pid, fds, pid = process.stdout.read().split()
        os.unlink(path)
        return listen_pid, fds, pid

    def test_sockets_are_for_the_command(self):
        for options in ([], [f"--report={self.folder}/report.json"]):
            listen_pid, fds, pid = self.socket_activated(*options)
            self.assertEqual((listen_pid, fds), (pid, "1"))

    def test_notification_comes_from_the_main_process(self):
        path = f"{self.folder}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            manager.bind(path)
            manager.settimeout(DEADLINE)
            program = (
                "import os, socket\n"
                "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                "s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\n"
            )
            process = subprocess.Popen(
                [EXPORTER, "exec", FREE_PORT, "--", PYTHON, "-c", program],
                env={**CLEAN_ENV, "NOTIFY_SOCKET": path},
            )
            with process:
                data, ancillary, _, _ = manager.recvmsg(100, 100)
            (pid, _, _) = struct.unpack("3i", ancillary[0][2])
            self.assertEqual((data, pid), (b"READY=1", process.pid))


class RedisSaves(unittest.TestCase):
    """Redis takes a second SIGINT for "exit now" and does not save then."""

    def save_after(self, stop, *options):
        redis = Redis(save="3600 1")
        self.addCleanup(redis.close)
        process = subprocess.Popen(
            [EXPORTER, "exec", FREE_PORT, *options, "--", *redis.command],
            env=CLEAN_ENV,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )
        with process:
            redis.connect()
            redis.execute("SET", "key", "value")
            stop(process)
        self.assertEqual(process.returncode, 0)
        with open(f"{redis.folder}/dump.rdb", "rb") as file:
            self.assertIn(b"key\x05value", file.read())

    def test_after_interrupts_of_the_process_group(self):
        for _ in range(4):
            self.save_after(lambda process: os.killpg(process.pid, signal.SIGINT))
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(4):
                self.save_after(
                    lambda process: os.killpg(process.pid, signal.SIGINT),
                    f"--report={folder}/report.json",
                )

    def test_after_sigterm(self):
        self.save_after(lambda process: process.terminate())


if __name__ == "__main__":
    unittest.main()
