"""exec: the command behaves as if nobody were there, and is served."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from programs import CLEAN_ENV, EXPORTER, Exporter, get, run, wait_for

PYTHON = "/usr/bin/python3"
FREE_PORT = "--web.listen-address=127.0.0.1:0"


def run_command(*command, options=(), **more):
    return run("exec", FREE_PORT, *options, "--", *command, **more)


def processes(url):
    """The pids that are served, but for the exporter's own."""
    page = get(url + "/metrics").text
    return {
        int(pid)
        for comm, pid in re.findall(r'jemalloc_up{comm="(.*)",pid="(\d+)"} 1', page)
        if comm != "jemalloc_export"
    }


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def comm(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().rstrip()


def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


class Command(unittest.TestCase):
    def test_has_its_own_output(self):
        self.assertEqual(
            run_command("sh", "-c", "echo out; echo err >&2"), (0, "out\n", "err\n")
        )

    def test_has_its_own_input(self):
        done = subprocess.run(
            [EXPORTER, "exec", FREE_PORT, "--", "cat"],
            input=b"in\0put",
            capture_output=True,
            check=True,
        )
        self.assertEqual((done.stdout, done.stderr), (b"in\0put", b""))

    def test_keeps_its_options(self):
        self.assertEqual(
            run_command("printf", "%s,", "--help", "--", "-x"),
            (0, "--help,--,-x,", ""),
        )

    def test_keeps_its_exit_status(self):
        self.assertEqual(run_command("sh", "-c", "exit 7"), (7, "", ""))

    def test_ends_with_128_and_the_signal_that_killed_it(self):
        self.assertEqual(run_command("sh", "-c", "kill -9 $$")[0], 137)

    def test_that_is_not_found_is_127(self):
        self.assertEqual(
            run_command("nothing-of-that-name"),
            (
                127,
                "",
                "jemalloc_exporter: cannot start nothing-of-that-name: "
                "No such file or directory\n",
            ),
        )

    def test_that_cannot_be_started_is_126(self):
        self.assertEqual(
            run_command("/etc/passwd"),
            (
                126,
                "",
                "jemalloc_exporter: cannot start /etc/passwd: Permission denied\n",
            ),
        )

    def test_is_sent_the_signals(self):
        script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
        process = subprocess.Popen(
            [EXPORTER, "exec", FREE_PORT, "--", "sh", "-c", script],
            env=CLEAN_ENV,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.stdout.read(), "caught\n")
        self.assertEqual(process.returncode, 3)

    def test_is_waited_for_where_the_end_of_children_is_ignored(self):
        done = subprocess.run(
            [
                "sh", "-c", 'trap "" CHLD; exec "$@"', "sh",
                EXPORTER, "exec", FREE_PORT, "--", "sh", "-c", "exit 7",
            ],
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode, 7)

    def test_stops_and_goes_on_together_with_exec(self):
        # In a process group of its own: the kernel stops no orphaned one.
        process = subprocess.Popen(
            [EXPORTER, "exec", FREE_PORT, "--", "cat"],
            env=CLEAN_ENV,
            process_group=0,
            stdin=subprocess.PIPE,
        )
        with process:
            wait_for(lambda: len(children(process.pid)) == 2, "two children")
            command = children(process.pid)[0]
            wait_for(lambda: comm(command) == "cat", "cat")
            os.kill(command, signal.SIGTSTP)  # As Ctrl-Z does.
            wait_for(lambda: state(process.pid) == "T", "stop")
            process.send_signal(signal.SIGCONT)
            wait_for(lambda: state(command) == "S", "going on")
            process.stdin.close()
        self.assertEqual(process.returncode, 0)

    def test_starts_with_the_signals_as_they_were(self):
        def signals(*command):
            out = subprocess.run(
                [*command, "cat", "/proc/self/status"],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            return re.findall(r"Sig(?:Blk|Ign|Cgt):.*", out)

        self.assertEqual(signals(EXPORTER, "exec", FREE_PORT, "--"), signals())


class FailingExporter(unittest.TestCase):
    def test_on_a_busy_port_leaves_the_command_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            status, out, err = run(
                "exec",
                f"--web.listen-address={address}",
                "--",
                "sh",
                "-c",
                "sleep 1; echo done; exit 5",
            )
        self.assertEqual((status, out), (5, "done\n"))
        self.assertEqual(
            err,
            f"jemalloc_exporter: cannot listen on {address}: "
            "Address already in use\n"
            "jemalloc_exporter: sh goes on without being served\n",
        )

    def test_that_is_killed_leaves_the_command_alone(self):
        with Exporter(
            "exec", "--log.level=info", command=["sh", "-c", "read x; exit 5"]
        ) as exporter:
            served = children(exporter.process.pid)[1]
            os.kill(served, signal.SIGKILL)
            wait_for(lambda: not os.path.exists(f"/proc/{served}"), "end")
            self.assertIsNone(exporter.process.poll())

    def test_without_an_agent_says_so_and_runs_the_command(self):
        status, out, err = run_command(
            "echo", "hello", options=["--agent.path=/nowhere/agent.so"]
        )
        self.assertEqual((status, out), (0, "hello\n"))
        self.assertEqual(
            err,
            "jemalloc_exporter: no agent for echo: /nowhere/agent.so: No such "
            "file or directory; its heap will not be seen\n",
        )

    def test_ends_when_it_is_orphaned(self):
        exporter = Exporter("exec", "--log.level=info", command=["sleep", "60"])
        command, served = children(exporter.process.pid)
        exporter.process.kill()
        exporter.process.wait()
        try:
            wait_for(
                lambda: not os.path.exists(f"/proc/{served}")
                or state(served) == "Z",
                "end of the exporter",
            )
        finally:
            os.kill(command, signal.SIGKILL)
            exporter.process.communicate()


class Served(unittest.TestCase):
    WAIT = "import sys; sys.stdin.read()"

    def exporter(self, *command):
        exporter = Exporter(
            "exec",
            "--with-jemalloc",
            "--log.level=info",
            command=[PYTHON, "-c", *command],
        )
        self.addCleanup(exporter.__exit__)
        return exporter

    def test_is_a_program_of_another_malloc_given_jemalloc(self):
        exporter = self.exporter("import time; time.sleep(60)")
        (command, _) = children(exporter.process.pid)
        wait_for(lambda: processes(exporter.url) == {command}, "process")

    def test_is_a_forked_worker_too(self):
        exporter = self.exporter("import os, time; os.fork(); time.sleep(60)")
        (command, _) = children(exporter.process.pid)
        wait_for(lambda: len(processes(exporter.url)) == 2, "two processes")
        (worker,) = children(command)
        self.assertEqual(processes(exporter.url), {command, worker})
        os.kill(worker, signal.SIGKILL)

    def test_is_a_daemon_that_left_its_parent_too(self):
        exporter = self.exporter(
            "import os, time\nif not os.fork(): os.setsid()\n"
            "if os.fork(): time.sleep(60)\ntime.sleep(60)"
        )
        wait_for(lambda: len(processes(exporter.url)) >= 3, "three processes")
        for pid in processes(exporter.url) - {children(exporter.process.pid)[0]}:
            os.kill(pid, signal.SIGKILL)

    def test_is_no_process_of_another_command(self):
        mine = self.exporter("import time; time.sleep(60)")
        other = self.exporter("import time; time.sleep(60)")
        wait_for(lambda: processes(other.url), "process")
        wait_for(lambda: processes(mine.url), "process")
        self.assertFalse(processes(mine.url) & processes(other.url))

    def test_ends_with_the_command(self):
        exporter = self.exporter("import time; time.sleep(1)")
        self.assertEqual(exporter.process.wait(10), 0)
        with self.assertRaises(OSError):
            get(exporter.url + "/metrics")


class Orphans(unittest.TestCase):
    def test_are_reaped(self):
        script = "(sleep 0.1 & echo $!); exec sleep 60"
        with Exporter(
            "exec", "--log.level=info", command=["sh", "-c", script]
        ) as exporter:
            orphan = int(exporter.process.stdout.readline())
            wait_for(lambda: not os.path.exists(f"/proc/{orphan}"), "reaping")


class Hints(unittest.TestCase):
    def test_for_a_static_program(self):
        status, _, err = run_command("/sbin/ldconfig", "--version")
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            "jemalloc_exporter: /sbin/ldconfig is linked statically and takes no "
            "agent; its heap will not be seen\n",
        )

    @unittest.skipIf(os.getuid() != 0, "needs root to make a setuid program")
    def test_for_a_setuid_program(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            program = os.path.join(folder, "true")
            with open("/bin/true", "rb") as file, open(program, "wb") as copy:
                copy.write(file.read())
            os.chown(program, 1, 1)
            os.chmod(program, 0o4755)
            status, _, err = run_command(program)
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            f"jemalloc_exporter: {program} is setuid or setgid and takes no "
            "agent; its heap will not be seen\n",
        )

    def test_for_a_program_without_jemalloc(self):
        status, _, err = run_command("sleep", "6")
        self.assertEqual(status, 0)
        self.assertRegex(err, r"\A\S+ level=warn msg=\"No process of the command")
        self.assertIn("--with-jemalloc", err)


if __name__ == "__main__":
    unittest.main()
